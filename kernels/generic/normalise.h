// Normalisation of a layer's outputs, per channel or over the row, in place.
#pragma once

#include "kernels/generic/activation.h"
#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "kernels/preconditions.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// What is subtracted from a row's elements and what they are divided by.
struct RowStatistics {
  float mean;
  float deviation;
};

template <class Arch>
inline RowStatistics row_statistics(const float* data, std::size_t width, float epsilon) {
  const float count = static_cast<float>(width);
  float sum = 0.0f;
  for (std::size_t i = 0; i < width; ++i) sum += data[i];
  const float mean = sum / count;
  float squares = 0.0f;
  for (std::size_t i = 0; i < width; ++i) {
    const float distance = data[i] - mean;
    squares += distance * distance;
  }
  return {mean, __builtin_sqrtf(squares / count + epsilon)};
}

template <class Arch>
inline void normalise_row(const NormArgs& args, float* data, std::size_t padded) {
  using B = Reg<Arch>;
  const RowStatistics row = args.over_row ? row_statistics<Arch>(data, args.width, args.epsilon) : RowStatistics{0, 1};
  for (std::size_t i = 0; i < padded; i += B::size) {
    const B x = B::load_unaligned(data + i);
    B y = args.over_row ? divide<Arch>(x - B(row.mean), B(row.deviation)) : x;
    y = multiply_add<Arch>(B::load_unaligned(args.scale + i), y, B::load_unaligned(args.shift + i));
    if (args.dice) {
      const B below = B::load_unaligned(args.slopes + i) * x;
      y = multiply_add<Arch>(sigmoid<Arch>(y), x - below, below);
    }
    y.store_unaligned(data + i);
  }
  if (args.dice) return;
  if (args.activation == Activation::kPRelu) return prelu<Arch>(args.slopes, data, padded);
  activate<Arch>(args.activation, args.alpha, args.beta, data, padded);
}

template <class Arch>
void normalise(const NormArgs& args) {
  MMOE_REQUIRE(args);
  const std::size_t padded = (args.width + kPanelWidth - 1) / kPanelWidth * kPanelWidth;
  for (std::size_t i = 0; i < args.num_rows; ++i) {
    const std::size_t row = args.rows ? args.rows[i] : i;
    normalise_row<Arch>(args, args.data + row * args.stride, padded);
  }
}

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
