# `cmake --install`: the package, relocatable as a whole. `./dev dist` calls it.
include(GNUInstallDirs)
# The layout is the same on every machine: no lib64, no lib/<triplet>.
set(CMAKE_INSTALL_LIBDIR lib)
set(_share share/halogen)

install(FILES ${HALOGEN_ARCHIVE} DESTINATION lib)
install(TARGETS halogen_shared LIBRARY DESTINATION lib)
install(TARGETS halogen-migrate RUNTIME DESTINATION bin)
install(DIRECTORY capi/include/halogen DESTINATION include)
install(FILES third_party/dlpack/dlpack.h DESTINATION include/dlpack)

foreach(_pc halogen halogen-shared)
  configure_file(cmake/package/${_pc}.pc.in ${PROJECT_BINARY_DIR}/package/${_pc}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/${_pc}.pc DESTINATION lib/pkgconfig)
endforeach()

include(CMakePackageConfigHelpers)
set(_compatibility SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(_compatibility SameMinorVersion)
endif()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/halogenConfigVersion.cmake COMPATIBILITY ${_compatibility})
get_target_property(_soname halogen_shared SOVERSION)
configure_file(cmake/package/halogenConfig.cmake.in ${PROJECT_BINARY_DIR}/package/halogenConfig.cmake @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/halogenConfig.cmake ${PROJECT_BINARY_DIR}/package/halogenConfigVersion.cmake
  DESTINATION lib/cmake/halogen)

set(HALOGEN_MANIFEST ${PROJECT_BINARY_DIR}/package/manifest.json)
add_custom_command(OUTPUT ${HALOGEN_MANIFEST}
  COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/manifest.py --output ${HALOGEN_MANIFEST}
    --version ${PROJECT_VERSION} --target ${HALOGEN_TARGET} ${HALOGEN_KERNEL_JSON}
  DEPENDS ${HALOGEN_KERNEL_JSON} ${PROJECT_SOURCE_DIR}/cmake/manifest.py VERBATIM)
add_custom_target(halogen_manifest ALL DEPENDS ${HALOGEN_MANIFEST})
install(FILES ${HALOGEN_MANIFEST} DESTINATION ${_share})

# Ours, and those of what is inside the package: Halide's runtime and dlpack.h.
file(GLOB _licences LICENSE LICENCE third_party/licences/*)
install(FILES ${_licences} DESTINATION ${_share}/licences)

# What an installation needs, and no more: neither tests nor what only they use.
add_custom_target(halogen_package DEPENDS halogen_archive halogen_shared halogen_manifest halogen-migrate)
