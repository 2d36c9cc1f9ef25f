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

/// Of sets that multiply one quad of one row at a time.
struct OneQuad {
  static constexpr std::size_t kQuads = 1;
  static constexpr std::size_t kRowsAtOnce = 1;
  static constexpr bool kRowsFirst = false;
  static constexpr bool kHasPositive = false;
};

/// One by one: for a set without instructions for it.
template <class Arch>
struct PlainDots : OneQuad {
  using Int = std::int32_t;
  using Input = const std::int8_t*;
  using Weights = const std::int8_t*;
  static constexpr std::size_t kSums = kPanelWidth;
  static constexpr std::size_t kAccumulators = kPanelWidth;
  static constexpr std::size_t kMaxRows = 1;
  static constexpr std::uint8_t kFlip = 0;

  static Int start(const std::int32_t*) { return 0; }
  template <bool>
  static Weights load(const std::int8_t* quad) {
    return quad;
  }
  template <bool>
  static Input broadcast(const std::int8_t* quad) {
    return quad;
  }
  template <bool>
  static Int add(Int sum, Weights w, Input x) {
    return sum + x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + x[3] * w[3];
  }
  static void store(Int sum, float* to) { *to = static_cast<float>(sum); }
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
