// WebAssembly with simd128: 128-bit registers, as many as the engine's machine has, 16 or more.
#define MMOE_SET simd128
#include "kernels/generic/dots_sse2.h"
#include "kernels/generic/table.h"
#include "kernels/generic/wasm.h"

namespace mmoe::kernels {
inline namespace simd128 {

using Arch = xsimd::sse2;

template <>
struct Traits<Arch> : WasmTraits<Arch> {
  using Dots = Sse2Dots<Arch>;
};

constexpr KernelTable kTable = make_table<Arch>("simd128");

}  // namespace simd128
}  // namespace mmoe::kernels
