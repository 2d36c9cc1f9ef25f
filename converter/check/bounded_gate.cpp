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

// Whether rounding might have selected another expert.
bool ambiguous(const Numbers& logits, const std::vector<size_t>& selected) {
  double lowest_selected = kInfinity, highest_left = -kInfinity;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i].error < kInfinity)) return true;
    if (std::binary_search(selected.begin(), selected.end(), i)) {
      lowest_selected = std::min(lowest_selected, logits[i].value - logits[i].error);
    } else {
      highest_left = std::max(highest_left, logits[i].value + logits[i].error);
    }
  }
  return highest_left >= lowest_selected;
}

Numbers top_k_weights(const Gate& gate, const Numbers& logits) {
  const std::vector<size_t> selected = top_k_positions(logits, gate.top_k);
  Numbers chosen, weights(logits.size());
  for (const size_t position : selected) chosen.push_back(logits[position]);
  const Numbers all = softmax(gate.top_k_mode == TopKMode::kTopKOfSoftmax ? logits : chosen);
  for (size_t i = 0; i < selected.size(); ++i) {
    weights[selected[i]] = gate.top_k_mode == TopKMode::kTopKOfSoftmax ? all[selected[i]] : all[i];
  }
  if (selected.size() < logits.size() && ambiguous(logits, selected)) {
    for (Number& weight : weights) weight.error = kInfinity;
  }
  return weights;
}

}  // namespace

Numbers gate_weights(const Gate& gate, const Numbers& input) {
  if (!gate.logits) {
    Numbers weights;
    for (const float weight : gate.constant_weights) weights.push_back(plain(weight, 0));
    return weights;
  }
  const Numbers logits = run_layer(*gate.logits, run_layers(gate.hidden, input), gate.temperature);
  return gate.top_k == 0 ? softmax(logits) : top_k_weights(gate, logits);
}

namespace {

// What a softmax gate multiplies an expert's weight by, if anything.
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
