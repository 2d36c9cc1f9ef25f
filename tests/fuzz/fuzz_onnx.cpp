// libFuzzer: any bytes are an ONNX model whose constants can be read, or a ConvertError; and its graph is a model of
// the MMoE family whose parts fit together, or a ConvertError.
#include "converter/importers/onnx_graph.h"
#include "converter/importers/open_weights.h"
#include "converter/recognise/recognise.h"
#include "tests/fuzz/read_all.h"

namespace {

using namespace mmoe::converter;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

void check_layer(const DenseLayer& layer) {
  require(layer.weight.data.size() == layer.weight.rows * layer.weight.cols);
  require(layer.bias.empty() || layer.bias.size() == layer.outputs());
}

/// The width of what the layers give, out of `inputs` numbers.
size_t check_layers(const Mlp& layers, size_t inputs) {
  for (const DenseLayer& layer : layers) {
    check_layer(layer);
    require(layer.inputs() == inputs);
    inputs = layer.outputs();
  }
  return inputs;
}

size_t input_width(const StreamRef& input, const std::vector<size_t>& streams, size_t input_dim) {
  if (input.is_input()) return input_dim;
  require(input.index < streams.size());
  return streams[input.index];
}

std::vector<size_t> check_level(const Level& level, const std::vector<size_t>& streams, size_t input_dim) {
  std::vector<size_t> widths, outputs;
  for (const Expert& expert : level.experts) {
    require(!expert.layers.empty());
    widths.push_back(check_layers(expert.layers, input_width(expert.input, streams, input_dim)));
  }
  for (const Gate& gate : level.gates) {
    require(!gate.experts.empty());
    for (const size_t expert : gate.experts) require(widths.at(expert) == widths.at(gate.experts.front()));
    if (gate.logits) {
      const size_t hidden = check_layers(gate.hidden, input_width(gate.input, streams, input_dim));
      require(gate.logits->inputs() == hidden && gate.logits->outputs() == gate.experts.size());
    } else {
      require(gate.constant_weights.size() == gate.experts.size());
    }
    outputs.push_back(widths.at(gate.experts.front()));
  }
  return outputs;
}

void check_model(const TrainedModel& model) {
  std::vector<size_t> streams = {check_layers(model.trunk, model.input_dim)};
  for (const Level& level : model.levels) streams = check_level(level, streams, model.input_dim);
  for (const Tower& tower : model.towers) {
    require(!tower.layers.empty());
    check_layers(tower.layers, input_width(tower.input, streams, model.input_dim));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::read_all(data, size, [](std::string_view bytes) { return parse_weights("fuzz", bytes); });
  try {
    std::vector<std::string> notes;
    check_model(recognise(parse_onnx("fuzz", {reinterpret_cast<const char*>(data), size}), "fuzz", notes));
  } catch (const ConvertError&) {
  }
  return 0;
}
