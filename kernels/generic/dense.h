// The dense kernel: tiles of rows x panels, each output one accumulator that runs over the inputs in ascending
// order (the numerics contract), so that tile shape, row count and row position change no bit.
#pragma once

#include "kernels/generic/activation.h"
#include "kernels/generic/shape.h"
#include "kernels/kernels.h"

namespace mmoe::kernels {

/// A part of a product's inputs. Between parts the accumulators rest in the output.
struct InputRange {
  std::size_t begin;
  std::size_t end;
  bool first;  ///< start from the bias, not from the output
  bool last;   ///< apply relu
};

/// kRows rows, starting with the row0-th, times kPanels panels starting with panel0.
template <class Arch, std::size_t kRows, std::size_t kPanels>
inline void dense_tile(const DenseArgs& args, std::size_t row0, std::size_t panel0, const InputRange& range) {
  using B = Reg<Arch>;
  constexpr std::size_t kLanes = Shape<Arch>::kLanes;
  constexpr std::size_t kRegs = Shape<Arch>::kRegs;
  const float* input[kRows];
  float* output[kRows];
  B sum[kRows][kPanels * kRegs];

  MMOE_UNROLL
  for (std::size_t m = 0; m < kRows; ++m) {
    const std::size_t row = args.rows ? args.rows[row0 + m] : row0 + m;
    input[m] = args.input + row * args.input_stride;
    output[m] = args.output + row * args.output_stride + panel0 * kPanelWidth;
    const float* start = range.first ? args.bias + panel0 * kPanelWidth : output[m];
    MMOE_UNROLL
    for (std::size_t r = 0; r < kPanels * kRegs; ++r) sum[m][r] = B::load_unaligned(start + r * kLanes);
  }
  const float* weights = args.weights + panel0 * args.panel_stride;
  for (std::size_t k = range.begin; k < range.end; ++k) {
    B w[kPanels * kRegs];
    MMOE_UNROLL
    for (std::size_t p = 0; p < kPanels; ++p) {
      MMOE_UNROLL
      for (std::size_t r = 0; r < kRegs; ++r) {
        w[p * kRegs + r] = B::load_unaligned(weights + p * args.panel_stride + k * kPanelWidth + r * kLanes);
      }
    }
    MMOE_UNROLL
    for (std::size_t m = 0; m < kRows; ++m) {
      const B x(input[m][k]);
      MMOE_UNROLL
      for (std::size_t r = 0; r < kPanels * kRegs; ++r) sum[m][r] = multiply_add<Arch>(x, w[r], sum[m][r]);
    }
  }
  const std::size_t num_relu = range.last && args.activation == Activation::kRelu ? args.num_activated : 0;
  MMOE_UNROLL
  for (std::size_t p = 0; p < kPanels; ++p) {
    const bool relu = panel0 + p < num_relu;
    MMOE_UNROLL
    for (std::size_t m = 0; m < kRows; ++m) {
      MMOE_UNROLL
      for (std::size_t r = p * kRegs; r < (p + 1) * kRegs; ++r) {
        const B y = relu ? xsimd::select(sum[m][r] < B(0.0f), B(0.0f), sum[m][r]) : sum[m][r];
        y.store_unaligned(output[m] + r * kLanes);
      }
    }
  }
}

/// Few rows: all panels of kRows rows from panel0 on, kPanels at a time, then the rest with narrower tiles.
template <class Arch, std::size_t kRows, std::size_t kPanels>
inline void dense_panels(const DenseArgs& args, std::size_t row0, std::size_t panel0) {
  const InputRange all{0, args.num_inputs, true, true};
  for (; panel0 + kPanels <= args.num_panels; panel0 += kPanels) {
    dense_tile<Arch, kRows, kPanels>(args, row0, panel0, all);
  }
  if constexpr (kPanels > 1) {
    if (panel0 < args.num_panels) dense_panels<Arch, kRows, Shape<Arch>::fewer(kPanels)>(args, row0, panel0);
  }
}

/// Few rows: all from row0 on, kRows at a time, then the rest with smaller tiles.
template <class Arch, std::size_t kRows>
inline void dense_rows(const DenseArgs& args, std::size_t row0) {
  constexpr std::size_t kPanels = Shape<Arch>::panels(kRows);
  for (; row0 + kRows <= args.num_rows; row0 += kRows) dense_panels<Arch, kRows, kPanels>(args, row0, 0);
  if constexpr (kRows > 1) {
    constexpr std::size_t kNext = kRows > 4 ? 4 : kRows > 2 ? 2 : 1;
    if (row0 < args.num_rows) dense_rows<Arch, kNext>(args, row0);
  }
}

/// Many rows: num_rows of them, a multiple of the largest tile's. A block of kPanels panels x kBlockInputs inputs
/// stays in L1 for all of them; each panel is read from farther away once.
template <class Arch, std::size_t kPanels>
inline void dense_blocks(const DenseArgs& args, std::size_t num_rows, std::size_t panel0) {
  constexpr std::size_t kRows = Shape<Arch>::kMaxRows;
  constexpr std::size_t kBlockInputs = Shape<Arch>::kBlockBytes / (kPanels * kPanelWidth * sizeof(float));
  for (; panel0 + kPanels <= args.num_panels; panel0 += kPanels) {
    std::size_t begin = 0;
    do {
      const bool last = args.num_inputs - begin <= kBlockInputs + kBlockInputs / 2;
      const std::size_t end = last ? args.num_inputs : begin + kBlockInputs;
      const InputRange range{begin, end, begin == 0, last};
      for (std::size_t row = 0; row < num_rows; row += kRows) {
        dense_tile<Arch, kRows, kPanels>(args, row, panel0, range);
      }
      begin = end;
    } while (begin < args.num_inputs);
  }
  if constexpr (kPanels > 1) {
    if (panel0 < args.num_panels) dense_blocks<Arch, Shape<Arch>::fewer(kPanels)>(args, num_rows, panel0);
  }
}

/// relu is done on the way out of the registers; the others in a second pass over rows that are still in L1.
template <class Arch>
inline void activate_rows(const DenseArgs& args) {
  for (std::size_t i = 0; i < args.num_rows; ++i) {
    float* output = args.output + (args.rows ? args.rows[i] : i) * args.output_stride;
    if (args.activation == Activation::kPRelu) {
      prelu<Arch>(args.slopes, output, args.num_activated * kPanelWidth);
    } else {
      activate<Arch>(args.activation, args.alpha, output, args.num_activated * kPanelWidth);
    }
  }
}

template <class Arch>
void dense(const DenseArgs& args) {
  constexpr std::size_t kMaxRows = Shape<Arch>::kMaxRows;
  const std::size_t whole = args.num_rows / kMaxRows * kMaxRows;
  if (whole != 0) dense_blocks<Arch, Shape<Arch>::panels(kMaxRows)>(args, whole, 0);
  if (whole < args.num_rows) dense_rows<Arch, (kMaxRows > 4 ? 4 : 2)>(args, whole);
  if (args.activation != Activation::kIdentity && args.activation != Activation::kRelu) activate_rows<Arch>(args);
}

}  // namespace mmoe::kernels
