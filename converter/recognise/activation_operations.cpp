// Activations that are one node.
#include <cmath>
#include <limits>
#include <map>

#include "converter/error.h"
#include "converter/recognise/graph_evaluator.h"
#include "converter/recognise/scalar_functions.h"

namespace mmoe::converter {
namespace {

NodeResults activate(const NodeCall& call, ActivationKind kind, float alpha = 0, float beta = 0,
                     std::vector<float> slopes = {}) {
  const TensorValue& value = call.rows(0);
  Expression expression;
  expression.kind = ExpressionKind::kActivation;
  expression.inputs = value.refs;
  expression.columns = value.refs.size();
  expression.activation.kind = kind;
  expression.activation.alpha = alpha;
  expression.activation.beta = beta;
  expression.activation.slopes = std::move(slopes);
  return one(call.rows_of(std::move(expression), value));
}

NodeResults relu(const NodeCall& call) { return activate(call, ActivationKind::kRelu); }
NodeResults sigmoid(const NodeCall& call) { return activate(call, ActivationKind::kSigmoid); }
NodeResults softplus(const NodeCall& call) { return activate(call, ActivationKind::kSoftplus, 1); }
NodeResults tanh(const NodeCall& call) { return activate(call, ActivationKind::kTanh); }
NodeResults exponential(const NodeCall& call) { return activate(call, ActivationKind::kExp); }
NodeResults mish(const NodeCall& call) { return activate(call, ActivationKind::kMish); }
NodeResults softsign(const NodeCall& call) { return activate(call, ActivationKind::kSoftsign); }
NodeResults hard_swish(const NodeCall& call) { return activate(call, ActivationKind::kHardSwish); }

NodeResults leaky_relu(const NodeCall& call) {
  return activate(call, ActivationKind::kLeakyRelu, call.real("alpha", 0.01f));
}

NodeResults elu(const NodeCall& call) { return activate(call, ActivationKind::kElu, call.real("alpha", 1)); }

NodeResults celu(const NodeCall& call) {
  if (!(call.real("alpha", 1) > 0)) throw ConvertError("has an alpha that is not more than 0");
  return activate(call, ActivationKind::kCelu, call.real("alpha", 1));
}

NodeResults selu(const NodeCall& call) {
  const bool usual = std::fabs(call.real("alpha", 1.67326319f) - 1.67326319f) < 1e-5f &&
                     std::fabs(call.real("gamma", 1.05070102f) - 1.05070102f) < 1e-5f;
  if (!usual) throw ConvertError("is a SELU with other constants than the usual");
  return activate(call, ActivationKind::kSelu);
}

NodeResults hard_sigmoid(const NodeCall& call) {
  return activate(call, ActivationKind::kHardSigmoid, call.real("alpha", 0.2f), call.real("beta", 0.5f));
}

/// x where it is more than alpha, else 0.
NodeResults thresholded_relu(const NodeCall& call) {
  return activate(call, ActivationKind::kThreshold, call.real("alpha", 1), 0);
}

/// Since opset 20; before, it is written out.
NodeResults gelu(const NodeCall& call) {
  const auto found = call.node.attributes.find("approximate");
  const bool by_tanh = found != call.node.attributes.end() && found->second.text == "tanh";
  return activate(call, by_tanh ? ActivationKind::kGeluTanh : ActivationKind::kGelu);
}

/// SiLU since opset 24.
NodeResults swish(const NodeCall& call) {
  const float alpha = call.real("alpha", 1);
  return alpha == 1 ? activate(call, ActivationKind::kSilu) : activate(call, ActivationKind::kSwish, alpha);
}

NodeResults prelu(const NodeCall& call) {
  const TensorValue &value = call.rows(0), &slope = call.floats(1);
  if (broadcast_shape(value.shape, slope.shape) != value.shape) throw ConvertError("has slopes that do not fit");
  std::vector<float> slopes;
  std::vector<size_t> index(value.rank(), 0);
  for (size_t i = 0; i < value.refs.size(); ++i) {
    slopes.push_back(slope.floats[broadcast_position(slope.shape, index)]);
    next_index(value.shape, index);
  }
  return activate(call, ActivationKind::kPRelu, 0, 0, std::move(slopes));
}

/// Bounds are inputs since opset 11, attributes before; either may be left out.
NodeResults clip(const NodeCall& call) {
  const auto bound = [&](size_t which, const char* name, float otherwise) {
    if (!call.has(which)) return call.real(name, otherwise);
    const bool whole = call.input(which).kind == TensorKind::kIntegers;  // of a number of elements
    const std::vector<int64_t> integers = whole ? call.integers(which) : std::vector<int64_t>();
    const TensorValue& constant = whole ? call.input(which) : call.floats(which);
    if (constant.size() != 1) throw ConvertError("has several bounds; expected one number each");
    return whole ? static_cast<float>(integers[0]) : constant.floats[0];
  };
  constexpr float kMost = std::numeric_limits<float>::max(), kInfinity = std::numeric_limits<float>::infinity();
  float lower = bound(1, "min", -kInfinity), upper = bound(2, "max", kInfinity);
  if (lower <= -kMost) lower = -kInfinity;
  if (upper >= kMost) upper = kInfinity;
  if (lower > upper) throw ConvertError("has a lower bound above its upper bound");
  if (lower == -kInfinity && upper == kInfinity) return one(call.rows(0));
  if (lower == 0 && upper == kInfinity) return relu(call);
  return activate(call, ActivationKind::kClamp, lower, upper);
}

}  // namespace

NodeFunction find_activation(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {{"Relu", relu},
                                                             {"Sigmoid", sigmoid},
                                                             {"Tanh", tanh},
                                                             {"LeakyRelu", leaky_relu},
                                                             {"Elu", elu},
                                                             {"Selu", selu},
                                                             {"PRelu", prelu},
                                                             {"Swish", swish},
                                                             {"Gelu", gelu},
                                                             {"Softplus", softplus},
                                                             {"Celu", celu},
                                                             {"HardSigmoid", hard_sigmoid},
                                                             {"Mish", mish},
                                                             {"Softsign", softsign},
                                                             {"HardSwish", hard_swish},
                                                             {"ThresholdedRelu", thresholded_relu},
                                                             {"Clip", clip},
                                                             {"Exp", exponential}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
