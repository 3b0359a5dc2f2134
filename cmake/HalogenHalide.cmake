# Halide's C++ SDK, as the PyPI wheel `halide` carries it. Needed at build time only; nothing of it but a header
# (HalideRuntime.h) and the emitted objects reaches the product.
#
# Halide's own CMake package is not used: it looks for PNG, JPEG and Python, and cannot be loaded in a cross build without
# also finding a compiler for the other machine. Two targets are all that is needed:
#   halogen_halide_runtime    the headers that kernels and runtime/ include
#   halogen_halide_generator  what a generator executable links (not with HALOGEN_HOST_BUILD)

file(GLOB _default_root ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/halide)
set(HALOGEN_HALIDE_ROOT "${_default_root}" CACHE PATH "Halide's SDK: <site-packages>/halide of the wheel halide==21.0.0")
set(HALOGEN_HOST_BUILD "" CACHE PATH "A build of Halogen on this machine whose generators, and where variants agree \
kernels, are used instead of building them again. Required when cross-compiling; makes GPU and sanitizer builds fast.")

if(NOT EXISTS "${HALOGEN_HALIDE_ROOT}/include/HalideRuntime.h")
  message(FATAL_ERROR "Halide's SDK is not at HALOGEN_HALIDE_ROOT='${HALOGEN_HALIDE_ROOT}'.\n"
    "`./dev run` sets up everything. By hand: pip install halide==21.0.0, then pass "
    "-DHALOGEN_HALIDE_ROOT=<site-packages>/halide.")
endif()
file(STRINGS ${HALOGEN_HALIDE_ROOT}/include/HalideRuntime.h _major REGEX "define HALIDE_VERSION_MAJOR")
if(NOT _major MATCHES "MAJOR 21")
  message(FATAL_ERROR "Halide 21 is required; ${HALOGEN_HALIDE_ROOT} says '${_major}'.")
endif()
if(CMAKE_CROSSCOMPILING AND NOT HALOGEN_HOST_BUILD)
  message(FATAL_ERROR "Cross-compiling for ${HALOGEN_TARGET} needs generators that run here: configure and build "
    "x86_64-linux first, then pass -DHALOGEN_HOST_BUILD=<its build folder> (`./dev dist ${HALOGEN_TARGET}` does both).")
endif()

add_library(halogen_halide_runtime INTERFACE)
target_include_directories(halogen_halide_runtime SYSTEM INTERFACE ${HALOGEN_HALIDE_ROOT}/include)

if(NOT HALOGEN_HOST_BUILD)
  add_library(halogen_halide_generator INTERFACE)
  target_link_libraries(halogen_halide_generator INTERFACE halogen_halide_runtime
    # GenGen holds main(); the generators register themselves before it runs.
    -Wl,--whole-archive ${HALOGEN_HALIDE_ROOT}/lib64/libHalide_GenGen.a -Wl,--no-whole-archive
    ${HALOGEN_HALIDE_ROOT}/lib64/libHalide.so ${CMAKE_DL_LIBS})
  target_compile_definitions(halogen_halide_generator INTERFACE HALIDE_ENABLE_RTTI HALIDE_WITH_EXCEPTIONS)
  # A generator runs for seconds and is compiled for seconds: -O1 is the better deal. -Wno-shadow: a dimension has one
  # letter, as a Var of the class and as an Expr in its lambdas.
  target_compile_options(halogen_halide_generator INTERFACE -O1 -g0 -Wno-shadow)
  # Precompiled once for all generators.
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/halide_header.cpp CONTENT "")
  add_library(halogen_halide_header OBJECT ${PROJECT_BINARY_DIR}/halide_header.cpp)
  target_link_libraries(halogen_halide_header PRIVATE halogen_warnings halogen_halide_generator)
  target_precompile_headers(halogen_halide_header PRIVATE <Halide.h>)
endif()
