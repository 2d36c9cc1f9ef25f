// Helium (MVE) of Cortex-M55 and later: 128-bit registers, 8 of them; subnormals are flushed to zero. A row times a
// panel is four accumulators and the weights, which are loaded while the multiply-adds before them run: both take two
// cycles, so that more rows at once would gain nothing. Everything else is as without Helium.
#pragma once

#include <arm_mve.h>

#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "kernels/preconditions.h"
#include "kernels/reference.h"
#include "kernels/special/w8a8.h"
#include "kernels/stored.h"

namespace mmoe::kernels {
inline namespace mve {

constexpr std::size_t kLanes = 4;

inline float32x4_t relu(float32x4_t x) { return vpselq_f32(vdupq_n_f32(0.0f), x, vcmpltq_n_f32(x, 0.0f)); }

// Four weights of an input. Lanes of the wider integers take the smaller ones as they are loaded.
inline float32x4_t load_four(F32, const float* from) { return vld1q_f32(from); }
// As widen() does it: the instruction that converts takes subnormal numbers for zeros, as all of Helium does.
inline float32x4_t load_four(F16, const std::uint16_t* from) {
  const uint32x4_t halves = vldrhq_u32(from);
  const uint32x4_t magnitude = vandq_u32(halves, vdupq_n_u32(0x7fff));
  const uint32x4_t normal = vaddq_n_u32(vshlq_n_u32(magnitude, 13), 0x38000000u);
  const float32x4_t small = vmulq_n_f32(vcvtq_f32_u32(magnitude), 0x1p-24f);
  const mve_pred16_t is_small = vcmphiq_u32(vdupq_n_u32(0x400), magnitude);
  const uint32x4_t bits = vpselq_u32(vreinterpretq_u32_f32(small), normal, is_small);
  return vreinterpretq_f32_u32(vorrq_u32(bits, vshlq_n_u32(vandq_u32(halves, vdupq_n_u32(0x8000)), 16)));
}
inline float32x4_t load_four(BF16, const std::uint16_t* from) {
  return vreinterpretq_f32_u32(vshlq_n_u32(vldrhq_u32(from), 16));
}
inline float32x4_t load_four(I8, const std::int8_t* from) { return vcvtq_f32_s32(vldrbq_s32(from)); }

inline float32x4_t finish(const DenseArgs& args, std::size_t column, float32x4_t sum, bool positive) {
  if (args.scales) sum = vaddq_f32(vmulq_f32(sum, vld1q_f32(args.scales + column)), vld1q_f32(args.bias + column));
  return positive ? relu(sum) : sum;
}

template <class Stored>
inline void dense_panel_row(const DenseArgs& args, std::size_t panel, const float* input, float* output) {
  const std::size_t column = panel * kPanelWidth;
  const auto* weights = static_cast<const typename Stored::Type*>(args.weights) + panel * args.panel_stride;
  float32x4_t a = vdupq_n_f32(0.0f), b = a, c = a, d = a;
  if (const float* start = args.start) {
    a = vld1q_f32(start + column);
    b = vld1q_f32(start + column + kLanes);
    c = vld1q_f32(start + column + 2 * kLanes);
    d = vld1q_f32(start + column + 3 * kLanes);
  }
  for (std::size_t left = args.num_inputs; left > 0; --left, weights += kPanelWidth) {
    const float x = *input++;
    a = vfmaq_n_f32(a, load_four(Stored{}, weights), x);
    b = vfmaq_n_f32(b, load_four(Stored{}, weights + kLanes), x);
    c = vfmaq_n_f32(c, load_four(Stored{}, weights + 2 * kLanes), x);
    d = vfmaq_n_f32(d, load_four(Stored{}, weights + 3 * kLanes), x);
  }
  const bool positive = args.activation == Activation::kRelu && panel < args.num_activated;
  output += column;
  vst1q_f32(output, finish(args, column, a, positive));
  vst1q_f32(output + kLanes, finish(args, column + kLanes, b, positive));
  vst1q_f32(output + 2 * kLanes, finish(args, column + 2 * kLanes, c, positive));
  vst1q_f32(output + 3 * kLanes, finish(args, column + 3 * kLanes, d, positive));
}

template <class Stored>
inline void dense_panels(const DenseArgs& args) {
  for (std::size_t panel = 0; panel < args.num_panels; ++panel) {
    for (std::size_t i = 0; i < args.num_rows; ++i) {
      const std::size_t row = args.rows ? args.rows[i] : i;
      dense_panel_row<Stored>(args, panel, args.input + row * args.input_stride,
                              args.output + row * args.output_stride);
    }
  }
}

// Four quads at a time: of an output they are gathered, and one instruction adds their 16 products. Behind the last
// quad, lanes are left out.
inline void dots(const std::int8_t* weights, const std::int8_t* quads, std::size_t num_quads,
                 std::int32_t (&sum)[kDotColumns]) {
  constexpr std::uint32_t kOffsets[] = {0, kQuadBytes, 2 * kQuadBytes, 3 * kQuadBytes};
  const uint32x4_t offsets = vld1q_u32(kOffsets);
  std::int32_t sums[kDotColumns] = {};
  for (std::size_t q = 0; q < num_quads; q += 4, weights += 4 * kQuadBytes) {
    const mve_pred16_t left = vctp32q(static_cast<std::uint32_t>(num_quads - q));
    const auto* inputs = reinterpret_cast<const std::int32_t*>(quads + 4 * q);
    const int8x16_t x = vreinterpretq_s8_s32(vldrwq_z_s32(inputs, left));
    for (std::size_t c = 0; c < kDotColumns; ++c) {
      const auto* from = reinterpret_cast<const std::int32_t*>(weights + 4 * c);
      const int8x16_t w = vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32(from, offsets, left));
      sums[c] = vmladavaq_s8(sums[c], x, w);
    }
  }
  for (std::size_t c = 0; c < kDotColumns; ++c) sum[c] = sums[c];
}

inline void dense(const DenseArgs& args) {
  MMOE_REQUIRE(args);
  if (kHasW8A8 && args.type == WeightType::kW8A8) {
    multiply_w8a8(args, dots);
  } else {
    with_weights(args.type, [&args](auto stored) { dense_panels<decltype(stored)>(args); });
  }
  if (args.activation != Activation::kIdentity && args.activation != Activation::kRelu) reference::activate_rows(args);
}

inline void mix_row(const MixArgs& args, std::size_t row) {
  const float* weights = args.weights + row * args.weights_stride;
  const std::uint16_t* selected = args.selected ? args.selected + row * args.num_weights : nullptr;
  const std::size_t num_weights = args.counts ? args.counts[row] : args.num_weights;
  for (std::size_t column = 0; column < args.dim; column += kLanes) {
    float32x4_t sum = vdupq_n_f32(0.0f);
    for (std::size_t j = 0; j < num_weights; ++j) {
      const ExpertOutput& expert = args.experts[selected ? selected[j] : j];
      const float32x4_t value = vld1q_f32(expert.data + row * expert.stride + column);
      sum = j == 0 ? vmulq_n_f32(value, weights[0]) : vfmaq_n_f32(sum, value, weights[j]);
    }
    vst1q_f32(args.output + row * args.output_stride + column, sum);
  }
}

inline void mix_experts(const MixArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t row = 0; row < args.num_rows; ++row) mix_row(args, row);
}

}  // namespace mve
}  // namespace mmoe::kernels
