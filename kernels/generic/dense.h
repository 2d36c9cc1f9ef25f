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

constexpr std::size_t fewer_rows(std::size_t rows) { return rows > 4 ? 4 : rows > 2 ? 2 : 1; }

/// All rows from row0 on, kRows at a time, then the rest with smaller tiles, while the panels are in cache.
template <class Arch, std::size_t kRows, std::size_t kPanels>
inline void dense_rows(const DenseArgs& args, std::size_t row0, std::size_t panel0, const InputRange& range) {
  for (; row0 + kRows <= args.num_rows; row0 += kRows) dense_tile<Arch, kRows, kPanels>(args, row0, panel0, range);
  if constexpr (kRows > 1) {
    if (row0 < args.num_rows) dense_rows<Arch, fewer_rows(kRows), kPanels>(args, row0, panel0, range);
  }
}

/// All rows of kPanels panels. What several tiles pass over stays in L1 for them: a block of inputs at a time.
template <class Arch, std::size_t kRows, std::size_t kPanels>
inline void dense_panels(const DenseArgs& args, std::size_t panel0) {
  constexpr std::size_t kBlockInputs = Shape<Arch>::kBlockBytes / (kPanels * kPanelWidth * sizeof(float));
  std::size_t begin = 0;
  do {
    const std::size_t left = args.num_inputs - begin;
    const bool last = args.num_rows <= kRows || left <= kBlockInputs + kBlockInputs / 2;
    const std::size_t end = last ? args.num_inputs : begin + kBlockInputs;
    dense_rows<Arch, kRows, kPanels>(args, 0, panel0, {begin, end, begin == 0, last});
    begin = end;
  } while (begin < args.num_inputs);
}

template <class Arch, std::size_t kRows, std::size_t kPanels>
inline void dense_at_most(const DenseArgs& args, std::size_t panel0, std::size_t panels) {
  if (panels == kPanels) {
    dense_panels<Arch, kRows, kPanels>(args, panel0);
  } else if constexpr (kPanels > 1) {
    dense_at_most<Arch, kRows, kPanels - 1>(args, panel0, panels);
  }
}

/// The whole product with tiles of kRows rows, as few tiles wide as possible and all about equally wide, because a
/// narrow one waits for its few chains of fma: nine panels are 9 or 5 + 4, not 8 + 1.
template <class Arch, std::size_t kRows>
inline void dense_product(const DenseArgs& args) {
  constexpr std::size_t kWidest = Shape<Arch>::panels(kRows);
  std::size_t panel0 = 0;
  for (std::size_t tiles = (args.num_panels + kWidest - 1) / kWidest; tiles > 0; --tiles) {
    const std::size_t panels = (args.num_panels - panel0 + tiles - 1) / tiles;
    dense_at_most<Arch, kRows, kWidest>(args, panel0, panels);
    panel0 += panels;
  }
}

/// With the largest tile that the rows fill.
template <class Arch, std::size_t kRows>
inline void dense_for_rows(const DenseArgs& args) {
  if constexpr (kRows > 1) {
    if (args.num_rows < kRows) return dense_for_rows<Arch, fewer_rows(kRows)>(args);
  }
  dense_product<Arch, kRows>(args);
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
  dense_for_rows<Arch, Shape<Arch>::kMaxRows>(args);
  if (args.activation != Activation::kIdentity && args.activation != Activation::kRelu) activate_rows<Arch>(args);
}

}  // namespace mmoe::kernels
