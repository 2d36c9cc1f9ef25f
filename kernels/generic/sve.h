// SVE, with registers whose length is known when a set is compiled (-msve-vector-bits=). xsimd of Debian 12 has no SVE.
// Such code computes wrong numbers on a machine of another length: select.cpp asks for it.
#pragma once

#include <arm_sve.h>

#include "kernels/generic/batch.h"
#include "kernels/generic/dots.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

#define MMOE_FIXED __attribute__((arm_sve_vector_bits(__ARM_FEATURE_SVE_BITS)))
typedef svfloat32_t SveFloats MMOE_FIXED;
typedef svint32_t SveInts MMOE_FIXED;
typedef svint8_t SveBytes MMOE_FIXED;
typedef svbool_t SveBools MMOE_FIXED;
#undef MMOE_FIXED

/// The architecture with registers of so many bits.
template <std::size_t kBits>
struct Sve {
  static_assert(kBits == __ARM_FEATURE_SVE_BITS, "the length that the set's flags say");
};

/// Floats in a register (traits.h says what is asked of it), whole numbers, and what a comparison says of each lane.
struct SveRegister {
  static constexpr std::size_t size = __ARM_FEATURE_SVE_BITS / 32;

  SveRegister() = default;
  SveRegister(svfloat32_t its_lanes) : lanes(its_lanes) {}
  explicit SveRegister(float x) : lanes(svdup_f32(x)) {}

  static SveRegister load_unaligned(const float* from) { return svld1_f32(svptrue_b32(), from); }
  void store_unaligned(float* to) const { svst1_f32(svptrue_b32(), to, lanes); }

  SveFloats lanes;
};
struct SveIntRegister {
  SveInts lanes;
};
struct SveMask {
  SveBools lanes;
};

inline SveRegister operator+(const SveRegister& x, const SveRegister& y) {
  return svadd_f32_x(svptrue_b32(), x.lanes, y.lanes);
}
inline SveRegister operator-(const SveRegister& x, const SveRegister& y) {
  return svsub_f32_x(svptrue_b32(), x.lanes, y.lanes);
}
inline SveRegister operator*(const SveRegister& x, const SveRegister& y) {
  return svmul_f32_x(svptrue_b32(), x.lanes, y.lanes);
}
inline SveRegister operator-(const SveRegister& x) { return svneg_f32_x(svptrue_b32(), x.lanes); }
inline SveMask operator<(const SveRegister& x, const SveRegister& y) {
  return {svcmplt_f32(svptrue_b32(), x.lanes, y.lanes)};
}
inline SveMask operator<=(const SveRegister& x, const SveRegister& y) {
  return {svcmple_f32(svptrue_b32(), x.lanes, y.lanes)};
}
inline SveRegister select(const SveMask& mask, const SveRegister& x, const SveRegister& y) {
  return svsel_f32(mask.lanes, x.lanes, y.lanes);
}
inline SveRegister ldexp(const SveRegister& x, const SveIntRegister& exponent) {
  return svscale_f32_x(svptrue_b32(), x.lanes, exponent.lanes);
}

template <std::size_t kBits>
struct Register<Sve<kBits>> {
  using Type = SveRegister;
};

/// Sixteen stored numbers, as the loads widen them.
struct SveWidening {
  using B = SveRegister;
  static constexpr std::size_t kRegs = kPanelWidth / B::size;

  static void panel_row(F16, const std::uint16_t* from, B* to) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kRegs; ++r) {
      const svuint32_t halves = svld1uh_u32(svptrue_b32(), from + r * B::size);
      to[r] = svcvt_f32_f16_x(svptrue_b32(), svreinterpret_f16_u32(halves));
    }
  }
  static void panel_row(BF16, const std::uint16_t* from, B* to) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kRegs; ++r) {
      const svuint32_t halves = svld1uh_u32(svptrue_b32(), from + r * B::size);
      to[r] = svreinterpret_f32_u32(svlsl_n_u32_x(svptrue_b32(), halves, 16));
    }
  }
  static void panel_row(I8, const std::int8_t* from, B* to) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kRegs; ++r) {
      to[r] = svcvt_f32_s32_x(svptrue_b32(), svld1sb_s32(svptrue_b32(), from + r * B::size));
    }
  }
  static void panel_row(U8, const std::uint8_t* from, B* to) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kRegs; ++r) {
      to[r] = svcvt_f32_u32_x(svptrue_b32(), svld1ub_u32(svptrue_b32(), from + r * B::size));
    }
  }
};

/// Sums of four products of bytes.
struct SveDots : OneQuad {
  using Int = SveInts;
  using Input = SveBytes;
  using Weights = SveBytes;
  static constexpr std::size_t kSums = kPanelWidth / SveRegister::size;
  static constexpr std::size_t kAccumulators = 24;  // of 32 registers: six rows' inputs and one of weights besides
  static constexpr std::size_t kMaxRows = 6;
  static constexpr std::uint8_t kFlip = 0;
  static constexpr bool kRowsFirst = true;

  static MMOE_INLINE Int start(const std::int32_t*) { return svdup_s32(0); }
  template <bool>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    return svld1_s8(svptrue_b8(), quad);
  }
  template <bool>
  static MMOE_INLINE Input broadcast(const std::int8_t* quad) {
    return svreinterpret_s8_s32(svdup_s32(load_quad(quad)));
  }
  template <bool>
  static MMOE_INLINE Int add(Int sum, Weights w, Input x) {
    return svdot_s32(sum, w, x);
  }
  static MMOE_INLINE void store(Int sum, float* to) {
    svst1_f32(svptrue_b32(), to, svcvt_f32_s32_x(svptrue_b32(), sum));
  }
};

template <class Arch>
struct SveTraits : BaseTraits<Arch> {
  using Widening = SveWidening;
  using Dots = SveDots;
  using Quad = xsimd::batch<float, xsimd::neon64>;  // the lower part of the same registers
  using B = SveRegister;
  static constexpr std::size_t kRegisters = 32;

  static B multiply_add(const B& x, const B& y, const B& z) {
    return svmla_f32_x(svptrue_b32(), z.lanes, x.lanes, y.lanes);
  }
  static SveIntRegister to_int(const B& x) { return {svcvt_s32_f32_x(svptrue_b32(), x.lanes)}; }
  static B divide(const B& x, const B& y) { return svdiv_f32_x(svptrue_b32(), x.lanes, y.lanes); }
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
