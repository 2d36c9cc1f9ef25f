// AArch64 with products of matrices of bytes (ARMv8.6 and later): two rows and two outputs are one instruction.
#define MMOE_SET neon64i8mm
#include "kernels/generic/dots_neon.h"
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace neon64i8mm {

using Arch = xsimd::neon64;

template <>
struct Traits<Arch> : Neon64Traits<Arch> {
  using Dots = NeonMatrixProducts<Arch>;
};

constexpr KernelTable kTable = make_table<Arch>("neon64i8mm");

}  // namespace neon64i8mm
}  // namespace mmoe::kernels
