// From raw feature values to the columns of x, and the check that x is finite.
#pragma once

#include "kernels/generic/math.h"
#include "kernels/kernels.h"
#include "kernels/preconditions.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

template <class Arch>
void scale(const ScaleArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    float value = args.values[row * args.stride];
    value = value == value ? value : args.missing;
    value = value < args.lower ? args.lower : value;
    value = value > args.upper ? args.upper : value;
    args.output[row * args.output_stride] = (value - args.offset) * args.factor;
  }
}

template <class Arch>
inline void copy_row(const float* from, float* to, std::size_t width) {
  using B = Reg<Arch>;
  std::size_t d = 0;
  for (; d + B::size <= width; d += B::size) B::load_unaligned(from + d).store_unaligned(to + d);
  for (; d < width; ++d) to[d] = from[d];
}

template <class Arch>
void lookup(const LookupArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    float* to = args.output + row * args.output_stride;
    const std::int32_t id = args.ids[row];
    if (id < 0) {
      for (std::size_t d = 0; d < args.width; ++d) to[d] = 0.0f;
    } else {
      copy_row<Arch>(args.table + static_cast<std::size_t>(id) * args.width, to, args.width);
    }
  }
}

/// One row of the table into the pooled ones, which are the first `width` floats of `pooled`.
template <class Arch>
inline void pool_row(const float* row, std::size_t width, bool largest, float* pooled) {
  using B = Reg<Arch>;
  std::size_t d = 0;
  for (; d + B::size <= width; d += B::size) {
    const B x = B::load_unaligned(row + d);
    const B before = B::load_unaligned(pooled + d);
    (largest ? xsimd::select(before < x, x, before) : before + x).store_unaligned(pooled + d);
  }
  for (; d < width; ++d) pooled[d] = !largest ? pooled[d] + row[d] : pooled[d] < row[d] ? row[d] : pooled[d];
}

template <class Arch>
void pool(const PoolArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t d = 0; args.num_ids == 0 && d < args.width; ++d) args.output[d] = 0.0f;
  for (std::size_t i = 0; i < args.num_ids; ++i) {
    const float* row = args.table + static_cast<std::size_t>(args.ids[i]) * args.width;
    if (i == 0) {
      copy_row<Arch>(row, args.output, args.width);
    } else {
      pool_row<Arch>(row, args.width, args.pooling == Pooling::kMax, args.output);
    }
  }
  if (args.pooling != Pooling::kMean || args.num_ids < 2) return;
  const float count = static_cast<float>(args.num_ids);
  for (std::size_t d = 0; d < args.width; ++d) args.output[d] /= count;
}

/// x - x is 0 for a finite x and NaN for any other; so is the sum of such differences.
template <class Arch>
bool all_finite(const float* data, std::size_t size) {
  using B = Reg<Arch>;
  B sum(0.0f);
  std::size_t i = 0;
  for (; i + B::size <= size; i += B::size) {
    const B x = B::load_unaligned(data + i);
    sum = sum + (x - x);
  }
  float lanes[B::size];
  sum.store_unaligned(lanes);
  float total = 0.0f;
  for (std::size_t l = 0; l < B::size; ++l) total += lanes[l];
  for (; i < size; ++i) total += data[i] - data[i];
  return total == 0.0f;
}

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
