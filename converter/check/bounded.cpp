#include "converter/check/bounded.h"

#include <algorithm>

#include "converter/error.h"

namespace mmoe::converter {
namespace {

constexpr double kLargestFloat = std::numeric_limits<float>::max();
constexpr double kFoldRoundings = 8;
constexpr double kSigmoidRoundings = 12;   // e^x in numerator and denominator, one addition, one division
constexpr double kTanhRoundings = 12;
constexpr double kSeluAlpha = 1.6732632423543772;
constexpr double kSeluScale = 1.0507009873554805;

double logistic(double z) { return 1 / (1 + std::exp(-z)); }

}  // namespace

double rounding(double n) { return n * kUnit / (1 - n * kUnit); }

Number plain(double value, double error) {
  // Infinities and NaN, of value or error, and what a float cannot hold, all mean: nothing is known.
  const bool known = std::abs(value) + error < kLargestFloat;
  return {value, known ? error : kInfinity, std::abs(value)};
}

Number sigmoid(const Number& z) {
  const double value = logistic(z.value);
  return plain(value, z.error / 4 + kSigmoidRoundings * kUnit * value + kTiny);
}

namespace {

struct Affine {
  double scale = 1, mean = 0, beta = 0;
};

Affine affine_of(const std::optional<BatchNorm>& norm, size_t channel) {
  if (!norm) return {};
  const double deviation = std::sqrt(static_cast<double>(norm->variance[channel]) + norm->epsilon);
  return {norm->gamma[channel] / deviation, norm->mean[channel], norm->beta[channel]};
}

// One output before its activation, divided by the temperature (logits have no activation).
Number linear(const DenseLayer& layer, size_t output, const Numbers& x, double temperature) {
  Affine norm = affine_of(layer.norm_before_activation, output);
  norm.scale /= temperature;
  norm.beta /= temperature;
  const double bias = layer.bias.empty() ? 0 : layer.bias[output];
  double sum = bias, carried = 0, terms = std::abs(bias) + std::abs(norm.mean);
  for (size_t i = 0; i < x.size(); ++i) {
    const double weight = layer.weight.at(output, i);
    sum += weight * x[i].value;
    carried += std::abs(weight) * x[i].error;
    terms += std::abs(weight) * (x[i].magnitude + x[i].error);
  }
  const double scale = std::abs(norm.scale);
  const double all_terms = scale * terms + std::abs(norm.beta);
  const double roundings = static_cast<double>(x.size()) + 1 + kFoldRoundings;
  // A partial sum may overflow though the whole does not.
  const double rounded = all_terms < kLargestFloat ? rounding(roundings) * all_terms + roundings * kTiny : kInfinity;
  return plain(norm.scale * (sum - norm.mean) + norm.beta, scale * carried + rounded);
}

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
  }
  throw ConvertError("evaluate: unknown activation");
}

Number normalise(const Affine& norm, const Number& a) {
  const double scale = std::abs(norm.scale);
  Number y = plain(norm.scale * (a.value - norm.mean) + norm.beta, 0);
  y.magnitude = scale * (a.magnitude + std::abs(norm.mean)) + std::abs(norm.beta);
  y.error = scale * a.error + rounding(kFoldRoundings) * (y.magnitude + scale * a.error) + kTiny;
  return y;
}

}  // namespace

Numbers run_layer(const DenseLayer& layer, const Numbers& x, double temperature) {
  Numbers y(layer.outputs());
  for (size_t output = 0; output < y.size(); ++output) {
    y[output] = activate(layer.activation, output, linear(layer, output, x, temperature));
    if (layer.norm_after_activation) y[output] = normalise(affine_of(layer.norm_after_activation, output), y[output]);
  }
  return y;
}

Numbers run_layers(const Mlp& layers, Numbers x) {
  for (const DenseLayer& layer : layers) x = run_layer(layer, x);
  return x;
}

}  // namespace mmoe::converter
