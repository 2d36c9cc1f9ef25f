// x86-64 with fma but without AVX2 (AMD Piledriver): 256-bit registers.
#define MMOE_SET fma3
#define MMOE_MANY_REGISTERS 0
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace fma3 {

constexpr KernelTable kTable = make_table<xsimd::fma3<xsimd::avx>>("fma3");

}  // namespace fma3
}  // namespace mmoe::kernels
