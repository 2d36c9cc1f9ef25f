// Characters of UTF-8, by RFC 3629: no overlong forms, no surrogates.
#pragma once

#include <cstddef>
#include <string_view>

namespace mmoe::tools {

constexpr char32_t kNoCharacter = 0xffffffff;

struct Character {
  char32_t code = kNoCharacter;  ///< kNoCharacter: one byte that is not UTF-8
  std::size_t bytes = 1;
};

/// The first one. REQUIRES: the text is not empty.
Character first_character(std::string_view text);

/// Whether there is a byte that continues a character.
inline bool continues_character(std::string_view text, std::size_t at) {
  return at < text.size() && (text[at] & 0xc0) == 0x80;
}

/// Whether all of the text is characters.
bool is_utf8(std::string_view text);

}  // namespace mmoe::tools
