// Registers by xsimd, for the architectures that it knows. Its namespace is xsimd_avx2 to the set "avx2" (traits.h).
#pragma once

#include "kernels/generic/traits.h"

#define MMOE_PASTE(a, b) a##b
#define MMOE_PASTE_EXPANDED(a, b) MMOE_PASTE(a, b)
#define xsimd MMOE_PASTE_EXPANDED(xsimd_, MMOE_SET)
#include <xsimd/xsimd.hpp>

namespace mmoe::kernels {
inline namespace MMOE_SET {

template <class Arch>
struct Register {
  using Type = xsimd::batch<float, Arch>;
};

template <class Arch>
struct BatchTraits : BaseTraits<Arch> {
  static Reg<Arch> multiply_add(const Reg<Arch>& x, const Reg<Arch>& y, const Reg<Arch>& z) {
    return xsimd::fma(x, y, z);
  }
  static xsimd::batch<std::int32_t, Arch> to_int(const Reg<Arch>& x) { return xsimd::to_int(x); }
  static Reg<Arch> divide(const Reg<Arch>& x, const Reg<Arch>& y) { return x / y; }
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
