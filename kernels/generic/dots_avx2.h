// Products of bytes in 256-bit registers.
#pragma once

#include "kernels/generic/dots.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// What both ways below have in common.
template <class Arch>
struct Avx2Sums {
  using Int = __m256i;
  static constexpr std::size_t kSums = 2;

  static MMOE_INLINE Int broadcast(const std::int8_t* quad) { return _mm256_set1_epi32(load_quad(quad)); }
  static MMOE_INLINE Int load_register(const void* from) { return _mm256_loadu_si256(static_cast<const Int*>(from)); }
  static MMOE_INLINE void to_floats(const Int* sum, Reg<Arch>* to) {
    to[0] = Reg<Arch>(_mm256_cvtepi32_ps(sum[0]));
    to[1] = Reg<Arch>(_mm256_cvtepi32_ps(sum[1]));
  }
};

/// The instruction for unsigned times signed bytes gets |weight| and the input with the weight's sign. A pair's sum is
/// at most 2 * 128 * 127, which fits its 16 bits.
template <class Arch>
struct Avx2Dots : Avx2Sums<Arch>, OneQuad<Avx2Dots<Arch>> {
  using Int = __m256i;
  using Input = Int;
  static constexpr std::size_t kSums = 2;
  static constexpr std::size_t kAccumulators = 8;
  static constexpr std::size_t kMaxRows = 4;
  static constexpr std::uint8_t kFlip = 0;

  struct Weights {
    Int its[kSums], magnitude[kSums];
  };
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    Weights weights;
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) {
      weights.its[r] = Avx2Sums<Arch>::load_register(quad + 32 * r);
      weights.magnitude[r] = _mm256_abs_epi8(weights.its[r]);
    }
    return weights;
  }
  static MMOE_INLINE void start(const std::int32_t*, Int* sum) { sum[0] = sum[1] = _mm256_setzero_si256(); }
  static MMOE_INLINE void add(const Weights& w, const Int& x, Int* sum) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) {
      const Int pairs = _mm256_maddubs_epi16(w.magnitude[r], _mm256_sign_epi8(x, w.its[r]));
      sum[r] = _mm256_add_epi32(sum[r], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
  }
};

#ifdef __AVXVNNI__

/// Inputs as q + 128, unsigned; sums begin with -128 times the weights' sums.
template <class Arch>
struct Avx2VnniDots : Avx2Sums<Arch>, OneQuad<Avx2VnniDots<Arch>> {
  using Int = __m256i;
  using Input = Int;
  static constexpr std::size_t kSums = 2;
  static constexpr std::size_t kAccumulators = 12;
  static constexpr std::size_t kMaxRows = 6;
  static constexpr std::uint8_t kFlip = 0x80;

  struct Weights {
    Int its[kSums];
  };
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    return {{Avx2Sums<Arch>::load_register(quad), Avx2Sums<Arch>::load_register(quad + 32)}};
  }
  static MMOE_INLINE void start(const std::int32_t* row_sums, Int* sum) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) {
      const Int shifted = _mm256_slli_epi32(Avx2Sums<Arch>::load_register(row_sums + 8 * r), 7);
      sum[r] = _mm256_sub_epi32(_mm256_setzero_si256(), shifted);
    }
  }
  static MMOE_INLINE void add(const Weights& w, const Int& x, Int* sum) {
    sum[0] = _mm256_dpbusd_avx_epi32(sum[0], x, w.its[0]);
    sum[1] = _mm256_dpbusd_avx_epi32(sum[1], x, w.its[1]);
  }
};

#endif

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
