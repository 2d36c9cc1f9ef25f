// Sixteen stored numbers into two registers of AVX2, with F16C.
#pragma once

#include "kernels/generic/batch.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

template <class Arch>
struct Avx2Widening {
  using B = Reg<Arch>;

  static void panel_row(F16, const std::uint16_t* from, B* to) {
    to[0] = B(_mm256_cvtph_ps(load_128(from)));
    to[1] = B(_mm256_cvtph_ps(load_128(from + 8)));
  }
  static void panel_row(BF16, const std::uint16_t* from, B* to) {
    to[0] = upper_half(load_128(from));
    to[1] = upper_half(load_128(from + 8));
  }
  static void panel_row(I8, const std::int8_t* from, B* to) {
    to[0] = B(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(load_64(from))));
    to[1] = B(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(load_64(from + 8))));
  }
  static void panel_row(U8, const std::uint8_t* from, B* to) {
    to[0] = B(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(load_64(from))));
    to[1] = B(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(load_64(from + 8))));
  }

 private:
  static __m128i load_128(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
  static __m128i load_64(const void* from) { return _mm_loadl_epi64(static_cast<const __m128i*>(from)); }
  static B upper_half(__m128i bits) {
    return B(_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16)));
  }
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
