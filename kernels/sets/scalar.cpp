// The numerics contract itself, in plain loops.
#include "kernels/reference.h"
#include "kernels/tables.h"

namespace mmoe::kernels {
inline namespace scalar {

constexpr KernelTable kTable = reference::make_table("scalar", 1, false, reference::dense, reference::mix_experts);

}  // namespace scalar
}  // namespace mmoe::kernels
