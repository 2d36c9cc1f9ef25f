// Pieces of HTML and SVG.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mmoe::tools {

/// Text as it can stand anywhere in HTML, quoted attributes included. What is not UTF-8 becomes U+FFFD; what a
/// terminal could not show is escaped as by printable().
std::string escaped(std::string_view text);

/// "0.123", with so many decimals; a minus sign of its own, none before 0; "–" of a NaN; "1.234e+15" of what is long.
std::string fixed(double number, int decimals);
/// The same with a sign before what is not 0.
std::string signed_fixed(double number, int decimals);
/// "12.3 %" of 0.123.
std::string percent(double share);
/// For what may be very small: "0.0123", "1.2e-06".
std::string short_number(double number);

/// A <p> of HTML.
std::string paragraph(const std::string& html, const std::string& classes = "");
/// A figure and what it is of, for a <div class="tiles">.
std::string tile(const std::string& value, const std::string& what);
/// A whole page that needs nothing else: no script, no other file, no network; light or dark as the reader's system is.
/// Both are HTML.
std::string html_page(const std::string& title, const std::string& body);

/// All cells are HTML; the first one of a row heads it.
struct HtmlTable {
  struct Group {
    std::string name;
    std::size_t num_columns;
  };
  std::vector<Group> groups;  ///< a line over the header; empty: none
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::size_t num_texts = 1;  ///< leading columns that are set flush left

  std::string html() const;
};

/// A cell whose shade says how large a share is of `largest`.
std::string shaded(const std::string& html, double share, double largest);
/// A share as text over a bar of that length.
std::string barred(const std::string& html, double share);

/// Appends an SVG element without content: svg_element(out, "rect", {{"x", "1"}}).
void svg_element(std::string& out, std::string_view name,
                 const std::vector<std::pair<std::string_view, std::string>>& attributes);
/// Appends text at (x, y), with the classes given.
void svg_text(std::string& out, double x, double y, std::string_view classes, std::string_view text);
/// A coordinate.
std::string at(double number);

}  // namespace mmoe::tools
