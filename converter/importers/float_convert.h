// The floating-point types of weights files to float: exact from f16, bf16 and f32, to nearest from f64.
#pragma once

#include <cstdint>
#include <cstring>

namespace mmoe::converter {

/// An unsigned integer from little-endian bytes, whatever the host's order and the address's alignment.
template <typename Unsigned>
Unsigned load_little_endian(const unsigned char* bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < sizeof(Unsigned); ++i) value |= uint64_t{bytes[i]} << (8 * i);
  return static_cast<Unsigned>(value);
}

template <typename To, typename From>
To same_bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

/// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. A NaN keeps its payload.
inline float f16_to_f32(uint16_t half) {
  const uint32_t sign = uint32_t{half & 0x8000u} << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24, which float holds exactly
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t wide_exponent = exponent == 31 ? 255u : exponent + (127u - 15u);
  return same_bits<float>(sign | (wide_exponent << 23) | (fraction << 13));
}

/// bfloat16 is the upper half of a float.
inline float bf16_to_f32(uint16_t brain) { return same_bits<float>(uint32_t{brain} << 16); }

/// Out of float's range: an infinity, as in PyTorch's Tensor.float().
inline float f64_to_f32(double value) { return static_cast<float>(value); }

}  // namespace mmoe::converter
