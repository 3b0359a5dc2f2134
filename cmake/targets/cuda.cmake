# Target: the x86-64 library plus GPU kernels as PTX. Needs no CUDA toolkit to build and loads libcuda.so.1 at first use.
include(${CMAKE_CURRENT_LIST_DIR}/x86_64-linux.cmake)

# Capability 75 is the lowest that ptxas 13 assembles; newer devices take the same PTX. The host part of a GPU kernel only
# launches, so it is compiled for the lowest CPU.
list(PREPEND HALOGEN_VARIANTS cuda)
set(HALOGEN_HALIDE_TARGET_cuda x86-64-linux-sse41-cuda-cuda_capability_75)
set(HALOGEN_HALIDE_TARGET_runtime x86-64-linux-sse41-cuda)
set(HALOGEN_WITH_CUDA ON)
