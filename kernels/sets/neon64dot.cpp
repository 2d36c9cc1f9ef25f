// AArch64 with dot products (ARMv8.2 and later): sums of four products of bytes are one instruction.
#define MMOE_SET neon64dot
#include "kernels/generic/dots_neon.h"
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace neon64dot {

using Arch = xsimd::neon64;

template <>
struct Traits<Arch> : Neon64Traits<Arch> {
  using Dots = NeonDotProducts<Arch>;
};

constexpr KernelTable kTable = make_table<Arch>("neon64dot");

}  // namespace neon64dot
}  // namespace mmoe::kernels
