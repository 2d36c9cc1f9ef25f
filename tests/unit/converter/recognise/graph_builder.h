// ONNX graphs made by hand, as plain values.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "converter/error.h"
#include "converter/recognise/recognise.h"

namespace mmoe::converter::testing {

/// Every method returns the name of what it made.
class GraphBuilder {
 public:
  OnnxGraph graph;

  /// `prefix`: of the names of what it makes, as those of a branch must be other ones than the names around it.
  explicit GraphBuilder(int64_t opset = 17, std::string prefix = "") : prefix_(std::move(prefix)) {
    graph.opset = opset;
  }

  std::string input(const std::string& name, std::vector<uint64_t> shape, bool is_integer = false) {
    graph.inputs.push_back({name, is_integer, std::move(shape)});
    return name;
  }

  void output(const std::string& name) { graph.outputs.push_back({name, false, {}}); }

  /// Elements 0.25, 0.5, ..., from `first` on.
  std::string floats(std::vector<uint64_t> shape, float first = 0.25f) {
    OnnxTensor tensor;
    tensor.shape = std::move(shape);
    uint64_t count = 1;
    for (const uint64_t size : tensor.shape) count *= size;
    for (uint64_t i = 0; i < count; ++i) tensor.floats.push_back(first + 0.25f * static_cast<float>(i));
    tensor.dtype = "f32";
    return add(std::move(tensor));
  }

  std::string values(std::vector<float> elements, std::vector<uint64_t> shape) {
    OnnxTensor tensor;
    tensor.shape = std::move(shape);
    tensor.floats = std::move(elements);
    tensor.dtype = "f32";
    return add(std::move(tensor));
  }

  /// Small numbers of both signs, other ones for every call.
  std::string weights(std::vector<uint64_t> shape) {
    OnnxTensor tensor;
    tensor.shape = std::move(shape);
    uint64_t count = 1;
    for (const uint64_t size : tensor.shape) count *= size;
    for (uint64_t i = 0; i < count; ++i) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      tensor.floats.push_back(static_cast<float>(static_cast<double>(state_ >> 40) * 0x1p-23 - 1));
    }
    tensor.dtype = "f32";
    return add(std::move(tensor));
  }

  std::string integers(const std::vector<int64_t>& values) { return integers({values.size()}, values); }

  std::string integers(std::vector<uint64_t> shape, const std::vector<int64_t>& values) {
    OnnxTensor tensor;
    tensor.shape = std::move(shape);
    tensor.is_integer = true;
    tensor.integers = values;
    tensor.dtype = "i64";
    return add(std::move(tensor));
  }

  /// Codes, or a zero point: of u8, i8, i32.
  std::string codes(const std::string& dtype, std::vector<uint64_t> shape, const std::vector<int64_t>& values) {
    OnnxTensor tensor;
    tensor.shape = std::move(shape);
    tensor.is_integer = true;
    tensor.integers = values;
    tensor.dtype = dtype;
    return add(std::move(tensor));
  }

  std::string scalar(float value) {
    OnnxTensor tensor;
    tensor.floats = {value};
    tensor.dtype = "f32";
    return add(std::move(tensor));
  }

  std::string node(const std::string& operation, std::vector<std::string> inputs,
                   std::map<std::string, OnnxAttribute> attributes = {}) {
    OnnxNode made;
    made.operation = operation;
    made.inputs = std::move(inputs);
    made.attributes = std::move(attributes);
    made.outputs = {prefix_ + "v" + std::to_string(graph.nodes.size())};
    graph.nodes.push_back(made);
    return made.outputs[0];
  }

  /// The names of several outputs.
  std::vector<std::string> split_node(const std::string& operation, std::vector<std::string> inputs, size_t outputs,
                                      std::map<std::string, OnnxAttribute> attributes = {}) {
    const std::string first = node(operation, std::move(inputs), std::move(attributes));
    std::vector<std::string>& names = graph.nodes.back().outputs;
    for (size_t i = 1; i < outputs; ++i) names.push_back(first + "." + std::to_string(i));
    return names;
  }

  /// An If of the two branches.
  std::string choose(const std::string& condition, const GraphBuilder& then, const GraphBuilder& otherwise) {
    const std::string result = node("If", {condition});
    add_branch(graph.nodes.back(), "then_branch", then.graph);
    add_branch(graph.nodes.back(), "else_branch", otherwise.graph);
    return result;
  }

  static OnnxAttribute integer(int64_t value) {
    OnnxAttribute attribute;
    attribute.integer = value;
    return attribute;
  }

  static OnnxAttribute list(const std::vector<int64_t>& values) {
    OnnxAttribute attribute;
    attribute.integers = values;
    return attribute;
  }

  static OnnxAttribute real(float value) {
    OnnxAttribute attribute;
    attribute.real = value;
    return attribute;
  }

  static OnnxAttribute text(const std::string& value) {
    OnnxAttribute attribute;
    attribute.text = value;
    return attribute;
  }

  /// x times a new [inputs, outputs] weight, without a bias.
  std::string linear(const std::string& x, uint64_t inputs, uint64_t outputs, float first = 0.25f) {
    return node("MatMul", {x, floats({inputs, outputs}, first)});
  }

  std::string expert(const std::string& x, uint64_t inputs, uint64_t outputs, float first = 0.25f) {
    return node("Relu", {linear(x, inputs, outputs, first)});
  }

  /// [batch, experts, width] out of vectors.
  std::string stack(const std::vector<std::string>& vectors) {
    std::vector<std::string> columns;
    for (const std::string& vector : vectors) columns.push_back(node("Unsqueeze", {vector, integers({1})}));
    return node("Concat", columns, {{"axis", integer(1)}});
  }

  std::string mix(const std::string& gate, const std::string& stacked) {
    return node("Einsum", {gate, stacked}, {{"equation", text("be,bed->bd")}});
  }

  std::string softmax(const std::string& logits) { return node("Softmax", {logits}); }

  void task(const std::string& vector, uint64_t width) { output(node("Sigmoid", {linear(vector, width, 1)})); }

  /// One expert and one tower over `x`, which every kind of model has, with weights().
  void model_of(const std::string& x, uint64_t width) {
    const std::string expert = node("Tanh", {node("MatMul", {x, weights({width, 3})})});
    output(node("Sigmoid", {node("MatMul", {expert, weights({3, 1})})}));
  }

  TrainedModel recognise() const {
    std::vector<std::string> notes;
    return converter::recognise(graph, "test", notes);
  }

  std::string error() const {
    try {
      recognise();
    } catch (const ConvertError& error) {
      return error.what();
    }
    return "";
  }

 private:
  std::string prefix_;
  uint64_t state_ = 7;

  std::string add(OnnxTensor tensor) {
    tensor.name = prefix_ + "c" + std::to_string(graph.initializers.size());
    const std::string name = tensor.name;
    graph.initializers[name] = std::make_shared<const OnnxTensor>(std::move(tensor));
    return name;
  }
};

}  // namespace mmoe::converter::testing
