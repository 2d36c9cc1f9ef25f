// The product of W8A8 for sets without xsimd: a row and four outputs at a time.
#pragma once

#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "kernels/w8a8.h"

namespace mmoe::kernels {

constexpr std::size_t kDotColumns = 4;

/// A row's four sums become outputs.
static inline void finish_columns(const DenseArgs& args, const W8A8Part& part, std::size_t i, std::size_t column,
                                  const float* start, const std::int32_t (&sum)[kDotColumns], bool relu) {
  float* output = args.output + (args.rows ? args.rows[i] : i) * args.output_stride;
  const float scale = row_scale(args, i, part);
  for (std::size_t c = 0; c < kDotColumns; ++c) {
    float y = start[column + c];
    if (part.num_inputs != 0) y = static_cast<float>(sum[c]) * (scale * args.scales[column + c]) + y;
    output[column + c] = relu && y < 0 ? 0.0f : y;
  }
}

/// `dots(weights, quads, num_quads, sum)` sets the sums of four outputs, whose weights' quads lie kQuadBytes apart.
/// Activations other than relu are the caller's.
template <class Dots>
static inline void multiply_w8a8(const DenseArgs& args, const Dots& dots) {
  round_rows(args, 0);
  const std::size_t parts = num_parts(args);
  const std::size_t num_relu = args.activation == Activation::kRelu ? args.num_activated * kPanelWidth : 0;
  for (std::size_t column = 0; column < args.num_panels * kPanelWidth; column += kDotColumns) {
    const std::int8_t* panel = static_cast<const std::int8_t*>(args.weights) + column / kPanelWidth * args.panel_stride;
    for (std::size_t p = 0; p < parts; ++p) {
      const W8A8Part part = w8a8_part(args, p);
      const std::int8_t* weights = panel + part.first_quad * kQuadBytes + column % kPanelWidth * 4;
      for (std::size_t i = 0; i < args.num_rows; ++i) {
        const float* start = p == 0 ? args.start : args.output + (args.rows ? args.rows[i] : i) * args.output_stride;
        std::int32_t sum[kDotColumns];
        dots(weights, row_quads(args, i, part), part.num_quads, sum);
        finish_columns(args, part, i, column, start, sum, p + 1 == parts && column < num_relu);
      }
    }
  }
}

}  // namespace mmoe::kernels
