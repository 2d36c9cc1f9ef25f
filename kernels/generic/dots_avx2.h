// Products of bytes in 256-bit registers.
#pragma once

#include "kernels/generic/batch.h"
#include "kernels/generic/dots.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// What both ways below have in common.
template <class Arch>
struct Avx2Sums : OneQuad {
  using Int = __m256i;
  using Input = Int;
  static constexpr std::size_t kSums = 2;

  template <bool>
  static MMOE_INLINE Input broadcast(const std::int8_t* quad) {
    return _mm256_set1_epi32(load_quad(quad));
  }
  static MMOE_INLINE void store(Int sum, float* to) { _mm256_storeu_ps(to, _mm256_cvtepi32_ps(sum)); }

 protected:
  // In its register at once: g++ 12 else takes another for the sum, moves it back, and spills what then has none.
  static MMOE_INLINE Int settled(Int sum) {
    __asm__ volatile("" : "+x"(sum));
    return sum;
  }
  static MMOE_INLINE Int load_register(const void* from) { return _mm256_loadu_si256(static_cast<const Int*>(from)); }
};

/// The instruction for unsigned times signed bytes, as it is. A pair's sum is at least -2 * 127 * 128, which fits its
/// 16 bits.
template <class Arch>
struct Avx2PositiveDots : Avx2Sums<Arch> {
  using Int = __m256i;
  using Weights = Int;
  static constexpr bool kRowsFirst = true;
  template <bool>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    return Avx2Sums<Arch>::load_register(quad);
  }
  static MMOE_INLINE Int start(const std::int32_t*) { return _mm256_setzero_si256(); }
  template <bool>
  static MMOE_INLINE Int add(Int sum, Weights w, Int x) {
    const Int pairs = _mm256_maddubs_epi16(x, w);
    return Avx2Sums<Arch>::settled(_mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))));
  }
};

/// The instruction for unsigned times signed bytes gets |weight| and the input with the weight's sign. A pair's sum is
/// at most 2 * 128 * 127, which fits its 16 bits.
template <class Arch>
struct Avx2Dots : Avx2Sums<Arch> {
  using Int = __m256i;
  using OfPositive = Avx2PositiveDots<Arch>;
  static constexpr bool kHasPositive = true;
  static constexpr bool kRowsFirst = true;
  static constexpr std::size_t kAccumulators = 8;
  static constexpr std::size_t kMaxRows = 4;
  static constexpr std::uint8_t kFlip = 0;

  struct Weights {
    Int its, magnitude;
  };
  template <bool>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    const Int weights = Avx2Sums<Arch>::load_register(quad);
    return {weights, _mm256_abs_epi8(weights)};
  }
  static MMOE_INLINE Int start(const std::int32_t*) { return _mm256_setzero_si256(); }
  template <bool>
  static MMOE_INLINE Int add(Int sum, Weights w, Int x) {
    const Int pairs = _mm256_maddubs_epi16(w.magnitude, _mm256_sign_epi8(x, w.its));
    return Avx2Sums<Arch>::settled(_mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))));
  }
};

#ifdef __AVXVNNI__

/// Inputs as q + 128, unsigned; sums begin with -128 times the weights' sums.
template <class Arch>
struct Avx2VnniDots : Avx2Sums<Arch> {
  using Int = __m256i;
  using Weights = Int;
  static constexpr std::size_t kAccumulators = 12;
  static constexpr std::size_t kMaxRows = 6;
  static constexpr std::uint8_t kFlip = 0x80;

  template <bool>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    return Avx2Sums<Arch>::load_register(quad);
  }
  static MMOE_INLINE Int start(const std::int32_t* row_sums) {
    const Int shifted = _mm256_slli_epi32(Avx2Sums<Arch>::load_register(row_sums), 7);
    return _mm256_sub_epi32(_mm256_setzero_si256(), shifted);
  }
  template <bool>
  static MMOE_INLINE Int add(Int sum, Weights w, Int x) {
    return Avx2Sums<Arch>::settled(_mm256_dpbusd_avx_epi32(sum, x, w));
  }
};

#endif

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
