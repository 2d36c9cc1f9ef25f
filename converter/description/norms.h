// How a layers object or a gate says which normalisations there are.
#pragma once

#include <string>

#include "converter/description/dense.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// `<key>`, `<key>_tensors`, `<key>_epsilon` and `<key>_position`; `key` is batch_norm or layer_norm.
struct NormFields {
  NormFields(const JsonReader& object, const std::string& key, bool with_position);

  bool given() const { return !module.empty() || every_layer; }

  std::string path;
  std::string module;        ///< pattern; empty: none, or no tensors
  bool every_layer = false;  ///< `true` instead of a pattern: layer norms without scale and shift
  NormForm form;
  double epsilon = 1e-5;
  bool epsilon_given = false;
  bool after_activation = false;
  bool position_given = false;
};

/// `dice` of a layers object: what the activation of that name takes from the weights.
struct DiceFields {
  explicit DiceFields(const JsonReader& layers);

  std::string path;
  std::string alpha;       ///< pattern of the tensors; empty: none
  NormFields norm;         ///< without a module: over the row
  bool deviation = false;  ///< over the row: divided by the deviation
};

}  // namespace mmoe::converter
