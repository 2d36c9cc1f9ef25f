#include "converter/quantise/quantise.h"

#include <algorithm>
#include <cmath>

#include "converter/lowering/grid.h"
#include "converter/model/every_layer.h"
#include "converter/quantise/round.h"
#include "kernels/stored.h"

namespace mmoe::converter {
namespace {

float largest_of(const float* begin, size_t count) {
  float largest = 0;
  for (size_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(begin[i]));
  return largest;
}

// Codes are weight / scale, in float, with the scale of which the weights are multiples already, or largest / 127; an
// output of zeros has the scale 0. A scale that is subnormal has few digits: then the quotient may be beyond 127.
float round_to_codes(float* weights, size_t count, int lowest) {
  const float scale = grid_scale(weights, count, lowest).value_or(largest_of(weights, count) / 127);
  for (size_t i = 0; i < count; ++i) {
    weights[i] = scale == 0 ? 0 : std::clamp(std::nearbyint(weights[i] / scale), static_cast<float>(lowest), 127.0F);
  }
  return scale;
}

void quantise(FusedLayer& layer) {
  Matrix& weight = layer.weight;
  switch (layer.type) {
    case WeightType::kF32: break;
    case WeightType::kF16:
      for (float& value : weight.data) value = kernels::widen(kernels::F16{}, round_to_f16(value));
      break;
    case WeightType::kBF16:
      for (float& value : weight.data) value = kernels::widen(kernels::BF16{}, round_to_bf16(value));
      break;
    case WeightType::kI8:
    case WeightType::kW8A8:
      for (size_t row = 0; row < weight.rows; ++row) {
        const int lowest = layer.type == WeightType::kI8 ? kLowestI8 : kLowestW8A8;
        layer.scales.push_back(round_to_codes(weight.data.data() + row * weight.cols, weight.cols, lowest));
      }
      break;
  }
}

// Also what bf16 rounds up to an infinity.
bool is_beyond(const FusedLayer& layer) {
  const float largest = largest_of(layer.weight.data.data(), layer.weight.data.size());
  return (layer.type == WeightType::kF16 && largest > kLargestF16) ||
         (layer.type == WeightType::kBF16 && round_to_bf16(largest) == 0x7f80);
}

}  // namespace

void choose_types(const NumberOptions& options, TrainedModel& model) {
  for_each_layer(model, [&](DenseLayer& layer) {
    Storage& storage = layer.storage;
    storage.while_exact = storage.coded && !storage.type;
    const WeightType coded = options.weights == WeightType::kW8A8 ? WeightType::kW8A8 : WeightType::kI8;
    storage.type = storage.type.value_or(storage.coded ? coded : options.weights);
  });
  for (Embedding& embedding : model.embeddings) embedding.type = embedding.type.value_or(options.tables);
}

void choose_f32(TrainedModel& model) {
  for_each_layer(model, [](DenseLayer& layer) {
    layer.storage.type = WeightType::kF32;
    layer.storage.while_exact = false;
  });
  for (Embedding& embedding : model.embeddings) embedding.type = TableType::kF32;
}

bool is_f32(const LoweredModel& model) {
  const auto& layers = model.fused_layers;
  const auto& tables = model.description.embeddings;
  return std::all_of(layers.begin(), layers.end(), [](const FusedLayer& l) { return l.type == WeightType::kF32; }) &&
         std::all_of(tables.begin(), tables.end(),
                     [](const Embedding& e) { return e.type.value_or(TableType::kF32) == TableType::kF32; });
}

std::vector<std::string> quantise(LoweredModel& model) {
  std::vector<std::string> notes;
  for (FusedLayer& layer : model.fused_layers) {
    if (layer.type == WeightType::kW8A8 && layer.weight.cols > kernels::kMaxW8A8Inputs) {
      notes.push_back(layer.name + " is stored as i8: it has " + std::to_string(layer.weight.cols) +
                      " inputs, w8a8 at most " + std::to_string(kernels::kMaxW8A8Inputs));
      layer.type = WeightType::kI8;
    }
    if (is_beyond(layer)) {
      notes.push_back(layer.name + " stays in f32: a weight is beyond the range of " +
                      (layer.type == WeightType::kF16 ? "f16, 65504" : "bf16"));
      layer.type = WeightType::kF32;
    }
    quantise(layer);
  }
  return notes;
}

}  // namespace mmoe::converter
