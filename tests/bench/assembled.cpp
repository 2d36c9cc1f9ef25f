#include "tests/bench/assembled.h"

#include <algorithm>

namespace mmoe::bench {

std::string Choice::text() const {
  const char* names[] = {"gates joined", "experts joined", "separate"};
  return std::to_string(rows) + " rows, " + names[static_cast<int>(first)] +
         (library_towers ? ", library towers" : "") + (tuning ? ", tuning " + std::to_string(tuning) : "");
}

Layer join(const std::vector<const Layer*>& layers) {
  Layer all;
  all.inputs = layers[0]->inputs;
  for (const Layer* layer : layers) {
    all.outputs += layer->outputs;
    all.weight.insert(all.weight.end(), layer->weight.begin(), layer->weight.end());
    all.bias.insert(all.bias.end(), layer->bias.begin(), layer->bias.end());
  }
  return all;
}

AlignedFloats narrow_weight(const Layer& layer) {
  AlignedFloats weight(layer.inputs * glue::kLanes);
  for (std::size_t i = 0; i < layer.inputs; ++i) {
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      weight.data()[i * glue::kLanes + o] = layer.weight[o * layer.inputs + i];
    }
  }
  return weight;
}

AlignedFloats padded_copy(const std::vector<float>& values) {
  AlignedFloats copy(padded(values.size()));
  std::copy(values.begin(), values.end(), copy.data());
  return copy;
}

}  // namespace mmoe::bench
