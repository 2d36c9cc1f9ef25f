// What the sets' ways to multiply bytes have in common.
#pragma once

#include "kernels/generic/traits.h"
#include "kernels/w8a8.h"

#define MMOE_INLINE inline __attribute__((always_inline))

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// The four bytes of a row's quad.
static inline std::int32_t load_quad(const std::int8_t* from) {
  std::int32_t quad;
  __builtin_memcpy(&quad, from, sizeof quad);
  return quad;
}

/// A step of one quad: registers of weights serve all rows, a row's quad serves all panels. `Its` has Int, kSums, and
///   Weights, load(quad)       a panel's weights of a quad
///   Input, broadcast(quad)    a row's quad in every lane
///   add(weights, input, sums)
template <class Its>
struct OneQuad {
  static constexpr std::size_t kQuads = 1;

  template <std::size_t kRows, std::size_t kPanels, std::size_t kCount, class Int, std::size_t kAllSums>
  static MMOE_INLINE void step(const std::int8_t* weights, std::size_t panel_stride,
                               const std::int8_t* const (&input)[kRows], std::size_t q, Int (&sum)[kRows][kAllSums]) {
    typename Its::Weights w[kPanels];
    MMOE_UNROLL
    for (std::size_t p = 0; p < kPanels; ++p) w[p] = Its::load(weights + p * panel_stride);
    MMOE_UNROLL
    for (std::size_t m = 0; m < kRows; ++m) {
      const typename Its::Input x = Its::broadcast(input[m] + 4 * q);
      MMOE_UNROLL
      for (std::size_t p = 0; p < kPanels; ++p) Its::add(w[p], x, sum[m] + p * Its::kSums);
    }
  }
};

/// One by one: for a set without instructions for it.
template <class Arch>
struct PlainDots : OneQuad<PlainDots<Arch>> {
  using Int = std::int32_t;
  using Input = const std::int8_t*;
  using Weights = const std::int8_t*;
  static constexpr std::size_t kSums = kPanelWidth;
  static constexpr std::size_t kAccumulators = kPanelWidth;
  static constexpr std::size_t kMaxRows = 1;
  static constexpr std::uint8_t kFlip = 0;

  static Weights load(const std::int8_t* quad) { return quad; }
  static Input broadcast(const std::int8_t* quad) { return quad; }
  static void start(const std::int32_t*, Int* sum) {
    for (std::size_t c = 0; c < kPanelWidth; ++c) sum[c] = 0;
  }
  static void add(Weights w, Input x, Int* sum) {
    for (std::size_t c = 0; c < kPanelWidth; ++c) {
      for (std::size_t i = 0; i < 4; ++i) sum[c] += std::int32_t{x[i]} * w[4 * c + i];
    }
  }
  static void to_floats(const Int* sum, Reg<Arch>* to) {
    float floats[kPanelWidth];
    for (std::size_t c = 0; c < kPanelWidth; ++c) floats[c] = static_cast<float>(sum[c]);
    for (std::size_t r = 0; r < kPanelWidth / Reg<Arch>::size; ++r) {
      to[r] = Reg<Arch>::load_unaligned(floats + r * Reg<Arch>::size);
    }
  }
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
