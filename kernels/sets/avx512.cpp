// x86-64 with AVX-512 F, CD, DQ, BW, VL: 512-bit registers, 32 of them.
#define MMOE_SET avx512
#include "kernels/generic/avx512.h"
#include "kernels/generic/dots_avx512.h"
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace avx512 {

using Arch = xsimd::avx512bw;

template <>
struct Traits<Arch> : Avx512Traits<Arch> {
  using Dots = Avx512Dots<Arch>;
};

constexpr KernelTable kTable = make_table<Arch>("avx512");

}  // namespace avx512
}  // namespace mmoe::kernels
