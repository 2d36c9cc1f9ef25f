// From raw feature values to the columns of x, and the check that x is finite.
#pragma once

#include <type_traits>

#include "kernels/generic/math.h"
#include "kernels/generic/shape.h"
#include "kernels/generic/widen.h"
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

/// A row of numbers.
template <class Arch, class Stored>
struct PlainRow {
  using Type = typename Stored::Type;
  using B = Reg<Arch>;

  PlainRow(const void* table, std::size_t width, std::size_t id) : data(static_cast<const Type*>(table) + id * width) {}

  /// 16 elements from the d-th on.
  void read(std::size_t d, B* to) const { Widen<Arch>::panel_row(Stored{}, data + d, to); }

  /// `count` elements of fewer than 16, by way of a copy, so that nothing behind the row is read.
  void read_part(std::size_t d, std::size_t count, float* to) const {
    Type part[kPanelWidth] = {};
    for (std::size_t i = 0; i < count; ++i) part[i] = data[d + i];
    B registers[kPanelWidth / B::size];
    Widen<Arch>::panel_row(Stored{}, part, registers);
    float numbers[kPanelWidth];
    for (std::size_t r = 0; r < kPanelWidth / B::size; ++r) registers[r].store_unaligned(numbers + r * B::size);
    for (std::size_t i = 0; i < count; ++i) to[i] = numbers[i];
  }

  const Type* data;
};

/// 16 codes of 4 bits, a byte each. Four bytes spread over eight: by twos, by ones, by halves.
inline void spread_codes(const std::uint8_t* from, std::uint8_t (&to)[kPanelWidth]) {
  std::uint32_t bytes[2];
  __builtin_memcpy(bytes, from, sizeof bytes);
  MMOE_UNROLL
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t spread = bytes[half];
    spread = (spread | spread << 16) & 0x0000ffff0000ffff;
    spread = (spread | spread << 8) & 0x00ff00ff00ff00ff;
    spread = (spread | spread << 4) & 0x0f0f0f0f0f0f0f0f;
    __builtin_memcpy(to + 8 * half, &spread, sizeof spread);
  }
}

/// A row of codes with its scale and bias.
template <class Arch, TableType kType>
struct CodesRow {
  using B = Reg<Arch>;

  CodesRow(const void* table, std::size_t width, std::size_t id) : row(coded_row(kType, table, width, id)) {}

  void read(std::size_t d, B* to) const {
    if constexpr (kType == TableType::kU4) {
      std::uint8_t codes[kPanelWidth];
      spread_codes(row.codes + d / 2, codes);
      Widen<Arch>::panel_row(U8{}, codes, to);
    } else {
      Widen<Arch>::panel_row(U8{}, row.codes + d, to);
    }
    MMOE_UNROLL
    for (std::size_t r = 0; r < kPanelWidth / B::size; ++r) to[r] = to[r] * B(row.scale) + B(row.bias);
  }

  void read_part(std::size_t d, std::size_t count, float* to) const {
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t code = kType == TableType::kU4 ? nibble(row.codes, d + i) : row.codes[d + i];
      to[i] = static_cast<float>(code) * row.scale + row.bias;
    }
  }

  CodedRow row;
};

template <class Arch>
inline void copy_floats(const float* from, float* to, std::size_t width) {
  using B = Reg<Arch>;
  std::size_t d = 0;
  for (; d + B::size <= width; d += B::size) B::load_unaligned(from + d).store_unaligned(to + d);
  for (; d < width; ++d) to[d] = from[d];
}

/// `count` elements from the d-th on, of at most 16.
template <class Arch, class Row>
inline void read_numbers(const Row& row, std::size_t d, std::size_t count, float* to) {
  using B = Reg<Arch>;
  if (count < kPanelWidth) return row.read_part(d, count, to);
  B numbers[kPanelWidth / B::size];
  row.read(d, numbers);
  MMOE_UNROLL
  for (std::size_t r = 0; r < kPanelWidth / B::size; ++r) numbers[r].store_unaligned(to + r * B::size);
}

template <class Arch, class Row>
inline void copy_row(const Row& row, float* to, std::size_t width) {
  for (std::size_t d = 0; d < width; d += kPanelWidth) {
    read_numbers<Arch>(row, d, width - d < kPanelWidth ? width - d : kPanelWidth, to + d);
  }
}

template <class Arch>
inline void copy_row(const PlainRow<Arch, F32>& row, float* to, std::size_t width) {
  copy_floats<Arch>(row.data, to, width);
}

template <class Arch>
inline Reg<Arch> pool_register(const Reg<Arch>& before, const Reg<Arch>& x, bool largest) {
  return largest ? select(before < x, x, before) : before + x;
}

/// One row of the table into the pooled ones, which are the first `width` floats of `pooled`.
template <class Arch>
inline void pool_floats(const float* row, std::size_t width, bool largest, float* pooled) {
  using B = Reg<Arch>;
  std::size_t d = 0;
  for (; d + B::size <= width; d += B::size) {
    pool_register<Arch>(B::load_unaligned(pooled + d), B::load_unaligned(row + d), largest).store_unaligned(pooled + d);
  }
  for (; d < width; ++d) pooled[d] = !largest ? pooled[d] + row[d] : pooled[d] < row[d] ? row[d] : pooled[d];
}

/// The same of a row times its weight; the first one has nothing to be added to.
template <class Arch, class Row>
inline void pool_weighted(const Row& row, std::size_t width, float weight, bool first, float* pooled) {
  for (std::size_t d = 0; d < width; d += kPanelWidth) {
    const std::size_t count = width - d < kPanelWidth ? width - d : kPanelWidth;
    float numbers[kPanelWidth];
    read_numbers<Arch>(row, d, count, numbers);
    for (std::size_t i = 0; i < count; ++i) {
      const float product = numbers[i] * weight;
      pooled[d + i] = first ? product : pooled[d + i] + product;
    }
  }
}

template <class Arch, class Row>
inline void pool_row(const Row& row, std::size_t width, bool largest, float* pooled) {
  float numbers[kPanelWidth];
  for (std::size_t d = 0; d < width; d += kPanelWidth) {
    const std::size_t count = width - d < kPanelWidth ? width - d : kPanelWidth;
    read_numbers<Arch>(row, d, count, numbers);
    pool_floats<Arch>(numbers, count, largest, pooled + d);
  }
}

template <class Arch>
inline void pool_row(const PlainRow<Arch, F32>& row, std::size_t width, bool largest, float* pooled) {
  pool_floats<Arch>(row.data, width, largest, pooled);
}

/// Rows of large tables are not in any cache: so many rows ahead of its turn, each is asked for.
constexpr std::size_t kRowsAhead = 8;

/// The lines of a row, of the first 256 bytes. A row that is not there is not asked for.
inline void fetch_row(TableType type, const void* table, std::size_t width, std::int32_t id) {
  if (id < 0) return;
  const std::size_t bytes = table_row_bytes(type, width);
  const char* row = static_cast<const char*>(table) + static_cast<std::size_t>(id) * bytes;
  for (std::size_t at = 0; at < bytes && at < 256; at += 64) __builtin_prefetch(row + at);
  __builtin_prefetch(row + bytes - 1);
}

template <class Arch, class Row>
inline void lookup_rows(const LookupArgs& args) {
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    if (!kForSize && args.num_rows - row > kRowsAhead)
      fetch_row(args.type, args.table, args.width, args.ids[row + kRowsAhead]);
    float* to = args.output + row * args.output_stride;
    const std::int32_t id = args.ids[row];
    if (id < 0) {
      for (std::size_t d = 0; d < args.width; ++d) to[d] = 0.0f;
    } else {
      copy_row<Arch>(Row(args.table, args.width, static_cast<std::size_t>(id)), to, args.width);
    }
  }
}

/// Calls function(Row) with a null pointer to the rows' type.
template <class Arch, class Function>
inline void with_rows(TableType type, const Function& function) {
  if constexpr (kHasF16) {
    if (type == TableType::kF16) return function(static_cast<PlainRow<Arch, F16>*>(nullptr));
  }
  if constexpr (kHasU8) {
    if (type == TableType::kU8) return function(static_cast<CodesRow<Arch, TableType::kU8>*>(nullptr));
  }
  if constexpr (kHasU4) {
    if (type == TableType::kU4) return function(static_cast<CodesRow<Arch, TableType::kU4>*>(nullptr));
  }
  function(static_cast<PlainRow<Arch, F32>*>(nullptr));
}

template <class Arch>
void lookup(const LookupArgs& args) {
  MMOE_REQUIRE(args);
  with_rows<Arch>(args.type, [&args](auto* rows) { lookup_rows<Arch, std::remove_pointer_t<decltype(rows)>>(args); });
}

template <class Arch, class Row>
inline void pool_rows(const PoolArgs& args) {
  for (std::size_t i = 0; i < args.num_ids; ++i) {
    if (!kForSize && args.num_ids - i > kRowsAhead)
      fetch_row(args.type, args.table, args.width, args.ids[i + kRowsAhead]);
    const Row row(args.table, args.width, static_cast<std::size_t>(args.ids[i]));
    if (kHasWeights && args.weights) {
      pool_weighted<Arch>(row, args.width, args.weights[i], i == 0, args.output);
    } else if (i == 0) {
      copy_row<Arch>(row, args.output, args.width);
    } else {
      pool_row<Arch>(row, args.width, args.pooling == Pooling::kMax, args.output);
    }
  }
}

template <class Arch>
void pool(const PoolArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t d = 0; args.num_ids == 0 && d < args.width; ++d) args.output[d] = 0.0f;
  with_rows<Arch>(args.type, [&args](auto* rows) { pool_rows<Arch, std::remove_pointer_t<decltype(rows)>>(args); });
  const bool root = kHasWeights && args.pooling == Pooling::kSqrtN;
  if ((args.pooling != Pooling::kMean && !root) || args.num_ids == 0) return;
  float divisor = kHasWeights && args.weights ? 0.0f : static_cast<float>(args.num_ids);
  for (std::size_t i = 0; kHasWeights && args.weights && i < args.num_ids; ++i) {
    divisor += root ? args.weights[i] * args.weights[i] : args.weights[i];
  }
  if (root) divisor = __builtin_sqrtf(divisor);
  for (std::size_t d = 0; d < args.width; ++d) args.output[d] /= divisor;
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
