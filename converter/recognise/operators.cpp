#include "converter/recognise/operators.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string_view>

#include "converter/error.h"
#include "converter/importers/messages.h"

namespace mmoe::converter {
namespace {

constexpr size_t kAny = std::numeric_limits<size_t>::max();

/// An operator since a version of the operator set.
struct Version {
  std::string_view operation;
  int64_t since;
  size_t fewest_inputs, most_inputs;
  std::string_view attributes;  ///< with blanks between them
};

// The published schemas, one line for each change of what an operator takes. What it does with them may change in other
// versions too; that is said where it is followed.
constexpr Version kVersions[] = {
    {"Abs", 6, 1, 1, ""},
    {"Add", 7, 2, 2, ""},
    {"And", 7, 2, 2, ""},
    {"ArgMax", 1, 1, 1, "axis keepdims"},
    {"ArgMax", 12, 1, 1, "axis keepdims select_last_index"},
    {"BatchNormalization", 7, 5, 5, "epsilon momentum spatial"},
    {"BatchNormalization", 9, 5, 5, "epsilon momentum"},
    {"BatchNormalization", 14, 5, 5, "epsilon momentum training_mode"},
    {"Cast", 6, 1, 1, "to"},
    {"Cast", 19, 1, 1, "saturate to"},
    {"Cast", 24, 1, 1, "round_mode saturate to"},
    {"CastLike", 15, 2, 2, ""},
    {"CastLike", 19, 2, 2, "saturate"},
    {"CastLike", 24, 2, 2, "round_mode saturate"},
    {"Ceil", 6, 1, 1, ""},
    {"Celu", 12, 1, 1, "alpha"},
    {"Clip", 6, 1, 1, "max min"},
    {"Clip", 11, 1, 3, ""},
    {"Concat", 4, 1, kAny, "axis"},
    {"Constant", 1, 0, 0, "value"},
    {"Constant", 11, 0, 0, "sparse_value value"},
    {"Constant", 12, 0, 0,
     "sparse_value value value_float value_floats value_int value_ints value_string value_strings"},
    {"ConstantOfShape", 9, 1, 1, "value"},
    {"Conv", 1, 2, 3, "auto_pad dilations group kernel_shape pads strides"},
    {"CumSum", 11, 2, 2, "exclusive reverse"},
    {"DequantizeLinear", 10, 2, 3, ""},
    {"DequantizeLinear", 13, 2, 3, "axis"},
    {"DequantizeLinear", 21, 2, 3, "axis block_size"},
    {"DequantizeLinear", 23, 2, 3, "axis block_size output_dtype"},
    {"Div", 7, 2, 2, ""},
    {"Dropout", 7, 1, 1, "ratio"},
    {"Dropout", 12, 1, 3, "seed"},
    {"DynamicQuantizeLinear", 11, 1, 1, ""},
    {"Einsum", 12, 1, kAny, "equation"},
    {"Elu", 6, 1, 1, "alpha"},
    {"Equal", 7, 2, 2, ""},
    {"Erf", 9, 1, 1, ""},
    {"Exp", 6, 1, 1, ""},
    {"Expand", 8, 2, 2, ""},
    {"Flatten", 1, 1, 1, "axis"},
    {"Floor", 6, 1, 1, ""},
    {"Gather", 1, 2, 2, "axis"},
    {"GatherElements", 11, 2, 2, "axis"},
    {"GatherND", 11, 2, 2, ""},
    {"GatherND", 12, 2, 2, "batch_dims"},
    {"Gelu", 20, 1, 1, "approximate"},
    {"Gemm", 7, 3, 3, "alpha beta transA transB"},
    {"Gemm", 11, 2, 3, "alpha beta transA transB"},
    {"GlobalAveragePool", 1, 1, 1, ""},
    {"GlobalMaxPool", 1, 1, 1, ""},
    {"Greater", 7, 2, 2, ""},
    {"GreaterOrEqual", 12, 2, 2, ""},
    {"HardSigmoid", 6, 1, 1, "alpha beta"},
    {"HardSwish", 14, 1, 1, ""},
    {"Identity", 1, 1, 1, ""},
    {"If", 1, 1, 1, "else_branch then_branch"},
    {"IsInf", 10, 1, 1, "detect_negative detect_positive"},
    {"IsNaN", 9, 1, 1, ""},
    {"LayerNormalization", 17, 2, 3, "axis epsilon stash_type"},
    {"LeakyRelu", 6, 1, 1, "alpha"},
    {"Less", 7, 2, 2, ""},
    {"LessOrEqual", 12, 2, 2, ""},
    {"Log", 6, 1, 1, ""},
    {"LogSoftmax", 1, 1, 1, "axis"},
    {"Loop", 1, 2, kAny, "body"},
    {"MatMul", 1, 2, 2, ""},
    {"MatMulInteger", 10, 2, 4, ""},
    {"Max", 6, 1, kAny, ""},
    {"MaxPool", 1, 1, 1, "auto_pad kernel_shape pads strides"},
    {"MaxPool", 8, 1, 1, "auto_pad kernel_shape pads storage_order strides"},
    {"MaxPool", 10, 1, 1, "auto_pad ceil_mode dilations kernel_shape pads storage_order strides"},
    {"Mean", 6, 1, kAny, ""},
    {"Min", 6, 1, kAny, ""},
    {"Mish", 18, 1, 1, ""},
    {"Mod", 10, 2, 2, "fmod"},
    {"Mul", 7, 2, 2, ""},
    {"Neg", 6, 1, 1, ""},
    {"NonZero", 9, 1, 1, ""},
    {"Not", 1, 1, 1, ""},
    {"OneHot", 9, 3, 3, "axis"},
    {"Or", 7, 2, 2, ""},
    {"PRelu", 7, 2, 2, ""},
    {"Pad", 2, 1, 1, "mode pads value"},
    {"Pad", 11, 2, 3, "mode"},
    {"Pad", 18, 2, 4, "mode"},
    {"Pow", 7, 2, 2, ""},
    {"QuantizeLinear", 10, 2, 3, ""},
    {"QuantizeLinear", 13, 2, 3, "axis"},
    {"QuantizeLinear", 19, 2, 3, "axis saturate"},
    {"QuantizeLinear", 21, 2, 3, "axis block_size output_dtype saturate"},
    {"QuantizeLinear", 23, 2, 3, "axis block_size output_dtype precision saturate"},
    {"RMSNormalization", 23, 2, 2, "axis epsilon stash_type"},
    {"Range", 11, 3, 3, ""},
    {"Range", 27, 3, 3, "stash_type"},
    {"Reciprocal", 6, 1, 1, ""},
    {"ReduceL1", 1, 1, 1, "axes keepdims"},
    {"ReduceL1", 18, 1, 2, "keepdims noop_with_empty_axes"},
    {"ReduceL2", 1, 1, 1, "axes keepdims"},
    {"ReduceL2", 18, 1, 2, "keepdims noop_with_empty_axes"},
    {"ReduceLogSumExp", 1, 1, 1, "axes keepdims"},
    {"ReduceLogSumExp", 18, 1, 2, "keepdims noop_with_empty_axes"},
    {"ReduceMax", 1, 1, 1, "axes keepdims"},
    {"ReduceMax", 18, 1, 2, "keepdims noop_with_empty_axes"},
    {"ReduceMean", 1, 1, 1, "axes keepdims"},
    {"ReduceMean", 18, 1, 2, "keepdims noop_with_empty_axes"},
    {"ReduceMin", 1, 1, 1, "axes keepdims"},
    {"ReduceMin", 18, 1, 2, "keepdims noop_with_empty_axes"},
    {"ReduceProd", 1, 1, 1, "axes keepdims"},
    {"ReduceProd", 18, 1, 2, "keepdims noop_with_empty_axes"},
    {"ReduceSum", 1, 1, 1, "axes keepdims"},
    {"ReduceSum", 13, 1, 2, "keepdims noop_with_empty_axes"},
    {"ReduceSumSquare", 1, 1, 1, "axes keepdims"},
    {"ReduceSumSquare", 18, 1, 2, "keepdims noop_with_empty_axes"},
    {"Relu", 6, 1, 1, ""},
    {"Reshape", 5, 2, 2, ""},
    {"Reshape", 14, 2, 2, "allowzero"},
    {"Round", 11, 1, 1, ""},
    {"ScatterElements", 11, 3, 3, "axis"},
    {"ScatterElements", 16, 3, 3, "axis reduction"},
    {"ScatterND", 11, 3, 3, ""},
    {"ScatterND", 16, 3, 3, "reduction"},
    {"Selu", 6, 1, 1, "alpha gamma"},
    {"SequenceAt", 11, 2, 2, ""},
    {"Shape", 1, 1, 1, ""},
    {"Shape", 15, 1, 1, "end start"},
    {"Sigmoid", 6, 1, 1, ""},
    {"Sign", 9, 1, 1, ""},
    {"Size", 1, 1, 1, ""},
    {"Slice", 1, 1, 1, "axes ends starts"},
    {"Slice", 10, 3, 5, ""},
    {"Softmax", 1, 1, 1, "axis"},
    {"Softplus", 1, 1, 1, ""},
    {"Softsign", 1, 1, 1, ""},
    {"Split", 2, 1, 1, "axis split"},
    {"Split", 13, 1, 2, "axis"},
    {"Split", 18, 1, 2, "axis num_outputs"},
    {"SplitToSequence", 11, 1, 2, "axis keepdims"},
    {"Sqrt", 6, 1, 1, ""},
    {"Squeeze", 1, 1, 1, "axes"},
    {"Squeeze", 13, 1, 2, ""},
    {"Sub", 7, 2, 2, ""},
    {"Sum", 6, 1, kAny, ""},
    {"Swish", 24, 1, 1, "alpha"},
    {"Tanh", 6, 1, 1, ""},
    {"ThresholdedRelu", 10, 1, 1, "alpha"},
    {"Tile", 6, 2, 2, ""},
    {"TopK", 1, 1, 1, "axis k"},
    {"TopK", 10, 2, 2, "axis"},
    {"TopK", 11, 2, 2, "axis largest sorted"},
    {"Transpose", 1, 1, 1, "perm"},
    {"Trilu", 14, 1, 2, "upper"},
    {"Unsqueeze", 1, 1, 1, "axes"},
    {"Unsqueeze", 13, 2, 2, ""},
    {"Where", 9, 3, 3, ""},
    {"Xor", 7, 2, 2, ""},
};

/// Whether `names` has `name` between its blanks.
bool lists(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const size_t end = std::min(names.find(' '), names.size());
    if (names.substr(0, end) == name) return true;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

std::string with_opset(int64_t opset) { return " in operator set " + std::to_string(opset); }

}  // namespace

void check_opset(int64_t opset) {
  if (opset >= kOldestOpset && opset <= kNewestOpset) return;
  const std::string known = "known are " + std::to_string(kOldestOpset) + " to " + std::to_string(kNewestOpset) +
                            "; export with opset_version=17";
  if (opset == 0) throw ConvertError("the model does not say which version of ONNX's operator set it uses; " + known);
  throw ConvertError("the model uses version " + std::to_string(opset) + " of ONNX's operator set; " + known);
}

void check_operator(const OnnxNode& node, int64_t opset) {
  const Version* in_force = nullptr;
  bool known = false;
  for (const Version& version : kVersions) {
    if (version.operation != node.operation) continue;
    known = true;
    if (version.since <= opset) in_force = &version;
  }
  if (!known) return;
  if (in_force == nullptr) throw ConvertError("is no operator" + with_opset(opset));
  for (const auto& attribute : node.attributes) {
    if (!lists(in_force->attributes, attribute.first)) {
      throw ConvertError("has the attribute " + in_quotes(attribute.first) + ", which it does not have" +
                         with_opset(opset));
    }
  }
  if (node.inputs.size() < in_force->fewest_inputs || node.inputs.size() > in_force->most_inputs) {
    throw ConvertError("has " + std::to_string(node.inputs.size()) + " inputs, which it cannot have" +
                       with_opset(opset));
  }
}

}  // namespace mmoe::converter
