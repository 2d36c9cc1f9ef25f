// Helium (MVE) of Cortex-M55 and later: 128-bit registers, 8 of them; subnormals are flushed to zero.
#include "kernels/special/mve.h"
#include "kernels/tables.h"

namespace mmoe::kernels {
inline namespace mve {

constexpr KernelTable kTable = reference::make_table("mve", 4, true, dense, mix_experts);

}  // namespace mve
}  // namespace mmoe::kernels
