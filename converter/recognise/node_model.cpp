#include "converter/recognise/node_model.h"

#include <algorithm>
#include <map>
#include <optional>

#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/recognise/heads.h"
#include "converter/recognise/model_inputs.h"
#include "converter/recognise/node_finder.h"

namespace mmoe::converter {
namespace {

std::vector<Ref> scores_of(const std::vector<Head>& heads) {
  std::vector<Ref> scores;
  for (const Head& head : heads) scores.insert(scores.end(), head.logits.begin(), head.logits.end());
  return scores;
}

/// A column of a stream that is put together.
void append(std::vector<StreamPart>& parts, StreamPart column) {
  if (!parts.empty()) {
    StreamPart& last = parts.back();
    const bool same = last.source == column.source && last.index == column.index;
    if (same && last.columns.first + last.columns.width == column.columns.first) {
      ++last.columns.width;
      return;
    }
  }
  parts.push_back(column);
}

class NodeModel {
 public:
  explicit NodeModel(const OnnxGraph& graph)
      : followed_(follow_graph(graph)),
        heads_(find_heads(graph, followed_)),
        chains_(graph, followed_.expressions),
        finder_(chains_, followed_.expressions, scores_of(heads_)),
        inputs_(graph, followed_.expressions, chains_) {}

  TrainedModel run(std::vector<std::string>& notes) {
    for (const Head* head : find_towers(heads_)) {
      towers_.push_back({finder_.find_tower(head->logits), head->name});
    }
    for (const StreamMaker& maker : finder_.makers()) {
      if (maker.mixture) num_levels_ = std::max(num_levels_, maker.level);
    }
    learn_inputs();
    inputs_.finish(model_, notes);
    number_makers();
    for (size_t level = 0; level <= num_levels_; ++level) {
      if (level > 0) add_level(level);
      add_nodes(level);
    }
    for (TowerChain& tower : towers_) add_tower(tower);
    if (model_.levels.empty()) split_towers();
    model_.tasks = make_tasks(heads_);
    return std::move(model_);
  }

 private:
  struct TowerChain {
    Chain chain;
    std::string name;
  };

  template <typename Visit>
  void for_each_read(Visit visit) const {
    for (const StreamMaker& maker : finder_.makers()) {
      for (const Vector& operand : maker.operands) visit(operand, maker.level);
      if (maker.mlp) visit(maker.mlp->base, maker.level);
      if (!maker.mixture) continue;
      visit(maker.gate.base, maker.level - 1);
      for (const Chain& expert : maker.experts) visit(expert.base, maker.level - 1);
    }
    for (const TowerChain& tower : towers_) visit(tower.chain.base, num_levels_);
  }

  void learn_inputs() {
    for_each_read([&](const Vector& vector, size_t) {
      Vector read;
      std::copy_if(vector.begin(), vector.end(), std::back_inserter(read),
                   [&](Ref ref) { return finder_.is_input(ref); });
      inputs_.add(read);
    });
  }

  /// Numbers among the model's nodes, or among a level's gates. What a gate gives is read behind its level alone; a
  /// node keeps it for others.
  void number_makers() {
    const std::vector<StreamMaker>& makers = finder_.makers();
    numbers_.resize(makers.size());
    std::vector<bool> kept(makers.size());
    for_each_read([&](const Vector& vector, size_t level) {
      for (const Ref ref : vector) {
        const std::optional<StreamPlace> place = finder_.place_of(ref);
        if (place && makers[place->maker].mixture && makers[place->maker].level != level) kept[place->maker] = true;
      }
    });
    size_t nodes = 0;
    for (size_t level = 0; level <= num_levels_; ++level) {
      size_t gates = 0;
      for (size_t i = 0; i < makers.size(); ++i) {
        if (makers[i].level != level || !makers[i].mixture) continue;
        numbers_[i] = gates++;
        if (kept[i]) copies_[i] = nodes++;
      }
      for (size_t i = 0; i < makers.size(); ++i) {
        if (makers[i].level == level && !makers[i].mixture) numbers_[i] = nodes++;
      }
    }
    if (nodes > kMaxNodes) throw ConvertError("not recognised: more than 256 nodes");
  }

  // ------------------------------------------------------------------ streams

  StreamPart part_of(Ref ref, size_t level) const {
    const std::optional<StreamPlace> place = finder_.place_of(ref);
    if (!place) return {StreamSource::kModelInput, 0, {inputs_.column_of(ref), 1}};
    const StreamMaker& maker = finder_.makers()[place->maker];
    if (!maker.mixture) return {StreamSource::kNode, numbers_[place->maker], {place->column, 1}};
    const bool before = maker.level == level;
    return {before ? StreamSource::kPrevious : StreamSource::kNode,
            before ? numbers_[place->maker] : copies_.at(place->maker),
            {place->column, 1}};
  }

  size_t width_of(const StreamPart& part) const {
    if (part.is_input()) return model_.input_dim;
    if (part.source == StreamSource::kNode) return model_.nodes[part.index].width();
    return widths_[part.index];
  }

  /// A whole stream is no list of parts.
  StreamRef stream_of(std::vector<StreamPart> parts) const {
    if (parts.size() == 1 && parts[0].columns == ColumnRange{0, width_of(parts[0])})
      return StreamRef(parts[0].source, parts[0].index);
    StreamRef stream;
    stream.parts = std::move(parts);
    return stream;
  }

  StreamRef operand(const Vector& vector, size_t level) const {
    std::vector<StreamPart> parts;
    for (const Ref ref : vector) append(parts, part_of(ref, level));
    return stream_of(std::move(parts));
  }

  /// What the layer reads, each column of x once and in x's order before all others.
  StreamRef read(const Vector& vector, size_t level, DenseLayer& layer) const {
    std::map<size_t, std::vector<size_t>> columns;  // of x: the layer's
    std::vector<size_t> others;
    std::vector<StreamPart> parts;
    for (size_t i = 0; i < vector.size(); ++i) {
      const bool input = finder_.is_input(vector[i]);
      input ? columns[inputs_.column_of(vector[i])].push_back(i) : others.push_back(i);
    }
    std::vector<std::vector<size_t>> sources;  // of each column of the result: those that are added
    for (const auto& [column, of_layer] : columns) {
      append(parts, {StreamSource::kModelInput, 0, {column, 1}});
      sources.push_back(of_layer);
    }
    for (const size_t i : others) {
      append(parts, part_of(vector[i], level));
      sources.push_back({i});
    }
    Matrix weight{layer.outputs(), sources.size(), {}};
    for (size_t row = 0; row < weight.rows; ++row) {
      for (const std::vector<size_t>& added : sources) {
        double sum = 0;
        for (const size_t i : added) sum += double{layer.weight.at(row, i)};
        weight.data.push_back(static_cast<float>(sum));
      }
    }
    layer.weight = std::move(weight);
    return stream_of(std::move(parts));
  }

  // ------------------------------------------------------------------ nodes

  void add_nodes(size_t level) {
    const std::vector<StreamMaker>& makers = finder_.makers();
    for (const auto& [maker, number] : copies_) {
      if (makers[maker].level == level) add_copy(maker);
    }
    for (const StreamMaker& maker : makers) {
      if (maker.level == level && !maker.mixture) add_node(maker);
    }
  }

  void add_node(const StreamMaker& maker) {
    Node node = maker.node;
    node.name = "nodes." + std::to_string(model_.nodes.size());
    node.level = maker.level;
    if (maker.mlp) {
      node.layers = maker.mlp->layers;
      node.input = read(maker.mlp->base, maker.level, node.layers.front());
    }
    for (const Vector& vector : maker.operands) node.inputs.push_back(operand(vector, maker.level));
    model_.nodes.push_back(std::move(node));
  }

  void add_copy(size_t maker) {
    Node node;
    node.name = "nodes." + std::to_string(model_.nodes.size());
    node.kind = NodeKind::kSum;
    node.level = finder_.makers()[maker].level;
    node.input_width = finder_.makers()[maker].width();
    node.inputs = {StreamRef(StreamSource::kPrevious, numbers_[maker])};
    model_.nodes.push_back(std::move(node));
  }

  // ------------------------------------------------------------------ levels and towers

  void add_level(size_t number) {
    Level level;
    std::vector<size_t> widths;
    std::map<Vector, size_t> known;
    for (const StreamMaker& maker : finder_.makers()) {
      if (maker.level != number || !maker.mixture) continue;
      Gate gate = make_gate(maker);
      gate.name = "gates." + std::to_string(level.gates.size());
      for (size_t i = 0; i < maker.experts.size(); ++i) {
        const auto [at, fresh] = known.emplace(maker.mixture->experts[i], level.experts.size());
        if (fresh) level.experts.push_back(make_expert(maker.experts[i], number, level.experts.size()));
        gate.experts.push_back(at->second);
      }
      level.gates.push_back(std::move(gate));
      widths.push_back(maker.width());
    }
    if (level.experts.size() > kMaxExpertsPerLevel)
      throw ConvertError("not recognised: more than 256 experts in a level");
    if (level.gates.size() > kMaxGatesPerLevel) throw ConvertError("not recognised: more than 64 gates in a level");
    widths_ = std::move(widths);
    model_.levels.push_back(std::move(level));
  }

  Expert make_expert(const Chain& chain, size_t level, size_t position) const {
    Expert expert;
    expert.name = "experts." + std::to_string(position);
    expert.layers = chain.layers;
    expert.input = read(chain.base, level - 1, expert.layers.front());
    return expert;
  }

  Gate make_gate(const StreamMaker& maker) const {
    Gate gate;
    gate.weight_scales = maker.mixture->weight_scales;
    gate.top_k = maker.mixture->top_k;
    gate.top_k_mode = maker.mixture->top_k_mode;
    gate.function = maker.mixture->function;
    gate.hidden = maker.gate.layers;
    gate.input = read(maker.gate.base, maker.level - 1, gate.hidden.front());
    const DenseLayer& last = gate.hidden.back();
    const bool linear = last.activation.kind == ActivationKind::kIdentity && !last.layer_norm_before_activation;
    if (!linear) gate.hidden.push_back(hand_on(last.outputs(), last.name));
    gate.logits = std::move(gate.hidden.back());
    gate.hidden.pop_back();
    return gate;
  }

  void add_tower(TowerChain& chain) {
    Tower tower;
    tower.name = chain.name;
    tower.layers = std::move(chain.chain.layers);
    tower.input = read(chain.chain.base, num_levels_, tower.layers.front());
    model_.towers.push_back(std::move(tower));
  }

  /// Without a mixture the towers' layers but the last are a level's experts.
  void split_towers() {
    Level level;
    for (Tower& tower : model_.towers) {
      if (tower.layers.size() == 1) tower.layers.push_back(hand_on(tower.layers.back().outputs(), tower.name));
      Gate gate;
      gate.name = "gates." + tower.name;
      gate.constant_weights = {1};
      gate.experts = {level.experts.size()};
      Expert expert;
      expert.name = "experts." + tower.name;
      expert.input = tower.input;
      expert.layers.assign(tower.layers.begin(), tower.layers.end() - 1);
      tower.layers.erase(tower.layers.begin(), tower.layers.end() - 1);
      tower.input = level.gates.size();
      level.experts.push_back(std::move(expert));
      level.gates.push_back(std::move(gate));
    }
    model_.levels.push_back(std::move(level));
  }

  FollowedGraph followed_;
  std::vector<Head> heads_;
  Chains chains_;
  NodeFinder finder_;
  ModelInputs inputs_;
  TrainedModel model_;
  std::vector<TowerChain> towers_;
  size_t num_levels_ = 0;
  std::vector<size_t> numbers_;
  std::map<size_t, size_t> copies_;  // of gates: the nodes that keep what they give
  std::vector<size_t> widths_;       // of what the last level's gates give
};

}  // namespace

TrainedModel recognise_nodes(const OnnxGraph& graph, std::vector<std::string>& notes) {
  return NodeModel(graph).run(notes);
}

}  // namespace mmoe::converter
