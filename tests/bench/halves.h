// Rows of floats in 16 bits, for libraries whose layers read and write them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>
#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace mmoe::bench {

/// As aligned as a vector; with room for a library that reads a vector beyond the end.
using Halves = std::vector<std::uint16_t>;
constexpr std::size_t kHalvesBeyond = 64;

inline std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float of_bits(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// To the nearest, ties to even; finite values only.
inline std::uint16_t to_bf16(float value) {
  const std::uint32_t bits = bits_of(value);
  return static_cast<std::uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

inline void to_bf16(const float* from, std::size_t size, std::uint16_t* to) {
#pragma omp simd
  for (std::size_t i = 0; i < size; ++i) to[i] = to_bf16(from[i]);
}

#if defined(__F16C__)
constexpr bool kHasF16 = true;

inline void to_f16(const float* from, std::size_t size, std::uint16_t* to) {
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    const __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), halves);
  }
  for (; i < size; ++i) to[i] = _cvtss_sh(from[i], _MM_FROUND_TO_NEAREST_INT);
}

inline void from_f16(const std::uint16_t* from, std::size_t size, float* to) {
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i))));
  }
  for (; i < size; ++i) to[i] = _cvtsh_ss(from[i]);
}
#elif defined(__aarch64__)
constexpr bool kHasF16 = true;

inline void to_f16(const float* from, std::size_t size, std::uint16_t* to) {
  for (std::size_t i = 0; i < size; ++i) {
    const auto half = static_cast<__fp16>(from[i]);
    std::memcpy(to + i, &half, sizeof half);
  }
}

inline void from_f16(const std::uint16_t* from, std::size_t size, float* to) {
  for (std::size_t i = 0; i < size; ++i) {
    __fp16 half;
    std::memcpy(&half, from + i, sizeof half);
    to[i] = static_cast<float>(half);
  }
}
#else
constexpr bool kHasF16 = false;
inline void to_f16(const float*, std::size_t, std::uint16_t*) {}
inline void from_f16(const std::uint16_t*, std::size_t, float*) {}
#endif

}  // namespace mmoe::bench
