#include "runtime/tools/support/text_table.h"

#include <algorithm>

namespace mmoe::tools {
namespace {

bool is_number(const std::string& text) { return text.find_first_not_of("0123456789,.-") == std::string::npos; }

}  // namespace

std::size_t display_width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string pad(const std::string& text, std::size_t width, bool right) {
  const std::size_t shown = display_width(text);
  const std::string padding(shown < width ? width - shown : 0, ' ');
  return right ? padding + text : text + padding;
}

std::string TextTable::text(const std::string& indent) const {
  const std::size_t columns = rows_[0].size();
  std::vector<std::size_t> widths(columns);
  std::vector<bool> right(columns, true);
  for (const Cells& row : rows_) {
    for (std::size_t i = 0; i < columns; ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
      if (&row != &rows_[0]) right[i] = right[i] && is_number(row[i]);
    }
  }
  std::string out;
  for (const Cells& row : rows_) {
    std::string line = indent;
    for (std::size_t i = 0; i < columns; ++i) line += (i > 0 ? "  " : "") + pad(row[i], widths[i], right[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace mmoe::tools
