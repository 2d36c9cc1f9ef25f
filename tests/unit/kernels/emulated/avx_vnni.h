// AVX-VNNI by AVX2, included before the set avx2vnni is compiled once more as avx2vnni_emulated: no machine at hand and
// no emulator has the instruction, so what surrounds it is tested with this in its place.
#pragma once

#include <immintrin.h>

#define __AVXVNNI__ 1
#define avx2vnni avx2vnni_emulated
#define _mm256_dpbusd_avx_epi32 emulated_dpbusd

/// sum + the four products of unsigned bytes of x and signed bytes of w, in each of eight lanes, wrapping (Intel's
/// manual, VPDPBUSD).
static inline __attribute__((target("avx2"))) __m256i emulated_dpbusd(__m256i sum, __m256i x, __m256i w) {
  const __m256i low_byte = _mm256_set1_epi16(0xff);
  const __m256i even = _mm256_madd_epi16(_mm256_and_si256(x, low_byte), _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8));
  const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(x, 8), _mm256_srai_epi16(w, 8));
  return _mm256_add_epi32(sum, _mm256_add_epi32(even, odd));
}
