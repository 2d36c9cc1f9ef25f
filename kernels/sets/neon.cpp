// ARMv7-A with NEON and fused multiply-add (VFPv4): 128-bit registers, 16 of them; subnormals are flushed to zero.
#define MMOE_SET neon
#include "kernels/generic/dots_neon.h"
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace neon {

using Arch = xsimd::neon;

template <>
struct Traits<Arch> : NeonTraits<Arch> {
  using Dots = NeonDots<Arch, 8>;
};

constexpr KernelTable kTable = make_table<Arch>("neon", true, true);

}  // namespace neon
}  // namespace mmoe::kernels
