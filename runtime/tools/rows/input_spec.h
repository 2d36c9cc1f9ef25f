// What rows a model takes: the part of a Model that reading rows needs, so that it can be done, and tested,
// without a model file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mmoe/model.h"

namespace mmoe::tools {

struct FeatureSpec {
  std::string name;
  FeatureKind kind = FeatureKind::kDense;
  std::size_t width = 1;         ///< Dense: raw values
  std::size_t length = 1;        ///< Sparse: 1; Sequence: most elements
  bool string_values = false;    ///< else: the vocabulary holds strings, else integers
  bool refuses_unknown = false;  ///< else
  bool refuses_missing = false;  ///< Dense
  std::string source;            ///< column of a table; empty: the name
};

struct InputSpec {
  std::size_t input_dim = 0;
  std::vector<FeatureSpec> features;  ///< empty: rows are x itself
  std::vector<std::size_t> indices;   ///< of the features in the model; empty: they are all of the model's
  std::size_t num_model_features = 0;

  /// As Model::find_id(feature, value); not called for Dense features.
  std::function<std::int32_t(std::size_t feature, std::string_view value)> find_string;
  std::function<std::int32_t(std::size_t feature, std::int64_t value)> find_integer;
};

/// The model must stay as long as the result. Throws ToolError when the features' names have more than 16 MiB in all.
/// REQUIRES for a part: the model tells a user's inputs from a candidate's.
InputSpec input_spec(const Model& model, Part part = Part::kWhole);

}  // namespace mmoe::tools
