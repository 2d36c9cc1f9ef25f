// The recipes as they are written down: one JSON file per library in libraries/, compiled in.
#pragma once

#include <string_view>
#include <vector>

namespace mmoe::converter {

struct LibraryText {
  std::string_view name;  ///< of the file, without .json
  std::string_view text;
};

/// In alphabetical order. Checked (rules.h) and made at build time (embed.cpp).
const std::vector<LibraryText>& library_texts();

}  // namespace mmoe::converter
