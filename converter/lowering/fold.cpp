#include "converter/lowering/fold.h"

#include <algorithm>
#include <cmath>

#include "converter/error.h"

namespace mmoe::converter {
namespace {

// y = scale * x + shift per channel.
struct Affine {
  std::vector<double> scale, shift;
};

Affine to_affine(const BatchNorm& norm) {
  Affine affine;
  for (size_t i = 0; i < norm.mean.size(); ++i) {
    const double scale = double{norm.gamma[i]} / std::sqrt(double{norm.variance[i]} + norm.epsilon);
    affine.scale.push_back(scale);
    affine.shift.push_back(norm.beta[i] - norm.mean[i] * scale);
  }
  return affine;
}

double bias_of(const DenseLayer& layer, size_t output) { return layer.bias.empty() ? 0.0 : layer.bias[output]; }

void require_finite(const DenseLayer& layer) {
  const auto finite = [](float x) { return std::isfinite(x); };
  if (std::all_of(layer.weight.data.begin(), layer.weight.data.end(), finite) &&
      std::all_of(layer.bias.begin(), layer.bias.end(), finite)) {
    return;
  }
  throw ConvertError(layer.name + ": with its batch norm or temperature folded in, a weight exceeds the range of a float");
}

// affine(W x + b) = (scale W) x + (scale b + shift)
void fold_into_outputs(const Affine& affine, DenseLayer& layer) {
  std::vector<float> bias(layer.outputs());
  for (size_t o = 0; o < layer.outputs(); ++o) {
    bias[o] = static_cast<float>(bias_of(layer, o) * affine.scale[o] + affine.shift[o]);
    for (size_t i = 0; i < layer.inputs(); ++i) {
      float& weight = layer.weight.data[o * layer.inputs() + i];
      weight = static_cast<float>(weight * affine.scale[o]);
    }
  }
  layer.bias = std::move(bias);
  require_finite(layer);
}

// W affine(x) + b = (W scale) x + (b + W shift)
void fold_into_inputs(const Affine& affine, DenseLayer& layer) {
  std::vector<float> bias(layer.outputs());
  for (size_t o = 0; o < layer.outputs(); ++o) {
    double sum = bias_of(layer, o);
    for (size_t i = 0; i < layer.inputs(); ++i) {
      float& weight = layer.weight.data[o * layer.inputs() + i];
      sum += weight * affine.shift[i];
      weight = static_cast<float>(weight * affine.scale[i]);
    }
    bias[o] = static_cast<float>(sum);
  }
  layer.bias = std::move(bias);
  require_finite(layer);
}

// A layer that only scales and shifts its inputs.
DenseLayer diagonal(const Affine& affine, const std::string& name) {
  const size_t width = affine.scale.size();
  DenseLayer layer;
  layer.name = name;
  layer.weight = {width, width, std::vector<float>(width * width)};
  for (size_t i = 0; i < width; ++i) {
    layer.weight.data[i * width + i] = static_cast<float>(affine.scale[i]);
    layer.bias.push_back(static_cast<float>(affine.shift[i]));
  }
  return layer;
}

}  // namespace

void fold_batch_norms(Mlp& layers) {
  for (size_t l = 0; l < layers.size(); ++l) {
    if (layers[l].norm_before_activation) {
      fold_into_outputs(to_affine(*layers[l].norm_before_activation), layers[l]);
      layers[l].norm_before_activation.reset();
    }
    if (!layers[l].norm_after_activation) continue;
    const Affine affine = to_affine(*layers[l].norm_after_activation);
    layers[l].norm_after_activation.reset();
    if (l + 1 < layers.size()) {
      fold_into_inputs(affine, layers[l + 1]);
    } else {
      layers.push_back(diagonal(affine, layers[l].name + ".norm"));
    }
  }
}

void fold_gate(Gate& gate) {
  if (!gate.logits) return;
  Mlp layers = std::move(gate.hidden);
  layers.push_back(std::move(*gate.logits));
  fold_batch_norms(layers);
  gate.logits = std::move(layers.back());
  layers.pop_back();
  gate.hidden = std::move(layers);
  if (gate.temperature == 1) return;
  const size_t outputs = gate.logits->outputs();
  fold_into_outputs({std::vector<double>(outputs, 1 / gate.temperature), std::vector<double>(outputs)}, *gate.logits);
  gate.temperature = 1;
}

}  // namespace mmoe::converter
