// libFuzzer: any bytes are an ONNX model whose constants can be read, or a ConvertError; and its graph is a model of
// the MMoE family whose parts fit together, or a ConvertError.
#include <algorithm>

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

/// What can be read at some place of the model: x, nodes, and the streams of the level before.
struct Readable {
  size_t input_dim = 0;
  std::vector<size_t> nodes, streams;

  size_t width_of(StreamSource source, size_t index) const {
    if (source == StreamSource::kModelInput) return input_dim;
    const std::vector<size_t>& widths = source == StreamSource::kNode ? nodes : streams;
    require(index < widths.size());
    return widths[index];
  }

  /// `ordered`: columns of x come first and ascend.
  size_t width_of(const StreamRef& input, bool ordered = true) const {
    if (input.parts.empty()) return width_of(input.source, input.index);
    size_t next = 0;
    for (const StreamPart& part : input.parts) {
      require(part.columns.width > 0);
      require(part.columns.first + part.columns.width <= width_of(part.source, part.index));
      require(!ordered || !part.is_input() || part.columns.first >= next);
      next = part.is_input() ? part.columns.first + part.columns.width : input_dim + 1;
    }
    return input.width_of_parts();
  }
};

std::vector<size_t> check_level(const Level& level, const Readable& readable) {
  std::vector<size_t> widths, outputs;
  for (const Expert& expert : level.experts) {
    require(!expert.layers.empty());
    widths.push_back(check_layers(expert.layers, readable.width_of(expert.input)));
  }
  for (const Gate& gate : level.gates) {
    require(!gate.experts.empty());
    for (const size_t expert : gate.experts) require(widths.at(expert) == widths.at(gate.experts.front()));
    if (gate.logits) {
      const size_t hidden = check_layers(gate.hidden, readable.width_of(gate.input));
      require(gate.logits->inputs() == hidden && gate.logits->outputs() == gate.experts.size());
    } else {
      require(gate.constant_weights.size() == gate.experts.size());
    }
    outputs.push_back(widths.at(gate.experts.front()));
  }
  return outputs;
}

void check_attention(const Node& node, const std::vector<size_t>& widths) {
  require(widths.size() > 1 && node.layers.size() > 1 && widths[0] == node.input_width);
  size_t width = 0;
  for (size_t i = 1; i < widths.size(); ++i) {
    require(widths[i] % node.attention.length == 0 && widths[i] > node.attention.length);
    width += widths[i] / node.attention.length - 1;
  }
  require(width == node.input_width);
  require(check_layers(node.layers, width * node.attention.terms.size()) == 1);
}

void check_scaled_dot(const Node& node, const std::vector<size_t>& widths) {
  require(widths.size() == 3 || widths.size() == 4);
  require(node.group > 0 && widths[0] == node.query_width && widths[0] % node.group == 0);
  require(widths[1] % node.group == 0);
  const size_t keys = widths[1] / node.group;
  require(keys > 0 && widths[2] == keys * node.value_width && (widths.size() == 3 || widths[3] <= keys));
  require(node.heads > 0 && node.group % node.heads == 0 && node.value_width % node.heads == 0);
}

void check_node(const Node& node, const Readable& readable) {
  if (node.kind == NodeKind::kMlp) {
    require(!node.layers.empty());
    check_layers(node.layers, readable.width_of(node.input));
    return;
  }
  std::vector<size_t> widths;
  for (const StreamRef& input : node.inputs) widths.push_back(readable.width_of(input, false));
  if (node.kind == NodeKind::kAttention) return check_attention(node, widths);
  if (node.kind == NodeKind::kScaledDot) return check_scaled_dot(node, widths);
  if (node.kind == NodeKind::kEach) {
    require(widths.size() == 1 && widths[0] == node.input_width && node.group > 0 && widths[0] % node.group == 0);
    check_layers(node.layers, node.group);
    return;
  }
  require(!widths.empty() && *std::max_element(widths.begin(), widths.end()) == node.input_width);
  for (const size_t width : widths) require(width > 0 && node.input_width % width == 0);
  require(node.group == 0 || node.input_width % node.group == 0);
  require(node.constant.empty() || node.constant.size() == node.input_width);
}

void check_model(const TrainedModel& model) {
  Readable readable;
  readable.input_dim = model.input_dim;
  readable.streams = {check_layers(model.trunk, model.input_dim)};
  const auto check_nodes = [&](size_t level) {
    while (readable.nodes.size() < model.nodes.size() && model.nodes[readable.nodes.size()].level <= level) {
      const Node& node = model.nodes[readable.nodes.size()];
      require(node.level == level);
      check_node(node, readable);
      readable.nodes.push_back(node.width());
    }
  };
  check_nodes(0);
  for (size_t level = 0; level < model.levels.size(); ++level) {
    readable.streams = check_level(model.levels[level], readable);
    check_nodes(level + 1);
  }
  require(readable.nodes.size() == model.nodes.size());
  for (const Tower& tower : model.towers) {
    require(!tower.layers.empty());
    check_layers(tower.layers, readable.width_of(tower.input));
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
