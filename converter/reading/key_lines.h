// The lines of a file of keys.
#pragma once

#include "converter/model/string_list.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

struct KeyLines {
  StringList keys;  ///< in the file's bytes; beside them 8 bytes for each line
  bool had_mark = false;
};

/// Lines end in LF, or all in CRLF as the first one does; the last one may end with the file. A byte order mark of
/// UTF-8 is left out. Throws ConvertError for UTF-16, and for line ends of both kinds; `field` named the file.
KeyLines split_lines(const JsonReader& field, SharedBytes file);

}  // namespace mmoe::converter
