// Traits of ARM's NEON. xsimd 8.1 multiplies by an estimated reciprocal where it is to divide.
#pragma once

#include <arm_neon.h>

#include "kernels/generic/batch.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// Sixteen stored numbers into four registers.
template <class Arch>
struct NeonWidening {
  using B = Reg<Arch>;

  static void panel_row(F16, const std::uint16_t* from, B* to) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < 4; ++r) to[r] = B(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from + 4 * r))));
  }
  static void panel_row(BF16, const std::uint16_t* from, B* to) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < 4; ++r) to[r] = B(vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(from + 4 * r), 16)));
  }
  static void panel_row(I8, const std::int8_t* from, B* to) {
    const int8x16_t bytes = vld1q_s8(from);
    const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_s8(vget_high_s8(bytes));
    to[0] = B(vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))));
    to[1] = B(vcvtq_f32_s32(vmovl_s16(vget_high_s16(low))));
    to[2] = B(vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))));
    to[3] = B(vcvtq_f32_s32(vmovl_s16(vget_high_s16(high))));
  }
  static void panel_row(U8, const std::uint8_t* from, B* to) {
    const uint8x16_t bytes = vld1q_u8(from);
    const uint16x8_t low = vmovl_u8(vget_low_u8(bytes)), high = vmovl_u8(vget_high_u8(bytes));
    to[0] = B(vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))));
    to[1] = B(vcvtq_f32_u32(vmovl_u16(vget_high_u16(low))));
    to[2] = B(vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))));
    to[3] = B(vcvtq_f32_u32(vmovl_u16(vget_high_u16(high))));
  }
};

#ifdef __aarch64__  // whether the compiler knows the intrinsics; which traits a set has, its file says

template <class Arch>
struct Neon64Traits : BatchTraits<Arch> {
  using Widening = NeonWidening<Arch>;
  static constexpr std::size_t kRegisters = 32;
  static constexpr bool kHasLanes = true;

  static Reg<Arch> divide(const Reg<Arch>& x, const Reg<Arch>& y) { return vdivq_f32(x, y); }

  template <int kLane>
  static Reg<Arch> multiply_add_lane(const Reg<Arch>& x, const Reg<Arch>& w, const Reg<Arch>& sum) {
    return vfmaq_laneq_f32(sum, w, x, kLane);
  }
};

#else

/// ARMv7: no division on registers of four, and no fused multiply-add by a lane.
template <class Arch>
struct NeonTraits : BatchTraits<Arch> {
  using Widening = NeonWidening<Arch>;
  static Reg<Arch> divide(const Reg<Arch>& x, const Reg<Arch>& y) {
    float32x4_t q = x;
    q = vsetq_lane_f32(vgetq_lane_f32(x, 0) / vgetq_lane_f32(y, 0), q, 0);
    q = vsetq_lane_f32(vgetq_lane_f32(x, 1) / vgetq_lane_f32(y, 1), q, 1);
    q = vsetq_lane_f32(vgetq_lane_f32(x, 2) / vgetq_lane_f32(y, 2), q, 2);
    q = vsetq_lane_f32(vgetq_lane_f32(x, 3) / vgetq_lane_f32(y, 3), q, 3);
    return q;
  }
};

#endif

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
