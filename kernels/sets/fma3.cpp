// x86-64 with fma but without AVX2 (AMD Piledriver): 256-bit registers.
#define MMOE_SET fma3
#include "kernels/generic/dots_ssse3.h"
#include "kernels/generic/table.h"
#include "kernels/generic/x86.h"

namespace mmoe::kernels {
inline namespace fma3 {

using Arch = xsimd::fma3<xsimd::avx>;

template <>
struct Traits<Arch> : X86Traits<Arch> {
  using Widening = AvxWidening<Arch>;
  using Dots = Ssse3Dots<Arch>;
};

constexpr KernelTable kTable = make_table<Arch>("fma3");

}  // namespace fma3
}  // namespace mmoe::kernels
