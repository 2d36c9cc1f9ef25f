#include "model/verify_layers.h"

#include "kernels/combine.h"
#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "model/access.h"
#include "model/checker.h"
#include "model/stored_types.h"
#include "model/tensor_check.h"

namespace mmoe::internal {
namespace {

using flatbuffers::uoffset_t;

// What this build computes.
constexpr auto kLastLink = kHasExtras ? schema::LinkKind_MAX : schema::LinkKind_Product;
constexpr auto kLastGate = kHasExtras ? schema::GateKind_MAX : schema::GateKind_Constant;
constexpr auto kLastSource = kHasNodes     ? schema::StreamSource_Node
                             : kHasStreams ? schema::StreamSource_Named
                                           : schema::StreamSource_ModelInput;

static_assert(kMaxSelectors == kernels::kMaxSelectors);
static_assert(static_cast<int>(kernels::Operation::kSumWithinGroups) == schema::NodeKind_SumWithinGroups);

bool is_finite(float x) { return x - x == 0; }

// Widths of a level's output streams, or x itself.
struct Streams {
  std::size_t count = 0;
  std::uint32_t width[kMaxGates];
  bool are_x = false;
};

// What a layer reads.
using Input = StreamColumns;

class LayerVerifier : Checker {
 public:
  using Checker::Checker;

  bool run() {
    Streams streams;
    streams.count = 1;
    streams.width[0] = root_.input_dim();
    const Path trunk(nullptr, "trunk");
    if (!mlp(root_.trunk(), 0, x(), trunk, streams.width[0])) return false;
    streams.are_x = size_of(root_.trunk()) == 0;
    if (kHasStreams && !count(size_of(root_.streams()), 0, kMaxStreams, Path(nullptr, "streams"))) return false;
    const Path levels(nullptr, "levels");
    if (!count(root_.levels()->size(), 1, kMaxLevels, levels)) return false;
    const std::size_t num_nodes = size_of(root_.nodes());
    if (num_nodes != 0 && !kHasNodes) return unsupported(nullptr, "nodes: this build has none");
    if (!count(num_nodes, 0, kMaxNodes, Path(nullptr, "nodes"))) return false;
    for (uoffset_t i = 0; i < root_.levels()->size(); ++i) {
      if (kHasNodes && !nodes(i, streams)) return false;
      if (!level(*root_.levels()->Get(i), levels.at(i), streams)) return false;
    }
    if (kHasNodes && !nodes(root_.levels()->size(), streams)) return false;
    return tasks(streams);
  }

 private:
  bool count(std::size_t found, std::size_t least, std::size_t most, const Path& path) const {
    return (found >= least && found <= most) || damaged(&path, "% entries, expected % to %", found, least, most);
  }

  Input x() const { return {root_.input_dim(), root_.shared_dim()}; }

  // Those behind so many levels: the next ones. From then on they may be read.
  bool nodes(std::size_t level, const Streams& streams) {
    const Path nodes(nullptr, "nodes");
    for (; num_known_ < size_of(root_.nodes()); ++num_known_) {
      const schema::Node& node = *root_.nodes()->Get(static_cast<uoffset_t>(num_known_));
      const Path at = nodes.at(num_known_);
      if (node.level() > level && node.level() <= root_.levels()->size()) return true;
      if (node.level() != level)
        return damaged(&at, "level: %, behind % of %", node.level(), level, root_.levels()->size());
      if (node.kind() > schema::NodeKind_MAX) return unsupported(&at, "kind: %", node.kind());
      const bool sound = node.kind() == schema::NodeKind_Mlp         ? node_mlp(node, streams, at)
                         : node.kind() == schema::NodeKind_Attention ? attention(node, streams, at)
                         : node.kind() == schema::NodeKind_Each      ? each(node, streams, at)
                         : node.kind() == schema::NodeKind_ScaledDot ? scaled_dot(node, streams, at)
                                                                     : operation(node, streams, at);
      if (!sound) return false;
      node_widths_[num_known_] = node_width(node);
    }
    return true;
  }

  bool node_mlp(const schema::Node& node, const Streams& streams, const Path& path) const {
    Input inputs{};
    std::uint32_t width = 0;
    return stream(node.source(), node.input(), streams, path, inputs) &&
           mlp(node.layers(), 1, inputs, Path(&path, "layers"), width);
  }

  bool operation(const schema::Node& node, const Streams& streams, const Path& path) const {
    const bool by_element = node.kind() == schema::NodeKind_Sum || node.kind() == schema::NodeKind_Product;
    const bool dot = node.kind() == schema::NodeKind_Dot, softmax = node.kind() == schema::NodeKind_Softmax;
    const Path inputs(&path, "inputs");
    if (!count(size_of(node.inputs()), dot ? 2 : 1, by_element ? kMaxNodeInputs : dot ? 2 : 1, inputs)) return false;
    std::uint32_t widest = 0;
    for (uoffset_t i = 0; i < node.inputs()->size(); ++i) {
      Input found{};
      if (!parts(*node.inputs()->Get(i), streams, inputs.at(i), false, found)) return false;
      widest = found.width > widest ? found.width : widest;
    }
    for (uoffset_t i = 0; i < node.inputs()->size(); ++i) {
      const std::uint32_t width = columns_of(root_, *node.inputs()->Get(i)).width;
      const Path at = inputs.at(i);
      if (by_element ? widest % width != 0 : width != widest) return damaged(&at, "% columns beside %", width, widest);
    }
    if ((by_element || softmax) && node.group() != 0) return damaged(&path, "group: %, expected 0", node.group());
    if (node.group() != 0 && widest % node.group() != 0)
      return damaged(&path, "group: % of % columns", node.group(), widest);
    if (softmax && widest > kMaxExperts) return unsupported(&path, "softmax over %, at most %", widest, kMaxExperts);
    return result(node, widest, path);
  }

  // A query and sequences; the layers from their elements to one number.
  bool attention(const schema::Node& node, const Streams& streams, const Path& path) const {
    const Path inputs(&path, "inputs");
    if (!count(size_of(node.inputs()), 2, kMaxNodeInputs, inputs)) return false;
    Input query{};
    if (!parts(*node.inputs()->Get(0), streams, inputs.at(0), false, query)) return false;
    std::uint64_t width = 0;
    for (uoffset_t i = 1; i < node.inputs()->size(); ++i) {
      if (!sequence(*node.inputs()->Get(i), node.length(), streams, inputs.at(i), width)) return false;
    }
    if (width != query.width) return damaged(&path, "elements of % columns, a query of %", width, query.width);
    const std::size_t longest = node.softmax() ? kMaxExperts : UINT16_MAX;
    if (node.length() > longest) return unsupported(&path, "length: %, at most %", node.length(), longest);
    if (!node.query() || !node.keys() || !node.product()) return damaged(&path, "query, keys or product: missing");
    const Input element{query.width, 0};
    const bool outer = node.product()->inputs() == std::uint64_t{query.width} * query.width;
    const Input products{outer ? node.product()->inputs() : query.width, 0};
    const Path layers(&path, "layers");
    if (!dense(*node.query(), element, Path(&path, "query")) || !dense(*node.keys(), element, Path(&path, "keys")) ||
        !dense(*node.product(), products, Path(&path, "product"))) {
      return false;
    }
    const std::uint32_t outputs = node.product()->outputs();
    const auto linear = [&](const schema::Dense& layer) {
      return layer.activation() == schema::ActivationKind_Identity && !layer.norm() && layer.outputs() == outputs &&
             layer.column() % kPanelWidth == 0;
    };
    if (!linear(*node.query()) || !linear(*node.keys()) || node.product()->column() % kPanelWidth != 0 ||
        (node.product()->activation() == schema::ActivationKind_PRelu && !node.product()->norm()) ||
        (node.product()->norm() && node.product()->norm()->use() == schema::NormUse_AfterActivation)) {
      return damaged(&path, "query, keys or product: not linear, of one width, in panels of its own");
    }
    std::uint32_t last = 0;
    return mlp(node.layers(), 1, {outputs, 0}, layers, last) && (last == 1 || damaged(&layers, "% weights", last));
  }

  bool each(const schema::Node& node, const Streams& streams, const Path& path) const {
    const Path inputs(&path, "inputs");
    Input found{};
    if (!count(size_of(node.inputs()), 1, 1, inputs) ||
        !parts(*node.inputs()->Get(0), streams, inputs.at(0), false, found)) {
      return false;
    }
    if (node.group() == 0 || found.width % node.group() != 0)
      return damaged(&path, "group: % of % columns", node.group(), found.width);
    std::uint32_t outputs = 0;
    if (!mlp(node.layers(), 1, {node.group(), 0}, Path(&path, "layers"), outputs)) return false;
    return is_width(std::uint64_t{found.width} / node.group() * outputs, path);
  }

  bool is_width(std::uint64_t width, const Path& path) const {
    return width <= kMaxDim || unsupported(&path, "% numbers, at most %", width, kMaxDim);
  }

  bool scaled_dot(const schema::Node& node, const Streams& streams, const Path& path) const {
    const Path inputs(&path, "inputs");
    if (!count(size_of(node.inputs()), 3, 4, inputs)) return false;
    std::uint32_t widths[4] = {};
    for (uoffset_t i = 0; i < node.inputs()->size(); ++i) {
      Input found{};
      if (!parts(*node.inputs()->Get(i), streams, inputs.at(i), false, found)) return false;
      widths[i] = found.width;
    }
    const std::uint32_t group = node.group(), heads = node.heads();
    if (group == 0 || widths[0] % group != 0 || widths[1] % group != 0)
      return damaged(&path, "group: % of % and % columns", group, widths[0], widths[1]);
    const std::uint32_t keys = widths[1] / group;
    if (keys > kMaxExperts) return unsupported(&path, "% keys, at most %", keys, kMaxExperts);
    if (widths[2] % keys != 0 || widths[3] > keys)
      return damaged(&path, "values of % and a mask of % columns for % keys", widths[2], widths[3], keys);
    if (heads == 0 || group % heads != 0 || widths[2] / keys % heads != 0)
      return damaged(&path, "heads: % of % and % columns", heads, group, widths[2] / keys);
    if (!is_finite(node.scale())) return damaged(&path, "scale: not finite");
    return is_width(schema::outputs_of_scaled_dot(widths[0], widths[1], widths[2], group), path);
  }

  // One part, with so many elements and what says which there are; adds the width of an element.
  bool sequence(const schema::Stream& stream, std::uint32_t length, const Streams& streams, const Path& path,
                std::uint64_t& width) const {
    Input found{};
    if (!parts(stream, streams, path, false, found)) return false;
    const schema::StreamPart& part = *stream.parts()->Get(0);
    const bool of_x = part.source() == schema::StreamSource_ModelInput;
    const std::uint32_t shared = root_.shared_dim();
    const bool straddles = of_x && part.first() < shared && part.first() + part.width() > shared;
    if (stream.parts()->size() != 1 || straddles || length == 0 || found.width % length != 0 ||
        found.width / length < 2) {
      return damaged(&path, "% columns are no sequence of %", found.width, length);
    }
    width += found.width / length - 1;
    return true;
  }

  // The width of what it gives, and what is done with that.
  bool result(const schema::Node& node, std::uint32_t widest, const Path& path) const {
    const std::uint64_t groups = node.group() == 0 ? 1 : widest / node.group();
    const bool pairs = node.kind() == schema::NodeKind_LowerPairs || node.kind() == schema::NodeKind_UpperPairs;
    if (pairs && (groups < 2 || groups * (groups - 1) / 2 > kMaxDim))
      return damaged(&path, "group: pairs of % groups", groups);
    if (!is_finite(node.scale())) return damaged(&path, "scale: not finite");
    const bool sum = node.kind() == schema::NodeKind_Sum;
    if (sum ? node.constant() != -1 && !is_row(node.constant(), widest) : node.constant() != -1) {
      return damaged(&path, "constant: not a row of % floats", widest);
    }
    const bool softmax = node.kind() == schema::NodeKind_Softmax;
    if (!kernels::is_activation(node.activation()) || node.activation() == schema::ActivationKind_PRelu ||
        (softmax && node.activation() != schema::ActivationKind_Identity)) {
      return unsupported(&path, "activation: %", node.activation());
    }
    return parameters(node.activation(), node.alpha(), node.beta(), path);
  }

  // What a stream of Model.streams is to its reader. Columns of x ascend and stand in front of others: the shared ones
  // are then the first, and no column of x is read twice. With `ordered` false they may be in any order.
  bool parts(const schema::Stream& stream, const Streams& previous, const Path& path, bool ordered,
             Input& found) const {
    const Path parts(&path, "parts");
    const auto& list = *stream.parts();
    if (!count(list.size(), 1, kMaxParts, parts)) return false;
    std::uint32_t next_of_x = 0;
    std::size_t width = 0;
    for (uoffset_t i = 0; i < list.size(); ++i) {
      const schema::StreamPart& part = *list.Get(i);
      const Path at = parts.at(i);
      const bool of_x = part.source() == schema::StreamSource_ModelInput;
      const bool of_node = part.source() == schema::StreamSource_Node;
      if (part.source() > kLastSource || part.source() == schema::StreamSource_Named) {
        return unsupported(&at, "source: %", part.source());
      }
      const std::size_t count = of_node ? num_known_ : previous.are_x ? 0 : previous.count;
      if (!of_x && part.input() >= count) return damaged(&at, "input: stream % of %", part.input(), count);
      const std::uint32_t columns = of_x      ? root_.input_dim()
                                    : of_node ? node_widths_[part.input()]
                                              : previous.width[part.input()];
      const std::uint32_t least = of_x && ordered ? next_of_x : 0;
      if (part.first() < least || part.first() > columns || part.width() == 0 ||
          part.width() > columns - part.first()) {
        return damaged(&at, "% columns from % on, expected columns from % on, within %", part.width(), part.first(),
                       least, columns);
      }
      next_of_x = of_x ? part.first() + part.width() : UINT32_MAX;
      width += part.width();
      if (width > kMaxDim) return damaged(&at, "% columns, expected at most %", width, kMaxDim);
    }
    found = columns_of(root_, stream);
    return true;
  }

  bool is_row(std::int64_t tensor, std::uint64_t cols) const {
    return find_tensor(root_, tensor, {schema::DType_F32, schema::Layout_RowMajor, 1, cols}) != nullptr;
  }

  bool dense(const schema::Dense& layer, const Input& input, const Path& path) const {
    const std::uint32_t inputs = input.width;
    if (layer.inputs() != inputs || layer.outputs() == 0 || layer.outputs() > kMaxDim) {
      return damaged(&path, "% outputs of % inputs, where % arrive", layer.outputs(), layer.inputs(), inputs);
    }
    const schema::Tensor* weight = tensor_at(root_, layer.weight());
    if (!weight) return damaged(&path, "weight: no tensor %", layer.weight());
    kernels::WeightType type;
    if (!weight_type_of(*weight, type)) {
      return unsupported(&path, "weight: type % with layout % is not in this build", weight->dtype(), weight->layout());
    }
    if (weight->cols() != inputs || layer.column() > weight->rows() ||
        layer.outputs() > weight->rows() - layer.column()) {
      return damaged(&path, "weight: outputs from % on, in a tensor of % x %", layer.column(), weight->rows(),
                     weight->cols());
    }
    const std::size_t padded = padded_outputs(weight->rows());
    if (!is_row(layer.bias(), padded)) return damaged(&path, "bias: not a row of % floats", padded);
    if (!quantization(*weight, type, padded, input.shared, path)) return false;
    if (!kernels::is_activation(layer.activation())) return unsupported(&path, "activation: %", layer.activation());
    if (!parameters(layer.activation(), layer.alpha(), layer.beta(), path)) return false;
    const schema::Norm* norm = layer.norm();
    if (norm && !normalisation(layer, *norm, padded, path)) return false;
    const bool slopes =
        layer.activation() == schema::ActivationKind_PRelu || (norm && norm->use() == schema::NormUse_Dice);
    return !slopes || is_row(layer.slopes(), padded) || damaged(&path, "slopes: not a row of % floats", padded);
  }

  // A scale per output, and for W8A8 what its two parts need. A product over x has the parts that a user's columns and
  // a candidate's have; any other is one part.
  bool quantization(const schema::Tensor& weight, kernels::WeightType type, std::size_t padded, std::uint32_t shared,
                    const Path& path) const {
    if (!kernels::kHasScales || type < kernels::WeightType::kI8) return true;
    if (!is_row(weight.scales(), padded)) return damaged(&path, "weight.scales: not a row of % floats", padded);
    if (!kernels::kHasW8A8 || type != kernels::WeightType::kW8A8) return true;
    if (weight.cols() > kernels::kMaxW8A8Inputs) {
      return unsupported(&path, "weight: % inputs of int8, expected at most %", weight.cols(), kernels::kMaxW8A8Inputs);
    }
    if (weight.shared_cols() != shared) {
      return damaged(&path, "weight.shared_cols: %, expected %", weight.shared_cols(), shared);
    }
    const std::uint64_t parts = shared == 0 ? 1 : 2;
    return find_tensor(root_, weight.row_sums(), {schema::DType_I32, schema::Layout_RowMajor, parts, padded}) ||
           damaged(&path, "weight.row_sums: not % rows of % numbers", parts, padded);
  }

  // Celu and softplus divide by alpha.
  bool parameters(schema::ActivationKind activation, float alpha, float beta, const Path& path) const {
    using namespace schema;  // NOLINT: its names are long
    const bool divides =
        kHasExtras && (activation == ActivationKind_Celu || activation == ActivationKind_ScaledSoftplus);
    return (is_finite(alpha) && is_finite(beta) && (!divides || alpha > 0)) ||
           damaged(&path, "alpha or beta: not finite, or not above 0");
  }

  // It writes whole panels: they must not begin within those of another layer.
  bool normalisation(const schema::Dense& layer, const schema::Norm& norm, std::size_t padded, const Path& path) const {
    if (norm.kind() > schema::NormKind_MAX || norm.use() > schema::NormUse_MAX) {
      return unsupported(&path, "norm: kind %, use %", norm.kind(), norm.use());
    }
    if (layer.column() % kPanelWidth != 0) return damaged(&path, "column: % of a layer with a norm", layer.column());
    if (norm.use() == schema::NormUse_Dice && layer.activation() != schema::ActivationKind_Identity) {
      return damaged(&path, "activation: % of a layer with Dice", layer.activation());
    }
    if (!is_finite(norm.epsilon())) return damaged(&path, "norm.epsilon: not finite");
    return find_tensor(root_, norm.scale_shift(), {schema::DType_F32, schema::Layout_RowMajor, 2, padded}) ||
           damaged(&path, "norm.scale_shift: not two rows of % floats", padded);
  }

  // At least so many layers one behind the other; `width` becomes the last one's outputs. No layers: the inputs pass.
  bool mlp(const DenseLayers* layers, std::size_t least, Input input, const Path& path, std::uint32_t& width) const {
    if (!count(size_of(layers), least, kMaxLayers, path)) return false;
    for (uoffset_t i = 0; i < size_of(layers); ++i) {
      if (!dense(*layers->Get(i), input, path.at(i))) return false;
      input = {layers->Get(i)->outputs(), 0};
    }
    width = input.width;
    return true;
  }

  // The stream that an expert, a gate or a tower reads.
  bool stream(schema::StreamSource source, std::uint32_t input, const Streams& streams, const Path& path,
              Input& found) const {
    if (source > kLastSource) return unsupported(&path, "source: %", source);
    found = x();
    if (source == schema::StreamSource_ModelInput) return true;
    const bool named = kHasStreams && source == schema::StreamSource_Named;
    const bool node = kHasNodes && source == schema::StreamSource_Node;
    const std::size_t count = named ? size_of(root_.streams()) : node ? num_known_ : streams.count;
    if (input >= count) return damaged(&path, "input: stream % of %", input, count);
    if (named) return parts(*root_.streams()->Get(input), streams, path, true, found);
    if (node) {
      found = {node_widths_[input], 0};
      return true;
    }
    found = {streams.width[input], streams.are_x ? root_.shared_dim() : 0};
    return true;
  }

  bool level(const schema::Level& level, const Path& path, Streams& streams) const {
    const Path experts(&path, "experts");
    const Path gates(&path, "gates");
    if (!count(level.experts()->size(), 1, kMaxExperts, experts)) return false;
    if (!count(level.gates()->size(), 1, kMaxGates, gates)) return false;
    std::uint32_t widths[kMaxExperts];
    for (uoffset_t i = 0; i < level.experts()->size(); ++i) {
      if (!expert(*level.experts()->Get(i), streams, experts.at(i), widths[i])) return false;
    }
    Streams next;
    next.count = level.gates()->size();
    for (uoffset_t i = 0; i < next.count; ++i) {
      const Path at = gates.at(i);
      const schema::Gate& gate = *level.gates()->Get(i);
      if (!mixed(gate, level.experts()->size(), widths, at, next.width[i])) return false;
      if (!weights(gate, streams, at)) return false;
    }
    streams = next;
    return true;
  }

  bool expert(const schema::Expert& expert, const Streams& streams, const Path& path, std::uint32_t& width) const {
    Input inputs{};
    return stream(expert.source(), expert.input(), streams, path, inputs) &&
           mlp(expert.layers(), 1, inputs, Path(&path, "layers"), width);
  }

  // The experts that a gate lists exist and are equally wide.
  bool mixed(const schema::Gate& gate, std::size_t num_experts, const std::uint32_t* widths, const Path& path,
             std::uint32_t& width) const {
    const Path experts(&path, "experts");
    if (!count(gate.experts()->size(), 1, kMaxExperts, experts)) return false;
    for (uoffset_t i = 0; i < gate.experts()->size(); ++i) {
      const std::uint32_t index = gate.experts()->Get(i);
      const Path at = experts.at(i);
      if (index >= num_experts) return damaged(&at, "%, but the level has % experts", index, num_experts);
      if (i == 0) width = widths[index];
      if (widths[index] != width) return damaged(&at, "expert % is % wide, the first %", index, widths[index], width);
    }
    return true;
  }

  // Some for each selector, and its share.
  bool smooth_step_logits(const schema::Gate& gate, const Path& path, std::size_t& num_logits) const {
    if (gate.experts()->size() < 2)
      return damaged(&path, "experts: smooth steps for % experts", gate.experts()->size());
    if (!count(gate.num_selectors(), 1, kMaxSelectors, Path(&path, "num_selectors"))) return false;
    num_logits = gate.num_selectors() * (kernels::selector_bits(gate.experts()->size()) + 1);
    return true;
  }

  bool weights(const schema::Gate& gate, const Streams& streams, const Path& path) const {
    const std::uint32_t num_experts = gate.experts()->size();
    if (gate.kind() > kLastGate) return unsupported(&path, "kind: %", gate.kind());
    const bool constant = gate.kind() == schema::GateKind_Constant;
    const bool function = kHasExtras && gate.kind() > schema::GateKind_ScaledSoftmax;
    const bool scaled = kHasExtras && (function ? gate.scales() != -1 : gate.kind() == schema::GateKind_ScaledSoftmax);
    if (constant || scaled) {
      if (!is_row(constant ? gate.constant() : gate.scales(), num_experts)) {
        return damaged(&path, constant ? "constant: not a row of % floats" : "scales: not a row of % floats",
                       num_experts);
      }
      if (constant) return true;
    }
    if (gate.top_k() > num_experts) return damaged(&path, "top_k: % of % experts", gate.top_k(), num_experts);
    if (gate.top_k_mode() > schema::TopKMode_MAX) return unsupported(&path, "top_k_mode: %", gate.top_k_mode());
    if (function && gate.top_k_mode() != schema::TopKMode_SoftmaxOfTopK) {
      return damaged(&path, "top_k_mode: % of a gate that is no softmax", gate.top_k_mode());
    }
    std::size_t num_logits = num_experts;
    if (kHasExtras && gate.kind() == schema::GateKind_SmoothStep && !smooth_step_logits(gate, path, num_logits)) {
      return false;
    }
    Input input{};
    if (!stream(gate.source(), gate.input(), streams, path, input)) return false;
    std::uint32_t width = 0;
    if (!mlp(gate.hidden(), 0, input, Path(&path, "hidden"), width)) return false;
    const Path logits(&path, "logits");
    if (!gate.logits()) return damaged(&logits, "missing");
    if (gate.logits()->outputs() != num_logits) {
      return damaged(&logits, "% for % experts", gate.logits()->outputs(), num_experts);
    }
    return dense(*gate.logits(), {width, size_of(gate.hidden()) == 0 ? input.shared : 0}, logits);
  }

  bool tasks(const Streams& streams) const {
    const Path towers(nullptr, "towers");
    const Path tasks(nullptr, "tasks");
    if (!count(size_of(root_.towers()), 0, kMaxTasks, towers)) return false;
    const std::size_t num_tasks = root_.tasks()->size() == 0 ? 0 : num_all_tasks(root_);
    if (!count(num_tasks, 1, kMaxTasks, tasks)) return false;
    std::uint32_t widths[kMaxTasks];
    for (uoffset_t i = 0; i < size_of(root_.towers()); ++i) {
      const Path at = towers.at(i);
      const schema::Tower& tower = *root_.towers()->Get(i);
      Input inputs{};
      if (!stream(tower.source(), tower.input(), streams, at, inputs)) return false;
      if (!mlp(tower.layers(), 1, inputs, Path(&at, "layers"), widths[i])) return false;
    }
    const Path auxiliary(nullptr, "auxiliary");
    for (std::size_t position = 0; position < num_tasks; ++position) {
      const std::size_t task = task_at(root_, position);
      const Path at = task < root_.tasks()->size() ? tasks.at(task) : auxiliary.at(position);
      if (!link(link_of(root_, task), position, widths, at)) return false;
    }
    return true;
  }

  bool map(const schema::Link& link, const Path& path) const {
    const Path at(&path, "link.map");
    const schema::LinkMap* map = link.map();
    if (!map || !is_finite(map->scale()) || !is_finite(map->shift()) || !(map->lower() <= map->upper())) {
      return damaged(&at, "missing, not finite, or empty bounds");
    }
    const bool links = map->kind() < schema::LinkKind_Mapped && map->kind() != schema::LinkKind_Sigmoid;
    if (!links || !kernels::is_activation(map->activation()) || map->activation() == schema::ActivationKind_PRelu) {
      return unsupported(&at, "kind %, activation %", map->kind(), map->activation());
    }
    return parameters(map->activation(), map->alpha(), map->beta(), at);
  }

  // `position`: when the task is computed (task_at).
  bool link(const schema::Link& link, std::size_t position, const std::uint32_t* widths, const Path& path) const {
    if (link.kind() > kLastLink) return unsupported(&path, "link: %", link.kind());
    if (kHasExtras && link.kind() == schema::LinkKind_Mapped && !map(link, path)) return false;
    const schema::LinkKind kind = source_of(link);
    if (kind == schema::LinkKind_Product) {
      if (!count(size_of(link.factors()), 1, kMaxTasks, Path(&path, "factors"))) return false;
      for (uoffset_t i = 0; i < link.factors()->size(); ++i) {
        const std::size_t factor = link.factors()->Get(i);
        if (factor < num_all_tasks(root_) && position_of(root_, factor) < position) continue;
        return damaged(&path, "factors: task % does not come before", factor);
      }
      return true;
    }
    if (link.tower() >= size_of(root_.towers())) {
      return damaged(&path, "tower: % of %", link.tower(), size_of(root_.towers()));
    }
    const std::uint32_t width = widths[link.tower()];
    if (kHasExtras && kind == schema::LinkKind_Expected && size_of(link.values()) != width) {
      return damaged(&path, "values: % for % classes", size_of(link.values()), width);
    }
    const bool too_few = kHasExtras && kind == schema::LinkKind_LogSoftmax && width < 2;
    if (too_few || (kind >= schema::LinkKind_Softmax && width > kMaxExperts)) {
      return unsupported(&path, "softmax over % classes, expected 2 to %", width, kMaxExperts);
    }
    return link.column() < width || damaged(&path, "column: % of %", link.column(), width);
  }

  // Of those; a node may be read as often as the file has parts.
  std::uint32_t node_widths_[kHasNodes ? kMaxNodes : 1];
  std::size_t num_known_ = 0;  // of Model.nodes, the first ones: those that have been verified
};

}  // namespace

bool verify_layers(const schema::Model& root, Error& error) { return LayerVerifier(root, error).run(); }

}  // namespace mmoe::internal
