// Floats to the numbers that a file stores: to the nearest, of two equally near ones to that with an even last digit.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace mmoe::converter {

constexpr float kLargestF16 = 65504;

inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// Drops `count` low bits of a magnitude, 1 to 31.
inline uint32_t drop_bits(uint32_t bits, unsigned count) {
  const uint32_t half = uint32_t{1} << (count - 1);
  const uint32_t odd = bits >> count & 1;
  return (bits + half - 1 + odd) >> count;
}

/// REQUIRES: finite. Beyond the largest bf16 it is an infinity.
inline uint16_t round_to_bf16(float value) { return static_cast<uint16_t>(drop_bits(bits_of(value), 16)); }

/// REQUIRES: finite. From 65520 on it is an infinity.
inline uint16_t round_to_f16(float value) {
  const uint32_t bits = bits_of(value);
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return static_cast<uint16_t>(sign | 0x7c00);  // 65536 or more
  if (magnitude >= 0x38800000) return static_cast<uint16_t>(sign | drop_bits(magnitude - 0x38000000, 13));
  // Subnormal: a multiple of 2^-24. Nearest-even is the mode that programs start in.
  const auto multiple = static_cast<uint32_t>(std::nearbyint(std::fabs(value) * 0x1p24f));
  return static_cast<uint16_t>(sign | multiple);
}

}  // namespace mmoe::converter
