// The inside of LayersFields, which binds linear layers (layers.cpp) and what stands between them (layers_between.cpp).
#pragma once

#include <string>
#include <vector>

#include "converter/description/layers.h"
#include "converter/description/stated.h"

namespace mmoe::converter {

/// The layers as far as they are known, and where each came from.
struct LayersFields::Bound {
  TensorIndex& tensors;
  Mlp mlp;
  std::vector<size_t> numbers;         ///< of each layer in its tensors' names
  std::string input_norm;              ///< module of the norm of the first layer's inputs; empty: none
  std::vector<NormNames> norms;        ///< of each layer, where the file says which layers they are
  std::vector<NumberedTensor> others;  ///< tensors of the layers' pattern that are no matrix
};

inline std::string full_name(const std::string& pattern, const PlaceholderValues& values, const std::string& path) {
  return Pattern(pattern, path).with(values).text();
}

inline std::string optional_string(const JsonReader& object, const std::string& key) {
  const auto field = object.find(key);
  return field ? field->string() : "";
}

}  // namespace mmoe::converter
