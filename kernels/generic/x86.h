// Traits of x86.
#pragma once

#include "kernels/generic/traits.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

template <class Arch>
struct X86Traits : BaseTraits<Arch> {
  // Also where Arch has wider registers: those cross their lanes at a price.
  using Quad = xsimd::batch<float, xsimd::sse2>;
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
