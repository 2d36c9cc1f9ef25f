// Aligned columns of text for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mmoe::tools {

/// Characters that a terminal shows: UTF-8 characters, not bytes.
std::size_t display_width(const std::string& text);

std::string pad(const std::string& text, std::size_t width, bool right);

/// Rows under a header line. A column of numbers (and "-") is set flush right.
class TextTable {
 public:
  using Cells = std::vector<std::string>;

  explicit TextTable(Cells header) : rows_{std::move(header)} {}
  /// REQUIRES: as many cells as the header.
  void add(Cells cells) { rows_.push_back(std::move(cells)); }

  /// Every line begins with `indent`.
  std::string text(const std::string& indent) const;

 private:
  std::vector<Cells> rows_;
};

}  // namespace mmoe::tools
