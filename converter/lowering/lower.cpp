#include <map>
#include <set>
#include <utility>

#include "converter/error.h"
#include "converter/lowering/attention.h"
#include "converter/lowering/fold.h"
#include "converter/lowering/grid.h"
#include "converter/lowering/links.h"
#include "converter/lowering/lowered.h"
#include "converter/lowering/project.h"
#include "converter/lowering/readers.h"
#include "converter/lowering/reorder.h"
#include "converter/model/every_layer.h"
#include "converter/model/limits.h"
#include "kernels/panel16.h"

namespace mmoe::converter {
namespace {

WeightType type_of(const DenseLayer& layer) { return layer.storage.type.value_or(WeightType::kF32); }

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

  // `layer`: the first of them.
  void start(const std::string& name, const DenseLayer& layer, size_t shared_inputs) {
    FusedLayer fused_layer;
    fused_layer.name = name;
    fused_layer.type = type_of(layer);
    fused_layer.shared_inputs = shared_inputs;
    fused_layer.weight.cols = layer.inputs();
    model_.fused_layers.push_back(std::move(fused_layer));
    last_ = {};
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
  void add_alone(const Mlp& layers, size_t first, LoweredMlp& lowered, size_t shared_inputs = 0) {
    for (size_t i = first; i < layers.size(); ++i) {
      start(layers[i].name, layers[i], i == 0 ? shared_inputs : 0);
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
  StreamRef input;
  std::vector<size_t> experts, gates;
};

std::vector<Readers> group_by_stream(const Level& level) {
  std::map<StreamRef, size_t> groups;
  std::vector<Readers> readers;
  const auto group = [&](const StreamRef& input) -> Readers& {
    const auto [at, added] = groups.try_emplace(input, readers.size());
    if (added) readers.push_back({input, {}, {}});
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

// A first layer that reads a stream, and where its lowered form goes.
struct FirstLayer {
  const DenseLayer* layer;
  bool skippable;
  LoweredMlp* mlp;
  LoweredDense* logits;  // in place of mlp
};

// First layers of all that reads one stream: those of one type side by side.
void fuse_by_type(const std::vector<FirstLayer>& layers, const std::string& name, size_t shared_inputs,
                  LayerFuser& fuser) {
  std::vector<bool> done(layers.size());
  size_t num_types = 0;
  for (size_t first = 0; first < layers.size(); ++first) {
    if (done[first]) continue;
    const WeightType type = type_of(*layers[first].layer);
    const std::string suffix = num_types++ == 0 ? "" : ", part " + std::to_string(num_types);
    fuser.start(name + suffix, *layers[first].layer, shared_inputs);
    for (size_t i = first; i < layers.size(); ++i) {
      if (done[i] || type_of(*layers[i].layer) != type) continue;
      done[i] = true;
      const LoweredDense lowered = fuser.add(*layers[i].layer, layers[i].skippable);
      if (layers[i].logits != nullptr) {
        *layers[i].logits = lowered;
      } else {
        layers[i].mlp->push_back(lowered);
      }
    }
  }
}

// Experts, then gates.
std::vector<FirstLayer> first_layers(const Level& level, const Readers& readers, LoweredLevel& lowered) {
  std::vector<FirstLayer> layers;
  const bool skippable = has_top_k(level);
  for (const size_t e : readers.experts) {
    layers.push_back({&level.experts[e].layers.front(), skippable, &lowered.experts[e].layers, nullptr});
  }
  for (const size_t g : readers.gates) {
    LoweredGate& gate = lowered.gates[g];
    const bool alone = level.gates[g].hidden.empty();
    layers.push_back({&first_layer(level.gates[g]), false, &gate.hidden, alone ? &gate.logits : nullptr});
  }
  return layers;
}

void lower_later_layers(const Level& level, LayerFuser& fused_layers, LoweredLevel& lowered) {
  for (size_t g = 0; g < level.gates.size(); ++g) {
    const Gate& gate = level.gates[g];
    if (!gate.logits || gate.hidden.empty()) continue;
    fused_layers.add_alone(gate.hidden, 1, lowered.gates[g].hidden);
    fused_layers.start(gate.logits->name, *gate.logits, 0);
    lowered.gates[g].logits = fused_layers.add(*gate.logits, false);
  }
  for (size_t e = 0; e < level.experts.size(); ++e) {
    fused_layers.add_alone(level.experts[e].layers, 1, lowered.experts[e].layers);
  }
}

// `previous_is_x`: the level is the first, without a trunk. `shared_dim`: of x.
LoweredLevel lower_level(const Level& level, size_t index, bool previous_is_x, size_t shared_dim,
                         LayerFuser& fused_layers) {
  LoweredLevel lowered;
  lowered.experts.resize(level.experts.size());
  lowered.gates.resize(level.gates.size());
  size_t stream = 0;
  for (const Readers& readers : group_by_stream(level)) {
    const std::string name = "level " + std::to_string(index + 1) + ", input " + std::to_string(++stream);
    const size_t shared = reads_x(readers.input, previous_is_x) ? shared_inputs(readers.input, shared_dim) : 0;
    fuse_by_type(first_layers(level, readers, lowered), name, shared, fused_layers);
  }
  lower_later_layers(level, fused_layers, lowered);
  return lowered;
}

// Towers that read the same stream share a fused layer for their first layers.
void lower_towers(const std::vector<Tower>& towers, size_t shared_dim, LayerFuser& fused_layers,
                  std::vector<LoweredMlp>& lowered) {
  lowered.resize(towers.size());
  std::map<StreamRef, std::vector<size_t>> readers;
  for (size_t t = 0; t < towers.size(); ++t) readers[towers[t].input].push_back(t);
  for (const auto& [stream, group] : readers) {
    std::vector<FirstLayer> layers;
    for (const size_t t : group) layers.push_back({&towers[t].layers.front(), false, &lowered[t], nullptr});
    const bool whole = stream.source == StreamSource::kPrevious && stream.parts.empty();
    const std::string input = whole ? std::to_string(stream.index + 1) : stream.reads_x() ? "x" : "parts";
    const size_t shared = stream.reads_x() ? shared_inputs(stream, shared_dim) : 0;
    fuse_by_type(layers, "towers, input " + input, shared, fused_layers);
  }
  for (size_t t = 0; t < towers.size(); ++t) fused_layers.add_alone(towers[t].layers, 1, lowered[t]);
}

// Behind the last of them is what follows their sum. Slopes belong to a normalisation there: one that changes nothing.
Mlp parts_of_attention(const Node& node) {
  Mlp parts = node.attention.parts;
  if (parts.empty()) return parts;
  DenseLayer& last = parts.back();
  last.activation = node.activation;
  if (node.activation.kind != ActivationKind::kPRelu || last.layer_norm_before_activation) return parts;
  const std::vector<float> ones(last.outputs(), 1.0f), zeros(last.outputs());
  last.norm_before_activation = BatchNorm{ones, zeros, zeros, ones, 0};
  return parts;
}

void lower_nodes(const TrainedModel& model, size_t shared_dim, LayerFuser& fused_layers,
                 std::vector<LoweredMlp>& lowered) {
  lowered.resize(model.nodes.size());
  for (size_t n = 0; n < model.nodes.size(); ++n) {
    const Node& node = model.nodes[n];
    const bool of_x = node.kind == NodeKind::kMlp && reads_x(node.input, node.level == 0 && model.trunk.empty());
    fused_layers.add_alone(parts_of_attention(node), 0, lowered[n]);
    fused_layers.add_alone(node.layers, 0, lowered[n], of_x ? shared_inputs(node.input, shared_dim) : 0);
  }
}

void fold_all(TrainedModel& model) {
  fold_batch_norms(model.trunk);
  for (Node& node : model.nodes) {
    fold_batch_norms(node.layers);
    take_apart(node);
    node.activation = lowered(node.activation);
  }
  for (Level& level : model.levels) {
    for (Expert& expert : level.experts) fold_batch_norms(expert.layers);
    for (Gate& gate : level.gates) fold_gate(gate);
  }
  for (Tower& tower : model.towers) fold_batch_norms(tower.layers);
}

void check_parts(TrainedModel& model) {
  std::set<std::vector<StreamPart>> lists;
  const auto check_number = [](const std::string& name, const StreamRef& input) {
    if (input.parts.size() <= kMaxParts) return;
    throw ConvertError(name + ": reads " + std::to_string(input.parts.size()) + " parts that lie apart; at most " +
                       std::to_string(kMaxParts) + " are supported");
  };
  for (const Node& node : model.nodes) {
    for (const StreamRef& input : node.inputs) check_number("node \"" + node.name + "\"", input);
  }
  for_each_reader(model, [&](const DenseLayer& layer, const StreamRef& input, bool) {
    if (!input.parts.empty()) lists.insert(input.parts);
    check_number(layer.name, input);
  });
  if (lists.size() <= kMaxStreams) return;
  throw ConvertError("levels: " + std::to_string(lists.size()) + " different lists of parts are read; at most " +
                     std::to_string(kMaxStreams) + " are supported");
}

// Layers of codes keep them, or are f32: a second rounding is nothing that anybody asked for.
void settle_codes(LoweredModel& model) {
  for_each_layer(model.description, [&](DenseLayer& layer) {
    if (!layer.storage.while_exact) return;
    const bool w8a8 = layer.storage.type == WeightType::kW8A8;
    if (is_on_grid(layer.weight, w8a8 ? kLowestW8A8 : kLowestI8)) return;
    const bool i8 = w8a8 && is_on_grid(layer.weight, kLowestI8);
    layer.storage.type = i8 ? WeightType::kI8 : WeightType::kF32;
    model.notes.push_back(layer.name +
                          (i8 ? " is stored as i8: it has the code -128, which w8a8 has not"
                              : " is stored as f32: its codes are no whole numbers from -128 to 127 with a "
                                "scale per output"));
  });
}

}  // namespace

LoweredModel lower(const TrainedModel& description) {
  LoweredModel model;
  model.description = description;
  fold_all(model.description);
  fold_projections(model.description);
  model.feature_columns = put_shared_columns_first(model.description);
  model.shared_dim = shared_dim(model.description);
  put_shared_groups_first(model.description, model.shared_dim);
  check_parts(model.description);
  settle_codes(model);
  LayerFuser fused_layers(model);
  fused_layers.add_alone(model.description.trunk, 0, model.trunk, model.shared_dim);
  lower_nodes(model.description, model.shared_dim, fused_layers, model.nodes);
  for (size_t i = 0; i < model.description.levels.size(); ++i) {
    const bool previous_is_x = i == 0 && model.trunk.empty();
    model.levels.push_back(lower_level(model.description.levels[i], i, previous_is_x, model.shared_dim, fused_layers));
  }
  lower_towers(model.description.towers, model.shared_dim, fused_layers, model.towers);
  lower_links(model);
  return model;
}

}  // namespace mmoe::converter
