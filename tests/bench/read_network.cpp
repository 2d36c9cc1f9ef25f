#include "tests/bench/read_network.h"

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "converter/description/bind.h"
#include "converter/importers/open_weights.h"

namespace mmoe::bench {
namespace {

using converter::ActivationKind;

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("the comparison cannot assemble this model: ") + what);
}

Layer plain_layer(const converter::DenseLayer& from, ActivationKind activation) {
  require(from.activation.kind == activation, "activations are ReLU, and none at the end of towers and gates");
  require(!from.norm_before_activation && !from.norm_after_activation, "no batch norms");
  Layer layer{from.inputs(), from.outputs(), from.weight.data, from.bias};
  layer.bias.resize(layer.outputs, 0.0f);
  return layer;
}

std::vector<Layer> plain_layers(const converter::Mlp& from, ActivationKind last) {
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < from.size(); ++i) {
    layers.push_back(plain_layer(from[i], i + 1 < from.size() ? ActivationKind::kRelu : last));
  }
  return layers;
}

Layer gate_logits(const converter::Gate& gate, std::size_t num_experts) {
  require(gate.logits && gate.hidden.empty(), "gates are one softmax layer");
  require(gate.top_k == 0 && gate.temperature == 1, "gates keep all experts");
  require(gate.experts.size() == num_experts, "every gate mixes all experts");
  for (std::size_t e = 0; e < num_experts; ++e) require(gate.experts[e] == e, "gates list the experts in order");
  return plain_layer(*gate.logits, ActivationKind::kIdentity);
}

Network plain_network(const converter::TrainedModel& model) {
  require(model.trunk.empty() && model.levels.size() == 1 && model.features.empty(), "one level, x itself as input");
  Network network;
  network.input_dim = model.input_dim;
  for (const converter::Expert& expert : model.levels[0].experts) {
    network.experts.push_back(plain_layers(expert.layers, ActivationKind::kRelu));
  }
  for (const converter::Gate& gate : model.levels[0].gates) {
    network.gates.push_back(gate_logits(gate, network.num_experts()));
  }
  require(network.gates.size() == model.tasks.size() && model.towers.size() == model.tasks.size(),
          "a gate and a tower per task");
  for (std::size_t t = 0; t < model.tasks.size(); ++t) {
    const converter::Link& link = model.tasks[t].link;
    const bool sigmoid =
        link.source == converter::LinkSource::kLogit && link.activation.kind == ActivationKind::kSigmoid;
    require(sigmoid && link.tower == t && model.towers[t].input == t, "sigmoid links, task by task");
    network.towers.push_back(plain_layers(model.towers[t].layers, ActivationKind::kIdentity));
    require(network.towers[t].back().outputs == 1, "towers end in one logit");
  }
  return network;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path.string() + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

Network read_network(const std::filesystem::path& weights, const std::filesystem::path& description) {
  const auto source = converter::open_weights(weights);
  return plain_network(converter::bind_description_text(read_text(description), *source, weights.stem().string()));
}

}  // namespace mmoe::bench
