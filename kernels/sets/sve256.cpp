// AArch64 with SVE, on machines whose registers have 256 bits: 32 of them.
#define MMOE_SET sve256
#include "kernels/generic/sve.h"
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace sve256 {

using Arch = Sve<256>;

template <>
struct Traits<Arch> : SveTraits<Arch> {};

constexpr KernelTable kTable = make_table<Arch>("sve256");

}  // namespace sve256
}  // namespace mmoe::kernels
