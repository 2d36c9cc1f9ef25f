// Products of bytes in 128-bit registers of x86 with SSSE3: for 256-bit floats without AVX2, which has integers of 128.
#pragma once

#include "kernels/generic/batch.h"
#include "kernels/generic/dots.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// The instruction for unsigned times signed bytes gets |weight| and the input with the weight's sign. A pair's sum is
/// at most 2 * 128 * 127, which fits its 16 bits.
template <class Arch>
struct Ssse3Dots : OneQuad {
  using Int = __m128i;
  using Input = Int;
  static constexpr std::size_t kSums = 4;
  static constexpr std::size_t kAccumulators = 8;
  static constexpr std::size_t kMaxRows = 2;
  static constexpr std::uint8_t kFlip = 0;
  static constexpr bool kRowsFirst = true;

  struct Weights {
    Int its, magnitude;
  };
  template <bool>
  static MMOE_INLINE Input broadcast(const std::int8_t* quad) {
    return _mm_set1_epi32(load_quad(quad));
  }
  template <bool>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    const Int weights = _mm_loadu_si128(reinterpret_cast<const Int*>(quad));
    return {weights, _mm_abs_epi8(weights)};
  }
  static MMOE_INLINE Int start(const std::int32_t*) { return _mm_setzero_si128(); }
  template <bool>
  static MMOE_INLINE Int add(Int sum, Weights w, Int x) {
    const Int pairs = _mm_maddubs_epi16(w.magnitude, _mm_sign_epi8(x, w.its));
    return _mm_add_epi32(sum, _mm_madd_epi16(pairs, _mm_set1_epi16(1)));
  }
  static MMOE_INLINE void store(Int sum, float* to) { _mm_storeu_ps(to, _mm_cvtepi32_ps(sum)); }
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
