// What is common to the sets with AVX-512: 32 registers, sixteen stored numbers into one, the fused multiply-add.
#pragma once

#include "kernels/generic/batch.h"
#include "kernels/generic/x86.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

template <class Arch>
struct Avx512Widening {
  using B = Reg<Arch>;

  static void panel_row(F16, const std::uint16_t* from, B* to) { *to = B(_mm512_cvtph_ps(load_256(from))); }
  static void panel_row(BF16, const std::uint16_t* from, B* to) {
    *to = B(_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_256(from)), 16)));
  }
  static void panel_row(I8, const std::int8_t* from, B* to) {
    *to = B(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load_128(from))));
  }
  static void panel_row(U8, const std::uint8_t* from, B* to) {
    *to = B(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(load_128(from))));
  }

 private:
  static __m256i load_256(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
  static __m128i load_128(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
};

template <class Arch>
struct Avx512Traits : X86Traits<Arch> {
  using Widening = Avx512Widening<Arch>;
  static constexpr std::size_t kRegisters = 32;

  // xsimd 8.1 has no fused form, and would round twice.
  static Reg<Arch> multiply_add(const Reg<Arch>& x, const Reg<Arch>& y, const Reg<Arch>& z) {
    return Reg<Arch>(_mm512_fmadd_ps(x, y, z));
  }
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
