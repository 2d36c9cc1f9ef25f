#include <map>
#include <utility>

#include "converter/lowering/fold.h"
#include "converter/lowering/links.h"
#include "converter/lowering/lowered.h"
#include "converter/lowering/project.h"
#include "converter/lowering/reorder.h"
#include "kernels/panel16.h"

namespace mmoe::converter {
namespace {

// A normalisation writes whole panels, which must then be one layer's alone.
bool same_activation(const LoweredDense& a, const LoweredDense& b) {
  return a.activation == b.activation && a.alpha == b.alpha && a.beta == b.beta && a.norm == NormKind::kNone &&
         b.norm == NormKind::kNone;
}

// The rows [first, first + values) of a vector with one entry per row of a fused layer, which may not have one yet.
void put(std::vector<float>& vector, size_t first, const std::vector<float>& values) {
  vector.resize(first);
  vector.insert(vector.end(), values.begin(), values.end());
}

// Collects layers into fused layers.
class LayerFuser {
 public:
  explicit LayerFuser(LoweredModel& model) : model_(model) {}

  size_t start(const std::string& name, size_t inputs) {
    FusedLayer fused_layer;
    fused_layer.name = name;
    fused_layer.weight.cols = inputs;
    model_.fused_layers.push_back(std::move(fused_layer));
    last_ = {};
    return model_.fused_layers.size() - 1;
  }

  // Puts a layer behind the others of the fused layer that was started last. It may share a panel with its
  // predecessor when it has the same activation and neither must be skipped alone.
  LoweredDense add(const DenseLayer& layer, bool skippable) {
    FusedLayer& fused_layer = model_.fused_layers.back();
    LoweredDense dense;
    dense.fused_layer = model_.fused_layers.size() - 1;
    dense.inputs = layer.inputs();
    dense.outputs = layer.outputs();
    const Activation activation = lowered(layer.activation);
    dense.activation = activation.kind;
    dense.alpha = activation.alpha;
    dense.beta = activation.beta;
    const Normalisation norm = normalisation_of(layer);
    dense.norm = norm.kind;
    dense.norm_use = norm.use;
    dense.norm_epsilon = norm.epsilon;
    const bool tight = last_.outputs != 0 && same_activation(last_, dense) && !skippable;
    if (!tight) pad(fused_layer, padded_outputs(fused_layer.weight.rows));
    dense.column = fused_layer.weight.rows;
    fused_layer.weight.rows += layer.outputs();
    fused_layer.weight.data.insert(fused_layer.weight.data.end(), layer.weight.data.begin(), layer.weight.data.end());
    fused_layer.bias.insert(fused_layer.bias.end(), layer.bias.begin(), layer.bias.end());
    fused_layer.bias.resize(fused_layer.weight.rows);
    if (!layer.activation.slopes.empty()) put(fused_layer.slopes, dense.column, layer.activation.slopes);
    if (norm.kind != NormKind::kNone) {
      put(fused_layer.scale, dense.column, norm.scale);
      put(fused_layer.shift, dense.column, norm.shift);
    }
    resize_optional(fused_layer);
    last_ = dense;
    return dense;
  }

  // Layers [first, end) of an MLP, each a fused layer of its own.
  void add_alone(const Mlp& layers, size_t first, LoweredMlp& lowered) {
    for (size_t i = first; i < layers.size(); ++i) {
      start(layers[i].name, layers[i].inputs());
      lowered.push_back(add(layers[i], false));
    }
  }

 private:
  static void pad(FusedLayer& fused_layer, size_t rows) {
    fused_layer.weight.rows = rows;
    fused_layer.weight.data.resize(rows * fused_layer.weight.cols);
    fused_layer.bias.resize(rows);
    resize_optional(fused_layer);
  }

  static void resize_optional(FusedLayer& fused_layer) {
    for (std::vector<float>* vector : {&fused_layer.slopes, &fused_layer.scale, &fused_layer.shift}) {
      if (!vector->empty()) vector->resize(fused_layer.weight.rows);
    }
  }

  LoweredModel& model_;
  LoweredDense last_;  // of the current fused layer
};

// The streams of a level in the order of their first reader, with their readers.
struct Readers {
  std::vector<size_t> experts, gates;
};

std::vector<Readers> group_by_stream(const Level& level) {
  std::map<std::pair<bool, size_t>, size_t> groups;
  std::vector<Readers> readers;
  const auto group = [&](const StreamRef& input) -> Readers& {
    const auto [at, added] = groups.try_emplace({input.model_input, input.index}, readers.size());
    if (added) readers.emplace_back();
    return readers[at->second];
  };
  for (size_t e = 0; e < level.experts.size(); ++e) group(level.experts[e].input).experts.push_back(e);
  for (size_t g = 0; g < level.gates.size(); ++g) {
    if (level.gates[g].logits) group(level.gates[g].input).gates.push_back(g);
  }
  return readers;
}

bool has_top_k(const Level& level) {
  for (const Gate& gate : level.gates) {
    if (gate.top_k != 0 && gate.top_k < gate.experts.size()) return true;
  }
  return false;
}

const DenseLayer& first_layer(const Gate& gate) { return gate.hidden.empty() ? *gate.logits : gate.hidden.front(); }

// First layers of all that reads one stream: experts, then gates.
void lower_first_layers(const Level& level, const Readers& readers, const std::string& name, LayerFuser& fused_layers,
                        LoweredLevel& lowered) {
  const size_t inputs = readers.experts.empty() ? first_layer(level.gates[readers.gates.front()]).inputs()
                                                : level.experts[readers.experts.front()].layers.front().inputs();
  fused_layers.start(name, inputs);
  const bool skippable = has_top_k(level);
  for (const size_t e : readers.experts) {
    lowered.experts[e].layers.push_back(fused_layers.add(level.experts[e].layers.front(), skippable));
  }
  for (const size_t g : readers.gates) {
    const LoweredDense first = fused_layers.add(first_layer(level.gates[g]), false);
    if (level.gates[g].hidden.empty()) {
      lowered.gates[g].logits = first;
    } else {
      lowered.gates[g].hidden.push_back(first);
    }
  }
}

void lower_later_layers(const Level& level, LayerFuser& fused_layers, LoweredLevel& lowered) {
  for (size_t g = 0; g < level.gates.size(); ++g) {
    const Gate& gate = level.gates[g];
    if (!gate.logits || gate.hidden.empty()) continue;
    fused_layers.add_alone(gate.hidden, 1, lowered.gates[g].hidden);
    fused_layers.start(gate.logits->name, gate.logits->inputs());
    lowered.gates[g].logits = fused_layers.add(*gate.logits, false);
  }
  for (size_t e = 0; e < level.experts.size(); ++e) {
    fused_layers.add_alone(level.experts[e].layers, 1, lowered.experts[e].layers);
  }
}

LoweredLevel lower_level(const Level& level, size_t index, LayerFuser& fused_layers) {
  LoweredLevel lowered;
  lowered.experts.resize(level.experts.size());
  lowered.gates.resize(level.gates.size());
  size_t stream = 0;
  for (const Readers& readers : group_by_stream(level)) {
    const std::string name = "level " + std::to_string(index + 1) + ", input " + std::to_string(++stream);
    lower_first_layers(level, readers, name, fused_layers, lowered);
  }
  lower_later_layers(level, fused_layers, lowered);
  return lowered;
}

// Towers that read the same stream share a fused layer for their first layers.
void lower_towers(const std::vector<Tower>& towers, LayerFuser& fused_layers, std::vector<LoweredMlp>& lowered) {
  lowered.resize(towers.size());
  std::map<size_t, std::vector<size_t>> readers;
  for (size_t t = 0; t < towers.size(); ++t) readers[towers[t].input].push_back(t);
  for (const auto& [stream, group] : readers) {
    fused_layers.start("towers, input " + std::to_string(stream + 1), towers[group.front()].layers.front().inputs());
    for (const size_t t : group) lowered[t].push_back(fused_layers.add(towers[t].layers.front(), false));
  }
  for (size_t t = 0; t < towers.size(); ++t) fused_layers.add_alone(towers[t].layers, 1, lowered[t]);
}

void fold_all(TrainedModel& model) {
  fold_batch_norms(model.trunk);
  for (Level& level : model.levels) {
    for (Expert& expert : level.experts) fold_batch_norms(expert.layers);
    for (Gate& gate : level.gates) fold_gate(gate);
  }
  for (Tower& tower : model.towers) fold_batch_norms(tower.layers);
}

}  // namespace

LoweredModel lower(const TrainedModel& description) {
  LoweredModel model;
  model.description = description;
  fold_all(model.description);
  fold_projections(model.description);
  model.feature_columns = put_shared_columns_first(model.description);
  model.shared_dim = shared_dim(model.description);
  LayerFuser fused_layers(model);
  fused_layers.add_alone(model.description.trunk, 0, model.trunk);
  for (size_t i = 0; i < model.description.levels.size(); ++i) {
    model.levels.push_back(lower_level(model.description.levels[i], i, fused_layers));
  }
  lower_towers(model.description.towers, fused_layers, model.towers);
  lower_links(model);
  return model;
}

}  // namespace mmoe::converter
