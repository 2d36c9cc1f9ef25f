#include "runtime/tools/column_map.h"

#include <algorithm>
#include <unordered_map>

#include "runtime/tools/error.h"
#include "runtime/tools/text.h"

namespace mmoe::tools {
namespace {

constexpr std::size_t kMaxNamesShown = 20;

std::vector<std::string> x_names(std::size_t input_dim) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < input_dim; ++i) names.push_back("x" + std::to_string(i));
  return names;
}

std::vector<std::string> column_names(const FeatureSpec& feature) {
  if (feature.width == 1) return {feature.name};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < feature.width; ++i) names.push_back(feature.name + "." + std::to_string(i));
  return names;
}

std::string header_text(const std::vector<std::string>& header) {
  if (header.size() == 1 && header[0].find_first_of(";\t|") != std::string::npos) {
    return "the header is one column, " + quoted(header[0]) + ": columns are separated by commas";
  }
  return "the header has: " + join(header, kMaxNamesShown);
}

bool all_present(const std::vector<std::string>& header, std::vector<std::string> names) {
  std::vector<std::string> sorted = header;
  std::sort(sorted.begin(), sorted.end());
  std::sort(names.begin(), names.end());
  return std::includes(sorted.begin(), sorted.end(), names.begin(), names.end());
}

std::vector<Cell> map_x(const std::string& where, const std::vector<std::string>& header, std::size_t input_dim) {
  const std::vector<std::string> names = x_names(input_dim);
  std::vector<Cell> cells;
  if (all_present(header, names)) {
    const std::vector<std::size_t> columns = find_columns(where, header, names);
    for (std::size_t i = 0; i < input_dim; ++i) cells.push_back({0, i, columns[i]});
  } else if (header.size() == input_dim) {
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
  std::unordered_multimap<std::string, std::size_t> index;
  for (std::size_t i = 0; i < header.size(); ++i) index.emplace(header[i], i);
  std::vector<std::size_t> columns;
  std::vector<std::string> missing;
  for (const std::string& name : names) {
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

std::vector<Cell> map_columns(const std::string& where, const std::vector<std::string>& header,
                              const InputSpec& spec) {
  if (spec.features.empty()) return map_x(where, header, spec.input_dim);
  std::vector<Cell> cells;
  std::vector<std::string> names;
  for (std::size_t slot = 0; slot < spec.features.size(); ++slot) {
    const std::vector<std::string> of_feature = column_names(spec.features[slot]);
    for (std::size_t i = 0; i < of_feature.size(); ++i) cells.push_back({slot, i, 0});
    names.insert(names.end(), of_feature.begin(), of_feature.end());
  }
  const std::vector<std::size_t> columns = find_columns(where, header, names);
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i].column = columns[i];
  return cells;
}

void check_is_header(const std::string& where, const std::vector<std::string>& header) {
  float number = 0;
  bool counts_up = true;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (parse_float(header[i], number) == NumberStatus::kNotANumber) return;
    counts_up = counts_up && header[i] == std::to_string(i);
  }
  if (counts_up) return;
  throw ToolError(where + ": the first line holds only numbers (" + join(header, 5) +
                  "); expected a header line that names the columns");
}

}  // namespace mmoe::tools
