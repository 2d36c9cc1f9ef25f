#include "converter/check/stored_model.h"

#include <algorithm>

#include "converter/quantise/tables.h"

namespace mmoe::converter {
namespace {

void take(const LoweredModel& lowered, const LoweredDense& from, DenseLayer& layer) {
  const FusedLayer& fused = lowered.fused_layers[from.fused_layer];
  const auto rows = [&](const std::vector<float>& all, size_t width) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(from.column * width);
    return std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(from.outputs * width));
  };
  layer.weight.data = rows(fused.weight.data, fused.weight.cols);
  layer.bias = rows(fused.bias, 1);
  layer.storage = {fused.type, {}, fused.shared_inputs};
  if (!fused.scales.empty()) layer.storage.scales = rows(fused.scales, 1);
}

void take(const LoweredModel& lowered, const LoweredMlp& from, Mlp& layers) {
  for (size_t i = 0; i < layers.size(); ++i) take(lowered, from[i], layers[i]);
}

}  // namespace

TrainedModel stored_model(const LoweredModel& lowered) {
  TrainedModel model = lowered.description;
  take(lowered, lowered.trunk, model.trunk);
  for (size_t n = 0; n < model.nodes.size(); ++n) {
    Mlp& parts = model.nodes[n].attention.parts;
    const auto behind = lowered.nodes[n].begin() + static_cast<std::ptrdiff_t>(parts.size());
    take(lowered, {lowered.nodes[n].begin(), behind}, parts);
    take(lowered, {behind, lowered.nodes[n].end()}, model.nodes[n].layers);
  }
  for (size_t l = 0; l < model.levels.size(); ++l) {
    for (size_t e = 0; e < model.levels[l].experts.size(); ++e) {
      take(lowered, lowered.levels[l].experts[e].layers, model.levels[l].experts[e].layers);
    }
    for (size_t g = 0; g < model.levels[l].gates.size(); ++g) {
      Gate& gate = model.levels[l].gates[g];
      take(lowered, lowered.levels[l].gates[g].hidden, gate.hidden);
      if (gate.logits) take(lowered, lowered.levels[l].gates[g].logits, *gate.logits);
    }
  }
  for (size_t t = 0; t < model.towers.size(); ++t) take(lowered, lowered.towers[t], model.towers[t].layers);
  for (Embedding& embedding : model.embeddings) {
    embedding.table = stored_table(embedding.table, embedding.type.value_or(TableType::kF32), embedding.name);
  }
  return model;
}

Numbers in_columns(const LoweredModel& lowered, const Numbers& x) {
  Numbers columns = x;
  size_t from = 0;
  for (size_t i = 0; i < lowered.feature_columns.size(); ++i) {
    const size_t width = lowered.description.features[i].width;
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(from), width,
                columns.begin() + static_cast<std::ptrdiff_t>(lowered.feature_columns[i]));
    from += width;
  }
  return columns;
}

}  // namespace mmoe::converter
