#include "converter/check/bounded.h"

#include <algorithm>

#include "converter/error.h"

namespace mmoe::converter {
namespace {

constexpr double kLargestFloat = std::numeric_limits<float>::max();
constexpr double kFoldRoundings = 8;

}  // namespace

Number scale_and_shift(const Number& x, double scale, double shift) {
  const double terms = std::abs(scale) * (std::abs(x.value) + x.error) + std::abs(shift);
  Number y = plain(scale * x.value + shift, 0);
  y.error = std::abs(scale) * x.error + rounding(3) * terms + kTiny;
  return y.error < kInfinity ? y : Number{y.value, kInfinity, y.magnitude};
}

double rounding(double n) { return n * kUnit / (1 - n * kUnit); }

Number plain(double value, double error) {
  // Infinities and NaN, of value or error, and what a float cannot hold, all mean: nothing is known.
  const bool known = std::abs(value) + error < kLargestFloat;
  return {value, known ? error : kInfinity, std::abs(value)};
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
  const double unit = layer.storage.scales.empty() ? 1 : layer.storage.scales[output];
  double sum = bias, carried = 0, terms = std::abs(bias) + std::abs(norm.mean);
  for (size_t i = 0; i < x.size(); ++i) {
    const double weight = unit * layer.weight.at(output, i);
    sum += weight * x[i].value;
    carried += std::abs(weight) * x[i].error;
    terms += std::abs(weight) * (x[i].magnitude + x[i].error);
  }
  const double scale = std::abs(norm.scale);
  const double all_terms = scale * terms + std::abs(norm.beta);
  const double roundings = static_cast<double>(x.size()) + 1 + kFoldRoundings;
  // A partial sum, which is in units of the scale, may overflow though the whole does not.
  const double tiny = roundings * kTiny * std::max(1.0, unit);
  const bool fits = all_terms < kLargestFloat && all_terms < kLargestFloat * unit + std::abs(bias);
  const double rounded = fits || unit == 0 ? rounding(roundings) * all_terms + tiny : kInfinity;
  return plain(norm.scale * (sum - norm.mean) + norm.beta, scale * carried + rounded);
}

Number normalise(const Affine& norm, const Number& a) {
  const double scale = std::abs(norm.scale);
  Number y = plain(norm.scale * (a.value - norm.mean) + norm.beta, 0);
  y.magnitude = scale * (a.magnitude + std::abs(norm.mean)) + std::abs(norm.beta);
  y.error = scale * a.error + rounding(kFoldRoundings) * (y.magnitude + scale * a.error) + kTiny;
  return y;
}

// (x - mean) / sqrt(variance + epsilon) over the row. With n elements, each wrong by e_i: the mean by the mean of the
// e_i and n + 1 roundings; a distance d_i by e_i, the mean's error and one rounding; the variance v by the mean of
// 2 |d| e_d + e_d^2 and n + 3 roundings. The quotient then by e_d / s + |d| e_v / (2 s^3), with s the least deviation
// that this allows, and 4 roundings.
Numbers standardise(const Numbers& x, double epsilon) {
  const double n = static_cast<double>(x.size());
  double mean = 0, mean_error = 0, size = 0;
  for (const Number& number : x) {
    mean += number.value / n;
    mean_error += number.error / n;
    size += (std::abs(number.value) + number.error) / n;
  }
  mean_error += rounding(n + 1) * size;
  double variance = 0, variance_error = 0;
  Numbers result;
  for (const Number& number : x) {
    const double distance = number.value - mean;
    const double error = number.error + mean_error + kUnit * (std::abs(distance) + number.error + mean_error);
    variance += distance * distance / n;
    variance_error += (2 * std::abs(distance) * error + error * error) / n;
    result.push_back({distance, error, 0});
  }
  variance_error += rounding(n + 3) * (variance + variance_error + epsilon) + kTiny;
  const double least = std::sqrt(std::max(0.0, variance + epsilon - variance_error));
  const double deviation = std::sqrt(variance + epsilon);
  for (Number& number : result) {
    const double value = number.value / deviation;
    const double carried = number.error / least + std::abs(number.value) * variance_error / (2 * least * least * least);
    number = plain(value, carried + rounding(4) * (std::abs(value) + carried));
  }
  return result;
}

// p x + (1 - p) slope x: the slope of the sum in p is x - slope x, in x at most the larger of 1 and |slope|.
void dice(const Activation& activation, Numbers& x) {
  Numbers normal = x;
  if (!activation.dice_norm) {
    // The sum of squares in place of the variance divides by the root of the width once more.
    normal = standardise(x, activation.dice_epsilon);
    const double scale = activation.dice_deviation ? 1 : 1 / std::sqrt(static_cast<double>(x.size()));
    for (Number& number : normal) number = scale_and_shift(number, scale, 0);
  }
  for (size_t i = 0; i < x.size(); ++i) {
    if (activation.dice_norm) normal[i] = normalise(affine_of(activation.dice_norm, i), x[i]);
    const Number p = sigmoid(normal[i]);
    const double slope = activation.slopes[i];
    const double value = p.value * x[i].value + (1 - p.value) * slope * x[i].value;
    const double spread = std::abs(1 - slope) * (std::abs(x[i].value) + x[i].error);
    const double size = (1 + std::abs(slope)) * (std::abs(x[i].value) + x[i].error);
    x[i] = plain(value, p.error * spread + std::max(1.0, std::abs(slope)) * x[i].error + rounding(4) * size + kTiny);
  }
}

}  // namespace

void layer_norm(const LayerNorm& norm, Numbers& x) {
  x = standardise(x, norm.epsilon);
  for (size_t i = 0; i < x.size(); ++i) x[i] = scale_and_shift(x[i], norm.gamma[i], norm.beta[i]);
}

Numbers run_layer(const DenseLayer& layer, const Numbers& inputs, double temperature) {
  Numbers x = inputs, y;
  for (size_t input = 0; layer.norm_of_inputs && input < x.size(); ++input) {
    x[input] = normalise(affine_of(layer.norm_of_inputs, input), x[input]);
  }
  if (layer.storage.type == WeightType::kW8A8 && !layer.storage.scales.empty()) {
    y = run_w8a8(layer, x);
  } else {
    for (size_t output = 0; output < layer.outputs(); ++output) y.push_back(linear(layer, output, x, temperature));
  }
  if (layer.layer_norm_before_activation) layer_norm(*layer.layer_norm_before_activation, y);
  y = apply_activation(layer.activation, std::move(y));
  if (layer.layer_norm_after_activation) layer_norm(*layer.layer_norm_after_activation, y);
  for (size_t output = 0; layer.norm_after_activation && output < y.size(); ++output) {
    y[output] = normalise(affine_of(layer.norm_after_activation, output), y[output]);
  }
  return y;
}

Numbers apply_activation(const Activation& activation, Numbers outputs) {
  if (activation.kind == ActivationKind::kDice) {
    dice(activation, outputs);
    return outputs;
  }
  for (size_t i = 0; i < outputs.size(); ++i) outputs[i] = activate(activation, i, outputs[i]);
  return outputs;
}

Numbers run_layers(const Mlp& layers, Numbers x) {
  for (const DenseLayer& layer : layers) x = run_layer(layer, x);
  return x;
}

}  // namespace mmoe::converter
