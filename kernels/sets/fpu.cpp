// Machines whose registers hold one float each: Cortex-M with an FPU, ARMv7 without NEON, WebAssembly without simd128.
#include "kernels/special/fpu.h"
#include "kernels/tables.h"

namespace mmoe::kernels {
inline namespace fpu {

constexpr KernelTable kTable = reference::make_table("fpu", 1, false, dense, mix_experts);

}  // namespace fpu
}  // namespace mmoe::kernels
