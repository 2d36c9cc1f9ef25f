// Any x86-64: 128-bit registers, no fma, so not the same bits as the others (a derived tolerance).
#define MMOE_SET sse2
#define MMOE_MANY_REGISTERS 0
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace sse2 {

constexpr KernelTable kTable = make_table<xsimd::sse2>("sse2", false);

}  // namespace sse2
}  // namespace mmoe::kernels
