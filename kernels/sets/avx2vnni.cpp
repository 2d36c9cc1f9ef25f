// x86-64 with AVX2, fma and AVX-VNNI: sums of four products of bytes are one instruction.
#define MMOE_SET avx2vnni
#include "kernels/generic/dots_avx2.h"
#include "kernels/generic/table.h"
#include "kernels/generic/widen_avx2.h"
#include "kernels/generic/x86.h"

namespace mmoe::kernels {
inline namespace avx2vnni {

using Arch = xsimd::fma3<xsimd::avx2>;

template <>
struct Traits<Arch> : X86Traits<Arch> {
  using Widening = Avx2Widening<Arch>;
  using Dots = Avx2VnniDots<Arch>;
};

constexpr KernelTable kTable = make_table<Arch>("avx2vnni");

}  // namespace avx2vnni
}  // namespace mmoe::kernels
