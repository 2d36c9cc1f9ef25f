// RISC-V with vectors (extension V 1.0) of at least 128 bits: 32 registers, of which 128 bits each are used.
#define MMOE_SET rvv128
#include "kernels/generic/table.h"
#include "kernels/generic/vectors.h"

namespace mmoe::kernels {
inline namespace rvv128 {

using Arch = Vectors<4>;

template <>
struct Traits<Arch> : VectorTraits<Arch> {};

constexpr KernelTable kTable = make_table<Arch>("rvv128");

}  // namespace rvv128
}  // namespace mmoe::kernels
