// Helium (MVE) of Cortex-M55 and later: 128-bit registers, 8 of them; subnormals are flushed to zero. A row times a
// panel is four accumulators and the weights, which are loaded while the multiply-adds before them run: both take two
// cycles, so that more rows at once would gain nothing. Everything else is as without Helium.
#pragma once

#include <arm_mve.h>

#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "kernels/preconditions.h"
#include "kernels/reference.h"

namespace mmoe::kernels {
inline namespace mve {

constexpr std::size_t kLanes = 4;

inline float32x4_t relu(float32x4_t x) { return vpselq_f32(vdupq_n_f32(0.0f), x, vcmpltq_n_f32(x, 0.0f)); }

inline void dense_panel_row(const DenseArgs& args, std::size_t panel, const float* input, float* output) {
  const float* bias = args.bias + panel * kPanelWidth;
  const float* weights = args.weights + panel * args.panel_stride;
  float32x4_t a = vld1q_f32(bias);
  float32x4_t b = vld1q_f32(bias + kLanes);
  float32x4_t c = vld1q_f32(bias + 2 * kLanes);
  float32x4_t d = vld1q_f32(bias + 3 * kLanes);
  for (std::size_t left = args.num_inputs; left > 0; --left, weights += kPanelWidth) {
    const float x = *input++;
    a = vfmaq_n_f32(a, vld1q_f32(weights), x);
    b = vfmaq_n_f32(b, vld1q_f32(weights + kLanes), x);
    c = vfmaq_n_f32(c, vld1q_f32(weights + 2 * kLanes), x);
    d = vfmaq_n_f32(d, vld1q_f32(weights + 3 * kLanes), x);
  }
  const bool positive = args.activation == Activation::kRelu && panel < args.num_activated;
  output += panel * kPanelWidth;
  vst1q_f32(output, positive ? relu(a) : a);
  vst1q_f32(output + kLanes, positive ? relu(b) : b);
  vst1q_f32(output + 2 * kLanes, positive ? relu(c) : c);
  vst1q_f32(output + 3 * kLanes, positive ? relu(d) : d);
}

inline void dense(const DenseArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t panel = 0; panel < args.num_panels; ++panel) {
    for (std::size_t i = 0; i < args.num_rows; ++i) {
      const std::size_t row = args.rows ? args.rows[i] : i;
      dense_panel_row(args, panel, args.input + row * args.input_stride, args.output + row * args.output_stride);
    }
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
