# HALOGEN_SANITIZE=address,undefined or thread: instruments the C++ parts. Halide's objects carry no instrumentation; the
# tests guard their tensors with protected pages instead.
if(HALOGEN_SANITIZE)
  add_compile_options(-fsanitize=${HALOGEN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
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
