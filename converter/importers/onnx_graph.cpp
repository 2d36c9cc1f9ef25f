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

OnnxNode read_node(const onnx::Node& message, const std::string& path) {
  OnnxNode node;
  node.name = message.name();
  node.operation = operation_name(message.domain(), message.op_type());
  node.inputs.assign(message.input().begin(), message.input().end());
  node.outputs.assign(message.output().begin(), message.output().end());
  for (const onnx::Attribute& attribute : message.attribute()) {
    node.attributes[attribute.name()] = read_attribute(attribute, path);
  }
  return node;
}

OnnxGraph read_graph(const onnx::Model& model, const std::string& path) {
  const onnx::Graph& message = model.graph();
  OnnxGraph graph;
  for (const onnx::OperatorSet& set : model.opset_import()) {
    if (is_own_domain(set.domain())) graph.opset = set.version();
  }
  for (const onnx::Function& function : model.functions()) {
    graph.functions.insert(operation_name(function.domain(), function.name()));
  }
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
  for (const onnx::Node& node : message.node()) graph.nodes.push_back(read_node(node, path));
  return graph;
}

}  // namespace

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
    return read_graph(model, name);
  } catch (const ConvertError& error) {
    throw ConvertError(name + ": " + error.what());
  }
}

}  // namespace mmoe::converter
