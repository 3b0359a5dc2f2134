# HALOGEN_SANITIZE=address,undefined or thread: instruments the C++ parts. Halide's objects carry no instrumentation; the
# tests guard their tensors with protected pages instead.
if(HALOGEN_SANITIZE)
  # Not enum: a C caller may put any int into an enum of the ABI, and the library's checks are tested with just that. gcc and clang
  # give such values their plain meaning as long as -fstrict-enums is off.
  add_compile_options(-fsanitize=${HALOGEN_SANITIZE} -fno-sanitize=enum -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${HALOGEN_SANITIZE})
  if(HALOGEN_SANITIZE MATCHES "thread")
    # gcc 12's thread sanitizer refuses address spaces that newer kernels randomise too widely. Containers may forbid to
    # switch that off; then the plain run is the only one to try.
    execute_process(COMMAND setarch -R true RESULT_VARIABLE _refused OUTPUT_QUIET ERROR_QUIET)
    if(_refused EQUAL 0)
      set(CMAKE_TEST_LAUNCHER setarch -R)
    endif()
  endif()
endif()
