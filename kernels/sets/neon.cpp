// ARMv7-A with NEON and fused multiply-add (VFPv4): 128-bit registers, 16 of them; subnormals are flushed to zero.
#define MMOE_SET neon
#define MMOE_MANY_REGISTERS 0
#include "kernels/generic/table.h"

namespace mmoe::kernels {
inline namespace neon {

constexpr KernelTable kTable = make_table<xsimd::neon>("neon", true, true);

}  // namespace neon
}  // namespace mmoe::kernels
