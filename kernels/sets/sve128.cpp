// AArch64 with SVE, on machines whose registers have 128 bits: 32 of them.
#define MMOE_SET sve128
#include "kernels/generic/sve.h"
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace sve128 {

using Arch = Sve<128>;

template <>
struct Traits<Arch> : SveTraits<Arch> {};

constexpr KernelTable kTable = make_table<Arch>("sve128");

}  // namespace sve128
}  // namespace mmoe::kernels
