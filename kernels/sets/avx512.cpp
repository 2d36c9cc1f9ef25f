// x86-64 with AVX-512 F, CD, DQ, BW, VL: 512-bit registers, 32 of them.
#define MMOE_SET avx512
#include "kernels/generic/dots_avx512.h"
#include "kernels/generic/table.h"
#include "kernels/generic/widen_avx512.h"
#include "kernels/generic/x86.h"

namespace mmoe::kernels {
inline namespace avx512 {

using Arch = xsimd::avx512bw;

template <>
struct Traits<Arch> : X86Traits<Arch> {
  using Widening = Avx512Widening<Arch>;
  using Dots = Avx512Dots<Arch>;
  static constexpr std::size_t kRegisters = 32;

  // xsimd 8.1 has no fused form, and would round twice.
  static Reg<Arch> multiply_add(const Reg<Arch>& x, const Reg<Arch>& y, const Reg<Arch>& z) {
    return Reg<Arch>(_mm512_fmadd_ps(x, y, z));
  }
};

constexpr KernelTable kTable = make_table<Arch>("avx512");

}  // namespace avx512
}  // namespace mmoe::kernels
