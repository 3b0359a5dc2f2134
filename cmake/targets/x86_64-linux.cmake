# Target: any x86-64 Linux; one library with kernels for five levels of the instruction set.
#
# A target file is read twice: before project() as the toolchain file (where it may choose compilers), and for the HALOGEN_*
# variables below.
set(HALOGEN_ARCH x86_64)

# Kernel variants, best first: the dispatcher takes the first one that the CPU has.
set(HALOGEN_VARIANTS v4_spr v4_zen4 v4 v3 v2)
set(HALOGEN_HALIDE_TARGET_v2 x86-64-linux-sse41)
set(HALOGEN_HALIDE_TARGET_v3 x86-64-linux-sse41-avx-f16c-fma-avx2)
set(HALOGEN_HALIDE_TARGET_v4 x86-64-linux-sse41-avx-f16c-fma-avx2-avx512-avx512_skylake)
# v4 with AVX512-BF16, Intel's and AMD's apart: for Zen 4 LLVM may choose SSE4A, which is illegal on Intel.
set(HALOGEN_HALIDE_TARGET_v4_spr ${HALOGEN_HALIDE_TARGET_v4}-avx512_cannonlake-avx512_sapphirerapids)
set(HALOGEN_HALIDE_TARGET_v4_zen4 ${HALOGEN_HALIDE_TARGET_v4}-avx512_cannonlake-avx512_zen4)

# Converting 16-bit data takes F16C, or AVX2 to be worth it.
set(HALOGEN_DTYPES_v2 f32 f64)

# Normalisation waits for memory: for float64 data, wider registers than v3's are not worth kernels of their own.
set(HALOGEN_DATA_v4_norm f32 f16 bf16)

# Halide's runtime: the lowest level, as it runs on every CPU of the target.
set(HALOGEN_HALIDE_TARGET_runtime x86-64-linux-sse41)

# A CPU that has the variant and nothing above it, so that no later instruction slips in unnoticed. qemu has no AVX-512:
# for v4 and above there is an emulator of our own, which takes static programs without threads only.
set(HALOGEN_EMULATOR_v2 qemu-x86_64-static -cpu Westmere)
set(HALOGEN_EMULATOR_v3 qemu-x86_64-static -cpu Haswell)
set(HALOGEN_EMULATOR_v4 ${CMAKE_CURRENT_LIST_DIR}/../../.venv/bin/python ${CMAKE_CURRENT_LIST_DIR}/../../tests/emulate.py)
set(HALOGEN_EMULATOR_v4_spr ${HALOGEN_EMULATOR_v4} --cpu sapphire-rapids)
set(HALOGEN_EMULATOR_v4_zen4 ${HALOGEN_EMULATOR_v4} --cpu zen4)
set(HALOGEN_EMULATOR_STATIC v4 v4_spr v4_zen4)
