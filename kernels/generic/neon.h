// Traits of ARM's NEON. xsimd 8.1 multiplies by an estimated reciprocal where it is to divide.
#pragma once

#include <arm_neon.h>

#include "kernels/generic/traits.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

#ifdef __aarch64__  // whether the compiler knows the intrinsics; which traits a set has, its file says

template <class Arch>
struct Neon64Traits : BaseTraits<Arch> {
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
struct NeonTraits : BaseTraits<Arch> {
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
