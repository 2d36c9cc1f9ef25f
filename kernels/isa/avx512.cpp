// x86-64 with AVX-512 F, CD, DQ, BW, VL: 512-bit registers, 32 of them.
#define MMOE_MANY_REGISTERS 1
#include "kernels/generic/table.h"

namespace mmoe::kernels {

static constexpr KernelTable kTable = make_table<xsimd::avx512bw>("avx512", true);

const KernelTable* avx512_kernels() { return &kTable; }

}  // namespace mmoe::kernels
