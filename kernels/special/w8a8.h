// The product of W8A8 for sets without xsimd: a row and four outputs at a time.
#pragma once

#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "kernels/unroll.h"
#include "kernels/w8a8.h"

namespace mmoe::kernels {

constexpr std::size_t kDotColumns = 4;

/// Four sums of a row become outputs.
static inline void finish_columns(const std::int32_t* sum, float row_scale, const float* scales, const float* start,
                                  bool relu, float* output) {
  MMOE_UNROLL
  for (std::size_t c = 0; c < kDotColumns; ++c) {
    const float y = static_cast<float>(sum[c]) * (row_scale * scales[c]) + start[c];
    output[c] = relu && y < 0 ? 0.0f : y;
  }
}

/// One part of a row times a panel, from `start`.
template <class Dots>
static inline void multiply_panel(const DenseArgs& args, const W8A8Part& part, std::size_t i,
                                  const std::int8_t* weights, const float* scales, const float* start, bool relu,
                                  float* output, const Dots& dots) {
  if (part.num_inputs == 0) {
    for (std::size_t c = 0; c < kPanelWidth; ++c) output[c] = relu && start[c] < 0 ? 0.0f : start[c];
    return;
  }
  const std::int8_t* quads = row_quads(args, i, part);
  const float scale = row_scale(args, i, part);
  for (std::size_t c = 0; c < kPanelWidth; c += kDotColumns) {
    std::int32_t sum[kDotColumns];
    dots(weights + 4 * c, quads, part.num_quads, sum);
    finish_columns(sum, scale, scales + c, start + c, relu, output + c);
  }
}

/// `dots(weights, quads, num_quads, sum)` sets the sums of four outputs, whose weights' quads lie kQuadBytes apart.
/// Activations other than relu are the caller's.
template <class Dots>
static inline void multiply_w8a8(const DenseArgs& args, const Dots& dots) {
  round_rows(args, 0);
  const std::size_t parts = num_parts(args);
  const std::size_t num_relu = args.activation == Activation::kRelu ? args.num_activated : 0;
  for (std::size_t panel = 0; panel < args.num_panels; ++panel) {
    const std::int8_t* weights = static_cast<const std::int8_t*>(args.weights) + panel * args.panel_stride;
    const std::size_t column = panel * kPanelWidth;
    for (std::size_t p = 0; p < parts; ++p) {
      const W8A8Part part = w8a8_part(args, p);
      const bool relu = p + 1 == parts && panel < num_relu;
      for (std::size_t i = 0; i < args.num_rows; ++i) {
        float* output = args.output + (args.rows ? args.rows[i] : i) * args.output_stride + column;
        multiply_panel(args, part, i, weights + part.first_quad * kQuadBytes, args.scales + column,
                       p == 0 ? args.start + column : output, relu, output, dots);
      }
    }
  }
}

}  // namespace mmoe::kernels
