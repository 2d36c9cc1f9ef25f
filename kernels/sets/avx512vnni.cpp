// x86-64 with AVX-512 as of the set avx512, and VNNI: sums of four products of bytes are one instruction.
#define MMOE_SET avx512vnni
#include "kernels/generic/avx512.h"
#include "kernels/generic/dots_avx512.h"
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace avx512vnni {

using Arch = xsimd::avx512bw;

template <>
struct Traits<Arch> : Avx512Traits<Arch> {
  using Dots = Avx512VnniDots<Arch>;
};

constexpr KernelTable kTable = make_table<Arch>("avx512vnni");

}  // namespace avx512vnni
}  // namespace mmoe::kernels
