// AArch64: 128-bit registers, 32 of them; fma is part of the baseline.
#define MMOE_MANY_REGISTERS 1
#include "kernels/generic/table.h"

namespace mmoe::kernels {

static constexpr KernelTable kTable = make_table<xsimd::neon64>("neon64", true);

const KernelTable* neon64_kernels() { return &kTable; }

}  // namespace mmoe::kernels
