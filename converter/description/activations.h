// The activation fields of a layers object.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "converter/description/json_reader.h"
#include "converter/description/model.h"

namespace mmoe::converter {

/// A name, or {"kind": ..., "alpha": ...}.
Activation read_activation(const JsonReader& field);

/// `activation` and `last_activation`, which wait for the number of layers.
class ActivationFields {
 public:
  /// `linear_end`: without `last_activation` the last layer has none (towers).
  ActivationFields(const JsonReader& layers, bool linear_end);

  /// One per layer of `num_layers`, then that of `output` if there is one. Throws when one is not said.
  std::vector<Activation> for_layers(size_t num_layers, bool has_output) const;

 private:
  const Activation& of_layer(size_t layer) const;

  std::string path_;
  bool linear_end_ = false;
  bool is_list_ = false;
  std::vector<Activation> activations_;  // one, or one per layer
  std::optional<Activation> last_;
};

}  // namespace mmoe::converter
