// AArch64: 128-bit registers, 32 of them; fma is part of the baseline.
#define MMOE_SET neon64
#include "kernels/generic/dots_neon.h"
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace neon64 {

using Arch = xsimd::neon64;

template <>
struct Traits<Arch> : Neon64Traits<Arch> {
  using Dots = NeonDots<Arch, 16>;
};

constexpr KernelTable kTable = make_table<Arch>("neon64");

}  // namespace neon64
}  // namespace mmoe::kernels
