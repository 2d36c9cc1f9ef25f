#include "runtime/tools/describe/describe_layers.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "runtime/tools/model/schema_names.h"
#include "runtime/tools/model/stored_numbers.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"
#include "schema/nodes.h"

namespace mmoe::tools {
namespace {

using Layers = flatbuffers::Vector<flatbuffers::Offset<schema::Dense>>;

bool uses_alpha(schema::ActivationKind activation) {
  switch (activation) {
    case schema::ActivationKind_LeakyRelu:
    case schema::ActivationKind_Elu:
    case schema::ActivationKind_Celu:
    case schema::ActivationKind_Swish:
    case schema::ActivationKind_ScaledSoftplus: return true;
    default: return false;
  }
}

bool uses_both(schema::ActivationKind activation) {
  return activation == schema::ActivationKind_HardSigmoid || activation == schema::ActivationKind_Clamp ||
         activation == schema::ActivationKind_Threshold;
}

// A link's activation and what follows it; null for one that has none.
Json map_of(const schema::Link& link) {
  if (link.kind() != schema::LinkKind_Mapped) return {};
  const schema::LinkMap& map = *link.map();
  const auto bound = [](float value) { return std::isinf(value) ? Json() : Json(value); };
  const bool both = uses_both(map.activation());
  return {{"activation", name_of(map.activation())},
          {"alpha", both || uses_alpha(map.activation()) ? Json(map.alpha()) : Json()},
          {"beta", both ? Json(map.beta()) : Json()},
          {"scale", map.scale()},
          {"shift", map.shift()},
          {"clamp", {bound(map.lower()), bound(map.upper())}}};
}

Json layer_of(const schema::Model& model, const schema::Dense& layer) {
  const schema::Norm* norm = layer.norm();
  const schema::ActivationKind activation = layer.activation();
  Json out = {{"inputs", layer.inputs()}, {"outputs", layer.outputs()}, {"activation", name_of(activation)}};
  if (norm && norm->use() == schema::NormUse_Dice) out["activation"] = name_of(norm->use());
  out["alpha"] = uses_alpha(activation) || uses_both(activation) ? Json(layer.alpha()) : Json();
  out["beta"] = uses_both(activation) ? Json(layer.beta()) : Json();
  out["weights"] = weights_name(*model.tensors()->Get(layer.weight()));
  out["norm"] = norm ? Json{{"kind", name_of(norm->kind())}, {"position", name_of(norm->use())}} : Json();
  return out;
}

Json layers_of(const schema::Model& model, const Layers* layers) {
  Json out = Json::array();
  for (Index i = 0; i < size_of(layers); ++i) out.push_back(layer_of(model, *layers->Get(i)));
  return out;
}

// Layers, and experts of gates, as often as the model has them: lists may be shared, and a description repeats them.
std::uint64_t entries_of(const schema::Level& level) {
  std::uint64_t count = 0;
  for (const schema::Expert* expert : *level.experts()) count += 1 + size_of(expert->layers());
  for (const schema::Gate* gate : *level.gates()) count += 1 + size_of(gate->hidden()) + gate->experts()->size();
  return count;
}

// Parts of streams, as often as something reads them.
std::uint64_t entries_of_parts(const schema::Model& model) {
  std::uint64_t count = 0;
  const auto add = [&](const auto& reader) {
    if (reader.source() != schema::StreamSource_Named) return;
    count += size_of(model.features()) + model.streams()->Get(reader.input())->parts()->size();
  };
  for (const schema::Level* level : *model.levels()) {
    for (const schema::Expert* expert : *level->experts()) add(*expert);
    for (const schema::Gate* gate : *level->gates()) {
      if (gate->kind() != schema::GateKind_Constant) add(*gate);
    }
  }
  for (Index i = 0; i < size_of(model.towers()); ++i) add(*model.towers()->Get(i));
  for (Index i = 0; i < size_of(model.nodes()); ++i) {
    const schema::Node& node = *model.nodes()->Get(i);
    if (node.kind() == schema::NodeKind_Mlp) {
      add(node);
      count += 1 + size_of(node.layers());
      continue;
    }
    if (node.kind() == schema::NodeKind_Attention) count += 3;
    count += size_of(node.layers());
    for (const schema::Stream* input : *node.inputs()) count += size_of(model.features()) + input->parts()->size();
  }
  return count;
}

// An entry takes 4 bytes of a file that shares nothing, and up to a kilobyte of a description.
void check_describable(const schema::Model& model, std::uint64_t file_bytes) {
  constexpr std::uint64_t kAlways = 16384;
  std::uint64_t count = 0;
  for (const schema::Level* level : *model.levels()) count += entries_of(*level);
  count += entries_of_parts(model);
  const std::uint64_t limit = std::max(kAlways, file_bytes / 4);
  if (count <= limit) return;
  throw ToolError("levels: " + with_thousands(count) + " references to layers and experts in a file of " +
                  human_bytes(file_bytes) + ", which shares them; at most " + with_thousands(limit) +
                  " can be described");
}

class LayerDescriber {
 public:
  explicit LayerDescriber(const ModelView& view) : view_(view), model_(view.root()) {}

  void run(Json& out) {
    out["trunk"] = layers_of(model_, model_.trunk());
    out["nodes"] = Json::array();
    add_nodes(0, out["nodes"]);
    out["levels"] = Json::array();
    for (const schema::Level* level : *model_.levels()) {
      out["levels"].push_back(level_of(*level));
      previous_ = level;
      add_nodes(static_cast<Index>(out["levels"].size()), out["nodes"]);
    }
    out["towers"] = towers();
    out["tasks"] = tasks(model_.tasks());
    out["auxiliary_tasks"] = tasks(model_.auxiliary());
  }

 private:
  Json previous_stream(Index index) const {
    if (previous_ == nullptr) return {{"stream", size_of(model_.trunk()) > 0 ? "trunk" : "x"}};
    return {{"stream", "gate"}, {"index", index}, {"name", shown_text(previous_->gates()->Get(index)->name())}};
  }

  Json stream(schema::StreamSource source, Index index) const {
    if (source == schema::StreamSource_ModelInput) return {{"stream", "x"}};
    if (source != schema::StreamSource_Node) return previous_stream(index);
    return {{"stream", "node"}, {"index", index}, {"name", shown_text(model_.nodes()->Get(index)->name())}};
  }

  template <class Reader>
  Json reads(const Reader& reader) const {
    if (reader.source() == schema::StreamSource_Named) return parts_of(*model_.streams()->Get(reader.input()));
    return stream(reader.source(), reader.input());
  }

  // Those behind so many levels.
  void add_nodes(Index level, Json& nodes) const {
    for (Index i = 0; i < size_of(model_.nodes()); ++i) {
      const schema::Node& node = *model_.nodes()->Get(i);
      if (node.level() == level) nodes.push_back(node_of(node));
    }
  }

  Json node_of(const schema::Node& node) const {
    Json out = {{"name", shown_text(node.name())}, {"kind", name_of(node.kind())}, {"level", node.level()}};
    out["outputs"] = schema::outputs_of(node);
    if (node.kind() == schema::NodeKind_Mlp) {
      out["reads"] = reads(node);
      out["layers"] = layers_of(model_, node.layers());
      return out;
    }
    out["inputs"] = Json::array();
    for (const schema::Stream* input : *node.inputs()) out["inputs"].push_back(parts_in_order(*input));
    if (node.kind() == schema::NodeKind_Attention) {
      for (const auto& [name, layer] :
           {std::pair("query", node.query()), {"keys", node.keys()}, {"product", node.product()}}) {
        out[name] = layer_of(model_, *layer);
      }
      out["layers"] = layers_of(model_, node.layers());
      out["length"] = node.length();
      out["masked"] = node.masked();
      out["softmax"] = node.softmax();
      return out;
    }
    if (node.kind() == schema::NodeKind_Each) out["layers"] = layers_of(model_, node.layers());
    if (node.kind() == schema::NodeKind_ScaledDot) {
      out["heads"] = node.heads();
      out["causal"] = node.causal();
    }
    out["group"] = node.group() == 0 ? Json() : Json(node.group());
    out["scale"] = node.scale();
    out["activation"] = name_of(node.activation());
    return out;
  }

  // An operand's: their order counts.
  Json parts_in_order(const schema::Stream& read) const {
    Json parts = Json::array();
    for (const schema::StreamPart* part : *read.parts()) {
      const std::vector<const schema::Feature*> features = features_of(*part);
      for (const schema::Feature* feature : features) {
        parts.push_back({{"stream", "x"}, {"feature", shown_text(feature->name())}});
      }
      if (!features.empty()) continue;
      Json each = stream(part->source(), part->input());
      each["first"] = part->first();
      each["count"] = part->width();
      parts.push_back(std::move(each));
    }
    return {{"stream", "parts"}, {"parts", std::move(parts)}};
  }

  // Those that a part of x consists of, by their columns; none where it has a part of one.
  std::vector<const schema::Feature*> features_of(const schema::StreamPart& part) const {
    std::vector<const schema::Feature*> features;
    if (part.source() != schema::StreamSource_ModelInput) return features;
    std::uint32_t width = 0;
    for (Index i = 0; i < size_of(model_.features()); ++i) {
      const schema::Feature& feature = *model_.features()->Get(i);
      if (feature.column() < part.first() || feature.column() >= part.first() + part.width()) continue;
      features.push_back(&feature);
      width += feature.width();
    }
    if (width != part.width()) features.clear();
    std::sort(features.begin(), features.end(), [](const auto* a, const auto* b) { return a->column() < b->column(); });
    return features;
  }

  // Those of x, by features where there are some, in front of the others.
  Json parts_of(const schema::Stream& read) const {
    Json parts = Json::array();
    for (Index i = 0; i < size_of(model_.features()); ++i) {
      const schema::Feature& feature = *model_.features()->Get(i);
      if (has_some_of(read, feature)) parts.push_back({{"stream", "x"}, {"feature", shown_text(feature.name())}});
    }
    for (const schema::StreamPart* part : *read.parts()) {
      const bool of_x = part->source() == schema::StreamSource_ModelInput;
      if (of_x && size_of(model_.features()) != 0) continue;
      Json each = stream(part->source(), part->input());
      each["first"] = part->first();
      each["count"] = part->width();
      parts.push_back(std::move(each));
    }
    return {{"stream", "parts"}, {"parts", std::move(parts)}};
  }

  static bool has_some_of(const schema::Stream& stream, const schema::Feature& feature) {
    const auto& parts = *stream.parts();
    return std::any_of(parts.begin(), parts.end(), [&](const schema::StreamPart* part) {
      return part->source() == schema::StreamSource_ModelInput && part->first() < feature.column() + feature.width() &&
             feature.column() < part->first() + part->width();
    });
  }

  Json level_of(const schema::Level& level) const {
    Json experts = Json::array();
    for (const schema::Expert* expert : *level.experts()) {
      experts.push_back({{"name", shown_text(expert->name())},
                         {"reads", reads(*expert)},
                         {"layers", layers_of(model_, expert->layers())}});
    }
    Json gates = Json::array();
    for (const schema::Gate* gate : *level.gates()) gates.push_back(gate_of(*gate));
    return {{"experts", std::move(experts)}, {"gates", std::move(gates)}};
  }

  Json gate_of(const schema::Gate& gate) const {
    const bool computed = gate.kind() != schema::GateKind_Constant;
    const bool has_mode = gate.kind() == schema::GateKind_Softmax || gate.kind() == schema::GateKind_ScaledSoftmax;
    Json out = {{"name", shown_text(gate.name())}, {"kind", name_of(gate.kind())}};
    out["reads"] = computed ? reads(gate) : Json();
    out["hidden"] = computed ? layers_of(model_, gate.hidden()) : Json::array();
    out["experts"] = std::vector<std::uint32_t>(gate.experts()->begin(), gate.experts()->end());
    out["top_k"] = computed ? Json(gate.top_k()) : Json();
    out["top_k_mode"] = has_mode && gate.top_k() != 0 ? Json(name_of(gate.top_k_mode())) : Json();
    out["weights"] = computed ? Json() : floats(gate.constant(), gate);
    out["weight_scales"] = has_scales(gate) ? floats(gate.scales(), gate) : Json();
    if (gate.kind() == schema::GateKind_Activated) out["activation"] = name_of(gate.logits()->activation());
    if (gate.kind() == schema::GateKind_SmoothStep) out["num_selectors"] = gate.num_selectors();
    return out;
  }

  // One per expert of the gate.
  Json floats(std::int32_t tensor, const schema::Gate& gate) const {
    const float* weights = view_.elements<float>(static_cast<std::size_t>(tensor));
    return std::vector<float>(weights, weights + gate.experts()->size());
  }

  Json towers() const {
    Json out = Json::array();
    for (Index i = 0; i < size_of(model_.towers()); ++i) {
      const schema::Tower& tower = *model_.towers()->Get(i);
      out.push_back(
          {{"name", shown_text(tower.name())}, {"reads", reads(tower)}, {"layers", layers_of(model_, tower.layers())}});
    }
    return out;
  }

  using Tasks = flatbuffers::Vector<flatbuffers::Offset<schema::Task>>;

  Json tasks(const Tasks* list) const {
    Json out = Json::array();
    for (Index task = 0; task < size_of(list); ++task) {
      const schema::Link& link = *list->Get(task)->link();
      const bool product = source_of(link) == schema::LinkKind_Product;
      const bool expected = source_of(link) == schema::LinkKind_Expected;
      Json factors = Json::array(), values;
      if (expected) values = std::vector<float>(link.values()->begin(), link.values()->end());
      for (Index i = 0; product && i < size_of(link.factors()); ++i) {
        factors.push_back(shown_text(task_of(model_, link.factors()->Get(i)).name()));
      }
      out.push_back({{"name", shown_text(list->Get(task)->name())},
                     {"link", name_of(source_of(link))},
                     {"tower", product ? Json() : Json(shown_text(model_.towers()->Get(link.tower())->name()))},
                     {"column", product || expected ? Json() : Json(link.column())},
                     {"values", std::move(values)},
                     {"factors", std::move(factors)},
                     {"map", map_of(link)}});
    }
    return out;
  }

  const ModelView& view_;
  const schema::Model& model_;
  const schema::Level* previous_ = nullptr;
};

}  // namespace

void describe_layers(const ModelView& view, Json& out) {
  check_describable(view.root(), view.file_bytes());
  LayerDescriber(view).run(out);
}

}  // namespace mmoe::tools
