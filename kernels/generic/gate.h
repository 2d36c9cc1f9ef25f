// Gates, whole or restricted to the top k.
#pragma once

#include "kernels/generic/math.h"
#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "kernels/preconditions.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// Softmax of one row. Reads and writes whole registers: up to 15 floats beyond `size`.
template <class Arch>
inline void softmax_row(const float* logits, std::size_t size, float* weights) {
  using B = Reg<Arch>;
  float largest = logits[0];
  for (std::size_t e = 1; e < size; ++e) largest = logits[e] > largest ? logits[e] : largest;
  const std::size_t padded = (size + B::size - 1) / B::size * B::size;
  for (std::size_t e = 0; e < padded; e += B::size) {
    exp_nonpositive<Arch>(B::load_unaligned(logits + e) - B(largest)).store_unaligned(weights + e);
  }
  float sum = 0.0f;
  for (std::size_t e = 0; e < size; ++e) sum += weights[e];
  for (std::size_t e = 0; e < padded; e += B::size) {
    divide<Arch>(B::load_unaligned(weights + e), B(sum)).store_unaligned(weights + e);
  }
}

/// Four rows of four floats become four columns.
template <class Arch>
inline void transpose(const float* from, std::size_t from_stride, float* to, std::size_t to_stride) {
  using Q = typename Traits<Arch>::Quad;
  static_assert(Q::size == 4);
  const Q a = Q::load_unaligned(from), b = Q::load_unaligned(from + from_stride);
  const Q c = Q::load_unaligned(from + 2 * from_stride), d = Q::load_unaligned(from + 3 * from_stride);
  const Q ac = zip_lo(a, c), bd = zip_lo(b, d);
  const Q ac_high = zip_hi(a, c), bd_high = zip_hi(b, d);
  zip_lo(ac, bd).store_unaligned(to);
  zip_hi(ac, bd).store_unaligned(to + to_stride);
  zip_lo(ac_high, bd_high).store_unaligned(to + 2 * to_stride);
  zip_hi(ac_high, bd_high).store_unaligned(to + 3 * to_stride);
}

/// Softmax of as many rows as a register has lanes, a row per lane: `size` steps for all of them.
/// `columns` is room for B::size * kMaxTransposed<B::size> floats; size <= kMaxTransposed<B::size>. Touches up to three
/// floats behind `size`. With 16 lanes it is less, for the stack: planning and scoring take less than 4 kB.
template <std::size_t kLanes>
constexpr std::size_t kMaxTransposed = kLanes >= 16 ? 24 : 32;

template <class Arch>
inline void softmax_lanes(const float* logits, std::size_t logits_stride, std::size_t size, float* weights,
                          std::size_t weights_stride, float* columns) {
  using B = Reg<Arch>;
  for (std::size_t row = 0; row < B::size; row += 4) {
    for (std::size_t e = 0; e < size; e += 4) {
      transpose<Arch>(logits + row * logits_stride + e, logits_stride, columns + e * B::size + row, B::size);
    }
  }
  B largest = B::load_unaligned(columns);
  for (std::size_t e = 1; e < size; ++e) {
    const B x = B::load_unaligned(columns + e * B::size);
    largest = select(largest < x, x, largest);
  }
  B sum(0.0f);
  for (std::size_t e = 0; e < size; ++e) {
    const B x = exp_nonpositive<Arch>(B::load_unaligned(columns + e * B::size) - largest);
    x.store_unaligned(columns + e * B::size);
    sum = sum + x;
  }
  for (std::size_t e = 0; e < size; ++e) {
    divide<Arch>(B::load_unaligned(columns + e * B::size), sum).store_unaligned(columns + e * B::size);
  }
  for (std::size_t row = 0; row < B::size; row += 4) {
    for (std::size_t e = 0; e < size; e += 4) {
      transpose<Arch>(columns + e * B::size + row, B::size, weights + row * weights_stride + e, weights_stride);
    }
  }
}

/// Softmax of every row; both ways give the same bits. May be done in place.
template <class Arch>
inline void softmax_rows(const float* logits, std::size_t logits_stride, std::size_t num_rows, std::size_t size,
                         float* weights, std::size_t weights_stride) {
  constexpr std::size_t kLanes = Reg<Arch>::size;
  float columns[kLanes * kMaxTransposed<kLanes>];
  std::size_t row = 0;
  for (; size <= kMaxTransposed<kLanes> && row + kLanes <= num_rows; row += kLanes) {
    softmax_lanes<Arch>(logits + row * logits_stride, logits_stride, size, weights + row * weights_stride,
                        weights_stride, columns);
  }
  for (; row < num_rows; ++row) {
    softmax_row<Arch>(logits + row * logits_stride, size, weights + row * weights_stride);
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

/// Moves the selected of each row to its front: of `from`, which may be the weights themselves.
template <class Arch>
inline void keep_selected(const GateArgs& args, const float* from, std::size_t from_stride) {
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    const std::uint16_t* selected = args.selected + row * args.top_k;
    float* weights = args.weights + row * args.weights_stride;
    // Ascending positions, each at or behind where it goes.
    for (std::size_t j = 0; j < args.top_k; ++j) weights[j] = from[row * from_stride + selected[j]];
  }
}

template <class Arch>
inline Reg<Arch> smooth_step(const Reg<Arch>& x) {
  using B = Reg<Arch>;
  const B u = clamp<Arch>(x, B(-0.5f), B(0.5f));
  return multiply_add<Arch>(u, multiply_add<Arch>(B(-2.0f), u * u, B(1.5f)), B(0.5f));
}

/// Adds one selector's part to the weights, or begins them with it.
template <class Arch>
inline void add_selector(const float* logits, std::size_t num_bits, std::size_t num_experts, float share, bool first,
                         float* weights) {
  using B = Reg<Arch>;
  float steps[kPanelWidth], products[kPanelWidth];
  for (std::size_t bit = 0; bit < num_bits; bit += B::size) {
    smooth_step<Arch>(B::load_unaligned(logits + bit)).store_unaligned(steps + bit);
  }
  for (std::size_t e = 0; e < num_experts; e += B::size) {
    for (std::size_t lane = 0; lane < B::size; ++lane) {
      float product = 1.0f;
      for (std::size_t bit = 0; bit < num_bits; ++bit) {
        product *= ((e + lane) >> (num_bits - 1 - bit)) % 2 == 1 ? steps[bit] : 1.0f - steps[bit];
      }
      products[lane] = product;
    }
    const B part = B::load_unaligned(products);
    const B sum = first ? B(share) * part : multiply_add<Arch>(B(share), part, B::load_unaligned(weights + e));
    sum.store_unaligned(weights + e);
  }
}

template <class Arch>
inline void smooth_step_row(const GateArgs& args, const float* logits, float* weights) {
  const std::size_t num_bits = selector_bits(args.num_experts);
  float shares[kMaxSelectors];  // whole registers
  softmax_row<Arch>(logits + args.num_selectors * num_bits, args.num_selectors, shares);
  for (std::size_t i = 0; i < args.num_selectors; ++i) {
    add_selector<Arch>(logits + i * num_bits, num_bits, args.num_experts, shares[i], i == 0, weights);
  }
}

/// Of gates that are no softmax.
template <class Arch>
void function_gate(const GateArgs& args) {
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    const float* logits = args.logits + row * args.logits_stride;
    float* weights = args.weights + row * args.weights_stride;
    if (args.function == GateFunction::kSmoothStep) {
      smooth_step_row<Arch>(args, logits, weights);
    } else {
      for (std::size_t e = 0; e < args.num_experts; ++e) weights[e] = logits[e];
    }
    if (args.top_k != 0) select_top_k<Arch>(weights, args.num_experts, args.top_k, args.selected + row * args.top_k);
  }
  if (args.top_k != 0) keep_selected<Arch>(args, args.weights, args.weights_stride);
}

template <class Arch>
void gate(const GateArgs& args) {
  MMOE_REQUIRE(args);
  if (kHasGateFunctions && args.function != GateFunction::kSoftmax) return function_gate<Arch>(args);
  for (std::size_t row = 0; args.top_k != 0 && row < args.num_rows; ++row) {
    select_top_k<Arch>(args.logits + row * args.logits_stride, args.num_experts, args.top_k,
                       args.selected + row * args.top_k);
  }
  if (args.top_k != 0 && !args.top_k_of_softmax) {
    keep_selected<Arch>(args, args.logits, args.logits_stride);
    softmax_rows<Arch>(args.weights, args.weights_stride, args.num_rows, args.top_k, args.weights, args.weights_stride);
    return;
  }
  softmax_rows<Arch>(args.logits, args.logits_stride, args.num_rows, args.num_experts, args.weights,
                     args.weights_stride);
  if (args.top_k != 0) keep_selected<Arch>(args, args.weights, args.weights_stride);
}

template <class Arch>
void threshold(const ThresholdArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    float* weights = args.weights + row * args.weights_stride;
    std::uint16_t* selected = args.selected + row * args.num_experts;
    std::size_t largest = 0;
    for (std::size_t e = 1; e < args.num_experts; ++e) largest = weights[e] > weights[largest] ? e : largest;
    std::uint16_t count = 0;
    float sum = 0.0f;
    for (std::size_t e = 0; e < args.num_experts; ++e) {
      const float weight = weights[e];
      if (weight < args.threshold && e != largest) continue;  // NaN stays: it makes the score NaN
      selected[count] = static_cast<std::uint16_t>(e);
      weights[count++] = weight;
      sum += weight;
    }
    for (std::size_t j = 0; args.renormalise && j < count; ++j) weights[j] /= sum;
    args.counts[row] = count;
  }
}

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
