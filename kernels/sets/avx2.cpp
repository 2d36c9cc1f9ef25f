// x86-64 with AVX2 and fma: 256-bit registers, 16 of them.
#define MMOE_SET avx2
#define MMOE_MANY_REGISTERS 0
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace avx2 {

constexpr KernelTable kTable = make_table<xsimd::fma3<xsimd::avx2>>("avx2");

}  // namespace avx2
}  // namespace mmoe::kernels
