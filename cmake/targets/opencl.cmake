# Target: the x86-64 library plus GPU kernels as OpenCL C. The driver compiles them and is loaded at first use.
include(${CMAKE_CURRENT_LIST_DIR}/x86_64-linux.cmake)

# cl_doubles: block statistics are merged in f64. The host part of a GPU kernel only launches, so it is compiled for the
# lowest CPU.
list(PREPEND HALOGEN_VARIANTS opencl)
set(HALOGEN_HALIDE_TARGET_opencl x86-64-linux-sse41-opencl-cl_doubles)
set(HALOGEN_HALIDE_TARGET_runtime x86-64-linux-sse41-opencl)
set(HALOGEN_WITH_OPENCL ON)
