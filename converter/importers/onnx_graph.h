// An ONNX model as plain values: nodes, constants, inputs and outputs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mmoe::converter {

/// Constant elements, row-major. Floats of every size are floats here, integers and booleans int64.
struct OnnxTensor {
  std::string name;
  std::vector<uint64_t> shape;
  std::string dtype;  ///< as TensorInfo::dtype
  bool is_integer = false;
  std::vector<float> floats;
  std::vector<int64_t> integers;
};

struct OnnxGraph;

struct OnnxAttribute {
  float real = 0;
  int64_t integer = 0;
  std::string text;
  std::vector<float> reals;
  std::vector<int64_t> integers;
  std::shared_ptr<const OnnxTensor> tensor;
  bool graph = false;                       ///< it is a graph
  std::shared_ptr<const OnnxGraph> branch;  ///< of an If; graphs of other operations are not read
};

struct OnnxNode {
  std::string name;
  std::string operation;                     ///< of another domain than ONNX's own: "domain.operation"
  std::vector<std::string> inputs, outputs;  ///< "" where an optional one is left out
  std::map<std::string, OnnxAttribute> attributes;
  std::vector<std::string> captured;  ///< what its branches read of the values around them, each once
};

struct OnnxValue {
  std::string name;
  bool is_integer = false;
  std::vector<uint64_t> shape;  ///< 0: not fixed
  std::string dtype = {};       ///< as TensorInfo::dtype; "" where the file does not say
};

struct OnnxGraph {
  int64_t opset = 0;            ///< of ONNX's own operations, whose meaning it decides; 0: the file does not say
  std::vector<OnnxNode> nodes;  ///< each after those that it reads
  std::map<std::string, std::shared_ptr<const OnnxTensor>> initializers;
  std::vector<OnnxValue> inputs;  ///< without those that are initializers too
  std::vector<OnnxValue> outputs;
  std::set<std::string> functions;         ///< that the model defines, named as OnnxNode::operation
  std::set<std::string> sparse_constants;  ///< whose elements are not read
};

/// Makes the graph the node's attribute `name`, and what it reads of the values around it the node's.
void add_branch(OnnxNode& node, const std::string& name, OnnxGraph branch);

/// An ONNX model is a protobuf that begins with field 1, the IR version, a small number, and goes on with one of
/// the length-delimited fields 2 to 8.
inline bool looks_like_onnx(std::string_view bytes) {
  return bytes.size() > 3 && bytes[0] == 0x08 && bytes[1] > 0 && bytes[1] < 32 && bytes[2] >= 0x12 &&
         bytes[2] <= 0x42 && (bytes[2] & 7) == 2;
}

/// `name`: the file's path, for messages and because weights may lie in a file beside it, as torch.onnx writes them;
/// only in its folder or below. Throws ConvertError, beginning with `name`.
OnnxGraph parse_onnx(const std::string& name, std::string_view bytes);

}  // namespace mmoe::converter
