// Traits of x86.
#pragma once

#include "kernels/generic/batch.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// With the instructions that every x86-64 has, into four registers. The exponent of an f16 is right after a
/// multiplication by 2^112, subnormal numbers included; infinity and NaN are not.
template <class Arch>
struct Sse2Widening {
  using Quad = xsimd::batch<float, xsimd::sse2>;

  static void panel_row(F16, const std::uint16_t* from, Quad* to) {
    for_halves(from, to, [](__m128i halves) {
      const __m128i sign = _mm_slli_epi32(_mm_and_si128(halves, _mm_set1_epi32(0x8000)), 16);
      const __m128i magnitude = _mm_slli_epi32(_mm_and_si128(halves, _mm_set1_epi32(0x7fff)), 13);
      const __m128 value = _mm_mul_ps(_mm_castsi128_ps(magnitude), _mm_set1_ps(0x1p112f));
      return _mm_or_ps(value, _mm_castsi128_ps(sign));
    });
  }
  static void panel_row(BF16, const std::uint16_t* from, Quad* to) {
    for_halves(from, to, [](__m128i halves) { return _mm_castsi128_ps(_mm_slli_epi32(halves, 16)); });
  }
  static void panel_row(I8, const std::int8_t* from, Quad* to) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i low = _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
    const __m128i high = _mm_srai_epi16(_mm_unpackhi_epi8(bytes, bytes), 8);
    to[0] = Quad(_mm_cvtepi32_ps(_mm_srai_epi32(_mm_unpacklo_epi16(low, low), 16)));
    to[1] = Quad(_mm_cvtepi32_ps(_mm_srai_epi32(_mm_unpackhi_epi16(low, low), 16)));
    to[2] = Quad(_mm_cvtepi32_ps(_mm_srai_epi32(_mm_unpacklo_epi16(high, high), 16)));
    to[3] = Quad(_mm_cvtepi32_ps(_mm_srai_epi32(_mm_unpackhi_epi16(high, high), 16)));
  }
  static void panel_row(U8, const std::uint8_t* from, Quad* to) {
    const __m128i zero = _mm_setzero_si128();
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i low = _mm_unpacklo_epi8(bytes, zero);
    const __m128i high = _mm_unpackhi_epi8(bytes, zero);
    to[0] = Quad(_mm_cvtepi32_ps(_mm_unpacklo_epi16(low, zero)));
    to[1] = Quad(_mm_cvtepi32_ps(_mm_unpackhi_epi16(low, zero)));
    to[2] = Quad(_mm_cvtepi32_ps(_mm_unpacklo_epi16(high, zero)));
    to[3] = Quad(_mm_cvtepi32_ps(_mm_unpackhi_epi16(high, zero)));
  }

 private:
  // Sixteen numbers of 16 bits, four at a time, each in the lower half of 32 bits.
  template <class Function>
  static void for_halves(const std::uint16_t* from, Quad* to, const Function& function) {
    const __m128i zero = _mm_setzero_si128();
    MMOE_UNROLL
    for (std::size_t i = 0; i < 2; ++i) {
      const __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 8 * i));
      to[2 * i] = Quad(function(_mm_unpacklo_epi16(eight, zero)));
      to[2 * i + 1] = Quad(function(_mm_unpackhi_epi16(eight, zero)));
    }
  }
};

/// The same into two registers of eight, for AVX without AVX2.
template <class Arch>
struct AvxWidening {
  using Quad = xsimd::batch<float, xsimd::sse2>;

  template <class Stored>
  static void panel_row(Stored, const typename Stored::Type* from, Reg<Arch>* to) {
    Quad quads[4];
    Sse2Widening<Arch>::panel_row(Stored{}, from, quads);
    to[0] = join(quads[0], quads[1]);
    to[1] = join(quads[2], quads[3]);
  }

 private:
  // Two registers of four side by side, by the compiler's own vectors: this header compiles without AVX too.
  static Reg<Arch> join(const Quad& low, const Quad& high) {
    float eight[8];
    low.store_unaligned(eight);
    high.store_unaligned(eight + 4);
    return Reg<Arch>::load_unaligned(eight);
  }
};

template <class Arch>
struct X86Traits : BatchTraits<Arch> {
  // Also where Arch has wider registers: those cross their lanes at a price.
  using Quad = xsimd::batch<float, xsimd::sse2>;
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
