// What an activation makes of a number and its error: the largest slope around it, and the kernels' own rounding.
#include <algorithm>

#include "converter/check/bounded.h"
#include "converter/error.h"

namespace mmoe::converter {
namespace {

constexpr double kSigmoidRoundings = 12;  // e^x in numerator and denominator, one addition, one division
constexpr double kTanhRoundings = 12;
constexpr double kPi = 3.14159265358979323846;
constexpr double kSeluAlpha = 1.6732632423543772;
constexpr double kSeluScale = 1.0507009873554805;

double logistic(double z) { return 1 / (1 + std::exp(-z)); }

}  // namespace

Number sigmoid(const Number& z) {
  const double value = logistic(z.value);
  return plain(value, z.error / 4 + kSigmoidRoundings * kUnit * value + kTiny);
}

// A bound moves nothing further than what it bounds was.
Number clamp(const Number& x, double lower, double upper) {
  const double value = std::clamp(x.value, lower, upper);
  return {value, x.error, std::max(std::abs(value), x.magnitude)};
}

namespace {

// The largest |slope| that a function with these slopes on both sides of zero has within the error.
double slope_around(const Number& z, double below, double above) {
  if (z.value - z.error > 0) return above;
  if (z.value + z.error < 0) return below;
  return std::max(below, above);
}

Number piecewise_linear(const Number& z, double slope) {
  const double value = z.value < 0 ? slope * z.value : z.value;
  return plain(value, slope_around(z, std::abs(slope), 1) * z.error + kUnit * std::abs(value));
}

// scale * (z above zero, alpha * (e^z - 1) below); near zero the subtraction leaves the rounding of e^z.
Number exponential_linear(const Number& z, double alpha, double scale) {
  const double value = scale * (z.value < 0 ? alpha * (std::exp(z.value) - 1) : z.value);
  const double curve = std::abs(scale * alpha);
  const double rounding = kExpRoundings * kUnit * (curve + 2 * std::abs(value)) + kTiny;
  return plain(value, slope_around(z, curve, std::abs(scale)) * z.error + rounding);
}

Number silu(const Number& z) {
  constexpr double kSteepest = 1.1;  // the slope's maximum is 1.0998
  const double value = z.value * logistic(z.value);
  const double rounding = (kSigmoidRoundings + 1) * kUnit * std::abs(value) + kTiny * (1 + std::abs(z.value));
  return plain(value, kSteepest * z.error + rounding);
}

// x times a function within [0, 1] of slope below 1: gelu's steepest slope is 1.13, and the kernels' own error at most
// 4 units of max(1, |y|) (tests/unit/kernels/activation_test.cpp).
Number gelu(const Number& z, double value) {
  constexpr double kSteepest = 1.14;
  return plain(value, kSteepest * z.error + 4 * kUnit * std::max(1.0, std::abs(value)) + kTiny);
}

// alpha (e^(x / alpha) - 1) below zero, of slope at most 1; the quotient's rounding moves it by at most 0.37 units of
// alpha.
Number celu(const Number& z, double alpha) {
  const double value = z.value < 0 ? alpha * std::expm1(z.value / alpha) : z.value;
  const double rounding = (kExpRoundings + 1) * kUnit * (alpha + 2 * std::abs(value)) + kTiny;
  return plain(value, z.error + rounding);
}

// x tanh(log(1 + e^x)), whose slope's maximum is 1.0884. Numerator and denominator have e^x and two sums each.
Number mish(const Number& z) {
  const double softplus = std::max(z.value, 0.0) + std::log1p(std::exp(-std::abs(z.value)));
  const double value = z.value * std::tanh(softplus);
  const double rounding = (kSigmoidRoundings + 1) * kUnit * std::abs(value) + kTiny * (1 + std::abs(z.value));
  return plain(value, 1.09 * z.error + rounding);
}

// clamp(alpha x + beta, 0, 1): the product and the sum are rounded, where the result is not one of the bounds.
Number hard_sigmoid(const Number& z, double alpha, double beta) {
  const double line = alpha * z.value + beta;
  const double terms = std::abs(alpha) * (std::abs(z.value) + z.error) + std::abs(beta);
  const double error = std::abs(alpha) * z.error + 2 * kUnit * terms + kTiny;
  const bool bounded = line - error > 1 || line + error < 0;
  return plain(std::clamp(line, 0.0, 1.0), bounded ? 0 : error);
}

// x times that with 1/6 and 1/2: of slope at most 3/2, and the factor's own rounding (1/6 is rounded too) counts |x|
// times.
Number hard_swish(const Number& z) {
  const Number factor = hard_sigmoid({z.value, z.error, 0}, 1.0 / 6, 0.5);
  const double value = z.value * factor.value;
  const double size = std::abs(z.value) + z.error;
  const double rounded = factor.error > 0 ? 3 * kUnit * (size / 6 + 0.5) * size : 0;
  return plain(value, 1.5 * z.error + rounded + kUnit * std::abs(value) + kTiny);
}

// x sigmoid(alpha x): as silu, of which it is x times a stretched copy. The rounding of t = alpha x moves the sigmoid
// by at most max(t sigmoid'(t)) = 0.224 units.
Number swish(const Number& z, double alpha) {
  const double value = z.value * logistic(alpha * z.value);
  const double rounding = (kSigmoidRoundings + 1) * kUnit * std::abs(value) + 0.25 * kUnit * std::abs(z.value);
  return plain(value, 1.1 * z.error + rounding + kTiny * (1 + std::abs(z.value)));
}

// log(1 + e^(s x)) / s, of slope at most 1: the rounding of s x, the kernel's at most 4 units of max(1, softplus), and
// the division.
Number scaled_softplus(const Number& z, double s) {
  const double value = (std::max(s * z.value, 0.0) + std::log1p(std::exp(-std::abs(s * z.value)))) / s;
  const double rounding = 4 * kUnit * std::max(1.0, s * value) / s + kUnit * (std::abs(z.value) + value);
  return plain(value, z.error + rounding + kTiny);
}

// It jumps at alpha: within the error either side may be taken.
Number threshold(const Number& z, double alpha, double beta) {
  const double value = z.value > alpha ? z.value : beta;
  const bool either = z.value - z.error <= alpha && z.value + z.error > alpha;
  const double error = either ? std::abs(z.value - beta) + z.error : z.value > alpha ? z.error : 0;
  return plain(value, error);
}

Number squared_relu(const Number& z) {
  const double x = std::max(z.value, 0.0);
  const double carried = z.value + z.error < 0 ? 0 : (2 * x + z.error) * z.error;
  return plain(x * x, carried + kUnit * (x * x + carried) + kTiny);
}

// Of a positive x it is 1 / e^-x, which is infinite where e^-x is below the smallest normal number.
Number exponential(const Number& z) {
  constexpr double kLargestExponent = 87.3;
  const double value = std::exp(z.value);
  const bool known = z.value + z.error < kLargestExponent;
  return plain(value, known ? value * std::expm1(z.error + (kExpRoundings + 2) * kUnit) + kTiny : kInfinity);
}

}  // namespace

Number activate(const Activation& activation, size_t output, const Number& z) {
  switch (activation.kind) {
    case ActivationKind::kIdentity: return z;
    case ActivationKind::kRelu: return piecewise_linear(z, 0);
    case ActivationKind::kLeakyRelu: return piecewise_linear(z, activation.alpha);
    case ActivationKind::kPRelu: return piecewise_linear(z, activation.slopes[output]);
    case ActivationKind::kElu: return exponential_linear(z, activation.alpha, 1);
    case ActivationKind::kSelu: return exponential_linear(z, kSeluAlpha, kSeluScale);
    case ActivationKind::kSigmoid: return sigmoid(z);
    case ActivationKind::kTanh: {
      const double value = std::tanh(z.value);
      return plain(value, z.error + kTanhRoundings * kUnit * std::abs(value) + kTiny);
    }
    case ActivationKind::kSilu: return silu(z);
    case ActivationKind::kGelu: return gelu(z, z.value * std::erfc(-z.value / std::sqrt(2.0)) / 2);
    case ActivationKind::kGeluTanh: {
      const double inner = std::sqrt(2 / kPi) * (z.value + 0.044715 * z.value * z.value * z.value);
      return gelu(z, z.value * (1 + std::tanh(inner)) / 2);
    }
    case ActivationKind::kSoftplus: return scaled_softplus(z, activation.alpha == 0 ? 1 : activation.alpha);
    case ActivationKind::kCelu: return celu(z, activation.alpha);
    case ActivationKind::kMish: return mish(z);
    case ActivationKind::kHardSwish: return hard_swish(z);
    case ActivationKind::kHardSigmoid: return hard_sigmoid(z, activation.alpha, activation.beta);
    case ActivationKind::kClamp: return clamp(z, activation.alpha, activation.beta);
    case ActivationKind::kSwish: return swish(z, activation.alpha);
    case ActivationKind::kSoftsign: {
      const double value = z.value / (1 + std::abs(z.value));
      return plain(value, z.error + 3 * kUnit * std::abs(value) + kTiny);
    }
    case ActivationKind::kLogSigmoid: {
      const Number y = scaled_softplus({-z.value, z.error, 0}, 1);
      return plain(-y.value, y.error);
    }
    case ActivationKind::kThreshold: return threshold(z, activation.alpha, activation.beta);
    case ActivationKind::kSquaredRelu: return squared_relu(z);
    case ActivationKind::kExp: return exponential(z);
    case ActivationKind::kDice: break;  // needs the row
  }
  throw ConvertError("evaluate: unknown activation");
}

}  // namespace mmoe::converter
