// Products of bytes in NEON's registers.
#pragma once

#include "kernels/generic/dots.h"
#include "kernels/generic/neon.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// Two quads at a time: a product of bytes, and another on top of it, fit 16 bits; then pairs are added to sums of 32
/// bits, of which an output has two.
template <class Arch, std::size_t kTheAccumulators>
struct NeonDots {
  using Int = int32x4_t;
  static constexpr std::size_t kSums = 8;
  static constexpr std::size_t kAccumulators = kTheAccumulators;
  static constexpr std::size_t kMaxRows = kTheAccumulators / kSums;
  static constexpr std::uint8_t kFlip = 0;
  static constexpr std::size_t kQuads = 2;

  static MMOE_INLINE void start(const std::int32_t*, Int* sum) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) sum[r] = vdupq_n_s32(0);
  }

  template <std::size_t kRows, std::size_t kPanels, std::size_t kCount>
  static MMOE_INLINE void step(const std::int8_t* weights, std::size_t panel_stride,
                               const std::int8_t* const (&input)[kRows], std::size_t q,
                               Int (&sum)[kRows][kPanels * kSums]) {
    int8x8_t x[kRows][kCount];
    MMOE_UNROLL
    for (std::size_t m = 0; m < kRows; ++m) {
      MMOE_UNROLL
      for (std::size_t i = 0; i < kCount; ++i) {
        x[m][i] = vreinterpret_s8_s32(vdup_n_s32(load_quad(input[m] + 4 * (q + i))));
      }
    }
    MMOE_UNROLL
    for (std::size_t p = 0; p < kPanels; ++p) {
      MMOE_UNROLL
      for (std::size_t r = 0; r < kSums; ++r) {
        const std::int8_t* two_outputs = weights + p * panel_stride + 8 * r;
        int8x8_t w[kCount];
        MMOE_UNROLL
        for (std::size_t i = 0; i < kCount; ++i) w[i] = vld1_s8(two_outputs + i * kQuadBytes);
        MMOE_UNROLL
        for (std::size_t m = 0; m < kRows; ++m) {
          int16x8_t products = vmull_s8(w[0], x[m][0]);
          if constexpr (kCount == 2) products = vmlal_s8(products, w[1], x[m][1]);
          sum[m][p * kSums + r] = vpadalq_s16(sum[m][p * kSums + r], products);
        }
      }
    }
  }

  static MMOE_INLINE void to_floats(const Int* sum, Reg<Arch>* to) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < 4; ++r) {
      const int32x2_t low = add_pairs(sum[2 * r]), high = add_pairs(sum[2 * r + 1]);
      to[r] = Reg<Arch>(vcvtq_f32_s32(vcombine_s32(low, high)));
    }
  }

 private:
  static MMOE_INLINE int32x2_t add_pairs(Int sums) { return vpadd_s32(vget_low_s32(sums), vget_high_s32(sums)); }
};

#ifdef __ARM_FEATURE_DOTPROD

/// With the instruction for four products.
template <class Arch>
struct NeonDotProducts : OneQuad<NeonDotProducts<Arch>> {
  using Int = int32x4_t;
  using Input = int8x16_t;
  static constexpr std::size_t kSums = 4;
  static constexpr std::size_t kAccumulators = 24;
  static constexpr std::size_t kMaxRows = 6;
  static constexpr std::uint8_t kFlip = 0;

  struct Weights {
    int8x16_t its[kSums];
  };
  static MMOE_INLINE Input broadcast(const std::int8_t* quad) {
    return vreinterpretq_s8_s32(vdupq_n_s32(load_quad(quad)));
  }
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    return {{vld1q_s8(quad), vld1q_s8(quad + 16), vld1q_s8(quad + 32), vld1q_s8(quad + 48)}};
  }
  static MMOE_INLINE void start(const std::int32_t*, Int* sum) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) sum[r] = vdupq_n_s32(0);
  }
  static MMOE_INLINE void add(const Weights& w, const Input& x, Int* sum) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) sum[r] = vdotq_s32(sum[r], w.its[r], x);
  }
  static MMOE_INLINE void to_floats(const Int* sum, Reg<Arch>* to) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) to[r] = Reg<Arch>(vcvtq_f32_s32(sum[r]));
  }
};

#endif

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
