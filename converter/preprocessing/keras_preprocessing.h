// Keras's preprocessing layers, which a feature may name in the place of a vocabulary, a scale or a table.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "converter/reading/json_reader.h"
#include "converter/reading/tensor_index.h"

namespace mmoe::converter {

/// The feature with what the file says of each layer that {"keras_layer": name} names as `vocabulary`, `scale` or
/// `embedding`; none: it names no layer. Marks the layer's tensors as used. Throws ConvertError for a layer that the
/// file does not describe, and for parameters that features do not have.
std::optional<nlohmann::json> resolve_keras_layers(const JsonReader& feature, TensorIndex& tensors);

}  // namespace mmoe::converter
