# Fails unless a kernel of a level with AVX512-BF16 sums by dot products whose second operand is a broadcast word in memory, or if it has
# an instruction of SSE4A:
#   cmake -DOBJDUMP=<objdump> -DKERNEL=<object> -P check_instructions.cmake
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND ${OBJDUMP} -d --no-show-raw-insn ${KERNEL} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "vdpbf16ps[^\n]*{1to16}" dots "${text}")
list(LENGTH dots count)
string(REGEX MATCHALL "vfmadd[0-9]+ps" others "${text}")
list(LENGTH others scalar)
string(REGEX MATCH "(extrq|insertq|movntss|movntsd)[^\n]*" sse4a "${text}")
message(STATUS "${count} dot products, ${scalar} multiply-adds of vectors")
if(count LESS 100 OR scalar GREATER 0 OR sse4a)
  message(FATAL_ERROR "${KERNEL}: expected 100 dot products or more, no multiply-adds and no SSE4A, got: ${sse4a}")
endif()
