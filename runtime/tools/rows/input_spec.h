// What rows a model takes: the part of a Model that reading rows needs, so that it can be done, and tested,
// without a model file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mmoe/model.h"

namespace mmoe::tools {

struct FeatureSpec {
  std::size_t index = 0;  ///< in the model
  std::string name;
  FeatureKind kind = FeatureKind::kDense;
  std::size_t width = 1;             ///< Dense: raw values
  std::size_t length = 1;            ///< Sparse: 1; Sequence: most elements
  bool string_values = false;        ///< else: the vocabulary holds strings, else integers
  bool refuses_unknown = false;      ///< else
  bool refuses_missing = false;      ///< Dense
  bool hashed = false;               ///< else: every value has an id; integers are values too
  bool number_values = false;        ///< else: a category is a bin of numbers
  std::string source;                ///< column of a table; empty: the name
  std::string weights{};             ///< Sequence: the column of the elements' weights; empty: they have none
  std::vector<std::string> parts{};  ///< Sparse: the columns of a cross; empty: it is none
};

struct InputSpec {
  std::size_t input_dim = 0;
  std::size_t num_model_features = 0;
  std::vector<FeatureSpec> features;  ///< those of the part; empty: rows are x itself

  /// As Model::find_id(), of features[i]; not called for Dense features.
  std::function<std::int32_t(std::size_t feature, std::string_view value)> find_string;
  std::function<std::int32_t(std::size_t feature, std::int64_t value)> find_integer;
  std::function<std::int32_t(std::size_t feature, std::uint64_t value)> find_unsigned;
  /// The id of a cross; nullopt where a value is no whole number and the cross has integers there.
  std::function<std::optional<std::int32_t>(std::size_t feature, const std::vector<std::string_view>& values)>
      find_crossed;
  /// As Model::find_bin().
  std::function<std::int32_t(std::size_t feature, double value)> find_bin;
};

/// The model must stay as long as the result. Throws ToolError when the features' names have more than 16 MiB in all.
/// REQUIRES for a user and for candidates: the model has a user part.
InputSpec input_spec(const Model& model, Part part = Part::kWhole);

}  // namespace mmoe::tools
