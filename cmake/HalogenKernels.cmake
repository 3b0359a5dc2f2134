# halogen_generator() and halogen_kernel(): the vocabulary of generators/kernels.cmake, and all that is derived from it.
#
# In the build folder:
#   generators/<generator>.generator        executable (absent with HALOGEN_HOST_BUILD)
#   kernels/<kernel>__<variant>.{o,h,json}  one emitted kernel; json: what it is, its size, the seconds it took
#   generated/kernels_<op>.{h,inc}          Halide's headers, and HALOGEN_KERNEL(kernel, variant, symbol, role, dtype) lines,
#                                           best variant first; role is the kernel's name less op and dtype
#   generated/kernel_table.txt              the rows as they stand, for every target: what docs/parity.md is made from (parity.py)
#   kernels/emitted.txt                     what this build emits, for builds that reuse it

set(HALOGEN_KERNEL_DIR ${PROJECT_BINARY_DIR}/kernels)
set(HALOGEN_GENERATED_DIR ${PROJECT_BINARY_DIR}/generated)
set(_generators_dir ${PROJECT_SOURCE_DIR}/generators)

set(HALOGEN_CHECKED_VARIANTS "" CACHE STRING "Variants whose kernels check their arguments: bounds, strides, alignment")

set(_host_kernels)
if(HALOGEN_HOST_BUILD)
  file(STRINGS ${HALOGEN_HOST_BUILD}/kernels/emitted.txt _host_kernels)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${HALOGEN_HOST_BUILD}/kernels/emitted.txt)
endif()

# halogen_generator(<name> SOURCES <file in generators/>…)
# The executable of a generator registered under <name>.
function(halogen_generator name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES")
  if(HALOGEN_HOST_BUILD)
    add_executable(${name}.generator IMPORTED GLOBAL)
    set_target_properties(${name}.generator PROPERTIES
      IMPORTED_LOCATION ${HALOGEN_HOST_BUILD}/generators/${name}.generator)
    return()
  endif()
  add_executable(${name}.generator)
  foreach(source IN LISTS arg_SOURCES)
    # Halide.h takes seconds to compile: a source that several generators share is compiled once.
    string(MAKE_C_IDENTIFIER "generators/${source}" object)
    if(NOT TARGET ${object})
      add_library(${object} OBJECT ${_generators_dir}/${source})
      target_include_directories(${object} PRIVATE ${_generators_dir})
      target_link_libraries(${object} PRIVATE halogen_warnings halogen_halide_generator)
      target_precompile_headers(${object} REUSE_FROM halogen_halide_header)
    endif()
    target_sources(${name}.generator PRIVATE $<TARGET_OBJECTS:${object}>)
  endforeach()
  target_link_libraries(${name}.generator PRIVATE halogen_halide_generator)
  set_target_properties(${name}.generator PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/generators BUILD_RPATH ${HALOGEN_HALIDE_ROOT}/lib64)
  set_property(GLOBAL APPEND PROPERTY HALOGEN_GENERATORS ${name}.generator)
endfunction()

# halogen_kernel(OP <op> ROLE <role> [LAYOUTS <layout>…] [PATH <path>] DTYPES <dtype>… GENERATOR <generator> [PARAMS <key=value>…]
#                [STREAM <buffer>] VARIANTS <variant>…)
# One row of the table: emits the kernels <op>_<role>_<dtype>[_<layout>][_<path>] for every variant that this build's target has, with
# the generator parameter dtype=<dtype>; a kernel for several layouts has none in its name. A variant has the dtypes that its target
# file lists in HALOGEN_DTYPES_<variant>, or all; rows for data of several dtypes only those of HALOGEN_DATA_<variant>_<op>, if there are
# any: the library takes others from the variant below (runtime/kernel_table.h). STREAM: vector stores to that buffer of the generator are aligned and go around the
# caches (stream_stores.py).
function(halogen_kernel)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "OP;ROLE;PATH;GENERATOR;STREAM" "LAYOUTS;DTYPES;PARAMS;VARIANTS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_OP OR NOT arg_ROLE OR NOT arg_DTYPES OR NOT arg_GENERATOR OR NOT arg_VARIANTS)
    message(FATAL_ERROR "halogen_kernel(${ARGV}): OP, ROLE, DTYPES, GENERATOR or VARIANTS is missing, or a word is unknown")
  endif()
  set_property(GLOBAL APPEND PROPERTY HALOGEN_OPS ${arg_OP})
  set(_path ${arg_PATH})
  set(_layouts ${arg_LAYOUTS})
  foreach(_optional IN ITEMS _path _layouts)
    if(NOT ${_optional})
      set(${_optional} -)
    endif()
  endforeach()
  set(_words ${_layouts} / ${arg_DTYPES} / ${arg_VARIANTS})
  list(JOIN _words "," _words)
  string(REPLACE ",/," " " _words "${_words}")
  set_property(GLOBAL APPEND_STRING PROPERTY HALOGEN_TABLE "${arg_OP} ${arg_ROLE} ${_path} ${_words} ${arg_GENERATOR}\n")
  list(LENGTH arg_LAYOUTS layouts)
  set(suffix ${arg_PATH})
  if(layouts EQUAL 1)
    set(suffix ${arg_LAYOUTS} ${arg_PATH})
  endif()
  list(JOIN suffix _ suffix)
  string(JOIN _ role ${arg_ROLE} ${suffix})
  foreach(dtype IN LISTS arg_DTYPES)
    string(JOIN _ name ${arg_OP} ${arg_ROLE} ${dtype} ${suffix})
    foreach(variant IN LISTS HALOGEN_VARIANTS)
      set(data ${HALOGEN_DATA_${variant}_${arg_OP}})
      if(data AND "f32" IN_LIST arg_DTYPES AND NOT dtype IN_LIST data)
        continue()
      endif()
      if(NOT variant IN_LIST arg_VARIANTS OR (HALOGEN_DTYPES_${variant} AND NOT dtype IN_LIST HALOGEN_DTYPES_${variant}))
        continue()
      endif()
      _halogen_emit(${name}__${variant} ${variant} ${dtype})
      set(symbol halogen_kernel_${name}__${variant})
      set_property(GLOBAL APPEND_STRING PROPERTY HALOGEN_INC_${arg_OP}
        "HALOGEN_KERNEL(${name}, ${variant}, ${symbol}, ${role}, ${dtype})\n")
    endforeach()
  endforeach()
endfunction()

# Adds the command that emits one variant, unless the host build has the very same. Reads halogen_kernel()'s arguments.
function(_halogen_emit kernel variant dtype)
  set(dir ${HALOGEN_KERNEL_DIR})
  set(checked)
  if(variant IN_LIST HALOGEN_CHECKED_VARIANTS)
    set(checked checked=true)
  endif()
  if(kernel IN_LIST _host_kernels AND NOT checked)
    set(dir ${HALOGEN_HOST_BUILD}/kernels)
  else()
    set_property(GLOBAL APPEND PROPERTY HALOGEN_EMITTED ${kernel})
    set(emit object,c_header)
    string(JOIN + layout ${arg_LAYOUTS})
    set(stream)
    if(arg_STREAM)
      set(stream --stream ${arg_STREAM})
    endif()
    set(outputs ${dir}/${kernel}.o ${dir}/${kernel}.h ${dir}/${kernel}.json)
    if(variant STREQUAL "cuda")
      # The PTX inside the object, for ptxas to check.
      string(APPEND emit ",device_code")
      list(APPEND outputs ${dir}/${kernel}.ptx)
    endif()
    add_custom_command(
      OUTPUT ${outputs}
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/emit.py
        --out ${dir} --kernel ${kernel} --emit ${emit} --target ${HALOGEN_HALIDE_TARGET_${variant}}
        --describe name=${name} op=${arg_OP} role=${arg_ROLE} dtype=${dtype} layout=${layout} path=${arg_PATH} variant=${variant}
        --generator $<TARGET_FILE:${arg_GENERATOR}.generator> --name ${arg_GENERATOR} --params dtype=${dtype} ${arg_PARAMS} ${checked} ${stream}
      DEPENDS ${arg_GENERATOR}.generator $<TARGET_FILE:${arg_GENERATOR}.generator> ${PROJECT_SOURCE_DIR}/cmake/emit.py
        ${PROJECT_SOURCE_DIR}/cmake/stream_stores.py
      COMMENT "Emitting ${kernel}"
      VERBATIM)
  endif()
  set_property(GLOBAL APPEND PROPERTY HALOGEN_KERNEL_FILES ${dir}/${kernel})
  set_property(GLOBAL APPEND_STRING PROPERTY HALOGEN_H_${arg_OP} "#include \"${dir}/${kernel}.h\"\n")
  if(variant STREQUAL "cuda")
    set_property(GLOBAL APPEND PROPERTY HALOGEN_PTX ${dir}/${kernel}.ptx)
  endif()
endfunction()

# Call once, after the table. Defines HALOGEN_KERNEL_OBJECTS, HALOGEN_KERNEL_JSON and the targets halogen_kernels (all
# kernels and their generated headers) and halogen_generators.
macro(halogen_finish_kernels)
  get_property(_files GLOBAL PROPERTY HALOGEN_KERNEL_FILES)
  list(TRANSFORM _files APPEND .o OUTPUT_VARIABLE HALOGEN_KERNEL_OBJECTS)
  list(TRANSFORM _files APPEND .json OUTPUT_VARIABLE HALOGEN_KERNEL_JSON)
  get_property(_emitted GLOBAL PROPERTY HALOGEN_EMITTED)
  list(JOIN _emitted "\n" _text)
  file(CONFIGURE OUTPUT ${HALOGEN_KERNEL_DIR}/emitted.txt CONTENT "@_text@\n" @ONLY)

  get_property(_text GLOBAL PROPERTY HALOGEN_TABLE)
  file(CONFIGURE OUTPUT ${HALOGEN_GENERATED_DIR}/kernel_table.txt CONTENT "@_text@" @ONLY)
  add_custom_target(halogen_parity COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/parity.py
    --table ${HALOGEN_GENERATED_DIR}/kernel_table.txt --output ${PROJECT_SOURCE_DIR}/docs/parity.md VERBATIM)

  get_property(_ops GLOBAL PROPERTY HALOGEN_OPS)
  list(REMOVE_DUPLICATES _ops)
  foreach(_op IN LISTS _ops)
    get_property(_text GLOBAL PROPERTY HALOGEN_INC_${_op})
    file(CONFIGURE OUTPUT ${HALOGEN_GENERATED_DIR}/kernels_${_op}.inc CONTENT "@_text@" @ONLY)
    get_property(_text GLOBAL PROPERTY HALOGEN_H_${_op})
    file(CONFIGURE OUTPUT ${HALOGEN_GENERATED_DIR}/kernels_${_op}.h CONTENT "#pragma once\n@_text@" @ONLY)
  endforeach()
  set_source_files_properties(${HALOGEN_KERNEL_OBJECTS} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  add_custom_target(halogen_kernels DEPENDS ${HALOGEN_KERNEL_OBJECTS} ${HALOGEN_KERNEL_JSON})
  get_property(_generators GLOBAL PROPERTY HALOGEN_GENERATORS)
  add_custom_target(halogen_generators DEPENDS ${_generators})
endmacro()
