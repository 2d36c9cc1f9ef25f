// x86-64 with fma but without AVX2 (AMD Piledriver): 256-bit registers.
#define MMOE_MANY_REGISTERS 0
#include "kernels/generic/table.h"

namespace mmoe::kernels {

static constexpr KernelTable kTable = make_table<xsimd::fma3<xsimd::avx>>("fma3", true);

const KernelTable* fma3_kernels() { return &kTable; }

}  // namespace mmoe::kernels
