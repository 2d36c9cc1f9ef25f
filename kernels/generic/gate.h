// Softmax gates, whole or restricted to the top k.
#pragma once

#include "kernels/generic/math.h"
#include "kernels/kernels.h"
#include "kernels/panel16.h"

namespace mmoe::kernels {

/// Softmax of weights[0 .. size), in place. The row is padded to whole panels, which may be overwritten.
template <class Arch>
inline void softmax_in_place(float* weights, std::size_t size) {
  using B = Reg<Arch>;
  float largest = weights[0];
  for (std::size_t e = 1; e < size; ++e) largest = weights[e] > largest ? weights[e] : largest;
  const std::size_t padded = padded_outputs(size);
  for (std::size_t e = size; e < padded; ++e) weights[e] = largest;
  for (std::size_t e = 0; e < padded; e += B::size) {
    exp_nonpositive<Arch>(B::load_unaligned(weights + e) - B(largest)).store_unaligned(weights + e);
  }
  float sum = 0.0f;
  for (std::size_t e = 0; e < size; ++e) sum += weights[e];
  for (std::size_t e = 0; e < padded; e += B::size) {
    divide<Arch>(B::load_unaligned(weights + e), B(sum)).store_unaligned(weights + e);
  }
}

/// Whether a logit outranks another of a lower index: larger, or a NaN against a number.
template <class Arch>
inline bool outranks(float later, float earlier) {
  const bool earlier_is_number = earlier == earlier;
  return later != later ? earlier_is_number : earlier_is_number && later > earlier;
}

/// Positions of the top_k largest logits, ascending: the k best so far are kept sorted by rank, then by position.
template <class Arch>
inline void select_top_k(const float* logits, std::size_t num_experts, std::size_t top_k, std::uint16_t* selected) {
  std::size_t count = 0;
  for (std::size_t e = 0; e < num_experts; ++e) {
    std::size_t at = count;
    while (at > 0 && outranks<Arch>(logits[e], logits[selected[at - 1]])) --at;
    if (at == top_k) continue;
    count += count < top_k;
    for (std::size_t i = count - 1; i > at; --i) selected[i] = selected[i - 1];
    selected[at] = static_cast<std::uint16_t>(e);
  }
  for (std::size_t i = 1; i < top_k; ++i) {
    const std::uint16_t moving = selected[i];
    std::size_t at = i;
    for (; at > 0 && selected[at - 1] > moving; --at) selected[at] = selected[at - 1];
    selected[at] = moving;
  }
}

template <class Arch>
inline void gate_row(const GateArgs& args, const float* logits, float* weights, std::uint16_t* selected) {
  const bool select = args.top_k != 0;
  if (select) select_top_k<Arch>(logits, args.num_experts, args.top_k, selected);
  if (!select || args.top_k_of_softmax) {
    for (std::size_t e = 0; e < args.num_experts; ++e) weights[e] = logits[e];
    softmax_in_place<Arch>(weights, args.num_experts);
    for (std::size_t j = 0; j < args.top_k; ++j) weights[j] = weights[selected[j]];
  } else {
    for (std::size_t j = 0; j < args.top_k; ++j) weights[j] = logits[selected[j]];
    softmax_in_place<Arch>(weights, args.top_k);
  }
}

template <class Arch>
void gate(const GateArgs& args) {
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    gate_row<Arch>(args, args.logits + row * args.logits_stride, args.weights + row * args.weights_stride,
                   args.top_k ? args.selected + row * args.top_k : nullptr);
  }
}

template <class Arch>
void threshold(const ThresholdArgs& args) {
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    float* weights = args.weights + row * args.weights_stride;
    std::uint16_t* selected = args.selected + row * args.num_experts;
    std::size_t largest = 0;
    for (std::size_t e = 1; e < args.num_experts; ++e) largest = weights[e] > weights[largest] ? e : largest;
    std::uint16_t count = 0;
    float sum = 0.0f;
    for (std::size_t e = 0; e < args.num_experts; ++e) {
      const float weight = weights[e];
      if (!(weight >= args.threshold) && e != largest) continue;
      selected[count] = static_cast<std::uint16_t>(e);
      weights[count++] = weight;
      sum += weight;
    }
    for (std::size_t j = 0; args.renormalise && j < count; ++j) weights[j] /= sum;
    args.counts[row] = count;
  }
}

}  // namespace mmoe::kernels
