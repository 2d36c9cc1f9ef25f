// Products of bytes in 128-bit registers of x86, with the instructions that every x86-64 has: weights and inputs of
// even and of odd places as 16 bits, in pairs. Also for 256-bit floats without AVX2, which has integers of 128 bits.
#pragma once

#include "kernels/generic/dots.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

template <class Arch>
struct Sse2Dots : OneQuad<Sse2Dots<Arch>> {
  using Int = __m128i;
  static constexpr std::size_t kSums = 4;
  static constexpr std::size_t kAccumulators = 8;
  static constexpr std::size_t kMaxRows = 2;
  static constexpr std::uint8_t kFlip = 0;

  struct Pairs {
    Int even, odd;
  };
  using Input = Pairs;
  struct Weights {
    Pairs its[kSums];
  };

  static MMOE_INLINE Pairs pairs_of(Int bytes) {
    return {_mm_srai_epi16(_mm_slli_epi16(bytes, 8), 8), _mm_srai_epi16(bytes, 8)};
  }
  static MMOE_INLINE Input broadcast(const std::int8_t* quad) { return pairs_of(_mm_set1_epi32(load_quad(quad))); }
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    Weights weights;
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) {
      weights.its[r] = pairs_of(_mm_loadu_si128(reinterpret_cast<const Int*>(quad) + r));
    }
    return weights;
  }
  static MMOE_INLINE void start(const std::int32_t*, Int* sum) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) sum[r] = _mm_setzero_si128();
  }
  static MMOE_INLINE void add(const Weights& w, const Input& x, Int* sum) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) {
      const Int products = _mm_add_epi32(_mm_madd_epi16(w.its[r].even, x.even), _mm_madd_epi16(w.its[r].odd, x.odd));
      sum[r] = _mm_add_epi32(sum[r], products);
    }
  }
  static MMOE_INLINE void to_floats(const Int* sum, Reg<Arch>* to) {
    float floats[kPanelWidth];
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) _mm_storeu_ps(floats + 4 * r, _mm_cvtepi32_ps(sum[r]));
    MMOE_UNROLL
    for (std::size_t r = 0; r < kPanelWidth / Reg<Arch>::size; ++r) {
      to[r] = Reg<Arch>::load_unaligned(floats + r * Reg<Arch>::size);
    }
  }
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
