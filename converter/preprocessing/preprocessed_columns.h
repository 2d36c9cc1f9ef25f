// What training's preprocessing makes of raw columns: numbers and categories in steps that a description's features
// have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mmoe::converter {

/// x = (function(clamp(v, lower, upper)) - offset) * factor of a raw number v.
struct NumberSteps {
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
  nlohmann::json function;  ///< as a description has it; null: none
  double offset = 0;
  double factor = 1;

  bool scales() const { return offset != 0 || factor != 1; }
  bool clips() const { return lower != -std::numeric_limits<double>::infinity() || upper != -lower; }
};

/// The ids that an encoder gives the values of a raw column.
struct Categories {
  nlohmann::json vocabulary;        ///< as a description has it: a list of keys, or bins
  std::vector<uint32_t> ids;        ///< of the keys; empty: bins, whose ids are 0, 1, ...
  size_t num_ids = 0;               ///< with that of unknown values
  std::optional<uint32_t> unknown;  ///< none: they are refused
};

/// A number for each id. Columns of one encoder share the ids.
struct CategoryValues {
  std::shared_ptr<const Categories> categories;
  std::map<size_t, double> values;
  double other = 0;  ///< of ids that are not in `values`

  double of(size_t id) const {
    const auto found = values.find(id);
    return found == values.end() ? other : found->second;
  }
};

/// A column of what preprocessing gives: made of one raw column.
struct PreprocessedColumn {
  std::string source;
  nlohmann::json missing;  ///< what replaces a missing raw value; null: nothing does
  std::variant<NumberSteps, CategoryValues> made;

  /// Whether nothing but `missing` has been done to it.
  bool is_raw() const;
};

using PreprocessedColumns = std::vector<PreprocessedColumn>;

/// What becomes of the columns in a description.
struct FeatureForm {
  std::map<std::string, std::string> sides;  ///< of raw columns
  std::string embedding;                     ///< name of the tables, with {column}; empty: there are none
  size_t first_id = 0;                       ///< what is added to codes to get rows of the tables
};

struct MadeFeature {
  std::string source;
  nlohmann::json description;  ///< an entry of `features`
};

/// In the order of the columns: those that one encoder gives side by side are one feature. Throws ConvertError, which
/// begins with `path`, for columns that have no such form.
std::vector<MadeFeature> describe_columns(const PreprocessedColumns& columns, const FeatureForm& form,
                                          const std::string& path);

}  // namespace mmoe::converter
