#include "runtime/tools/rows/column_map.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

constexpr std::size_t kMaxNamesShown = 20;

std::vector<std::string> x_names(std::size_t input_dim) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < input_dim; ++i) names.push_back("x" + std::to_string(i));
  return names;
}

const std::string& source_of(const FeatureSpec& feature) {
  return feature.source.empty() ? feature.name : feature.source;
}

std::vector<std::string> numbered(const std::string& name, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(name + "." + std::to_string(i));
  return names;
}

using Names = std::unordered_set<std::string_view>;  // as the header has them, and without blanks

/// How many columns hold an element each of the sequence; 0: it is one column.
std::size_t count_element_columns(const std::string& where, const Names& header, const FeatureSpec& feature,
                                  const std::string& source) {
  if (feature.kind != FeatureKind::kSequence || header.count(source) > 0) return 0;
  std::size_t count = 0;
  while (header.count(source + "." + std::to_string(count)) > 0) ++count;
  if (count > feature.length) {
    throw ToolError(where + ": columns " + quoted(source + ".0") + " to " +
                    quoted(source + "." + std::to_string(count - 1)) + ", but the sequence has at most " +
                    counted(feature.length, "element"));
  }
  return count;
}

std::string header_text(const std::vector<std::string>& header) {
  if (header.size() == 1 && header[0].find_first_of(";\t|") != std::string::npos) {
    return "the header is one column, " + quoted(header[0]) + ": columns are separated by commas";
  }
  return "the header has: " + join(header, kMaxNamesShown);
}

bool has_any(const std::vector<std::string>& header, const std::vector<std::string>& names) {
  const std::unordered_set<std::string_view> wanted(names.begin(), names.end());
  return std::any_of(header.begin(), header.end(),
                     [&](const std::string& name) { return wanted.count(trimmed(name)) > 0; });
}

// The number in a name like that of a column of x: "X3", "x_3", "x[3]", "x.03".
std::optional<std::uint64_t> number_like_x(std::string_view name) {
  name = trimmed(name);
  if (name.empty() || (name[0] != 'x' && name[0] != 'X')) return std::nullopt;
  name.remove_prefix(1);
  if (!name.empty() && std::string_view("_-. [(").find(name[0]) != std::string_view::npos) name.remove_prefix(1);
  if (!name.empty() && (name.back() == ']' || name.back() == ')')) name.remove_suffix(1);
  std::uint64_t number = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data(), end, number);
  return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

// Columns by position: their names must not say that they stand elsewhere.
void check_places(const std::string& where, const std::vector<std::string>& header) {
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::optional<std::uint64_t> number = number_like_x(header[i]);
    if (!number || *number == i) continue;
    throw ToolError(where + ": column " + std::to_string(i) + " (counted from 0) is called " + quoted(header[i]) +
                    ", which is like a name of another place of x; call the columns x0, x1, …; " + header_text(header));
  }
}

std::vector<Cell> map_x(const std::string& where, const std::vector<std::string>& header, std::size_t input_dim) {
  const std::vector<std::string> names = x_names(input_dim);
  std::vector<Cell> cells;
  if (has_any(header, names)) {
    const std::vector<std::size_t> columns = find_columns(where, header, names);
    for (std::size_t i = 0; i < input_dim; ++i) cells.push_back({0, i, columns[i]});
  } else if (header.size() == input_dim) {
    check_places(where, header);
    for (std::size_t i = 0; i < input_dim; ++i) cells.push_back({0, i, i});
  } else {
    throw ToolError(where + ": " + counted(header.size(), "column") + "; expected the " + std::to_string(input_dim) +
                    " of x in order, or columns named x0 … " + names.back() + "; " + header_text(header));
  }
  return cells;
}

}  // namespace

std::vector<std::size_t> find_columns(const std::string& where, const std::vector<std::string>& header,
                                      const std::vector<std::string>& names) {
  std::unordered_multimap<std::string_view, std::size_t> whole, without_blanks;
  for (std::size_t i = 0; i < header.size(); ++i) {
    whole.emplace(header[i], i);
    without_blanks.emplace(trimmed(header[i]), i);
  }
  std::vector<std::size_t> columns;
  std::vector<std::string> missing;
  for (const std::string& name : names) {
    const auto& index = whole.count(name) > 0 ? whole : without_blanks;
    const auto found = index.find(name);
    if (found == index.end()) {
      missing.push_back(quoted(name));
    } else if (index.count(name) > 1) {
      throw ToolError(where + ": column " + quoted(name) + " is there " + std::to_string(index.count(name)) + " times");
    } else {
      columns.push_back(found->second);
    }
  }
  if (missing.empty()) return columns;
  throw ToolError(where + (missing.size() == 1 ? ": no column " : ": no columns ") + join(missing, kMaxNamesShown) +
                  "; " + header_text(header));
}

std::vector<Cell> map_columns(const std::string& where, const std::vector<std::string>& header, const InputSpec& spec) {
  if (spec.features.empty()) return map_x(where, header, spec.input_dim);
  std::vector<Cell> cells;
  std::vector<std::string> names;
  Names in_header;
  for (const std::string& name : header) in_header.insert({name, trimmed(name)});
  for (std::size_t slot = 0; slot < spec.features.size(); ++slot) {
    const FeatureSpec& feature = spec.features[slot];
    const std::size_t elements = count_element_columns(where, in_header, feature, source_of(feature));
    const std::vector<std::string> of_feature = !feature.parts.empty() ? feature.parts
                                                : elements > 0         ? numbered(source_of(feature), elements)
                                                : feature.width > 1    ? numbered(source_of(feature), feature.width)
                                                                       : std::vector<std::string>{source_of(feature)};
    for (std::size_t i = 0; i < of_feature.size(); ++i) cells.push_back({slot, i, 0, elements > 0});
    names.insert(names.end(), of_feature.begin(), of_feature.end());
    if (feature.weights.empty()) continue;
    const std::size_t weights = count_element_columns(where, in_header, feature, feature.weights);
    const std::vector<std::string> of_weights =
        weights > 0 ? numbered(feature.weights, weights) : std::vector<std::string>{feature.weights};
    for (std::size_t i = 0; i < of_weights.size(); ++i) cells.push_back({slot, i, 0, weights > 0, true});
    names.insert(names.end(), of_weights.begin(), of_weights.end());
  }
  const std::vector<std::size_t> columns = find_columns(where, header, names);
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i].column = columns[i];
  return cells;
}

void check_is_header(const std::string& where, const std::vector<std::string>& header) {
  float number = 0;
  bool counts_up = true;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (parse_float(trimmed(header[i]), number) == NumberStatus::kNotANumber) return;
    counts_up = counts_up && trimmed(header[i]) == std::to_string(i);
  }
  if (counts_up) return;
  throw ToolError(where + ": the first line holds only numbers (" + join(header, 5) +
                  "); expected a header line that names the columns");
}

}  // namespace mmoe::tools
