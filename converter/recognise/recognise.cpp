#include "converter/recognise/recognise.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/recognise/chains.h"
#include "converter/recognise/heads.h"
#include "converter/recognise/model_inputs.h"
#include "converter/recognise/node_model.h"
#include "converter/recognise/stream_finder.h"

namespace mmoe::converter {
namespace {

constexpr double kUsualWork = 1.25;

double work_of(const Mlp& layers) {
  double work = 0;
  for (const DenseLayer& layer : layers) work += static_cast<double>(layer.weight.data.size());
  return work;
}

/// About how many multiplications a row takes.
double work_of(const TrainedModel& model) {
  double work = work_of(model.trunk);
  for (const Node& node : model.nodes) {
    const size_t groups = node.group != 0 ? node.input_width / node.group : 1;
    const double times = static_cast<double>(node.kind == NodeKind::kEach ? groups : node.attention.length);
    work += work_of(node.layers) * times + static_cast<double>(node.input_width);
    if (node.kind == NodeKind::kScaledDot)
      work += static_cast<double>(node.query_width) * static_cast<double>(2 * groups);
  }
  for (const Level& level : model.levels) {
    for (const Expert& expert : level.experts) work += work_of(expert.layers);
    for (const Gate& gate : level.gates) {
      work += work_of(gate.hidden) + (gate.logits ? work_of({*gate.logits}) : 0);
      for (const size_t e : gate.experts) work += static_cast<double>(level.experts[e].layers.back().outputs());
    }
  }
  for (const Tower& tower : model.towers) work += work_of(tower.layers);
  return work;
}

/// Of layers: tables, which are looked up, are none.
double weights_of(const OnnxGraph& graph) {
  double weights = 0;
  std::set<std::string> tables;
  for (const OnnxNode& node : graph.nodes) {
    if (node.operation == "Gather" && !node.inputs.empty()) tables.insert(node.inputs[0]);
  }
  for (const auto& [name, tensor] : graph.initializers) {
    if (tables.count(name) == 0) weights += static_cast<double>(tensor->floats.size());
  }
  return weights;
}

/// How many layers the chains have in common from the input on, and leave each at least one of its own.
size_t common_layers(const std::vector<const Chain*>& chains) {
  size_t common = chains.front()->layers.size();
  for (const Chain* chain : chains) {
    size_t same = 0;
    const size_t most = std::min(common, chain->layers.size() - 1);
    if (chain->base != chains.front()->base) return 0;
    while (same < most && chain->after[same] == chains.front()->after[same]) ++same;
    common = same;
  }
  return std::min(common, chains.front()->layers.size() - 1);
}

class Recogniser {
 public:
  /// `most`: weights of its experts and gates.
  Recogniser(const OnnxGraph& graph, double most)
      : graph_(graph),
        followed_(follow_graph(graph)),
        chains_(graph, followed_.expressions),
        streams_(chains_, followed_.expressions, most),
        inputs_(graph, followed_.expressions, chains_) {}

  TrainedModel run(std::vector<std::string>& notes) {
    heads_ = find_heads(graph_, followed_);
    find_towers();
    const bool mixed = std::any_of(towers_.begin(), towers_.end(),
                                   [](const Chain& tower) { return tower.kind == BaseKind::kMixture; });
    mixed ? find_streams() : split_shared_bottom();
    inputs_.finish(model_, notes);
    mixed ? make_levels() : make_bottom();
    model_.tasks = make_tasks(heads_);
    return std::move(model_);
  }

 private:
  // ------------------------------------------------------------------ towers

  void find_towers() {
    for (const Head* head : mmoe::converter::find_towers(heads_)) {
      towers_.push_back(chains_.follow(head->logits));
      tower_names_.push_back(head->name);
    }
  }

  Tower make_tower(size_t index, size_t input, size_t first_layer) {
    Tower tower;
    tower.name = tower_names_[index];
    tower.input = input;
    tower.layers.assign(towers_[index].layers.begin() + static_cast<std::ptrdiff_t>(first_layer),
                        towers_[index].layers.end());
    return tower;
  }

  // ------------------------------------------------------------------ no mixture: what the tasks share is one expert

  void split_shared_bottom() {
    std::vector<const Chain*> chains;
    for (const Chain& tower : towers_) {
      if (tower.layers.size() < 2) {
        chains_.fail(tower.after.front().front(), "a single layer is no model of the MMoE family");
      }
      chains.push_back(&tower);
      inputs_.add(tower.base);
    }
    shared_layers_ = towers_.size() > 1 ? common_layers(chains) : 0;
  }

  Expert make_expert(const std::string& name, const Chain& chain, size_t first, size_t end) {
    Expert expert;
    expert.name = name;
    expert.layers.assign(chain.layers.begin() + static_cast<std::ptrdiff_t>(first),
                         chain.layers.begin() + static_cast<std::ptrdiff_t>(end));
    return expert;
  }

  /// Shared-Bottom, or a model per task side by side.
  void make_bottom() {
    Level level;
    for (size_t i = 0; i < towers_.size(); ++i) {
      const bool shared = shared_layers_ > 0;
      const size_t own_from = shared ? shared_layers_ : towers_[i].layers.size() - 1;
      if (i == 0 || !shared) {
        level.experts.push_back(make_expert(shared ? "shared" : "experts." + tower_names_[i], towers_[i], 0, own_from));
        inputs_.read_x(towers_[i].base, level.experts.back().layers.front());
        Gate gate;
        gate.name = shared ? "gates" : "gates." + tower_names_[i];
        gate.constant_weights = {1};
        gate.experts = {level.experts.size() - 1};
        level.gates.push_back(std::move(gate));
      }
      model_.towers.push_back(make_tower(i, level.gates.size() - 1, own_from));
    }
    check_level(level);
    model_.levels.push_back(std::move(level));
  }

  // ------------------------------------------------------------------ mixtures, from the towers back to the input

  void find_streams() {
    for (const Chain& tower : towers_) {
      if (tower.kind == BaseKind::kMixture) num_levels_ = std::max(num_levels_, streams_.find(tower.base));
    }
    for (Chain& tower : towers_) {
      if (tower.kind == BaseKind::kMixture) {
        tower.base = streams_.lift(tower.base, num_levels_);
      } else {
        streams_.lift_input(tower, std::max<size_t>(tower.layers.size(), 2) - 1, num_levels_);
      }
    }
    find_trunk();
    for (const Vector& vector : streams_.order()) {
      const MixedStream& stream = streams_.at(vector);
      for (const Chain& expert : stream.experts) add_input(expert);
      if (!stream.gate.layers.empty()) add_input(stream.gate);
    }
  }

  void add_input(const Chain& chain) {
    if (chain.kind == BaseKind::kInput) inputs_.add(chain.base);
  }

  /// Layers between x and the first level that all its experts share, and each gate either too or not at all.
  void find_trunk() {
    std::vector<const Chain*> experts, gates;
    for (const Vector& vector : streams_.order()) {
      const MixedStream& stream = streams_.at(vector);
      if (stream.level > 1) continue;
      for (const Chain& expert : stream.experts) {
        if (expert.kind == BaseKind::kInput) experts.push_back(&expert);
      }
      if (!stream.gate.layers.empty() && stream.gate.kind == BaseKind::kInput) gates.push_back(&stream.gate);
    }
    const bool several = std::any_of(experts.begin(), experts.end(), [&](const Chain* expert) {
      return expert->after.back() != experts.front()->after.back();
    });
    if (!several) return;
    trunk_layers_ = common_layers(experts);
    if (trunk_layers_ > 0) trunk_ = *experts.front();
    for (const Chain* gate : gates) {
      const size_t shared = trunk_layers_ == 0 ? 0 : common_layers({experts.front(), gate});
      if (shared > 0) trunk_layers_ = std::min(trunk_layers_, shared);
    }
  }

  /// Above the first level what reads the trunk repeats its layers.
  bool reads_trunk(const Chain& chain, size_t level) const {
    return level == 1 && trunk_layers_ > 0 && chain.kind == BaseKind::kInput && chain.layers.size() > trunk_layers_ &&
           chain.after[trunk_layers_ - 1] == trunk_.after[trunk_layers_ - 1];
  }

  void make_levels() {
    if (trunk_layers_ > 0) {
      model_.trunk = make_expert("", trunk_, 0, trunk_layers_).layers;
      inputs_.read_x(trunk_.base, model_.trunk.front());
    }
    for (size_t level = 1; level <= num_levels_; ++level) make_level(level);
    for (size_t i = 0; i < towers_.size(); ++i) {
      model_.towers.push_back(make_tower(i, index_.at(towers_[i].base), 0));
    }
  }

  void make_level(size_t number) {
    Level level;
    std::map<Vector, size_t> known;
    std::map<Vector, size_t> index;
    for (const Vector& vector : streams_.order()) {
      const MixedStream& stream = streams_.at(vector);
      if (stream.level != number) continue;
      index[vector] = level.gates.size();
      Gate gate = make_gate(stream, number, level.gates.size());
      for (size_t i = 0; i < stream.experts.size(); ++i) {
        const auto [at, fresh] = known.emplace(stream.mixture.experts[i], level.experts.size());
        if (fresh) level.experts.push_back(place(stream.experts[i], number, level.experts.size()));
        gate.experts.push_back(at->second);
      }
      level.gates.push_back(std::move(gate));
    }
    index_ = std::move(index);
    check_level(level);
    model_.levels.push_back(std::move(level));
  }

  Expert place(const Chain& chain, size_t level, size_t position) {
    const size_t first = reads_trunk(chain, level) ? trunk_layers_ : 0;
    Expert expert = make_expert("experts." + std::to_string(position), chain, first, chain.layers.size());
    expert.input = input_of(chain, level, expert.layers.front());
    return expert;
  }

  Gate make_gate(const MixedStream& stream, size_t level, size_t position) {
    Gate gate;
    gate.name = "gates." + std::to_string(position);
    gate.constant_weights = stream.mixture.constant_weights;
    gate.weight_scales = stream.mixture.weight_scales;
    gate.top_k = stream.mixture.top_k;
    gate.top_k_mode = stream.mixture.top_k_mode;
    if (stream.gate.layers.empty()) {
      gate.input = level == 1 ? input_stream() : StreamRef();
      return gate;
    }
    const size_t first = reads_trunk(stream.gate, level) ? trunk_layers_ : 0;
    Mlp layers = make_expert("", stream.gate, first, stream.gate.layers.size()).layers;
    gate.input = input_of(stream.gate, level, layers.front());
    gate.logits = std::move(layers.back());
    layers.pop_back();
    gate.function = stream.mixture.function;
    const DenseLayer& last = *gate.logits;
    const bool linear = last.activation.kind == ActivationKind::kIdentity && !last.layer_norm_before_activation;
    if (gate.function == GateFunction::kSoftmax && !linear) {
      layers.push_back(*gate.logits);
      gate.logits = hand_on(last.outputs(), last.name);
    }
    gate.hidden = std::move(layers);
    return gate;
  }

  /// What a chain reads at a level; `first` is its first layer, made to fit x if that is it.
  StreamRef input_of(const Chain& chain, size_t level, DenseLayer& first) {
    if (chain.kind == BaseKind::kInput) {
      if (reads_trunk(chain, level)) return {};
      inputs_.read_x(chain.base, first);
      return input_stream();
    }
    const auto found = index_.find(chain.base);
    if (found == index_.end()) chains_.fail(chain.base.front(), "is read by a level that is not the next");
    return found->second;
  }

  void check_level(const Level& level) const {
    if (level.experts.size() > kMaxExpertsPerLevel)
      throw ConvertError("not recognised: more than 256 experts in a level");
    if (level.gates.size() > kMaxGatesPerLevel) throw ConvertError("not recognised: more than 64 gates in a level");
  }

  const OnnxGraph& graph_;
  FollowedGraph followed_;
  Chains chains_;
  StreamFinder streams_;
  ModelInputs inputs_;
  TrainedModel model_;
  std::vector<Head> heads_;
  std::vector<Chain> towers_;  // one per vector of logits
  std::vector<std::string> tower_names_;
  size_t shared_layers_ = 0;
  std::map<Vector, size_t> index_;  // of the level before: streams' places among its gates
  size_t num_levels_ = 0;
  Chain trunk_;
  size_t trunk_layers_ = 0;
};

struct Recognised {
  TrainedModel model;
  std::vector<std::string> notes;
};

/// Nothing where levels do not have it, or take more than `most` multiplications a row.
std::optional<Recognised> by_levels(const OnnxGraph& graph, double most) {
  Recognised made;
  try {
    made.model = Recogniser(graph, most).run(made.notes);
  } catch (const ConvertError&) {
    return std::nullopt;
  }
  return work_of(made.model) <= most ? std::optional(std::move(made)) : std::nullopt;
}

/// A graph that consists of levels multiplies by each of its weights about once. Where it takes much more, products and
/// sums would become experts, and nodes are smaller. If they save little, the levels stay.
Recognised choose(const OnnxGraph& graph) {
  Recognised nodes;
  try {
    nodes.model = recognise_nodes(graph, nodes.notes);
  } catch (const ConvertError&) {
    if (auto levels = by_levels(graph, std::numeric_limits<double>::infinity())) return std::move(*levels);
    throw;
  }
  const double work = std::max(work_of(nodes.model), weights_of(graph));
  std::optional<Recognised> levels = by_levels(graph, kUsualWork * work);
  return levels ? std::move(*levels) : std::move(nodes);
}

}  // namespace

namespace {

/// Without outputs of whole numbers, as the labels that skl2onnx has beside the probabilities: they are no scores.
OnnxGraph without_labels(const OnnxGraph& graph, std::vector<std::string>& notes) {
  const auto is_label = [](const OnnxValue& output) { return output.is_integer; };
  OnnxGraph scores = graph;
  if (std::all_of(graph.outputs.begin(), graph.outputs.end(), is_label)) return scores;
  for (const OnnxValue& output : graph.outputs) {
    if (is_label(output)) notes.push_back("output '" + output.name + "' is of whole numbers, no score, and left out");
  }
  scores.outputs.erase(std::remove_if(scores.outputs.begin(), scores.outputs.end(), is_label), scores.outputs.end());
  return scores;
}

/// With inputs of ids, nothing else says that a graph calculates in half precision.
void note_half_precision(const OnnxGraph& graph, std::vector<std::string>& notes) {
  for (const OnnxValue& output : graph.outputs) {
    if (output.dtype != "f16" && output.dtype != "bf16") continue;
    notes.push_back("output '" + output.name + "' is of " + output.dtype +
                    ": the graph rounds its results to that, which is left out here and in the proof");
  }
}

}  // namespace

TrainedModel recognise(const OnnxGraph& graph, const std::string& name, std::vector<std::string>& notes) {
  note_half_precision(graph, notes);
  Recognised made = choose(without_labels(graph, notes));
  notes.insert(notes.end(), made.notes.begin(), made.notes.end());
  made.model.name = name;
  return std::move(made.model);
}

}  // namespace mmoe::converter
