# mmoe_check_flatbuffers(flatc folders): the code that `flatc` writes is for headers of its own version. Compares its
# version with that of flatbuffers/base.h in the first of `folders` that has it, and stops where they differ. A version
# that cannot be read at configure time is not compared: that of a flatc which is yet to be built, for instance.
function(mmoe_check_flatbuffers flatc folders)
  find_file(base flatbuffers/base.h PATHS ${folders} NO_DEFAULT_PATH NO_CACHE NO_CMAKE_FIND_ROOT_PATH)
  if(NOT base OR NOT EXISTS "${flatc}")
    message(STATUS "mmoe: the versions of flatc (${flatc}) and of the FlatBuffers headers are not compared")
    return()
  endif()
  set(of_headers "")
  foreach(part IN ITEMS MAJOR MINOR REVISION)
    file(STRINGS ${base} line REGEX "^#define FLATBUFFERS_VERSION_${part} +[0-9]+" LIMIT_COUNT 1)
    string(REGEX REPLACE ".* ([0-9]+).*" "\\1" number "${line}")
    list(APPEND of_headers ${number})
  endforeach()
  list(JOIN of_headers . of_headers)
  execute_process(COMMAND ${flatc} --version OUTPUT_VARIABLE of_flatc OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  string(REGEX REPLACE "^flatc version " "" of_flatc "${of_flatc}")
  if(NOT of_flatc STREQUAL of_headers)
    message(FATAL_ERROR
      "mmoe: flatc is version '${of_flatc}' (${flatc}), but the FlatBuffers headers are version '${of_headers}' "
      "(${base}). Code that flatc writes needs headers of the same version. Set MMOE_FLATC and "
      "MMOE_FLATBUFFERS_HEADERS to a matching pair.")
  endif()
endfunction()
