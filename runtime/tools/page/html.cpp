#include "runtime/tools/page/html.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "runtime/tools/page/page_style.h"
#include "runtime/tools/support/printable.h"

namespace mmoe::tools {
namespace {

// By way of JSON, whose writer replaces what is not UTF-8.
std::string valid_utf8(std::string_view text) {
  using nlohmann::json;
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

constexpr double kLong = 1e15;  // from here on digits before the point would not be read, nor all fit print()

bool is_long(double number) { return std::fabs(number) >= kLong; }

std::string print(const char* format, double number, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, format, decimals, number);
  return text;
}

std::string with_minus(std::string text) {
  if (text.find_first_not_of("-+0.") == std::string::npos) text.erase(0, text.find_first_not_of("-+"));
  return text[0] == '-' ? "−" + text.substr(1) : text;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(valid_utf8(text))) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string fixed(double number, int decimals) {
  return std::isnan(number) ? "–" : with_minus(print(is_long(number) ? "%.*e" : "%.*f", number, decimals));
}

std::string signed_fixed(double number, int decimals) {
  return std::isnan(number) ? "–" : with_minus(print(is_long(number) ? "%+.*e" : "%+.*f", number, decimals));
}

std::string percent(double share) { return fixed(100 * share, 1) + " %"; }

std::string short_number(double number) {
  if (number == 0) return "0";
  return std::fabs(number) < 1e-4 ? with_minus(print("%.*e", number, 1)) : fixed(number, 4);
}

std::string paragraph(const std::string& html, const std::string& classes) {
  return "<p" + (classes.empty() ? "" : " class=\"" + classes + "\"") + ">" + html + "</p>\n";
}

std::string tile(const std::string& value, const std::string& what) {
  return "<div><b>" + value + "</b><span>" + what + "</span></div>\n";
}

std::string html_page(const std::string& title, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         title + "</title>\n<style>" + kPageStyle + "</style></head>\n<body>\n" + body + "</body></html>\n";
}

std::string HtmlTable::html() const {
  std::string out = "<div class=\"wide\"><table><thead>";
  if (!groups.empty()) out += "<tr>";
  for (const Group& group : groups) {
    out += "<th class=\"group\" scope=\"colgroup\" colspan=\"" + std::to_string(group.num_columns) + "\">" +
           group.name + "</th>";
  }
  out += groups.empty() ? "<tr>" : "</tr>\n<tr>";
  for (std::size_t i = 0; i < header.size(); ++i) {
    out += (i < num_texts ? "<th class=\"text\" scope=\"col\">" : "<th scope=\"col\">") + header[i] + "</th>";
  }
  out += "</tr></thead><tbody>\n";
  for (const std::vector<std::string>& row : rows) {
    out += "<tr><th scope=\"row\">" + row[0] + "</th>";
    for (std::size_t i = 1; i < row.size(); ++i) {
      out += (i < num_texts ? "<td class=\"text\">" : "<td>") + row[i] + "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string shaded(const std::string& html, double share, double largest) {
  const double shade = largest > 0 ? std::min(1.0, share / largest) : 0;
  return "<span class=\"shade\" style=\"--s:" + at(shade) + "\">" + html + "</span>";
}

std::string barred(const std::string& html, double share) {
  return "<span class=\"bar\" style=\"--w:" + at(100 * std::clamp(share, 0.0, 1.0)) + "%\">" + html + "</span>";
}

void svg_element(std::string& out, std::string_view name,
                 const std::vector<std::pair<std::string_view, std::string>>& attributes) {
  out.append("<").append(name);
  for (const auto& [key, value] : attributes) out.append(" ").append(key).append("=\"").append(value).append("\"");
  out += "/>\n";
}

void svg_text(std::string& out, double x, double y, std::string_view classes, std::string_view text) {
  out += "<text x=\"" + at(x) + "\" y=\"" + at(y) + "\" class=\"";
  out.append(classes).append("\">").append(escaped(text)).append("</text>\n");
}

std::string at(double number) {
  std::string text = print("%.*f", number, 2);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

}  // namespace mmoe::tools
