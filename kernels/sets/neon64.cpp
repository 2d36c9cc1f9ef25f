// AArch64: 128-bit registers, 32 of them; fma is part of the baseline.
#define MMOE_SET neon64
#define MMOE_MANY_REGISTERS 1
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace neon64 {

constexpr KernelTable kTable = make_table<xsimd::neon64>("neon64");

}  // namespace neon64
}  // namespace mmoe::kernels
