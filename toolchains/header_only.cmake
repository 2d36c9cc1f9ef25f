# mmoe_find_headers(package target directory): `target` is the header-only library of `package`, whose headers
# lie in a directory (or are one file) of that name.
#
# A cross build takes the host's headers, which are the same for every target, through a directory of its own
# that holds one link: all of /usr/include would bring the host's C library too. So does a package that brings
# no file for find_package().
macro(mmoe_find_headers package target directory)
  if(NOT CMAKE_CROSSCOMPILING)
    find_package(${package} QUIET)
  endif()
  if(NOT TARGET ${target})
    find_path(MMOE_${package}_HEADERS ${directory} HINTS /usr/include REQUIRED NO_CMAKE_FIND_ROOT_PATH)
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/third_party/${package})
    file(CREATE_LINK ${MMOE_${package}_HEADERS}/${directory} ${PROJECT_BINARY_DIR}/third_party/${package}/${directory}
         SYMBOLIC)
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    target_include_directories(${target} INTERFACE ${PROJECT_BINARY_DIR}/third_party/${package})
  endif()
endmacro()
