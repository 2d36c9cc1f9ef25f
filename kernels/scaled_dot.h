// Scaled dot-product attention (Vaswani et al., NeurIPS 2017, section 3.2) of one row. Every product and every sum is
// rounded by itself, sums in ascending order, as in combine.h; the softmax is the kernel set's.
#pragma once

#include <cstddef>

#include "kernels/kernels.h"

namespace mmoe::kernels {

/// Elements lie side by side, and heads side by side in each of them.
struct ScaledDotArgs {
  const float* query;   ///< [num_queries, width]
  const float* keys;    ///< [num_keys, width]
  const float* values;  ///< [num_keys, value_width]
  const float* mask;    ///< [num_masked]; 0: the key has no weight
  std::size_t num_queries, num_keys;
  std::size_t num_masked;  ///< 0 to num_keys: keys behind them always have a weight
  std::size_t width, value_width;
  std::size_t num_heads;  ///< divides both widths
  float scale;
  bool causal;        ///< query i has no weight for keys behind i
  float* weights;     ///< room for num_keys floats, padded to 16
  float* transposed;  ///< room for num_keys * width floats
  float* output;      ///< [num_queries, value_width]; zeros where no key has a weight
};

void scaled_dot(const KernelTable& kernels, const ScaledDotArgs& args);

}  // namespace mmoe::kernels
