#include "runtime/tools/describe_layers.h"

#include <vector>

#include "runtime/tools/schema_names.h"

namespace mmoe::tools {
namespace {

using Layers = flatbuffers::Vector<flatbuffers::Offset<schema::Dense>>;

bool uses_alpha(schema::ActivationKind activation) {
  return activation == schema::ActivationKind_LeakyRelu || activation == schema::ActivationKind_Elu;
}

Json layers_of(const Layers* layers) {
  Json out = Json::array();
  for (Index i = 0; i < size_of(layers); ++i) {
    const schema::Dense& layer = *layers->Get(i);
    const schema::Normalized* norm =
        layer.activation() == schema::ActivationKind_Normalized ? layer.normalized() : nullptr;
    const schema::ActivationKind activation = norm ? norm->activation() : layer.activation();
    Json item = {{"inputs", layer.inputs()}, {"outputs", layer.outputs()}, {"activation", name_of(activation)}};
    if (norm && norm->use() == schema::NormUse_Gate) item["activation"] = name_of(norm->use());
    item["alpha"] = uses_alpha(activation) ? Json(layer.alpha()) : Json();
    item["norm"] = norm ? Json{{"kind", name_of(norm->kind())}, {"position", name_of(norm->use())}} : Json();
    out.push_back(std::move(item));
  }
  return out;
}

class LayerDescriber {
 public:
  explicit LayerDescriber(const ModelView& view) : view_(view), model_(view.root()) {}

  void run(Json& out) {
    out["trunk"] = layers_of(model_.trunk());
    out["levels"] = Json::array();
    for (const schema::Level* level : *model_.levels()) {
      out["levels"].push_back(level_of(*level));
      previous_ = level;
    }
    out["towers"] = towers();
    out["tasks"] = tasks();
  }

 private:
  Json previous_stream(Index index) const {
    if (previous_ == nullptr) return {{"stream", size_of(model_.trunk()) > 0 ? "trunk" : "x"}};
    return {{"stream", "gate"}, {"index", index}, {"name", shown_text(previous_->gates()->Get(index)->name())}};
  }

  template <class Reader>
  Json reads(const Reader& reader) const {
    if (reader.source() == schema::StreamSource_ModelInput) return {{"stream", "x"}};
    return previous_stream(reader.input());
  }

  Json level_of(const schema::Level& level) const {
    Json experts = Json::array();
    for (const schema::Expert* expert : *level.experts()) {
      experts.push_back(
          {{"name", shown_text(expert->name())}, {"reads", reads(*expert)}, {"layers", layers_of(expert->layers())}});
    }
    Json gates = Json::array();
    for (const schema::Gate* gate : *level.gates()) gates.push_back(gate_of(*gate));
    return {{"experts", std::move(experts)}, {"gates", std::move(gates)}};
  }

  Json gate_of(const schema::Gate& gate) const {
    const bool softmax = gate.kind() == schema::GateKind_Softmax;
    Json out = {{"name", shown_text(gate.name())}, {"kind", name_of(gate.kind())}};
    out["reads"] = softmax ? reads(gate) : Json();
    out["hidden"] = layers_of(gate.hidden());
    out["experts"] = std::vector<std::uint32_t>(gate.experts()->begin(), gate.experts()->end());
    out["top_k"] = softmax ? Json(gate.top_k()) : Json();
    out["top_k_mode"] = softmax && gate.top_k() != 0 ? Json(name_of(gate.top_k_mode())) : Json();
    out["weights"] = softmax ? Json() : constant_weights(gate);
    return out;
  }

  Json constant_weights(const schema::Gate& gate) const {
    const float* weights = view_.elements<float>(static_cast<std::size_t>(gate.constant()));
    return std::vector<float>(weights, weights + gate.experts()->size());
  }

  Json towers() const {
    Json out = Json::array();
    for (Index i = 0; i < size_of(model_.towers()); ++i) {
      const schema::Tower& tower = *model_.towers()->Get(i);
      out.push_back({{"name", shown_text(tower.name())},
                     {"reads", previous_stream(tower.input())},
                     {"layers", layers_of(tower.layers())}});
    }
    return out;
  }

  Json tasks() const {
    Json out = Json::array();
    for (const schema::Task* task : *model_.tasks()) {
      const schema::Link& link = *task->link();
      const bool product = link.kind() == schema::LinkKind_Product;
      Json factors = Json::array();
      for (Index i = 0; product && i < size_of(link.factors()); ++i) {
        factors.push_back(shown_text(model_.tasks()->Get(link.factors()->Get(i))->name()));
      }
      out.push_back({{"name", shown_text(task->name())},
                     {"link", name_of(link.kind())},
                     {"tower", product ? Json() : Json(shown_text(model_.towers()->Get(link.tower())->name()))},
                     {"column", product ? Json() : Json(link.column())},
                     {"factors", std::move(factors)}});
    }
    return out;
  }

  const ModelView& view_;
  const schema::Model& model_;
  const schema::Level* previous_ = nullptr;
};

}  // namespace

void describe_layers(const ModelView& view, Json& out) { LayerDescriber(view).run(out); }

}  // namespace mmoe::tools
