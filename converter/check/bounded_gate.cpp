#include <algorithm>
#include <numeric>

#include "converter/check/bounded.h"

namespace mmoe::converter {

Numbers softmax(const Numbers& logits) {
  double largest = -kInfinity, largest_error = 0;
  for (const Number& logit : logits) largest = std::max(largest, logit.value);
  std::vector<double> exponent_errors;
  for (const Number& logit : logits) {
    const double distance = std::min(largest - logit.value, kMaxExponent);
    exponent_errors.push_back(logit.error + kUnit * distance + kExpRoundings * kUnit);
    largest_error = std::max(largest_error, exponent_errors.back());
  }
  double sum = 0;
  for (const Number& logit : logits) sum += std::exp(logit.value - largest);
  Numbers weights;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double weight = std::exp(logits[i].value - largest) / sum;
    const double relative = exponent_errors[i] + largest_error + rounding(static_cast<double>(logits.size()) + 1);
    weights.push_back(plain(weight, weight * std::expm1(relative) + kTiny * static_cast<double>(logits.size())));
  }
  return weights;
}

namespace {

// Positions of the k largest, ascending; of equal logits the lower position.
std::vector<size_t> top_k_positions(const Numbers& logits, size_t k) {
  std::vector<size_t> positions(logits.size());
  std::iota(positions.begin(), positions.end(), size_t{0});
  std::stable_sort(positions.begin(), positions.end(),
                   [&](size_t a, size_t b) { return logits[a].value > logits[b].value; });
  positions.resize(k);
  std::sort(positions.begin(), positions.end());
  return positions;
}

// Whether rounding might have selected another expert. `ranked`: logits, or weights, of which none is less than
// `least`: it does not matter which of those are selected.
bool ambiguous(const Numbers& logits, const std::vector<size_t>& selected, double least) {
  double lowest_selected = kInfinity, highest_left = -kInfinity;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i].error < kInfinity)) return true;
    if (std::binary_search(selected.begin(), selected.end(), i)) {
      lowest_selected = std::min(lowest_selected, logits[i].value - logits[i].error);
    } else {
      highest_left = std::max(highest_left, logits[i].value + logits[i].error);
    }
  }
  return highest_left >= lowest_selected && highest_left > least;
}

Numbers top_k_weights(const Gate& gate, const Numbers& logits) {
  const std::vector<size_t> selected = top_k_positions(logits, gate.top_k);
  Numbers chosen, weights(logits.size());
  for (const size_t position : selected) chosen.push_back(logits[position]);
  const Numbers all = softmax(gate.top_k_mode == TopKMode::kTopKOfSoftmax ? logits : chosen);
  for (size_t i = 0; i < selected.size(); ++i) {
    weights[selected[i]] = gate.top_k_mode == TopKMode::kTopKOfSoftmax ? all[selected[i]] : all[i];
  }
  if (selected.size() < logits.size() && ambiguous(logits, selected, -kInfinity)) {
    for (Number& weight : weights) weight.error = kInfinity;
  }
  return weights;
}

// A step's slope is at most 3/2. Its kernel: u * u loses u / 4 (u = 2^-24), the next sum 3/2 u more, half of both is
// left by the product with |u| <= 1/2, which without fma rounds once more, by u / 2, and the last sum loses u: 2.4 u.
Number bounded_step(const Number& x) {
  const double value = smooth_step(x.value);
  const bool flat = std::abs(x.value) - x.error >= 0.5;  // 0 or 1, exactly
  return flat ? plain(value, 0) : plain(value, 1.5 * x.error + 3 * kUnit);
}

// A factor f wrong by e is at most f + e: the product of those less that of the f, and a rounding per factor.
Number selected_part(const Numbers& steps, size_t expert) {
  double value = 1, most = 1;
  for (size_t bit = 0; bit < steps.size(); ++bit) {
    const bool one = (expert >> (steps.size() - 1 - bit)) % 2 == 1;
    const double factor = one ? steps[bit].value : 1 - steps[bit].value;
    value *= factor;
    most *= factor + steps[bit].error + (one || steps[bit].error == 0 ? 0 : kUnit);
  }
  return plain(value, most == 0 ? 0 : most - value + rounding(static_cast<double>(steps.size())) * most + kTiny);
}

Numbers smooth_step_weights(const Gate& gate, const Numbers& logits) {
  const size_t count = gate.num_selectors, bits = selector_outputs(gate.experts.size()) - 1;
  const Numbers shares = softmax({logits.end() - static_cast<std::ptrdiff_t>(count), logits.end()});
  std::vector<Numbers> steps(count);
  for (size_t i = 0; i < count * bits; ++i) {
    // The division is part of the weights: bounded.h's kFoldRoundings.
    steps[i / bits].push_back(bounded_step(plain(logits[i].value / gate.gamma, logits[i].error / gate.gamma)));
  }
  Numbers weights;
  for (size_t e = 0; e < gate.experts.size(); ++e) {
    double sum = 0, carried = 0, terms = 0;
    for (size_t i = 0; i < count; ++i) {
      const Number part = selected_part(steps[i], e);
      sum += shares[i].value * part.value;
      carried += shares[i].value * part.error + shares[i].error * (part.value + part.error);
      terms += (shares[i].value + shares[i].error) * (part.value + part.error);
    }
    const double roundings = static_cast<double>(count) + 1;
    weights.push_back(plain(sum, terms == 0 ? 0 : carried + rounding(roundings) * terms + roundings * kTiny));
  }
  return weights;
}

// Of gates that are no softmax the k largest weights stay as they are.
Numbers keep_top_k(const Gate& gate, const Numbers& weights) {
  if (gate.top_k == 0 || gate.top_k >= weights.size()) return weights;
  const std::vector<size_t> selected = top_k_positions(weights, gate.top_k);
  const double least = gate.function == GateFunction::kSmoothStep ? 0 : -kInfinity;
  const bool unknown = ambiguous(weights, selected, least);
  Numbers kept(weights.size());
  for (const size_t e : selected) kept[e] = weights[e];
  for (Number& weight : kept) weight.error = unknown ? kInfinity : weight.error;
  return kept;
}

}  // namespace

Numbers gate_weights(const Gate& gate, const Numbers& input) {
  if (!gate.logits) {
    Numbers weights;
    for (const float weight : gate.constant_weights) weights.push_back(plain(weight, 0));
    return weights;
  }
  const Numbers logits = run_layer(*gate.logits, run_layers(gate.hidden, input), gate.temperature);
  if (gate.function == GateFunction::kSmoothStep) return keep_top_k(gate, smooth_step_weights(gate, logits));
  if (gate.function == GateFunction::kActivation) return keep_top_k(gate, logits);
  return gate.top_k == 0 ? softmax(logits) : top_k_weights(gate, logits);
}

namespace {

// What a gate multiplies an expert's weight by, if anything.
Number scaled(const Gate& gate, size_t expert, const Number& weight) {
  if (gate.weight_scales.empty() || (weight.value == 0 && weight.error == 0)) return weight;
  const double scale = gate.weight_scales[expert];
  const double value = scale * weight.value;
  const double error = std::abs(scale) * weight.error;
  return plain(value, error + kUnit * (std::abs(value) + error) + kTiny);
}

}  // namespace

Numbers mix(const Gate& gate, const Numbers& weights, const std::vector<Numbers>& experts) {
  const double roundings = static_cast<double>(weights.size()) + 1;
  Numbers mixed(experts[gate.experts.front()].size());
  for (size_t d = 0; d < mixed.size(); ++d) {
    double sum = 0, carried = 0, terms = 0, magnitude = 0;
    for (size_t e = 0; e < weights.size(); ++e) {
      const Number g = scaled(gate, e, weights[e]);
      const Number& x = experts[gate.experts[e]][d];
      if (g.value == 0 && g.error == 0) continue;  // not selected, and the runtime does not read it
      sum += g.value * x.value;
      carried += std::abs(g.value) * x.error + g.error * (std::abs(x.value) + x.error);
      terms += (std::abs(g.value) + g.error) * (x.magnitude + x.error);
      magnitude += std::abs(g.value) * x.magnitude;
    }
    mixed[d] = plain(sum, carried + rounding(roundings) * terms + roundings * kTiny);
    mixed[d].magnitude = std::max(mixed[d].magnitude, magnitude);
  }
  return mixed;
}

}  // namespace mmoe::converter
