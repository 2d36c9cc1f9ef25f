#include "converter/recipes/shape_rules.h"

#include <cmath>

#include "converter/error.h"

namespace mmoe::converter {

using nlohmann::ordered_json;

namespace {

std::optional<uint64_t> dimension(const ordered_json& pattern, bool outputs, const NameIndex& names) {
  const auto found = names.find_all(pattern.get<std::string>());
  if (found.empty()) return std::nullopt;
  const std::vector<uint64_t>& shape = names.shape(found.front().tensor);
  if (shape.empty()) throw ConvertError(names.name(found.front().tensor) + ": a scalar, expected a matrix");
  return outputs ? shape.front() : shape.back();
}

}  // namespace

std::optional<uint64_t> read_shape(const ordered_json& rule, const NameIndex& names) {
  for (const ordered_json& one : rule.is_array() ? rule : ordered_json::array({rule})) {
    const bool outputs = one.contains("outputs_of");
    if (const auto found = dimension(one[outputs ? "outputs_of" : "inputs_of"], outputs, names)) return found;
  }
  return std::nullopt;
}

ordered_json read_number(const ordered_json& rule, const NameIndex& names) {
  if (!rule.is_structured()) return rule;
  const char* const kRoot = "one_over_root_of_outputs_of";
  const bool root = rule.contains(kRoot);
  const auto found = root ? dimension(rule[kRoot], true, names) : read_shape(rule, names);
  if (!found || *found == 0) throw ConvertError("no tensor tells the number " + rule.dump());
  if (rule.contains("over")) {
    const auto divisor = read_shape(rule["over"], names);
    if (!divisor || *divisor == 0) throw ConvertError("no tensor tells the number " + rule["over"].dump());
    return static_cast<double>(*found) / static_cast<double>(*divisor);
  }
  if (!root) return *found;
  return 1 / std::sqrt(static_cast<double>(*found));
}

}  // namespace mmoe::converter
