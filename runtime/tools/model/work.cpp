#include "runtime/tools/model/work.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <tuple>
#include <vector>

#include "schema/nodes.h"

namespace mmoe::tools {
namespace {

using Layers = flatbuffers::Vector<flatbuffers::Offset<schema::Dense>>;

// Of a layer.
std::uint64_t weight_bytes(schema::DType dtype) {
  return dtype == schema::DType_F32 ? 4 : dtype == schema::DType_I8 ? 1 : 2;
}

class ParameterCounter {
 public:
  explicit ParameterCounter(const ModelView& view) : view_(view) {}

  std::uint64_t run(const schema::Expert& expert) {
    add(expert.layers());
    return count_;
  }

  std::uint64_t bytes(const schema::Expert& expert) {
    add(expert.layers());
    return count_ * sizeof(float) - saved_bytes_;
  }

  std::uint64_t run() {
    const schema::Model& model = view_.root();
    add(model.trunk());
    for (Index i = 0; i < size_of(model.nodes()); ++i) add_node(*model.nodes()->Get(i));
    for (const schema::Level* level : *model.levels()) add_level(*level);
    for (Index i = 0; i < size_of(model.towers()); ++i) add(model.towers()->Get(i)->layers());
    for (Index i = 0; i < size_of(model.embeddings()); ++i) add_tensor(model.embeddings()->Get(i)->table());
    return count_;
  }

 private:
  void add_node(const schema::Node& node) {
    if (node.kind() == schema::NodeKind_Mlp || node.kind() == schema::NodeKind_Each) return add(node.layers());
    if (node.kind() == schema::NodeKind_Attention) {
      for (const schema::Dense* layer : {node.query(), node.keys(), node.product()}) add(*layer);
      return add(node.layers());
    }
    if (node.constant() >= 0) add_tensor(static_cast<std::uint32_t>(node.constant()));
  }

  void add_level(const schema::Level& level) {
    for (const schema::Expert* expert : *level.experts()) add(expert->layers());
    for (const schema::Gate* gate : *level.gates()) {
      if (gate->kind() == schema::GateKind_Constant) {  // what else it may have was not verified
        add_tensor(static_cast<std::uint32_t>(gate->constant()));
      } else {
        add(gate->hidden());
        add(*gate->logits());
        if (has_scales(*gate)) add_tensor(static_cast<std::uint32_t>(gate->scales()));
      }
    }
  }

  void add(const Layers* layers) {
    for (Index i = 0; i < size_of(layers); ++i) add(*layers->Get(i));
  }

  void add(const schema::Dense& layer) {
    if (!layers_.insert({layer.weight(), layer.column(), layer.outputs()}).second) return;
    const std::uint64_t weights = std::uint64_t{layer.inputs()} * layer.outputs();
    count_ += weights;
    saved_bytes_ += weights * (sizeof(float) - weight_bytes(view_.tensor(layer.weight()).dtype()));
    const float* bias = view_.elements<float>(layer.bias()) + layer.column();
    if (std::any_of(bias, bias + layer.outputs(), [](float b) { return b != 0; })) count_ += layer.outputs();
    if (layer.slopes() >= 0) count_ += layer.outputs();
    if (layer.norm()) count_ += std::uint64_t{2} * layer.outputs();
  }

  void add_tensor(std::uint32_t index) {
    if (!tensors_.insert(index).second) return;
    const schema::Tensor& tensor = view_.tensor(index);
    count_ += std::uint64_t{tensor.rows()} * tensor.cols();
  }

  const ModelView& view_;
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>> layers_;
  std::set<std::uint32_t> tensors_;
  std::uint64_t count_ = 0;
  std::uint64_t saved_bytes_ = 0;  // by weights in less than f32
};

std::uint64_t flops_of(const schema::Dense& layer) { return 2 * std::uint64_t{layer.inputs()} * layer.outputs(); }

std::uint64_t flops_of(const Layers* layers) {
  std::uint64_t flops = 0;
  for (Index i = 0; i < size_of(layers); ++i) flops += flops_of(*layers->Get(i));
  return flops;
}

bool is_sparse(const schema::Gate& gate) {
  return gate.kind() != schema::GateKind_Constant && gate.top_k() != 0 && gate.top_k() < gate.experts()->size();
}

// The experts of one level, as the gates that are needed select them.
class ExpertWork {
 public:
  explicit ExpertWork(const schema::Level& level)
      : listed_(level.experts()->size()), always_(listed_.size()), flops_(listed_.size()) {
    for (Index i = 0; i < level.experts()->size(); ++i) flops_[i] = flops_of(level.experts()->Get(i)->layers());
  }

  void select(const schema::Gate& gate) {
    for (const std::uint32_t expert : *gate.experts()) {
      listed_[expert] = true;
      if (!is_sparse(gate)) always_[expert] = true;
    }
    if (is_sparse(gate)) sparse_.push_back(&gate);
  }

  std::uint64_t all() const { return sum(listed_); }

  /// Each expert that some gate needs runs once: at least what the most demanding gate selects.
  std::uint64_t least() const {
    std::uint64_t most = 0;
    for (const schema::Gate* gate : sparse_) most = std::max(most, selected(*gate, std::less<>()));
    return sum(always_) + most;
  }

  /// At most the sum over the gates, and no expert twice.
  std::uint64_t most() const {
    std::uint64_t total = sum(always_);
    for (const schema::Gate* gate : sparse_) total += selected(*gate, std::greater<>());
    return std::min(total, all());
  }

  bool is_listed(Index expert) const { return listed_[expert]; }

 private:
  std::uint64_t sum(const std::vector<bool>& experts) const {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < experts.size(); ++i) total += experts[i] ? flops_[i] : 0;
    return total;
  }

  // The top_k first experts of a gate in the given order of cost; those that run anyway are free.
  template <class Order>
  std::uint64_t selected(const schema::Gate& gate, Order order) const {
    std::vector<std::uint64_t> costs;
    for (const std::uint32_t expert : *gate.experts()) costs.push_back(always_[expert] ? 0 : flops_[expert]);
    std::sort(costs.begin(), costs.end(), order);
    return std::accumulate(costs.begin(), costs.begin() + gate.top_k(), std::uint64_t{0});
  }

  std::vector<bool> listed_;
  std::vector<bool> always_;
  std::vector<std::uint64_t> flops_;
  std::vector<const schema::Gate*> sparse_;
};

std::vector<bool> needed_towers(const schema::Model& model) {
  std::vector<bool> needed(size_of(model.towers()));
  for (Index i = 0; i < model.tasks()->size() + size_of(model.auxiliary()); ++i) {
    const schema::Link& link = *task_of(model, i).link();
    if (source_of(link) != schema::LinkKind_Product) needed[link.tower()] = true;
  }
  return needed;
}

/// What is read of the level before, and of nodes.
struct Marks {
  std::vector<bool>& streams;
  std::vector<bool>& nodes;

  void add(schema::StreamSource source, Index index) const {
    if (source == schema::StreamSource_Previous) streams[index] = true;
    if (source == schema::StreamSource_Node) nodes[index] = true;
  }
  void add_parts(const schema::Stream& stream) const {
    for (const schema::StreamPart* part : *stream.parts()) add(part->source(), part->input());
  }
  /// What an expert, a gate, a tower or a node's MLP reads.
  template <class Reader>
  void add_reader(const schema::Model& model, const Reader& reader) const {
    if (reader.source() != schema::StreamSource_Named) return add(reader.source(), reader.input());
    add_parts(*model.streams()->Get(reader.input()));
  }
};

// Multiplications and additions of a node that is no MLP, about: two for each element that it reads, or of a pair's.
std::uint64_t flops_of_operation(const schema::Node& node) {
  std::uint64_t elements = 0;
  for (const schema::Stream* input : *node.inputs()) elements += schema::width_of(*input);
  const bool pairs = node.kind() == schema::NodeKind_LowerPairs || node.kind() == schema::NodeKind_UpperPairs;
  const std::uint64_t group = node.group() == 0 ? elements : node.group();
  return 2 * (pairs ? schema::outputs_of(node) * group : elements);
}

// All elements, as if none were left out.
std::uint64_t flops_of_attention(const schema::Node& node) {
  const std::uint64_t of_element = flops_of(*node.keys()) + flops_of(*node.product()) + flops_of(node.layers()) +
                                   2 * (node.product()->inputs() + node.keys()->inputs());  // query and weight times it
  return flops_of(*node.query()) + node.length() * of_element;
}

std::uint64_t flops_of_elements(const schema::Node& node) {
  const std::uint64_t first = schema::width_of(*node.inputs()->Get(0)) / node.group();
  if (node.kind() == schema::NodeKind_Each) return first * flops_of(node.layers());
  const std::uint64_t keys = schema::width_of(*node.inputs()->Get(1)) / node.group();
  return 2 * first * keys * (node.group() + schema::width_of(*node.inputs()->Get(2)) / keys);
}

std::uint64_t flops_of_node(const schema::Node& node) {
  switch (node.kind()) {
    case schema::NodeKind_Attention: return flops_of_attention(node);
    case schema::NodeKind_Each:
    case schema::NodeKind_ScaledDot: return flops_of_elements(node);
    default: return flops_of_operation(node);
  }
}

// Walks from the tasks back to x, counting only what they need.
class FlopsCounter {
 public:
  FlopsPerRow run(const schema::Model& model) {
    constants_.resize(model.levels()->size());
    nodes_.assign(size_of(model.nodes()), false);
    needed_.assign(model.levels()->Get(model.levels()->size() - 1)->gates()->size(), false);
    const std::vector<bool> towers = needed_towers(model);
    for (Index i = 0; i < towers.size(); ++i) {
      if (!towers[i]) continue;
      const schema::Tower& tower = *model.towers()->Get(i);
      Marks{needed_, nodes_}.add_reader(model, tower);
      add(flops_of(tower.layers()));
    }
    add_nodes(model, model.levels()->size());
    for (Index i = model.levels()->size(); i-- > 0;) {
      const Index streams = i > 0 ? model.levels()->Get(i - 1)->gates()->size() : 1;
      add_level(model, i, streams);
      add_nodes(model, i);
    }
    if (needed_[0]) add(flops_of(model.trunk()));
    return flops_;
  }

  /// After run().
  const std::vector<std::vector<bool>>& constants() const { return constants_; }

 private:
  void add(std::uint64_t flops) {
    flops_.all_experts += flops;
    flops_.top_k_min += flops;
    flops_.top_k_max += flops;
  }

  // `needed_` goes from the level's output streams to its input streams.
  void add_level(const schema::Model& model, Index index, Index input_streams) {
    const schema::Level& level = *model.levels()->Get(index);
    std::vector<bool> inputs(input_streams);
    constants_[index].assign(level.experts()->size(), false);
    const auto read = [&](const auto& reader) { Marks{inputs, nodes_}.add_reader(model, reader); };
    ExpertWork experts(level);
    for (Index i = 0; i < level.gates()->size(); ++i) {
      if (!needed_[i]) continue;
      const schema::Gate& gate = *level.gates()->Get(i);
      experts.select(gate);
      add_gate(gate, level);
      if (gate.kind() != schema::GateKind_Constant) read(gate);
      if (gate.kind() == schema::GateKind_Constant) note_constant(index, gate);
    }
    for (Index i = 0; i < level.experts()->size(); ++i) {
      if (experts.is_listed(i)) read(*level.experts()->Get(i));
    }
    flops_.all_experts += experts.all();
    flops_.top_k_min += experts.least();
    flops_.top_k_max += experts.most();
    needed_ = std::move(inputs);
  }

  // Those behind so many levels, the last first: a node reads those before it.
  void add_nodes(const schema::Model& model, Index level) {
    const Marks marks{needed_, nodes_};
    for (Index i = static_cast<Index>(nodes_.size()); i-- > 0;) {
      const schema::Node& node = *model.nodes()->Get(i);
      if (node.level() != level || !nodes_[i]) continue;
      if (node.kind() == schema::NodeKind_Mlp) {
        marks.add_reader(model, node);
        add(flops_of(node.layers()));
        continue;
      }
      for (const schema::Stream* input : *node.inputs()) marks.add_parts(*input);
      add(flops_of_node(node));
    }
  }

  void note_constant(Index level, const schema::Gate& gate) {
    for (const std::uint32_t expert : *gate.experts()) constants_[level][expert] = true;
  }

  void add_gate(const schema::Gate& gate, const schema::Level& level) {
    if (gate.kind() != schema::GateKind_Constant) {
      add(flops_of(gate.hidden()));
      add(flops_of(*gate.logits()));
    }
    const std::uint64_t flops = 2 * mixing_multiply_adds(level, gate);
    const std::uint64_t mixed = is_sparse(gate) ? gate.top_k() : gate.experts()->size();
    flops_.all_experts += flops * gate.experts()->size();
    flops_.top_k_min += flops * mixed;
    flops_.top_k_max += flops * mixed;
  }

  FlopsPerRow flops_;
  std::vector<bool> nodes_;  // that are needed
  std::vector<bool> needed_;
  std::vector<std::vector<bool>> constants_;
};

}  // namespace

std::uint64_t num_parameters(const ModelView& view) { return ParameterCounter(view).run(); }

std::uint64_t parameter_bytes(const ModelView& view, const schema::Expert& expert) {
  return ParameterCounter(view).bytes(expert);
}

std::uint64_t num_parameters(const ModelView& view, const schema::Expert& expert) {
  return ParameterCounter(view).run(expert);
}

std::uint64_t multiply_adds(const schema::Expert& expert) { return flops_of(expert.layers()) / 2; }

std::uint64_t mixing_multiply_adds(const schema::Level& level, const schema::Gate& gate) {
  const Layers& layers = *level.experts()->Get(gate.experts()->Get(0))->layers();
  return layers.Get(layers.size() - 1)->outputs();
}

std::vector<std::vector<bool>> experts_of_constant_gates(const schema::Model& model) {
  FlopsCounter counter;
  counter.run(model);
  return counter.constants();
}

FlopsPerRow flops_per_row(const schema::Model& model) { return FlopsCounter().run(model); }

}  // namespace mmoe::tools
