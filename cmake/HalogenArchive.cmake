# From objects to libraries. Reads HALOGEN_KERNEL_OBJECTS; defines
#   halogen::halogen         the product: libhalogen.a, every symbol renamed (cmake/archive.py), with the public headers
#   halogen::halogen_shared  libhalogen.so from the same archive; exports exactly the functions marked HALOGEN_API
#   halogen_internal         private headers (runtime/, capi/src/, generated/, HalideRuntime.h) and the flags of our C++
#   halogen_testing          for white-box tests: the same objects before the rename, so that internal C++ functions and
#                            halide_* can be called. A program links either halogen::halogen or halogen_testing, never both.
# In sanitizer builds halogen::halogen is halogen_testing, because the sanitizers bring constructors and symbols of their own.

find_package(Threads REQUIRED)
set(HALOGEN_SYSTEM_LIBRARIES m Threads::Threads ${CMAKE_DL_LIBS})

add_library(halogen_headers INTERFACE)
target_include_directories(halogen_headers INTERFACE ${PROJECT_SOURCE_DIR}/capi/include)
target_include_directories(halogen_headers SYSTEM INTERFACE ${PROJECT_SOURCE_DIR}/third_party)

set(_cuda 0)
set(_opencl 0)
if(HALOGEN_WITH_CUDA)
  set(_cuda 1)
endif()
if(HALOGEN_WITH_OPENCL)
  set(_opencl 1)
endif()
file(CONFIGURE OUTPUT ${HALOGEN_GENERATED_DIR}/halogen_target.h @ONLY CONTENT
"// Generated from cmake/targets/${HALOGEN_TARGET}.cmake.
#pragma once
#define HALOGEN_TARGET_NAME \"${HALOGEN_TARGET}\"
#define HALOGEN_WITH_CUDA @_cuda@
#define HALOGEN_WITH_OPENCL @_opencl@
")

add_library(halogen_internal INTERFACE)
target_link_libraries(halogen_internal INTERFACE halogen_headers halogen_halide_runtime)
target_include_directories(halogen_internal INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/runtime
  ${PROJECT_SOURCE_DIR}/capi/src)
# SYSTEM: Halide's generated headers are not written to our warning level.
target_include_directories(halogen_internal SYSTEM INTERFACE ${HALOGEN_GENERATED_DIR})
add_dependencies(halogen_internal halogen_kernels)

# The C++ of the product needs no C++ library at run time: it links with plain cc.
file(GLOB_RECURSE _sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/runtime/*.cpp ${PROJECT_SOURCE_DIR}/capi/src/*.cpp)
set(_overrides ${PROJECT_SOURCE_DIR}/runtime/halide_overrides.cpp)
list(REMOVE_ITEM _sources ${_overrides})
add_library(halogen_cxx OBJECT ${_sources})
add_library(halogen_overrides OBJECT ${_overrides})
foreach(_target halogen_cxx halogen_overrides)
  target_link_libraries(${_target} PRIVATE halogen_internal halogen_warnings)
  target_compile_options(${_target} PRIVATE
    -fno-exceptions -fno-rtti -fno-threadsafe-statics -ffunction-sections -fdata-sections)
  set_target_properties(${_target} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden)
endforeach()

# Random numbers are the same bits everywhere: no fused multiply-adds where a target has them, no library behind a square root.
file(GLOB _exact CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/capi/src/init/*.cpp)
set_source_files_properties(${_exact} PROPERTIES COMPILE_OPTIONS "-ffp-contract=off;-fno-math-errno")

# Halide's runtime of this target, and the one member that holds it with our overrides.
set(_gengen ${HALOGEN_HALIDE_ROOT}/bin/gengen)
set(_runtime ${PROJECT_BINARY_DIR}/runtime/halide.o)
add_custom_command(OUTPUT ${_runtime}
  COMMAND ${_gengen} -r halide -o ${PROJECT_BINARY_DIR}/runtime -e object target=${HALOGEN_HALIDE_TARGET_runtime}
  COMMENT "Emitting Halide's runtime" VERBATIM)
set(_archive_py ${PROJECT_SOURCE_DIR}/cmake/archive.py)
set(_archive_command ${Python3_EXECUTABLE} ${_archive_py})
set(_tools --ar ${CMAKE_AR} --ld ${CMAKE_LINKER} --nm ${CMAKE_NM} --objcopy ${CMAKE_OBJCOPY})
set(HALOGEN_RUNTIME_OBJECT ${PROJECT_BINARY_DIR}/runtime/runtime.o)
add_custom_command(OUTPUT ${HALOGEN_RUNTIME_OBJECT}
  COMMAND ${_archive_command} runtime ${_tools} --output ${HALOGEN_RUNTIME_OBJECT} --work ${PROJECT_BINARY_DIR}/runtime
    --runtime ${_runtime} --overrides $<TARGET_OBJECTS:halogen_overrides>
  DEPENDS ${_runtime} halogen_overrides $<TARGET_OBJECTS:halogen_overrides> ${_archive_py}
  COMMENT "Linking overrides into Halide's runtime" VERBATIM COMMAND_EXPAND_LISTS)
set_source_files_properties(${HALOGEN_RUNTIME_OBJECT} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)

add_library(halogen_testing STATIC $<TARGET_OBJECTS:halogen_cxx> ${HALOGEN_RUNTIME_OBJECT} ${HALOGEN_KERNEL_OBJECTS})
set_target_properties(halogen_testing PROPERTIES LINKER_LANGUAGE CXX)
target_link_libraries(halogen_testing PUBLIC halogen_internal ${HALOGEN_SYSTEM_LIBRARIES})

if(HALOGEN_SANITIZE)
  add_library(halogen::halogen ALIAS halogen_testing)
  return()
endif()

set(HALOGEN_ARCHIVE ${PROJECT_BINARY_DIR}/libhalogen.a)
add_custom_command(OUTPUT ${HALOGEN_ARCHIVE}
  COMMAND ${_archive_command} archive ${_tools} --output ${HALOGEN_ARCHIVE} --work ${PROJECT_BINARY_DIR}/archive
    --runtime ${HALOGEN_RUNTIME_OBJECT} --kernels ${HALOGEN_KERNEL_OBJECTS} --members $<TARGET_OBJECTS:halogen_cxx>
  DEPENDS ${HALOGEN_RUNTIME_OBJECT} ${HALOGEN_KERNEL_OBJECTS} halogen_cxx $<TARGET_OBJECTS:halogen_cxx> ${_archive_py}
  COMMENT "Archiving libhalogen.a" VERBATIM COMMAND_EXPAND_LISTS)
add_custom_target(halogen_archive ALL DEPENDS ${HALOGEN_ARCHIVE})
add_library(halogen INTERFACE)
add_library(halogen::halogen ALIAS halogen)
add_dependencies(halogen halogen_archive)
target_link_libraries(halogen INTERFACE halogen_headers ${HALOGEN_ARCHIVE} ${HALOGEN_SYSTEM_LIBRARIES})

# The version script is made from the headers: a function is exported when, and only when, it is marked HALOGEN_API.
file(GLOB _headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/capi/include/halogen/*.h)
set(_version_script ${PROJECT_BINARY_DIR}/libhalogen.map)
add_custom_command(OUTPUT ${_version_script}
  COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/version_script.py ${_version_script} ${_headers}
  DEPENDS ${_headers} ${PROJECT_SOURCE_DIR}/cmake/version_script.py VERBATIM)
add_custom_target(halogen_version_script DEPENDS ${_version_script})
# A shared library in CMake wants a source file; everything is in the archive.
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/libhalogen.c CONTENT "typedef int halogen_all_objects_are_in_the_archive;\n")
add_library(halogen_shared SHARED ${PROJECT_BINARY_DIR}/libhalogen.c)
add_library(halogen::halogen_shared ALIAS halogen_shared)
add_dependencies(halogen_shared halogen_archive halogen_version_script)
set_target_properties(halogen_shared PROPERTIES OUTPUT_NAME halogen LINKER_LANGUAGE C VERSION ${PROJECT_VERSION}
  # While the major version is 0, a minor version may change the ABI.
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} LINK_DEPENDS "${HALOGEN_ARCHIVE};${_version_script}")
target_link_options(halogen_shared PRIVATE LINKER:--whole-archive ${HALOGEN_ARCHIVE} LINKER:--no-whole-archive
  LINKER:--version-script=${_version_script} LINKER:-z,defs LINKER:--gc-sections)
target_link_libraries(halogen_shared PUBLIC halogen_headers PRIVATE ${HALOGEN_SYSTEM_LIBRARIES})
