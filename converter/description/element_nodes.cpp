#include "converter/description/element_nodes.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "converter/description/layers.h"
#include "converter/description/norms.h"
#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/keys.h"
#include "converter/reading/pattern.h"
#include "converter/reading/text.h"

namespace mmoe::converter {
namespace {

class ElementNode {
 public:
  explicit ElementNode(const NodeFields& fields) : fields_(fields) {}

  // A layer for each element, which begins with what is as wide as `each`.
  Node each() {
    Node node;
    node.kind = NodeKind::kEach;
    const JsonReader width = fields_.object.get("each", "");
    node.group = width.count(kMaxDim);
    set_input(node, fields_.operand(fields_.object.get("reads", "elements side by side")));
    if (node.group == 0 || node.input_width % node.group != 0) {
      width.fail_expected("a divisor of " + std::to_string(node.input_width) + ", what it reads");
    }
    node.layers = LayersFields(fields_.object, node_mlp_keys(), false).bind(fields_.tensors, fields_.slot, node.group);
    check_width(node);
    return node;
  }

  // Of the node before, element by element: a layer that hands its inputs on, and its norm.
  Node normalised(const Activation& activation) {
    Node node;
    node.kind = NodeKind::kEach;
    set_input(node, fields_.streams.last_node());
    const auto group = fields_.object.find("group");
    node.group = group ? group->count(kMaxDim) : node.input_width;
    if (node.group == 0 || node.input_width % node.group != 0) {
      group->fail_expected("a divisor of " + std::to_string(node.input_width));
    }
    // The layer that the norm is of has a weight for each pair of columns.
    constexpr size_t kMaxNormalised = 1024;
    if (node.group > kMaxNormalised) {
      fields_.object.get("layer_norm", "").fail("of groups of " + counted(node.group, "column") + ", at most 1024");
    }
    const NormFields norm(fields_.object, "layer_norm", false);
    std::string module;
    if (!norm.every_layer) {
      const Pattern pattern(norm.module + norm.form.gamma, norm.path);
      const NumberedTensor found = find_numbered(fields_.tensors, pattern, fields_.slot).front();
      module = Pattern(norm.module, norm.path).with(found.values).text();
    }
    DenseLayer layer = identity_layer(node.group, norm.every_layer ? fields_.object.get("name", "").string() : module);
    layer.storage.type = WeightType::kF32;
    layer.storage.made = true;
    layer.layer_norm_before_activation = bind_layer_norm(fields_.tensors, module, norm.form, node.group, norm.epsilon);
    layer.activation = activation;
    node.layers.push_back(std::move(layer));
    return node;
  }

  Node scaled_dot() {
    fields_.object.allow_keys(scaled_dot_keys());
    Node node;
    node.kind = NodeKind::kScaledDot;
    const JsonReader operands = fields_.object.get("scaled_dot", "");
    for (const JsonReader& operand : operands.items()) node.inputs.push_back(fields_.operand(operand));
    if (node.inputs.size() != 3) operands.fail_expected("three streams: query, keys and values");
    if (const auto mask = fields_.object.find("mask")) node.inputs.push_back(fields_.operand(*mask));
    std::vector<size_t> widths;
    for (const StreamRef& input : node.inputs) widths.push_back(fields_.streams.width(input).value());
    node.query_width = widths[0];
    node.input_width = *std::max_element(widths.begin(), widths.end());
    node.group = fields_.object.get("group", "the width of an element of query and keys").count(kMaxDim);
    if (node.group == 0 || widths[0] % node.group != 0 || widths[1] % node.group != 0) {
      fields_.object.get("group", "")
          .fail_expected("a divisor of " + std::to_string(widths[0]) + " and " + std::to_string(widths[1]));
    }
    const size_t keys = widths[1] / node.group;
    if (keys > kMaxExpertsPerLevel) operands.fail_expected("at most " + std::to_string(kMaxExpertsPerLevel) + " keys");
    constexpr size_t kMostPairs = size_t{1} << 20;
    if (widths[0] / node.group * keys > kMostPairs) {
      operands.fail(std::to_string(widths[0] / node.group) + " queries of " + std::to_string(keys) +
                    " keys, expected at most " + std::to_string(kMostPairs) + " pairs");
    }
    if (widths[2] % keys != 0)
      operands.fail("values of " + counted(widths[2], "column") + " for " + counted(keys, "key"));
    node.value_width = widths[2] / keys;
    if (widths.size() > 3 && widths[3] > keys) {
      fields_.object.get("mask", "").fail_expected("at most a column for each of " + std::to_string(keys) + " keys");
    }
    bind_heads(node);
    check_width(node);
    return node;
  }

  // A query and sequences, whose elements side by side are as wide.
  Node attention() {
    const JsonReader object = fields_.object.get("attention", "");
    object.allow_keys(attention_keys());
    Node node;
    node.kind = NodeKind::kAttention;
    const JsonReader query = object.get("query", "what attends: a stream, or parts side by side");
    node.inputs.push_back(fields_.operand(query));
    node.input_width = fields_.streams.width(node.inputs.front()).value();
    const JsonReader sequences = object.get("sequences", "a sequence feature with the pooling none, or several");
    size_t width = 0;
    for (const JsonReader& item : sequences.items_or_self()) width += add_sequence(item, object, node);
    if (width != node.input_width) {
      sequences.fail("elements of " + counted(width, "column") + ", but the query has " +
                     std::to_string(node.input_width));
    }
    bind_terms(object, node.attention);
    if (const auto mask = object.find("mask"); mask && mask->is_boolean()) node.attention.masked = mask->boolean();
    if (const auto softmax = object.find("softmax")) node.attention.softmax = softmax->boolean();
    const size_t longest = node.attention.softmax ? kMaxExpertsPerLevel : kMaxAttended;
    if (node.attention.length > longest) sequences.fail_expected("a length of at most " + std::to_string(longest));
    bind_attention_layers(node);
    return node;
  }

 private:
  void set_input(Node& node, StreamRef input) const {
    node.input_width = fields_.streams.width(input).value();
    node.inputs = {std::move(input)};
  }

  void check_width(const Node& node) const {
    if (node.width() > kMaxDim) fields_.object.fail("gives more than " + std::to_string(kMaxDim) + " numbers");
  }

  void bind_heads(Node& node) const {
    const auto heads = fields_.object.find("heads"), scale = fields_.object.find("scale"),
               causal = fields_.object.find("causal");
    node.heads = heads ? heads->count(kMaxDim) : 1;
    if (node.heads == 0 || node.group % node.heads != 0 || node.value_width % node.heads != 0) {
      heads->fail_expected("a divisor of " + std::to_string(node.group) + " and " + std::to_string(node.value_width) +
                           ", the elements' widths");
    }
    const auto width = static_cast<double>(node.group / node.heads);
    node.scale = scale ? scale->real() : static_cast<float>(1 / std::sqrt(width));
    if (causal) node.causal = causal->boolean();
  }

  // The width of its elements.
  size_t add_sequence(const JsonReader& item, const JsonReader& object, Node& node) {
    const StreamRef stream = fields_.operand(item);
    std::optional<size_t> length = fields_.streams.length_of_sequence(stream);
    if (const auto given = object.find("length"); given && !length) length = given->count(kMaxDim);
    const size_t columns = fields_.streams.width(stream).value();
    const bool one = stream.parts.size() == 1 || stream.parts.empty();
    if (!length || *length == 0 || !one || stream.is_input() || columns % *length != 0 || columns / *length < 2) {
      item.fail_expected("a sequence feature with \"pooling\": \"none\", or with `length` columns of one");
    }
    if (node.inputs.size() > 1 && *length != node.attention.length) {
      item.fail("has " + counted(*length, "element") + ", the first sequence " + std::to_string(node.attention.length));
    }
    node.attention.length = *length;
    node.inputs.push_back(stream);
    return columns / *length - 1;
  }

  static void bind_terms(const JsonReader& object, Attention& attention) {
    // In the order of AttentionTerm.
    const std::vector<std::string> names = {"query", "element", "difference", "product", "outer"};
    attention.terms = {AttentionTerm::kQuery, AttentionTerm::kElement, AttentionTerm::kDifference,
                       AttentionTerm::kProduct};
    const auto list = object.find("terms");
    if (!list) return;
    attention.terms.clear();
    for (const JsonReader& item : list->items()) {
      const auto term = static_cast<AttentionTerm>(item.choice(names));
      for (const AttentionTerm other : attention.terms) {
        if (other == term) item.fail("is there twice");
      }
      attention.terms.push_back(term);
    }
    if (attention.terms.empty()) list->fail_expected("at least one of " + join(names));
  }

  void bind_attention_layers(Node& node) {
    size_t inputs = 0;
    for (const AttentionTerm term : node.attention.terms)
      inputs += term == AttentionTerm::kOuter ? node.input_width * node.input_width : node.input_width;
    node.layers = LayersFields(fields_.object, attention_node_keys(), true).bind(fields_.tensors, fields_.slot, inputs);
    const std::string layers = fields_.object.path() + ".layers: ";
    if (node.layers.size() < 2)
      throw ConvertError(layers + "expected at least two, of which the last gives the weight");
    if (node.layers.back().outputs() != 1) {
      throw ConvertError(layers + "the last gives " + counted(node.layers.back().outputs(), "number") +
                         ", expected 1, the weight");
    }
  }

  const NodeFields& fields_;
};

}  // namespace

Node bind_each(const NodeFields& fields) { return ElementNode(fields).each(); }
Node bind_scaled_dot(const NodeFields& fields) { return ElementNode(fields).scaled_dot(); }
Node bind_attention(const NodeFields& fields) { return ElementNode(fields).attention(); }
Node bind_norm(const NodeFields& fields, const Activation& activation) {
  return ElementNode(fields).normalised(activation);
}

}  // namespace mmoe::converter
