// Products of bytes in NEON's registers.
#pragma once

#include "kernels/generic/dots.h"
#include "kernels/generic/neon.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// Two quads at a time: a product of bytes, and another on top of it, fit 16 bits; then pairs are added to sums of 32
/// bits, of which an output has two.
template <class Arch, std::size_t kTheAccumulators>
struct NeonDots : OneQuad {
  using Int = int32x4_t;
  static constexpr std::size_t kSums = 8;
  static constexpr std::size_t kAccumulators = kTheAccumulators;
  static constexpr std::size_t kMaxRows = kTheAccumulators / kSums;
  static constexpr std::uint8_t kFlip = 0;
  static constexpr std::size_t kQuads = 2;
  static constexpr bool kRowsFirst = true;

  struct Quads {
    int8x8_t first, second;
  };
  using Weights = Quads;
  using Input = Quads;

  static MMOE_INLINE Int start(const std::int32_t*) { return vdupq_n_s32(0); }
  template <bool kWhole>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    return {vld1_s8(quad), kWhole ? vld1_s8(quad + kQuadBytes) : vdup_n_s8(0)};
  }
  template <bool kWhole>
  static MMOE_INLINE Input broadcast(const std::int8_t* quad) {
    return {vreinterpret_s8_s32(vdup_n_s32(load_quad(quad))),
            kWhole ? vreinterpret_s8_s32(vdup_n_s32(load_quad(quad + 4))) : vdup_n_s8(0)};
  }
  template <bool>
  static MMOE_INLINE Int add(Int sum, Weights w, Input x) {
    return vpadalq_s16(sum, vmlal_s8(vmull_s8(w.first, x.first), w.second, x.second));
  }

  static MMOE_INLINE void store(Int sum, float* to) {
    vst1_f32(to, vcvt_f32_s32(vpadd_s32(vget_low_s32(sum), vget_high_s32(sum))));
  }
};

#ifdef __ARM_FEATURE_DOTPROD

/// With the instruction for four products. Four quads of a row are one load, of which the instruction takes a lane.
template <class Arch>
struct NeonDotProducts : OneQuad {
  using Int = int32x4_t;
  using Input = int8x16_t;
  using Weights = const std::int8_t*;
  static constexpr std::size_t kSums = 4;
  static constexpr std::size_t kAccumulators =
      20;  // of 32 registers: five rows' inputs and four quads' weights besides
  static constexpr std::size_t kMaxRows = 5;
  static constexpr std::uint8_t kFlip = 0;
  static constexpr std::size_t kQuads = 4;
  static constexpr bool kRowsFirst = true;

  static MMOE_INLINE Int start(const std::int32_t*) { return vdupq_n_s32(0); }
  template <bool>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    return quad;
  }
  template <bool kWhole>
  static MMOE_INLINE Input broadcast(const std::int8_t* quad) {
    return kWhole ? vld1q_s8(quad) : vreinterpretq_s8_s32(vdupq_n_s32(load_quad(quad)));
  }
  template <bool kWhole>
  static MMOE_INLINE Int add(Int sum, Weights w, Input x) {
    if (!kWhole) return vdotq_s32(sum, vld1q_s8(w), x);
    sum = vdotq_laneq_s32(sum, vld1q_s8(w), x, 0);
    sum = vdotq_laneq_s32(sum, vld1q_s8(w + kQuadBytes), x, 1);
    sum = vdotq_laneq_s32(sum, vld1q_s8(w + 2 * kQuadBytes), x, 2);
    return vdotq_laneq_s32(sum, vld1q_s8(w + 3 * kQuadBytes), x, 3);
  }
  static MMOE_INLINE void store(Int sum, float* to) { vst1q_f32(to, vcvtq_f32_s32(sum)); }
};

#endif

#ifdef __ARM_FEATURE_MATMUL_INT8

/// With the instruction for two rows, two outputs and two quads of each, 32 products. Two quads of four outputs, which
/// lie apart, are zipped to that.
template <class Arch>
struct NeonMatrixProducts : OneQuad {
  struct Int {
    int32x4_t low, high;  // of outputs 0 and 1, of 2 and 3: two of the first row, two of the second
  };
  using Input = int8x16_t;
  struct Weights {
    int8x16_t low, high;
  };
  using OfOneRow = NeonDotProducts<Arch>;
  static constexpr std::size_t kSums = 4;
  static constexpr std::size_t kAccumulators = 24;
  static constexpr std::size_t kMaxRows = 6;
  static constexpr std::uint8_t kFlip = 0;
  static constexpr std::size_t kQuads = 2;
  static constexpr std::size_t kRowsAtOnce = 2;
  static constexpr bool kRowsFirst = true;

  static MMOE_INLINE Int start(const std::int32_t*) { return {vdupq_n_s32(0), vdupq_n_s32(0)}; }
  template <bool kWhole>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    const int32x4_t first = vreinterpretq_s32_s8(vld1q_s8(quad));
    const int32x4_t second = kWhole ? vreinterpretq_s32_s8(vld1q_s8(quad + kQuadBytes)) : vdupq_n_s32(0);
    return {vreinterpretq_s8_s32(vzip1q_s32(first, second)), vreinterpretq_s8_s32(vzip2q_s32(first, second))};
  }
  template <bool kWhole>
  static MMOE_INLINE Input broadcast(const std::int8_t* first, const std::int8_t* second) {
    if (kWhole) return vcombine_s8(vld1_s8(first), vld1_s8(second));
    const int32x4_t quad = vsetq_lane_s32(load_quad(first), vdupq_n_s32(0), 0);
    return vreinterpretq_s8_s32(vsetq_lane_s32(load_quad(second), quad, 2));
  }
  template <bool>
  static MMOE_INLINE Int add(Int sum, Weights w, Input x) {
    return {vmmlaq_s32(sum.low, x, w.low), vmmlaq_s32(sum.high, x, w.high)};
  }
  static MMOE_INLINE void store(Int sum, float* first, float* second) {
    vst1q_f32(first, vcvtq_f32_s32(vcombine_s32(vget_low_s32(sum.low), vget_low_s32(sum.high))));
    vst1q_f32(second, vcvtq_f32_s32(vcombine_s32(vget_high_s32(sum.low), vget_high_s32(sum.high))));
  }
};

#endif

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
