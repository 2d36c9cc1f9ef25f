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

bool normalises_itself(const DenseLayer& layer) {
  return layer.layer_norm_before_activation || layer.activation.kind == ActivationKind::kDice;
}

// A layer of the file has room for one normalisation: what comes after another one gets a layer of its own.
void separate_norms(Mlp& layers) {
  for (size_t l = 0; l < layers.size(); ++l) {
    if (layers[l].layer_norm_before_activation && layers[l].activation.kind == ActivationKind::kDice) {
      DenseLayer rest = identity_layer(layers[l].outputs(), layers[l].name + ".dice");
      rest.activation = layers[l].activation;
      layers[l].activation = Activation();
      std::swap(rest.layer_norm_after_activation, layers[l].layer_norm_after_activation);
      std::swap(rest.norm_after_activation, layers[l].norm_after_activation);
      layers.insert(layers.begin() + static_cast<std::ptrdiff_t>(l) + 1, std::move(rest));
    }
    if (layers[l].layer_norm_after_activation && normalises_itself(layers[l])) {
      DenseLayer rest = identity_layer(layers[l].outputs(), layers[l].name + ".norm");
      std::swap(rest.layer_norm_after_activation, layers[l].layer_norm_after_activation);
      std::swap(rest.norm_after_activation, layers[l].norm_after_activation);
      layers.insert(layers.begin() + static_cast<std::ptrdiff_t>(l) + 1, std::move(rest));
    }
  }
}

}  // namespace

void require_finite(const DenseLayer& layer) {
  const auto finite = [](float x) { return std::isfinite(x); };
  if (std::all_of(layer.weight.data.begin(), layer.weight.data.end(), finite) &&
      std::all_of(layer.bias.begin(), layer.bias.end(), finite)) {
    return;
  }
  throw ConvertError(layer.name +
                     ": with its batch norm or temperature folded in, a weight exceeds the range of a float");
}

void fold_batch_norms(Mlp& layers) {
  separate_norms(layers);
  for (size_t l = 0; l < layers.size(); ++l) {
    if (layers[l].norm_of_inputs) {
      fold_into_inputs(to_affine(*layers[l].norm_of_inputs), layers[l]);
      layers[l].norm_of_inputs.reset();
    }
    if (layers[l].norm_before_activation) {
      fold_into_outputs(to_affine(*layers[l].norm_before_activation), layers[l]);
      layers[l].norm_before_activation.reset();
    }
    if (!layers[l].norm_after_activation) continue;
    // Behind the last layer it stays: as the layer's one normalisation, or, where it has another, as that of a
    // layer that hands its inputs on.
    if (l + 1 == layers.size()) {
      if (!normalises_itself(layers[l]) && !layers[l].layer_norm_after_activation) return;
      layers.push_back(identity_layer(layers[l].outputs(), layers[l].name + ".norm"));
    }
    fold_into_inputs(to_affine(*layers[l].norm_after_activation), layers[l + 1]);
    layers[l].norm_after_activation.reset();
  }
}

Normalisation normalisation_of(const DenseLayer& layer) {
  Normalisation result;
  const auto take = [&](NormKind kind, NormUse use, const Affine& affine) {
    result.kind = kind;
    result.use = use;
    result.scale.assign(affine.scale.begin(), affine.scale.end());
    result.shift.assign(affine.shift.begin(), affine.shift.end());
  };
  const auto take_layer_norm = [&](const LayerNorm& norm, NormUse use) {
    take(NormKind::kLayer, use, {{norm.gamma.begin(), norm.gamma.end()}, {norm.beta.begin(), norm.beta.end()}});
    result.epsilon = static_cast<float>(norm.epsilon);
  };
  const size_t width = layer.outputs();
  const Activation& activation = layer.activation;
  if (activation.kind == ActivationKind::kDice && activation.dice_norm) {
    take(NormKind::kChannel, NormUse::kDice, to_affine(*activation.dice_norm));
  } else if (activation.kind == ActivationKind::kDice) {
    // (x - mean) / sqrt(width (variance + epsilon)), or without the width
    const double scale = activation.dice_deviation ? 1 : 1 / std::sqrt(static_cast<double>(width));
    take(NormKind::kLayer, NormUse::kDice, {std::vector<double>(width, scale), std::vector<double>(width)});
    result.epsilon = static_cast<float>(activation.dice_epsilon);
  } else if (layer.layer_norm_before_activation) {
    take_layer_norm(*layer.layer_norm_before_activation, NormUse::kBeforeActivation);
  } else if (layer.layer_norm_after_activation) {
    take_layer_norm(*layer.layer_norm_after_activation, NormUse::kAfterActivation);
  } else if (layer.norm_before_activation) {
    take(NormKind::kChannel, NormUse::kBeforeActivation, to_affine(*layer.norm_before_activation));
  } else if (layer.norm_after_activation) {
    take(NormKind::kChannel, NormUse::kAfterActivation, to_affine(*layer.norm_after_activation));
  }
  const auto finite = [](float x) { return std::isfinite(x); };
  if (!std::all_of(result.scale.begin(), result.scale.end(), finite) ||
      !std::all_of(result.shift.begin(), result.shift.end(), finite)) {
    throw ConvertError(layer.name + ": a scale or shift of its batch norm exceeds the range of a float");
  }
  return result;
}

void fold_gate(Gate& gate) {
  if (!gate.logits) return;
  Mlp layers = std::move(gate.hidden);
  layers.push_back(std::move(*gate.logits));
  fold_batch_norms(layers);
  gate.logits = std::move(layers.back());
  layers.pop_back();
  gate.hidden = std::move(layers);
  if (gate.temperature == 1 && gate.gamma == 1) return;
  const size_t outputs = gate.logits->outputs();
  std::vector<double> scale(outputs, 1 / gate.temperature);
  // The selectors' outputs, not their shares.
  std::fill(scale.begin(), scale.end() - static_cast<std::ptrdiff_t>(gate.num_selectors), scale[0] / gate.gamma);
  fold_into_outputs({scale, std::vector<double>(outputs)}, *gate.logits);
  gate.temperature = gate.gamma = 1;
}

}  // namespace mmoe::converter
