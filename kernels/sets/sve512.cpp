// AArch64 with SVE, on machines whose registers have 512 bits: 32 of them.
#define MMOE_SET sve512
#include "kernels/generic/sve.h"
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace sve512 {

using Arch = Sve<512>;

template <>
struct Traits<Arch> : SveTraits<Arch> {};

constexpr KernelTable kTable = make_table<Arch>("sve512");

}  // namespace sve512
}  // namespace mmoe::kernels
