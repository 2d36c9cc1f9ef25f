// The dense kernel: tiles of rows x panels, each output one accumulator that runs over the inputs in ascending
// order (the numerics contract), so that tile shape, row count and row position change no bit.
#pragma once

#include <type_traits>

#include "kernels/generic/activation.h"
#include "kernels/generic/lanes.h"
#include "kernels/generic/shape.h"
#include "kernels/generic/w8a8.h"
#include "kernels/generic/widen.h"
#include "kernels/kernels.h"
#include "kernels/preconditions.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// A part of a product's inputs. Between parts the accumulators rest in the output.
struct InputRange {
  std::size_t begin;
  std::size_t end;
  bool first;  ///< start from the bias, not from the output
  bool last;   ///< apply scales and relu
};

/// The block of weights that comes next, which the tiles over the present one fetch line by line: where weights come
/// from beyond the L2 cache, the first tile of a block would wait for all of it.
template <class Weight>
struct NextBlock {
  const Weight* weights = nullptr;
  std::size_t num_panels = 0;
  unsigned shift = 0;  ///< a tile fetches 1 / 2^shift of a panel's part

  /// The line that the tile-th tile fetches first; the others lie step() bytes further each.
  const char* line(std::size_t tile, std::size_t panel_stride, std::size_t num_inputs) const {
    const std::size_t panel = tile >> shift;
    if (panel >= num_panels) return nullptr;
    const std::size_t part = tile & ((std::size_t{1} << shift) - 1);
    return reinterpret_cast<const char*>(weights + panel * panel_stride) + part * num_inputs * step();
  }
  std::size_t step() const { return std::size_t{kPanelWidth * sizeof(Weight)} >> shift; }
};

template <class Stored>
inline const typename Stored::Type* weights_of(const DenseArgs& args) {
  return static_cast<const typename Stored::Type*>(args.weights);
}

/// What a row's sums begin with: what the inputs before have left, or args.start.
template <class Arch, class Stored, std::size_t kCount>
inline void start_sums(const DenseArgs& args, const InputRange& range, std::size_t panel0, const float* output,
                       Reg<Arch> (&sum)[kCount]) {
  using B = Reg<Arch>;
  if (std::is_same<Stored, I8>::value && range.first && !args.start) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kCount; ++r) sum[r] = B(0.0f);
    return;
  }
  const float* start = range.first ? args.start + panel0 * kPanelWidth : output;
  MMOE_UNROLL
  for (std::size_t r = 0; r < kCount; ++r) sum[r] = B::load_unaligned(start + r * B::size);
}

/// sum * scale + bias, not fused.
template <class Arch, std::size_t kRows, std::size_t kCount>
inline void scale_sums(const DenseArgs& args, std::size_t panel0, Reg<Arch> (&sum)[kRows][kCount]) {
  using B = Reg<Arch>;
  MMOE_UNROLL
  for (std::size_t r = 0; r < kCount; ++r) {
    const std::size_t column = panel0 * kPanelWidth + r * B::size;
    const B scale = B::load_unaligned(args.scales + column);
    const B bias = B::load_unaligned(args.bias + column);
    MMOE_UNROLL
    for (std::size_t m = 0; m < kRows; ++m) sum[m][r] = sum[m][r] * scale + bias;
  }
}

/// kRows rows, starting with the row0-th, times kPanels panels starting with panel0. `ahead`: a line of NextBlock.
template <class Arch, class Stored, std::size_t kRows, std::size_t kPanels, bool kFetch = false>
MMOE_NOINLINE void dense_tile(const DenseArgs& args, std::size_t row0, std::size_t panel0, const InputRange& range,
                              const char* ahead = nullptr, std::size_t ahead_step = 0) {
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
    start_sums<Arch, Stored>(args, range, panel0, output[m], sum[m]);
  }
  const auto* weights = weights_of<Stored>(args) + panel0 * args.panel_stride;
  std::size_t k = range.begin;
  if constexpr (std::is_same<Stored, F32>::value && kByLane<Arch, kRows>) {
    k = multiply_add_fours<Arch, kFetch>(input, weights, args.panel_stride, k, range.end, sum, ahead, ahead_step);
  }
  for (; k < range.end; ++k) {
    if constexpr (kFetch) {
      __builtin_prefetch(ahead, 0, 2);
      ahead += ahead_step;
    }
    B w[kPanels * kRegs];
    MMOE_UNROLL
    for (std::size_t p = 0; p < kPanels; ++p) {
      Widen<Arch>::panel_row(Stored{}, weights + p * args.panel_stride + k * kPanelWidth, w + p * kRegs);
    }
    MMOE_UNROLL
    for (std::size_t m = 0; m < kRows; ++m) {
      const B x(input[m][k]);
      MMOE_UNROLL
      for (std::size_t r = 0; r < kPanels * kRegs; ++r) sum[m][r] = multiply_add<Arch>(x, w[r], sum[m][r]);
    }
  }
  if constexpr (std::is_same<Stored, I8>::value) {
    if (range.last && args.scales) scale_sums<Arch>(args, panel0, sum);
  }
  const std::size_t num_relu = range.last && args.activation == Activation::kRelu ? args.num_activated : 0;
  MMOE_UNROLL
  for (std::size_t p = 0; p < kPanels; ++p) {
    const bool relu = panel0 + p < num_relu;
    MMOE_UNROLL
    for (std::size_t m = 0; m < kRows; ++m) {
      MMOE_UNROLL
      for (std::size_t r = p * kRegs; r < (p + 1) * kRegs; ++r) {
        const B y = relu ? select(sum[m][r] < B(0.0f), B(0.0f), sum[m][r]) : sum[m][r];
        y.store_unaligned(output[m] + r * kLanes);
      }
    }
  }
}

constexpr std::size_t fewer_rows(std::size_t rows) { return rows > 4 ? 4 : rows > 2 ? 2 : 1; }

/// Whether tiles of kRows rows take the next one of `left` rows. Not of the last eight or nine where a panel row is two
/// registers, as in AVX2: six would leave two or three, whose few chains of fma wait for each other. Two tiles of four
/// have as many chains as the units take.
template <class Arch, std::size_t kRows>
constexpr bool takes(std::size_t left) {
  const bool as_fours = kRows == 6 && Shape<Arch>::kRegs == 2 && (left == 8 || left == 9);
  return left >= kRows && !as_fours;
}

/// All rows from row0 on, kRows at a time, then the rest with smaller tiles, while the panels are in cache.
template <class Arch, class Stored, std::size_t kRows, std::size_t kPanels>
inline void dense_rows(const DenseArgs& args, std::size_t row0, std::size_t panel0, const InputRange& range) {
  for (; takes<Arch, kRows>(args.num_rows - row0); row0 += kRows)
    dense_tile<Arch, Stored, kRows, kPanels>(args, row0, panel0, range);
  if constexpr (kRows > 1) {
    if (row0 < args.num_rows) dense_rows<Arch, Stored, fewer_rows(kRows), kPanels>(args, row0, panel0, range);
  }
}

/// The first rows, whose tiles fetch the next block meanwhile. Returns how many.
template <class Arch, class Stored, std::size_t kRows, std::size_t kPanels>
inline std::size_t dense_fetching_rows(const DenseArgs& args, std::size_t panel0, const InputRange& range,
                                       const NextBlock<typename Stored::Type>& next) {
  const std::size_t num_inputs = range.end - range.begin;
  std::size_t row0 = 0;
  for (; takes<Arch, kRows>(args.num_rows - row0); row0 += kRows) {
    const char* ahead = next.line(row0 / kRows, args.panel_stride, num_inputs);
    if (!ahead) break;
    dense_tile<Arch, Stored, kRows, kPanels, true>(args, row0, panel0, range, ahead, next.step());
  }
  return row0;
}

/// The next inputs of the same panels, or the first of the next panels.
template <class Stored, std::size_t kRows, std::size_t kPanels>
inline NextBlock<typename Stored::Type> next_block(const DenseArgs& args, std::size_t panel0, const InputRange& range) {
  NextBlock<typename Stored::Type> next;
  if (!range.last) {
    next.weights = weights_of<Stored>(args) + panel0 * args.panel_stride + range.end * kPanelWidth;
    next.num_panels = kPanels;
  } else {
    next.weights = weights_of<Stored>(args) + (panel0 + kPanels) * args.panel_stride;
    next.num_panels = args.num_panels - panel0 - kPanels < kPanels ? args.num_panels - panel0 - kPanels : kPanels;
  }
  for (std::size_t tiles = args.num_rows / kRows; tiles >= 2 * kPanels && next.shift < 4; tiles /= 2) ++next.shift;
  return next;
}

/// All rows of kPanels panels. What several tiles pass over stays in L1 for them: a block of inputs at a time.
template <class Arch, class Stored, std::size_t kRows, std::size_t kPanels>
inline void dense_panels(const DenseArgs& args, std::size_t panel0) {
  constexpr std::size_t kBlockInputs =
      Shape<Arch>::kBlockBytes / (kPanels * kPanelWidth * sizeof(typename Stored::Type));
  constexpr bool kMayFetch =
      Shape<Arch>::kFetches && kRows == Shape<Arch>::kMaxRows && kPanels == Shape<Arch>::panels(kRows);
  std::size_t begin = 0;
  do {
    const std::size_t left = args.num_inputs - begin;
    const bool last = args.num_rows <= kRows || left <= kBlockInputs + kBlockInputs / 2;
    const InputRange range{begin, last ? args.num_inputs : begin + kBlockInputs, begin == 0, last};
    std::size_t row0 = 0;
    if constexpr (kMayFetch) {
      if (args.num_rows >= 2 * kRows &&
          args.num_panels * args.panel_stride * sizeof(typename Stored::Type) >= Shape<Arch>::kFetchBytes) {
        const auto next = next_block<Stored, kRows, kPanels>(args, panel0, range);
        row0 = dense_fetching_rows<Arch, Stored, kRows, kPanels>(args, panel0, range, next);
      }
    }
    dense_rows<Arch, Stored, kRows, kPanels>(args, row0, panel0, range);
    begin = range.end;
  } while (begin < args.num_inputs);
}

template <class Arch, class Stored, std::size_t kRows, std::size_t kPanels>
inline void dense_at_most(const DenseArgs& args, std::size_t panel0, std::size_t panels) {
  if (panels == kPanels) {
    dense_panels<Arch, Stored, kRows, kPanels>(args, panel0);
  } else if constexpr (kPanels > 1) {
    dense_at_most<Arch, Stored, kRows, kPanels - 1>(args, panel0, panels);
  }
}

/// The whole product with tiles of kRows rows, as few tiles wide as possible and all about equally wide, because a
/// narrow one waits for its few chains of fma: nine panels are 9 or 5 + 4, not 8 + 1.
template <class Arch, class Stored, std::size_t kRows>
inline void dense_product(const DenseArgs& args) {
  constexpr std::size_t kWidest = Shape<Arch>::panels(kRows);
  std::size_t done = 0;
  for (std::size_t tiles = (args.num_panels + kWidest - 1) / kWidest; tiles > 0; --tiles) {
    const std::size_t panels = (args.num_panels - done + tiles - 1) / tiles;
    done += panels;
    dense_at_most<Arch, Stored, kRows, kWidest>(args, args.backwards ? args.num_panels - done : done - panels, panels);
  }
}

/// With the largest tile that the rows fill.
template <class Arch, class Stored, std::size_t kRows>
inline void dense_for_rows(const DenseArgs& args) {
  if constexpr (kRows > 1) {
    if (args.num_rows < kRows) return dense_for_rows<Arch, Stored, fewer_rows(kRows)>(args);
  }
  dense_product<Arch, Stored, kRows>(args);
}

/// relu is done on the way out of the registers; the others in a second pass over rows that are still in L1.
template <class Arch>
inline void activate_rows(const DenseArgs& args) {
  for (std::size_t i = 0; i < args.num_rows; ++i) {
    float* output = args.output + (args.rows ? args.rows[i] : i) * args.output_stride;
    if (args.activation == Activation::kPRelu) {
      prelu<Arch>(args.slopes, output, args.num_activated * kPanelWidth);
    } else {
      activate<Arch>(args.activation, args.alpha, args.beta, output, args.num_activated * kPanelWidth);
    }
  }
}

template <class Arch>
void dense(const DenseArgs& args) {
  MMOE_REQUIRE(args);
  if (kHasW8A8 && args.type == WeightType::kW8A8) {
    if constexpr (kHasW8A8) multiply_w8a8<Arch>(args);
  } else {
    with_weights(args.type,
                 [&args](auto stored) { dense_for_rows<Arch, decltype(stored), Shape<Arch>::kMaxRows>(args); });
  }
  if (args.activation != Activation::kIdentity && args.activation != Activation::kRelu) activate_rows<Arch>(args);
}

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
