// Stored numbers, one by one: what each type is, and how it becomes an f32. Every widening is exact. Functions are
// static, since kernel sets with different instructions include them.
#pragma once

#include <cstdint>

#include "kernels/number_types.h"

namespace mmoe::kernels {

struct F32 {
  using Type = float;
};
struct F16 {
  using Type = std::uint16_t;
};
struct BF16 {
  using Type = std::uint16_t;
};
struct I8 {
  using Type = std::int8_t;
};
struct U8 {
  using Type = std::uint8_t;
};

static inline float float_of_bits(std::uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

static inline float widen(F32, float value) { return value; }
static inline float widen(BF16, std::uint16_t bits) { return float_of_bits(std::uint32_t{bits} << 16); }
static inline float widen(I8, std::int8_t value) { return static_cast<float>(value); }
static inline float widen(U8, std::uint8_t value) { return static_cast<float>(value); }

/// A subnormal f16 is a normal f32, made without one that a processor may flush to zero.
static inline float widen(F16, std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half & 0x8000u} << 16;
  const std::uint32_t magnitude = half & 0x7fffu;
  if (magnitude < 0x400) {
    const float small = static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24f;
    return sign != 0 ? -small : small;
  }
  const std::uint32_t special = magnitude >= 0x7c00 ? 0x38000000u : 0u;  // infinity and NaN
  return float_of_bits(sign | ((magnitude << 13) + 0x38000000u + special));
}

/// Calls function(Stored{}) with the type of a dense layer's weights, of those that this build has and that multiply
/// f32 inputs.
template <class Function>
inline void with_weights(WeightType type, const Function& function) {
  if constexpr (kHasF16) {
    if (type == WeightType::kF16) return function(F16{});
  }
  if constexpr (kHasBF16) {
    if (type == WeightType::kBF16) return function(BF16{});
  }
  if constexpr (kHasI8) {
    if (type == WeightType::kI8) return function(I8{});
  }
  function(F32{});
}

/// A row of a table of codes: element = code * scale + bias.
struct CodedRow {
  const std::uint8_t* codes;
  float scale, bias;
};

/// The id-th row of a table of u8 or u4, whose bytes may lie at any address.
static inline CodedRow coded_row(TableType type, const void* table, std::size_t width, std::size_t id) {
  const auto* codes = static_cast<const std::uint8_t*>(table) + id * table_row_bytes(type, width);
  if (type == TableType::kU8) {
    float its[2];
    __builtin_memcpy(its, codes + width, sizeof its);
    return {codes, its[0], its[1]};
  }
  std::uint16_t its[2];
  __builtin_memcpy(its, codes + (width + 1) / 2, sizeof its);
  return {codes, widen(F16{}, its[0]), widen(F16{}, its[1])};
}

/// The i-th code of a row of u4.
static inline std::uint8_t nibble(const std::uint8_t* codes, std::size_t i) {
  return static_cast<std::uint8_t>(codes[i / 2] >> (i % 2 * 4) & 15);
}

/// Element `i` of the id-th row of a table.
static inline float table_element(TableType type, const void* table, std::size_t width, std::size_t id, std::size_t i) {
  if (type == TableType::kF32) return static_cast<const float*>(table)[id * width + i];
  if (type == TableType::kF16) return widen(F16{}, static_cast<const std::uint16_t*>(table)[id * width + i]);
  const CodedRow row = coded_row(type, table, width, id);
  const std::uint8_t code = type == TableType::kU8 ? row.codes[i] : nibble(row.codes, i);
  return static_cast<float>(code) * row.scale + row.bias;
}

}  // namespace mmoe::kernels
