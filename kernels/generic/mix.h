// The weighted sum of experts that one gate makes of a row.
#pragma once

#include "kernels/generic/math.h"
#include "kernels/generic/shape.h"
#include "kernels/kernels.h"
#include "kernels/preconditions.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// kRows rows from row0 on, kRegs registers of each from column `column` on. Rows that select experts come alone.
template <class Arch, std::size_t kRows, std::size_t kRegs>
inline void mix_tile(const MixArgs& args, std::size_t row0, std::size_t column) {
  using B = Reg<Arch>;
  const float* weights = args.weights + row0 * args.weights_stride;
  const std::uint16_t* selected = kRows == 1 && args.selected ? args.selected + row0 * args.num_weights : nullptr;
  const std::size_t num_weights = kRows == 1 && args.counts ? args.counts[row0] : args.num_weights;
  B sum[kRows][kRegs];
  const auto add = [&](std::size_t j, bool is_first) {
    const ExpertOutput& expert = args.experts[selected ? selected[j] : j];
    const float* data = expert.data + row0 * expert.stride + column;
    MMOE_UNROLL
    for (std::size_t m = 0; m < kRows; ++m) {
      const B weight(weights[m * args.weights_stride + j]);
      MMOE_UNROLL
      for (std::size_t r = 0; r < kRegs; ++r) {
        const B value = B::load_unaligned(data + m * expert.stride + r * B::size);
        sum[m][r] = is_first ? weight * value : multiply_add<Arch>(weight, value, sum[m][r]);
      }
    }
  };
  add(0, true);
  for (std::size_t j = 1; j < num_weights; ++j) add(j, false);
  MMOE_UNROLL
  for (std::size_t m = 0; m < kRows; ++m) {
    float* output = args.output + (row0 + m) * args.output_stride + column;
    MMOE_UNROLL
    for (std::size_t r = 0; r < kRegs; ++r) sum[m][r].store_unaligned(output + r * B::size);
  }
}

/// Wide outputs by several registers of two rows, so that few loads serve many fma; narrow ones by more rows.
template <class Arch, std::size_t kRows>
inline void mix_columns(const MixArgs& args, std::size_t row0) {
  constexpr std::size_t kLanes = Reg<Arch>::size;
  constexpr std::size_t kWideRows = kRows > 2 ? 2 : kRows;
  std::size_t column = 0;
  for (; column + 4 * kLanes <= args.dim; column += 4 * kLanes) {
    for (std::size_t m = 0; m < kRows; m += kWideRows) mix_tile<Arch, kWideRows, 4>(args, row0 + m, column);
  }
  for (; column < args.dim; column += kLanes) mix_tile<Arch, kRows, 1>(args, row0, column);
}

template <class Arch>
void mix_experts(const MixArgs& args) {
  MMOE_REQUIRE(args);
  std::size_t row = 0;
  for (; !args.selected && row + 4 <= args.num_rows; row += 4) mix_columns<Arch, 4>(args, row);
  for (; row < args.num_rows; ++row) mix_columns<Arch, 1>(args, row);
}

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
