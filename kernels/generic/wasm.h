// Traits of WebAssembly with simd128, through Emscripten's form of SSE2's intrinsics, each of which is one or two
// instructions of WebAssembly. It has no fused multiply-add.
#pragma once

#include <wasm_simd128.h>

#include "kernels/generic/x86.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// x * y + z of four lanes as fused_by_double() of fused.h has it of one.
template <class Arch>
struct WasmTraits : X86Traits<Arch> {
  using Widening = Sse2Widening<Arch>;

  static Reg<Arch> multiply_add(const Reg<Arch>& x, const Reg<Arch>& y, const Reg<Arch>& z) {
    const v128_t low = fused_two(bits(x), bits(y), bits(z));
    const v128_t high = fused_two(upper(x), upper(y), upper(z));
    return Reg<Arch>(reinterpret_cast<__m128>(wasm_i64x2_shuffle(low, high, 0, 2)));
  }

  static xsimd::batch<std::int32_t, Arch> to_int(const Reg<Arch>& x) {
    return xsimd::batch<std::int32_t, Arch>(reinterpret_cast<__m128i>(wasm_i32x4_trunc_sat_f32x4(bits(x))));
  }

 private:
  static v128_t bits(const Reg<Arch>& x) { return reinterpret_cast<v128_t>(static_cast<__m128>(x)); }
  static v128_t upper(const Reg<Arch>& x) { return wasm_i64x2_shuffle(bits(x), bits(x), 1, 1); }

  // Of the lower two lanes, into the lower two. The sum is rounded to odd: towards zero, with its last bit set where it
  // is not exact. An error that is not a number, where the sum is none or infinite, leaves the sum as it is. Others are
  // 0 or at least 2^-298, as products are multiples of that. A comparison with 0 would become two.
  static v128_t fused_two(v128_t x, v128_t y, v128_t z) {
    const v128_t product = wasm_f64x2_mul(wasm_f64x2_promote_low_f32x4(x), wasm_f64x2_promote_low_f32x4(y));
    const v128_t addend = wasm_f64x2_promote_low_f32x4(z);
    const v128_t sum = wasm_f64x2_add(product, addend);
    const v128_t part = wasm_f64x2_sub(sum, product);
    const v128_t error =
        wasm_f64x2_add(wasm_f64x2_sub(product, wasm_f64x2_sub(sum, part)), wasm_f64x2_sub(addend, part));
    const v128_t tiny = wasm_f64x2_const(0x1p-600, 0x1p-600);
    const v128_t inexact = wasm_u64x2_shr(wasm_f64x2_gt(wasm_f64x2_abs(error), tiny), 63);
    const v128_t beyond = wasm_v128_and(wasm_u64x2_shr(wasm_v128_xor(error, sum), 63), inexact);
    return wasm_f32x4_demote_f64x2_zero(wasm_v128_or(wasm_i64x2_sub(sum, beyond), inexact));
  }
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
