// The types in which a model may store weights and embedding tables, and which of them this build computes with.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mmoe::kernels {

/// How a dense layer's weights are stored, which decides its arithmetic (kernels.h).
enum class WeightType : std::uint8_t {
  kF32,
  kF16,   ///< IEEE binary16, finite
  kBF16,  ///< the upper half of an f32, finite
  kI8,    ///< signed, with a scale per output; the inputs stay f32
  kW8A8,  ///< signed, with a scale per output; the inputs are rounded to signed bytes, row by row
};

/// How an embedding table is stored.
enum class TableType : std::uint8_t {
  kF32,
  kF16,
  kU8,  ///< a row is `width` codes, then its scale and its bias as f32
  kU4,  ///< a row is `width` codes of 4 bits, the first in the low half of a byte, then scale and bias as f16
};

// Left out by the build option MMOE_NUMBERS.
#ifdef MMOE_NO_F16
constexpr bool kHasF16 = false;
#else
constexpr bool kHasF16 = true;
#endif
#ifdef MMOE_NO_BF16
constexpr bool kHasBF16 = false;
#else
constexpr bool kHasBF16 = true;
#endif
#ifdef MMOE_NO_I8
constexpr bool kHasI8 = false;
#else
constexpr bool kHasI8 = true;
#endif
#ifdef MMOE_NO_W8A8
constexpr bool kHasW8A8 = false;
#else
constexpr bool kHasW8A8 = true;
#endif
#ifdef MMOE_NO_U8
constexpr bool kHasU8 = false;
#else
constexpr bool kHasU8 = true;
#endif
#ifdef MMOE_NO_U4
constexpr bool kHasU4 = false;
#else
constexpr bool kHasU4 = true;
#endif

constexpr bool kHasScales = kHasI8 || kHasW8A8;  // of weights
constexpr bool kHasCodes = kHasU8 || kHasU4;     // tables of codes

constexpr bool is_compiled(WeightType type) {
  return type == WeightType::kF32 || (type == WeightType::kF16 && kHasF16) || (type == WeightType::kBF16 && kHasBF16) ||
         (type == WeightType::kI8 && kHasI8) || (type == WeightType::kW8A8 && kHasW8A8);
}
constexpr bool is_compiled(TableType type) {
  return type == TableType::kF32 || (type == TableType::kF16 && kHasF16) || (type == TableType::kU8 && kHasU8) ||
         (type == TableType::kU4 && kHasU4);
}

/// Bytes of a stored weight.
constexpr std::size_t weight_bytes(WeightType type) {
  return type == WeightType::kF32 ? 4 : type == WeightType::kF16 || type == WeightType::kBF16 ? 2 : 1;
}

/// W8A8's weights are panels of [quads_of(inputs)][16][4] bytes, four inputs of an output side by side; the inputs that
/// are missing to a whole quad have weights of zero.
template <class Size>
constexpr Size quads_of(Size num_inputs) {
  return (num_inputs + 3) / 4;
}

/// The most inputs of a W8A8 product: sums of 127 * 128 each stay within 32 bits.
constexpr std::size_t kMaxW8A8Inputs = 1 << 17;

/// Bytes of room for a row of a W8A8 product: the scales of its parts, then the quads of both.
constexpr std::size_t kW8A8ScaleBytes = 16;
constexpr std::size_t w8a8_room_bytes(std::size_t first_inputs, std::size_t num_inputs) {
  return (kW8A8ScaleBytes + 4 * (quads_of(first_inputs) + quads_of(num_inputs - first_inputs)) + 63) / 64 * 64;
}

/// Bytes from row to row of a table.
template <class Size>
constexpr Size table_row_bytes(TableType type, Size width) {
  return type == TableType::kF32   ? width * 4
         : type == TableType::kF16 ? width * 2
         : type == TableType::kU8  ? width + 8
                                   : (width + 1) / 2 + 4;
}

}  // namespace mmoe::kernels
