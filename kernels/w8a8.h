// W8A8, apart from the sums of products: the parts of a product, and rows rounded to signed bytes. Functions are
// static, since kernel sets with different instructions include them. Loops are for the compiler to make registers of.
#pragma once

#include "kernels/constants.h"
#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "kernels/stored.h"

namespace mmoe::kernels {

constexpr std::size_t kQuadBytes = 4 * kPanelWidth;  ///< of a panel's weights

/// One part of a product.
struct W8A8Part {
  std::size_t index;
  std::size_t first_input, num_inputs;
  std::size_t first_quad, num_quads;
  const std::int32_t* row_sums;
};

static inline std::size_t num_parts(const DenseArgs& args) {
  return args.w8a8->first_inputs != 0 && args.w8a8->first_inputs < args.num_inputs ? 2 : 1;
}

static inline W8A8Part w8a8_part(const DenseArgs& args, std::size_t index) {
  const W8A8Args& its = *args.w8a8;
  const bool two = num_parts(args) == 2;
  if (index == 1) {
    const std::size_t inputs = args.num_inputs - its.first_inputs;
    return {
        1, its.first_inputs, inputs, quads_of(its.first_inputs), quads_of(inputs), its.row_sums + its.row_sums_stride};
  }
  const std::size_t inputs = two ? its.first_inputs : args.num_inputs;
  return {0, 0, inputs, 0, quads_of(inputs), its.row_sums};
}

/// A row's place in the room: scales of its parts, then quads.
static inline std::uint8_t* room_of_row(const DenseArgs& args, std::size_t i) {
  return args.w8a8->room + i * w8a8_room_bytes(args.w8a8->first_inputs, args.num_inputs);
}
static inline float row_scale(const DenseArgs& args, std::size_t i, const W8A8Part& part) {
  float scale;
  __builtin_memcpy(&scale, room_of_row(args, i) + part.index * sizeof scale, sizeof scale);
  return scale;
}
static inline const std::int8_t* row_quads(const DenseArgs& args, std::size_t i, const W8A8Part& part) {
  return reinterpret_cast<const std::int8_t*>(room_of_row(args, i)) + kW8A8ScaleBytes + 4 * part.first_quad;
}

/// The largest |x| by its bits, which order NaN above infinity above numbers.
static inline float amax_of(const float* x, std::size_t size) {
  std::int32_t amax = 0;
  for (std::size_t k = 0; k < size; ++k) {
    std::int32_t bits;
    __builtin_memcpy(&bits, x + k, sizeof bits);
    bits &= 0x7fffffff;
    amax = bits > amax ? bits : amax;
  }
  return float_of_bits(static_cast<std::uint32_t>(amax));
}

/// Rounds to whole quads of bytes, each xor `flip`, and returns their scale. Numbers that are not all finite are zeros
/// with a scale of NaN: their bits could be any bytes, whose sums of products are beyond 32 bits. The sum with
/// kRoundMagic rounds half to even and has the result in its lowest bits.
static inline float round_to_bytes(const float* __restrict x, std::size_t size, std::uint8_t flip,
                                   std::uint8_t* __restrict bytes) {
  const float amax = amax_of(x, size);
  const bool finite = amax - amax == 0, zeros = amax < kLeastAmax;
  const std::size_t num_rounded = finite && !zeros ? size : 0;
  const float inverse = 127.0f / amax;
  for (std::size_t k = 0; k < num_rounded; ++k) {
    const float rounded = x[k] * inverse + kRoundMagic;
    std::uint32_t bits;
    __builtin_memcpy(&bits, &rounded, sizeof bits);
    bytes[k] = static_cast<std::uint8_t>(bits ^ flip);
  }
  for (std::size_t k = num_rounded; k < 4 * quads_of(size); ++k) bytes[k] = flip;
  return !finite ? float_of_bits(0x7fc00000) : zeros ? 0.0f : amax / 127.0f;
}

/// Fills the room.
static inline void round_rows(const DenseArgs& args, std::uint8_t flip) {
  for (std::size_t i = 0; i < args.num_rows; ++i) {
    const float* input = args.input + (args.rows ? args.rows[i] : i) * args.input_stride;
    std::uint8_t* room = room_of_row(args, i);
    for (std::size_t p = 0; p < num_parts(args); ++p) {
      const W8A8Part part = w8a8_part(args, p);
      const float scale =
          round_to_bytes(input + part.first_input, part.num_inputs, flip, room + kW8A8ScaleBytes + 4 * part.first_quad);
      __builtin_memcpy(room + p * sizeof scale, &scale, sizeof scale);
    }
  }
}

}  // namespace mmoe::kernels
