// Products of bytes in 128-bit registers of x86, with the instructions that every x86-64 has: weights and inputs of
// even and of odd places as 16 bits, in pairs.
#pragma once

#include "kernels/generic/batch.h"
#include "kernels/generic/dots.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

template <class Arch>
struct Sse2Dots : OneQuad {
  using Int = __m128i;
  static constexpr std::size_t kSums = 4;
  static constexpr std::size_t kAccumulators = 8;
  static constexpr std::size_t kMaxRows = 2;
  static constexpr std::uint8_t kFlip = 0;
  static constexpr bool kRowsFirst = true;

  struct Pairs {
    Int even, odd;
  };
  using Input = Pairs;
  using Weights = Pairs;

  static MMOE_INLINE Pairs pairs_of(Int bytes) {
    return {_mm_srai_epi16(_mm_slli_epi16(bytes, 8), 8), _mm_srai_epi16(bytes, 8)};
  }
  template <bool>
  static MMOE_INLINE Input broadcast(const std::int8_t* quad) {
    return pairs_of(_mm_set1_epi32(load_quad(quad)));
  }
  template <bool>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    return pairs_of(_mm_loadu_si128(reinterpret_cast<const Int*>(quad)));
  }
  static MMOE_INLINE Int start(const std::int32_t*) { return _mm_setzero_si128(); }
  template <bool>
  static MMOE_INLINE Int add(Int sum, Weights w, Input x) {
    return _mm_add_epi32(sum, _mm_add_epi32(_mm_madd_epi16(w.even, x.even), _mm_madd_epi16(w.odd, x.odd)));
  }
  static MMOE_INLINE void store(Int sum, float* to) { _mm_storeu_ps(to, _mm_cvtepi32_ps(sum)); }
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
