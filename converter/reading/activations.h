// The activation fields of a layers object.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "converter/model/model.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// What a description may call an activation. Several names may be of one kind.
std::vector<std::string> activation_names();
/// All kinds of a description, each once.
std::vector<ActivationKind> activation_kinds();

/// As the description writes it, for messages: `leaky_relu (0.3, 0)`, its two numbers behind it.
std::string activation_text(const Activation& activation);

/// A name, or {"kind": ..., "alpha": ...}.
Activation read_activation(const JsonReader& field);

/// `activation` and `last_activation`, which wait for the number of layers.
class ActivationFields {
 public:
  /// `linear_end`: without `last_activation` the last layer has none (towers).
  ActivationFields(const JsonReader& layers, bool linear_end);

  /// One per layer; the last one is `output`, if there is one. `stated`: what the weights file says of each layer,
  /// which holds where the description says nothing. Throws when neither says one.
  std::vector<Activation> for_layers(const std::vector<std::optional<Activation>>& stated, bool has_output) const;

 private:
  const Activation& of_layer(size_t layer, const std::optional<Activation>& stated) const;

  std::string path_;
  bool linear_end_ = false;
  bool is_list_ = false;
  std::vector<Activation> activations_;  // one, or one per layer
  std::optional<Activation> last_;
};

}  // namespace mmoe::converter
