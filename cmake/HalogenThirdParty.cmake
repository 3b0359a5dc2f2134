# Header-only libraries of the tests and tools, from Debian packages; never in the product.
#   halogen_doctest, halogen_json
# Their headers are reached through a folder of links: /usr/include itself must not be searched when cross-compiling.
function(_halogen_header_only target header package)
  find_path(${target}_DIR ${header} PATHS /usr/include NO_CMAKE_FIND_ROOT_PATH)
  if(NOT ${target}_DIR)
    message(FATAL_ERROR "<${header}> is missing: apt-get install ${package}")
  endif()
  cmake_path(GET header PARENT_PATH folder)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/third_party)
  file(CREATE_LINK ${${target}_DIR}/${folder} ${PROJECT_BINARY_DIR}/third_party/${folder} SYMBOLIC)
  add_library(${target} INTERFACE)
  target_include_directories(${target} SYSTEM INTERFACE ${PROJECT_BINARY_DIR}/third_party)
endfunction()
_halogen_header_only(halogen_doctest doctest/doctest.h doctest-dev)
_halogen_header_only(halogen_json nlohmann/json.hpp nlohmann-json3-dev)
