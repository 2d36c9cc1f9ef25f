// A Keras model's own description of itself: config.json of a .keras archive, the attribute model_config of an .h5.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mmoe::converter {

struct KerasLayer {
  std::string name;
  std::string kind;  ///< the class in snake case: "dense", "batch_normalization"
  bool has_scale = true, has_center = true;  ///< of a normalisation
  std::vector<std::string> reads;  ///< names of the layers whose outputs it reads
};

/// The layers of the model's outermost list, in its order. Nothing when `json` is not of that form.
std::vector<KerasLayer> read_keras_config(std::string_view json);

/// "BatchNormalization" -> "batch_normalization", "PReLU" -> "p_re_lu", as Keras derives automatic names from classes.
std::string snake_case(std::string_view class_name);

/// The number that Keras put behind the kind when nobody named the layer ("dense" 0, "dense_3" 3); nothing for a name
/// that is not automatic.
std::optional<size_t> automatic_number(std::string_view name, std::string_view kind);

/// The only layer with a name that somebody gave it which layer `index` leads to, through automatically named ones;
/// empty when there is none or more than one.
std::string named_layer_after(const std::vector<KerasLayer>& layers, size_t index);

}  // namespace mmoe::converter
