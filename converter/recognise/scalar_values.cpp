#include "converter/recognise/scalar_values.h"

#include <algorithm>
#include <cmath>

namespace mmoe::converter {

std::optional<double> value_of(const Expression& expression, uint32_t column, const std::vector<double>& arguments) {
  if (expression.kind == ExpressionKind::kAffine) {
    const BatchNorm& norm = expression.norm;
    const double deviation = std::sqrt(double{norm.variance[column]} + norm.epsilon);
    return (arguments[0] - norm.mean[column]) / deviation * norm.gamma[column] + norm.beta[column];
  }
  const Activation& activation = expression.activation;
  if (expression.kind == ExpressionKind::kActivation) {
    if (activation.kind == ActivationKind::kRelu) return std::max(arguments[0], 0.0);
    if (activation.kind == ActivationKind::kClamp)
      return std::clamp(arguments[0], double{activation.alpha}, double{activation.beta});
    return std::nullopt;
  }
  if (expression.kind != ExpressionKind::kFunction) return std::nullopt;
  switch (expression.function) {
    case FunctionKind::kAbs: return std::fabs(arguments[0]);
    case FunctionKind::kSqrt: return std::sqrt(arguments[0]);
    case FunctionKind::kReciprocal: return 1 / arguments[0];
    case FunctionKind::kLog: return std::log(arguments[0]);
    case FunctionKind::kMaximum: return std::max(arguments[0], arguments[1]);
    case FunctionKind::kMinimum: return std::min(arguments[0], arguments[1]);
    case FunctionKind::kGreater: return arguments[0] > arguments[1] ? 1 : 0;
    case FunctionKind::kGreaterOrEqual: return arguments[0] >= arguments[1] ? 1 : 0;
    case FunctionKind::kSelect: return arguments[0] != 0 ? arguments[1] : arguments[2];
    default: return std::nullopt;
  }
}

}  // namespace mmoe::converter
