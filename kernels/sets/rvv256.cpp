// RISC-V with vectors (extension V 1.0) of at least 256 bits: 32 registers, of which 256 bits each are used.
#define MMOE_SET rvv256
#include "kernels/generic/table.h"
#include "kernels/generic/vectors.h"

namespace mmoe::kernels {
inline namespace rvv256 {

using Arch = Vectors<8>;

template <>
struct Traits<Arch> : VectorTraits<Arch> {};

constexpr KernelTable kTable = make_table<Arch>("rvv256");

}  // namespace rvv256
}  // namespace mmoe::kernels
