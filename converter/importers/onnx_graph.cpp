#include "converter/importers/onnx_graph.h"

#include <algorithm>
#include <limits>
#include <set>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/importers/onnx_tensor.h"
#include "converter/importers/tensor_names.h"
#include "onnx.pb.h"

namespace mmoe::converter {
namespace {

constexpr size_t kMaxBranches = 16;  // within each other

OnnxValue read_value(const onnx::ValueInfo& message) {
  const onnx::TensorType& type = message.type().tensor_type();
  OnnxValue value;
  value.name = message.name();
  value.dtype = onnx_dtype_name(type.elem_type());
  value.is_integer = is_onnx_integer(type.elem_type());
  for (const onnx::Dimension& dimension : type.shape().dim()) {
    value.shape.push_back(dimension.dim_value() > 0 ? static_cast<uint64_t>(dimension.dim_value()) : 0);
  }
  return value;
}

OnnxAttribute read_attribute(const onnx::Attribute& message, const std::string& path) {
  OnnxAttribute attribute;
  attribute.real = message.f();
  attribute.integer = message.i();
  attribute.text = message.s();
  attribute.reals.assign(message.floats().begin(), message.floats().end());
  attribute.integers.assign(message.ints().begin(), message.ints().end());
  if (message.has_t()) attribute.tensor = read_onnx_tensor(message.t(), path);
  attribute.graph = message.has_g();
  return attribute;
}

/// Operations of other domains than ONNX's own are other operations, whatever their name.
bool is_own_domain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

std::string operation_name(const std::string& domain, const std::string& name) {
  return is_own_domain(domain) ? name : domain + "." + name;
}

OnnxGraph read_branch(const std::string& bytes, const std::string& path, size_t depth, bool body);

/// `depth`: how many nodes the graph lies within.
OnnxNode read_node(const onnx::Node& message, const std::string& path, size_t depth) {
  OnnxNode node;
  node.name = message.name();
  node.operation = operation_name(message.domain(), message.op_type());
  node.inputs.assign(message.input().begin(), message.input().end());
  node.outputs.assign(message.output().begin(), message.output().end());
  for (const onnx::Attribute& attribute : message.attribute()) {
    node.attributes[attribute.name()] = read_attribute(attribute, path);
    const bool body = node.operation == "Loop";
    const bool branch = (node.operation == "If" || body) && attribute.has_g();
    if (branch) add_branch(node, attribute.name(), read_branch(attribute.g(), path, depth + 1, body));
  }
  return node;
}

OnnxGraph read_graph(const onnx::Graph& message, const std::string& path, size_t depth) {
  OnnxGraph graph;
  TensorNames names;
  for (const onnx::Tensor& tensor : message.initializer()) {
    names.add(tensor.name());
    graph.initializers[tensor.name()] = read_onnx_tensor(tensor, path);
  }
  for (const onnx::SparseTensor& tensor : message.sparse_initializer()) {
    graph.sparse_constants.insert(tensor.values().name());
  }
  for (const onnx::ValueInfo& value : message.input()) {
    if (graph.initializers.count(value.name()) == 0) graph.inputs.push_back(read_value(value));
  }
  for (const onnx::ValueInfo& value : message.output()) graph.outputs.push_back(read_value(value));
  for (const onnx::Node& node : message.node()) graph.nodes.push_back(read_node(node, path, depth));
  return graph;
}

OnnxGraph read_branch(const std::string& bytes, const std::string& path, size_t depth, bool body) {
  if (depth > kMaxBranches) throw ConvertError("more than 16 graphs lie within each other");
  onnx::Graph message;
  if (!message.ParseFromString(bytes))
    throw ConvertError(body ? "the body of a Loop is damaged" : "a branch of an If is damaged");
  return read_graph(message, path, depth);
}

OnnxGraph read_model(const onnx::Model& model, const std::string& path) {
  OnnxGraph graph = read_graph(model.graph(), path, 0);
  for (const onnx::OperatorSet& set : model.opset_import()) {
    if (is_own_domain(set.domain())) graph.opset = set.version();
  }
  for (const onnx::Function& function : model.functions()) {
    graph.functions.insert(operation_name(function.domain(), function.name()));
  }
  return graph;
}

/// What the graph's nodes and outputs read that nothing in it gives.
std::set<std::string> names_from_outside(const OnnxGraph& graph) {
  std::set<std::string> own = graph.sparse_constants, outside;
  const auto read = [&](const std::string& name) {
    if (!name.empty() && own.count(name) == 0) outside.insert(name);
  };
  for (const auto& entry : graph.initializers) own.insert(entry.first);
  for (const OnnxValue& input : graph.inputs) own.insert(input.name);
  for (const OnnxNode& node : graph.nodes) {
    for (const std::string& name : node.inputs) read(name);
    for (const std::string& name : node.captured) read(name);
    own.insert(node.outputs.begin(), node.outputs.end());
  }
  for (const OnnxValue& output : graph.outputs) read(output.name);
  return outside;
}

}  // namespace

void add_branch(OnnxNode& node, const std::string& name, OnnxGraph branch) {
  std::set<std::string> captured = names_from_outside(branch);
  captured.insert(node.captured.begin(), node.captured.end());
  node.captured.assign(captured.begin(), captured.end());
  OnnxAttribute& attribute = node.attributes[name];
  attribute.graph = true;
  attribute.branch = std::make_shared<const OnnxGraph>(std::move(branch));
}

OnnxGraph parse_onnx(const std::string& name, std::string_view bytes) {
  onnx::Model model;
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    throw ConvertError(name + ": is larger than the 2 GiB of a protobuf; keep the weights in a file beside it");
  }
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw ConvertError(name + ": damaged or truncated ONNX model");
  }
  if (!model.has_graph()) throw ConvertError(name + ": the ONNX model has no graph");
  try {
    return read_model(model, name);
  } catch (const ConvertError& error) {
    throw ConvertError(name + ": " + error.what());
  }
}

}  // namespace mmoe::converter
