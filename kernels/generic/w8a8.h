// The product of W8A8: rows are rounded to bytes once, then tiles of rows x panels sum products of bytes, which is
// exact in any order. Traits<Arch>::Dots says how a set multiplies bytes:
//
//   Int, kSums                an integer register, and how many of them hold a row's sums of a panel
//   kAccumulators, kMaxRows   registers of sums in a tile, and its rows
//   kHasPositive              whether D::OfPositive is faster, for rows without negative inputs, as relu leaves them
//   kFlip                     rows are stored as q ^ kFlip
//   kQuads                    quads that are multiplied at once; also one alone, with kWhole false
//   kRowsAtOnce               rows whose sums share registers, 1 or 2; a single row has the sums of D::OfOneRow
//   kRowsFirst                whether registers of rows wait for weights, or those of weights for rows
//   start(row_sums)           what a register's sums begin with
//   Weights, load<kWhole>(quad)       what a register's sums need of the weights
//   Input, broadcast<kWhole>(quad...)    a row's quad in every lane, or what add() takes instead; of each row at once
//   add<kWhole>(sum, weights, input)
//   store(sum, floats...)     a register's sums as floats, of each row at once
//
// Registers are passed one by one: sums whose address is taken would live in memory.
#pragma once

#include "kernels/generic/dots.h"
#include "kernels/generic/shape.h"
#include "kernels/w8a8.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

template <class D, bool kOneRow>
struct DotsOrOfOneRow {
  using Type = D;
};
template <class D>
struct DotsOrOfOneRow<D, true> {
  using Type = typename D::OfOneRow;
};

/// Of tiles of so many rows.
template <class Arch, std::size_t kRows = 64>
using Dots = typename DotsOrOfOneRow<typename Traits<Arch>::Dots, (kRows < Traits<Arch>::Dots::kRowsAtOnce)>::Type;

/// Where a part's results go on from, and whether they are the last.
struct W8A8Range {
  W8A8Part part;
  bool first, last;
};

/// A row's sums become outputs: float(sum) * (scale of the row * scale of the output) + what was there.
template <class Arch, std::size_t kPanels>
inline void finish_row(const DenseArgs& args, const W8A8Range& range, std::size_t i, std::size_t panel0,
                       const float* sum) {
  using B = Reg<Arch>;
  constexpr std::size_t kRegs = kPanelWidth / B::size;
  float* output = args.output + (args.rows ? args.rows[i] : i) * args.output_stride;
  const float* start = range.first ? args.start : output;
  const B scale(row_scale(args, i, range.part));
  const std::size_t num_relu = range.last && args.activation == Activation::kRelu ? args.num_activated : 0;
  MMOE_UNROLL
  for (std::size_t p = 0; p < kPanels; ++p) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kRegs; ++r) {
      const std::size_t column = (panel0 + p) * kPanelWidth + r * B::size;
      B y = B::load_unaligned(start + column);
      if (range.part.num_inputs != 0)
        y = B::load_unaligned(sum + p * kPanelWidth + r * B::size) * (scale * B::load_unaligned(args.scales + column)) +
            y;
      if (panel0 + p < num_relu) y = select(y < B(0.0f), B(0.0f), y);
      y.store_unaligned(output + column);
    }
  }
}

/// Quads of the rows from `rows` on.
template <class D, bool kWhole>
MMOE_INLINE typename D::Input broadcast(const std::int8_t* const* rows, std::size_t q) {
  if constexpr (D::kRowsAtOnce == 2) {
    return D::template broadcast<kWhole>(rows[0] + 4 * q, rows[1] + 4 * q);
  } else {
    return D::template broadcast<kWhole>(rows[0] + 4 * q);
  }
}

/// D::kQuads quads of a tile; one, if not kWhole.
template <class D, bool kWhole, std::size_t kRows, std::size_t kGroups, std::size_t kSums>
MMOE_INLINE void add_quads(const std::int8_t* weights, std::size_t panel_stride,
                           const std::int8_t* const (&input)[kRows], std::size_t q,
                           typename D::Int (&sum)[kGroups][kSums]) {
  constexpr std::size_t kBytes = kQuadBytes / D::kSums;
  const auto at = [&](std::size_t r) { return weights + r / D::kSums * panel_stride + r % D::kSums * kBytes; };
  if constexpr (D::kRowsFirst) {
    typename D::Input x[kGroups];
    MMOE_UNROLL
    for (std::size_t m = 0; m < kGroups; ++m) x[m] = broadcast<D, kWhole>(input + m * D::kRowsAtOnce, q);
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) {
      const typename D::Weights w = D::template load<kWhole>(at(r));
      MMOE_UNROLL
      for (std::size_t m = 0; m < kGroups; ++m) sum[m][r] = D::template add<kWhole>(sum[m][r], w, x[m]);
    }
  } else {
    typename D::Weights w[kSums];
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) w[r] = D::template load<kWhole>(at(r));
    MMOE_UNROLL
    for (std::size_t m = 0; m < kGroups; ++m) {
      const typename D::Input x = broadcast<D, kWhole>(input + m * D::kRowsAtOnce, q);
      MMOE_UNROLL
      for (std::size_t r = 0; r < kSums; ++r) sum[m][r] = D::template add<kWhole>(sum[m][r], w[r], x);
    }
  }
}

template <class Arch, class D, std::size_t kRows, std::size_t kPanels>
MMOE_NOINLINE void w8a8_tile(const DenseArgs& args, std::size_t row0, std::size_t panel0, const W8A8Range& range) {
  constexpr std::size_t kSums = kPanels * D::kSums;
  constexpr std::size_t kGroups = kRows / D::kRowsAtOnce;
  const W8A8Part& part = range.part;
  const std::int8_t* input[kRows];
  typename D::Int sum[kGroups][kSums];
  MMOE_UNROLL
  for (std::size_t m = 0; m < kRows; ++m) input[m] = row_quads(args, row0 + m, part);
  MMOE_UNROLL
  for (std::size_t m = 0; m < kGroups; ++m) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) {
      sum[m][r] = D::start(part.row_sums + panel0 * kPanelWidth + r * (kPanelWidth / D::kSums));
    }
  }
  const std::int8_t* weights =
      static_cast<const std::int8_t*>(args.weights) + panel0 * args.panel_stride + part.first_quad * kQuadBytes;
  std::size_t q = 0;
  for (; q + D::kQuads <= part.num_quads; q += D::kQuads) {
    add_quads<D, true>(weights + q * kQuadBytes, args.panel_stride, input, q, sum);
  }
  if constexpr (D::kQuads > 1) {
    for (; q < part.num_quads; ++q) {
      add_quads<D, false>(weights + q * kQuadBytes, args.panel_stride, input, q, sum);
    }
  }
  // All at once: a larger body is not unrolled early enough for the sums to stay in registers.
  float floats[kRows][kPanels * kPanelWidth];
  MMOE_UNROLL
  for (std::size_t m = 0; m < kGroups; ++m) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kSums; ++r) {
      const std::size_t column = r * (kPanelWidth / D::kSums);
      if constexpr (D::kRowsAtOnce == 2) {
        D::store(sum[m][r], floats[2 * m] + column, floats[2 * m + 1] + column);
      } else {
        D::store(sum[m][r], floats[m] + column);
      }
    }
  }
  for (std::size_t m = 0; m < kRows; ++m) finish_row<Arch, kPanels>(args, range, row0 + m, panel0, floats[m]);
}

/// Of a row's part: whether none of its rounded inputs is negative. Lies behind the scales.
inline std::uint8_t& is_positive(const DenseArgs& args, std::size_t i, const W8A8Part& part) {
  return room_of_row(args, i)[2 * sizeof(float) + part.index];
}

inline void find_positive_rows(const DenseArgs& args) {
  for (std::size_t i = 0; i < args.num_rows; ++i) {
    for (std::size_t p = 0; p < num_parts(args); ++p) {
      const W8A8Part part = w8a8_part(args, p);
      const std::int8_t* quads = row_quads(args, i, part);
      std::int8_t all = 0;
      for (std::size_t k = 0; k < 4 * part.num_quads; ++k) all = static_cast<std::int8_t>(all | quads[k]);
      is_positive(args, i, part) = all >= 0;
    }
  }
}

template <class Arch, std::size_t kRows, std::size_t kPanels>
inline void w8a8_any_tile(const DenseArgs& args, std::size_t row0, std::size_t panel0, const W8A8Range& range) {
  using D = Dots<Arch, kRows>;
  if constexpr (D::kHasPositive && !kForSize) {
    bool positive = true;
    for (std::size_t m = 0; m < kRows; ++m) positive = positive && is_positive(args, row0 + m, range.part);
    if (positive) return w8a8_tile<Arch, typename D::OfPositive, kRows, kPanels>(args, row0, panel0, range);
  }
  w8a8_tile<Arch, D, kRows, kPanels>(args, row0, panel0, range);
}

/// Rows of the next smaller tile: fewer shapes than the f32 kernel's, for its size.
template <class Arch>
constexpr std::size_t fewer_w8a8_rows(std::size_t rows) {
  return rows > 4 ? rows / 2 / Dots<Arch>::kRowsAtOnce * Dots<Arch>::kRowsAtOnce : 1;
}

template <class Arch, std::size_t kRows, std::size_t kPanels>
inline void w8a8_rows(const DenseArgs& args, std::size_t row0, std::size_t panel0, const W8A8Range& range) {
  for (; row0 + kRows <= args.num_rows; row0 += kRows) w8a8_any_tile<Arch, kRows, kPanels>(args, row0, panel0, range);
  if constexpr (kRows > 1) {
    if (row0 < args.num_rows) w8a8_rows<Arch, fewer_w8a8_rows<Arch>(kRows), kPanels>(args, row0, panel0, range);
  }
}

template <class Arch, std::size_t kRows, std::size_t kPanels>
inline void w8a8_panels(const DenseArgs& args, std::size_t panel0) {
  const std::size_t parts = num_parts(args);
  for (std::size_t p = 0; p < parts; ++p) {
    w8a8_rows<Arch, kRows, kPanels>(args, 0, panel0, {w8a8_part(args, p), p == 0, p + 1 == parts});
  }
}

template <class Arch, std::size_t kRows, std::size_t kPanels>
inline void w8a8_at_most(const DenseArgs& args, std::size_t panel0, std::size_t panels) {
  if (panels == kPanels) {
    w8a8_panels<Arch, kRows, kPanels>(args, panel0);
  } else if constexpr (kPanels > 1) {
    w8a8_at_most<Arch, kRows, kPanels - 1>(args, panel0, panels);
  }
}

/// Panels that a tile of so many rows spans.
template <class Arch>
constexpr std::size_t w8a8_panels_of(std::size_t rows) {
  const std::size_t fit = Dots<Arch>::kAccumulators / (rows * Dots<Arch>::kSums);
  return fit == 0 ? 1 : fit > 4 ? 4 : fit;
}

template <class Arch, std::size_t kRows>
inline void w8a8_for_rows(const DenseArgs& args) {
  if constexpr (kRows > 1) {
    if (args.num_rows < kRows) return w8a8_for_rows<Arch, fewer_w8a8_rows<Arch>(kRows)>(args);
  }
  constexpr std::size_t kWidest = w8a8_panels_of<Arch>(kRows);
  for (std::size_t done = 0; done < args.num_panels;) {
    const std::size_t left = args.num_panels - done;
    const std::size_t panels = left < kWidest ? left : kWidest;
    done += panels;
    w8a8_at_most<Arch, kRows, kWidest>(args, args.backwards ? args.num_panels - done : done - panels, panels);
  }
}

/// Without activations other than relu.
template <class Arch>
MMOE_NOINLINE void multiply_w8a8(const DenseArgs& args) {
  round_rows(args, Dots<Arch>::kFlip);
  if constexpr (Dots<Arch>::kHasPositive && !kForSize) find_positive_rows(args);
  w8a8_for_rows<Arch, Dots<Arch>::kMaxRows>(args);
}

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
