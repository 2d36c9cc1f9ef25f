// Any x86-64: 128-bit registers, no fma, so not the same bits as the others (a derived tolerance).
#define MMOE_SET sse2
#include "kernels/generic/dots_sse2.h"
#include "kernels/generic/table.h"
#include "kernels/generic/x86.h"

namespace mmoe::kernels {
inline namespace sse2 {

using Arch = xsimd::sse2;

template <>
struct Traits<Arch> : X86Traits<Arch> {
  using Widening = Sse2Widening<Arch>;
  using Dots = Sse2Dots<Arch>;
};

constexpr KernelTable kTable = make_table<Arch>("sse2", false);

}  // namespace sse2
}  // namespace mmoe::kernels
