// x86-64 with AVX-512 F, CD, DQ, BW, VL: 512-bit registers, 32 of them.
#define MMOE_SET avx512
#define MMOE_MANY_REGISTERS 1
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace avx512 {

constexpr KernelTable kTable = make_table<xsimd::avx512bw>("avx512");

}  // namespace avx512
}  // namespace mmoe::kernels
