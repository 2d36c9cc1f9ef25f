# cmake -DOUTPUT=FILE.cpp -P embed.cmake FILE.json...: the files' texts as a table for library.h.
set(entries "")
set(first 0)
foreach(i RANGE ${CMAKE_ARGC})
  if("${CMAKE_ARGV${i}}" MATCHES "\\.json$")
    get_filename_component(name "${CMAKE_ARGV${i}}" NAME_WE)
    file(READ "${CMAKE_ARGV${i}}" text)
    string(APPEND entries "      {\"${name}\", R\"recipe(${text})recipe\"},\n")
  endif()
endforeach()
file(WRITE "${OUTPUT}" "#include \"converter/recipes/library.h\"

namespace mmoe::converter {

const std::vector<LibraryText>& library_texts() {
  static const std::vector<LibraryText> texts = {
${entries}  };
  return texts;
}

}  // namespace mmoe::converter
")
