// Text that others wrote (names in model and weight files, cells of tables) as a terminal may show it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mmoe::tools {

/// The text with escapes in the place of what would drive a terminal, break the line, hide, or reorder what stands
/// beside it. As \xNN: control characters of ASCII, and the bytes of what is not UTF-8. As \uNNNN or \UNNNNNNNN: the
/// other control characters (U+0080 to U+009F), bidirectional controls, characters of no width, line separators, tags
/// and private use. The result is UTF-8. A backslash stays as it is, so that text which is printable already is left
/// alone.
std::string printable(std::string_view text);

/// The same in single quotes, cut behind `max_bytes` bytes at a whole character, with "…" where it is.
std::string printable_in_quotes(std::string_view text, std::size_t max_bytes);

/// JSON text (UTF-8) with \uNNNN in the place of the same characters. It means the same: within JSON they stand in
/// strings alone.
std::string printable_json(std::string_view json);

}  // namespace mmoe::tools
