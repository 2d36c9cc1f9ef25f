// Products of bytes in 512-bit registers.
#pragma once

#include "kernels/generic/batch.h"
#include "kernels/generic/dots.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// What both ways below have in common.
template <class Arch>
struct Avx512Sums : OneQuad {
  using Int = __m512i;
  using Input = Int;
  static constexpr std::size_t kSums = 1;

  template <bool>
  static MMOE_INLINE Input broadcast(const std::int8_t* quad) {
    return _mm512_set1_epi32(load_quad(quad));
  }
  static MMOE_INLINE void store(Int sum, float* to) { _mm512_storeu_ps(to, _mm512_cvtepi32_ps(sum)); }

 protected:
  // In its register at once, as with AVX2.
  static MMOE_INLINE Int settled(Int sum) {
    __asm__ volatile("" : "+v"(sum));
    return sum;
  }
};

/// The instruction for unsigned times signed bytes, as it is. A pair's sum is at least -2 * 127 * 128, which fits its
/// 16 bits.
template <class Arch>
struct Avx512PositiveDots : Avx512Sums<Arch> {
  using Int = __m512i;
  using Weights = Int;
  template <bool>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    return _mm512_loadu_si512(quad);
  }
  static MMOE_INLINE Int start(const std::int32_t*) { return _mm512_setzero_si512(); }
  template <bool>
  static MMOE_INLINE Int add(Int sum, Weights w, Int x) {
    const Int pairs = _mm512_maddubs_epi16(x, w);
    return Avx512Sums<Arch>::settled(_mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1))));
  }
};

/// The instruction for unsigned times signed bytes gets |weight| and the input with the weight's sign. A pair's sum is
/// at most 2 * 128 * 127, which fits its 16 bits.
template <class Arch>
struct Avx512Dots : Avx512Sums<Arch> {
  using Int = __m512i;
  using OfPositive = Avx512PositiveDots<Arch>;
  static constexpr bool kHasPositive = true;
  static constexpr std::size_t kAccumulators = 16;
  static constexpr std::size_t kMaxRows = 8;
  static constexpr std::uint8_t kFlip = 0;

  struct Weights {
    Int magnitude;
    __mmask64 negative;
  };
  template <bool>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    const Int weights = _mm512_loadu_si512(quad);
    return {_mm512_abs_epi8(weights), _mm512_movepi8_mask(weights)};
  }
  static MMOE_INLINE Int start(const std::int32_t*) { return _mm512_setzero_si512(); }
  template <bool>
  static MMOE_INLINE Int add(Int sum, Weights w, Int x) {
    const Int with_sign = _mm512_mask_sub_epi8(x, w.negative, _mm512_setzero_si512(), x);
    const Int pairs = _mm512_maddubs_epi16(w.magnitude, with_sign);
    return Avx512Sums<Arch>::settled(_mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1))));
  }
};

#ifdef __AVX512VNNI__

/// Inputs as q + 128, unsigned; sums begin with -128 times the weights' sums.
template <class Arch>
struct Avx512VnniDots : Avx512Sums<Arch> {
  using Int = __m512i;
  using Weights = Int;
  static constexpr std::size_t kAccumulators = 16;
  static constexpr std::size_t kMaxRows = 8;
  static constexpr std::uint8_t kFlip = 0x80;

  template <bool>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    return _mm512_loadu_si512(quad);
  }
  static MMOE_INLINE Int start(const std::int32_t* row_sums) {
    return _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(_mm512_loadu_si512(row_sums), 7));
  }
  template <bool>
  static MMOE_INLINE Int add(Int sum, Weights w, Int x) {
    return Avx512Sums<Arch>::settled(_mm512_dpbusd_epi32(sum, x, w));
  }
};

#endif

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
