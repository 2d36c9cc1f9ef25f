// x86-64 with AVX2 and fma: 256-bit registers, 16 of them.
#define MMOE_SET avx2
#include "kernels/generic/dots_avx2.h"
#include "kernels/generic/table.h"
#include "kernels/generic/widen_avx2.h"
#include "kernels/generic/x86.h"

namespace mmoe::kernels {
inline namespace avx2 {

using Arch = xsimd::fma3<xsimd::avx2>;

template <>
struct Traits<Arch> : X86Traits<Arch> {
  using Widening = Avx2Widening<Arch>;
  using Dots = Avx2Dots<Arch>;
};

constexpr KernelTable kTable = make_table<Arch>("avx2");

}  // namespace avx2
}  // namespace mmoe::kernels
