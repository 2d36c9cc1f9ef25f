// The keys of a vocabulary: a list in the description, or a file beside it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "converter/model/model.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// Gives the bytes of a file that a description names; throws ConvertError, naming the file, where it cannot.
using OpenFile = std::function<SharedBytes(const std::string& location)>;

/// Where keys may come from beside the description, and what is to be said of them.
struct KeySources {
  OpenFile open;
  std::vector<std::string> notes;
};

/// A list of strings or integers, which may be in {"list": ...}, or {"file": name, "type": "strings" or "integers"}, of
/// which each line is a key.
/// Sets `keys`, `unsigned_keys` and `size`. Notes are about what seldom is meant: text that is not UTF-8, blanks at the
/// ends, a byte order mark. Throws ConvertError, which names the entries or lines, for keys that are there twice.
void read_keys(const JsonReader& field, KeySources& sources, Vocabulary& vocabulary);

}  // namespace mmoe::converter
