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
  static MMOE_INLINE Int add(Int sum, Weights w, Input x) {
    return vpadalq_s16(sum, vmlal_s8(vmull_s8(w.first, x.first), w.second, x.second));
  }

  static MMOE_INLINE void store(Int sum, float* to) {
    vst1_f32(to, vcvt_f32_s32(vpadd_s32(vget_low_s32(sum), vget_high_s32(sum))));
  }
};

#ifdef __ARM_FEATURE_DOTPROD

/// With the instruction for four products.
template <class Arch>
struct NeonDotProducts : OneQuad {
  using Int = int32x4_t;
  using Input = int8x16_t;
  using Weights = int8x16_t;
  static constexpr std::size_t kSums = 4;
  static constexpr std::size_t kAccumulators = 24;
  static constexpr std::size_t kMaxRows = 6;
  static constexpr std::uint8_t kFlip = 0;

  static MMOE_INLINE Int start(const std::int32_t*) { return vdupq_n_s32(0); }
  template <bool>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    return vld1q_s8(quad);
  }
  template <bool>
  static MMOE_INLINE Input broadcast(const std::int8_t* quad) {
    return vreinterpretq_s8_s32(vdupq_n_s32(load_quad(quad)));
  }
  static MMOE_INLINE Int add(Int sum, Weights w, Input x) { return vdotq_s32(sum, w, x); }
  static MMOE_INLINE void store(Int sum, float* to) { vst1q_f32(to, vcvtq_f32_s32(sum)); }
};

#endif

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
