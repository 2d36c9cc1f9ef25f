// The weighted sum of experts that one gate makes of a row.
#pragma once

#include "kernels/generic/math.h"
#include "kernels/kernels.h"

namespace mmoe::kernels {

template <class Arch>
inline void mix_row(const MixArgs& args, std::size_t row) {
  using B = Reg<Arch>;
  const float* weights = args.weights + row * args.weights_stride;
  const std::uint16_t* selected = args.selected ? args.selected + row * args.num_weights : nullptr;
  const std::size_t num_weights = args.counts ? args.counts[row] : args.num_weights;
  float* output = args.output + row * args.output_stride;
  for (std::size_t d = 0; d < args.dim; d += B::size) {
    B sum(0.0f);
    for (std::size_t j = 0; j < num_weights; ++j) {
      const ExpertOutput& expert = args.experts[selected ? selected[j] : j];
      const B value = B::load_unaligned(expert.data + row * expert.stride + d);
      sum = j == 0 ? B(weights[0]) * value : multiply_add<Arch>(B(weights[j]), value, sum);
    }
    sum.store_unaligned(output + d);
  }
}

template <class Arch>
void mix_experts(const MixArgs& args) {
  for (std::size_t row = 0; row < args.num_rows; ++row) mix_row<Arch>(args, row);
}

}  // namespace mmoe::kernels
