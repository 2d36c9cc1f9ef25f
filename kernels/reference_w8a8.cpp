// W8A8 in plain loops: the contract of kernels.h as reference.cpp has it of the other types.
#include "kernels/reference.h"
#include "kernels/w8a8.h"

namespace mmoe::kernels::reference {
namespace {

std::int32_t sum_of_products(const DenseArgs& args, const std::int8_t* quads, const W8A8Part& part,
                             std::size_t column) {
  const std::int8_t* weights = static_cast<const std::int8_t*>(args.weights) +
                               column / kPanelWidth * args.panel_stride + part.first_quad * kQuadBytes +
                               column % kPanelWidth * 4;
  std::int32_t sum = 0;
  for (std::size_t q = 0; q < part.num_quads; ++q) {
    for (std::size_t i = 0; i < 4; ++i) sum += std::int32_t{quads[q * 4 + i]} * weights[q * kQuadBytes + i];
  }
  return sum;
}

}  // namespace

void multiply_w8a8(const DenseArgs& args) {
  round_rows(args, 0);
  for (std::size_t i = 0; i < args.num_rows; ++i) {
    float* output = args.output + (args.rows ? args.rows[i] : i) * args.output_stride;
    for (std::size_t column = 0; column < args.num_panels * kPanelWidth; ++column) {
      float y = args.start[column];
      for (std::size_t p = 0; p < num_parts(args); ++p) {
        const W8A8Part part = w8a8_part(args, p);
        if (part.num_inputs == 0) continue;
        const std::int32_t sum = sum_of_products(args, row_quads(args, i, part), part, column);
        y = static_cast<float>(sum) * (row_scale(args, i, part) * args.scales[column]) + y;
      }
      output[column] = y;
    }
  }
}

}  // namespace mmoe::kernels::reference
