# Target: AArch64 Linux, cross-compiled whole with Debian's g++-aarch64-linux-gnu; its programs run under qemu.
# On an AArch64 machine the native compiler is taken instead; Halide's compiler itself is needed for the generators either
# way (see HALOGEN_HOST_BUILD in cmake/HalogenHalide.cmake).
set(HALOGEN_ARCH aarch64)
set(HALOGEN_VARIANTS neon)
set(HALOGEN_HALIDE_TARGET_neon arm-64-linux)
set(HALOGEN_HALIDE_TARGET_runtime arm-64-linux)

if(NOT CMAKE_HOST_SYSTEM_PROCESSOR STREQUAL "aarch64")
  set(CMAKE_SYSTEM_NAME Linux)
  set(CMAKE_SYSTEM_PROCESSOR aarch64)
  set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
  set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
  set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L /usr/aarch64-linux-gnu)
endif()
