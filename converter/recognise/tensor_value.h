// A tensor of the graph while it is followed: constant elements, or scalars of a row.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "converter/recognise/expressions.h"

namespace mmoe::converter {

/// The batch's size among the integers of a constant, where a graph asks for a shape. A number that no exporter writes
/// (the least and largest ones mean "to the end"); a file that has it is refused.
constexpr int64_t kBatchSize = -6148914691236517201;
/// What was calculated from it and is not known. NodeCall::integers() refuses it.
constexpr int64_t kUnknownSize = -6148914691236517202;
constexpr int64_t kMostBatchTimes = int64_t{1} << 20;

/// So many times the batch's size: numbers from kBatchSize on.
inline int64_t batch_times(size_t times) {
  const bool known = times > 0 && times <= static_cast<size_t>(kMostBatchTimes);
  return known ? kBatchSize + static_cast<int64_t>(times) - 1 : kUnknownSize;
}
/// 0 where it is no multiple of the batch's size.
inline size_t times_of_batch(int64_t value) {
  const bool multiple = value >= kBatchSize && value < kBatchSize + kMostBatchTimes;
  return multiple ? static_cast<size_t>(value - kBatchSize) + 1 : 0;
}
inline bool depends_on_batch(int64_t value) { return value == kUnknownSize || times_of_batch(value) != 0; }

/// How codes were made of the rows that they stand for; or the scale or the zero point with which they were.
struct Quantiser {
  float scale = 1;
  int64_t zero_point = 0;
  bool dynamic = false;     ///< by the batch: scale and zero point are no constants
  bool is_product = false;  ///< of codes of rows with codes of weights, which must be multiplied by the scale yet
  std::shared_ptr<const Quantiser> of;  ///< is_product: that of the rows
};

enum class TensorKind { kFloats, kIntegers, kRows };

/// Numbers that count the rows of the batch: to each element `step` times the row's place in the batch is added. Only
/// operations on places may take them.
struct RowNumbers {
  size_t step = 0;      ///< 0: they are none
  bool next = false;    ///< of the row behind the row
  bool bounds = false;  ///< one more than the batch has rows, the last of which is that of no row
  bool tuples = false;  ///< for GatherND; the first number of each, the row's place, is left out

  friend bool operator==(const RowNumbers& a, const RowNumbers& b) {
    return a.step == b.step && a.next == b.next && a.bounds == b.bounds && a.tuples == b.tuples;
  }
};

struct TensorValue {
  TensorKind kind = TensorKind::kFloats;
  std::vector<size_t> shape;  ///< with 1 for the batch; kRows: with n where its axis has n rows for each row of it
  std::vector<float> floats;
  std::vector<int64_t> integers;
  Vector refs;                ///< kRows
  size_t batch_axis = 0;      ///< of has_batch()
  bool per_row = false;       ///< a constant that every row of the batch has
  bool batch_inside = false;  ///< kRows, of n rows for each: they are the first ones of all, then the second ones, ...
  bool ids = false;           ///< kRows: whole numbers, to look rows of a table up with
  RowNumbers row_numbers;     ///< kRows, or a constant that is per_row
  std::string name;           ///< of the constant it came from, for messages
  std::string dtype;          ///< of a constant of whole numbers, as the file says; "" where that was calculated
  bool coded = false;         ///< a constant: whole numbers times a scale in the file
  std::shared_ptr<const Quantiser> quantiser;  ///< not null: only operations on codes may take it

  bool is_rows() const { return kind == TensorKind::kRows; }
  bool has_batch() const { return is_rows() || per_row; }
  size_t rank() const { return shape.size(); }
  size_t size() const;  ///< number of elements (of one row)
};

/// Of the file. Throws ConvertError where one depends_on_batch().
void require_plain(const std::vector<int64_t>& integers);

/// The product of `shape`; throws ConvertError past 2^26.
size_t count_elements(const std::vector<size_t>& shape);

/// A tensor of this shape whose element i is element sources[i] of `value`.
TensorValue pick(const TensorValue& value, std::vector<size_t> shape, const std::vector<size_t>& sources,
                 size_t batch_axis);

/// `axis`, counted from the end if negative. Throws ConvertError when there is no such axis of `rank`.
size_t resolve_axis(int64_t axis, size_t rank);

/// Steps `index` through `shape`, last one fastest; false after the last.
bool next_index(const std::vector<size_t>& shape, std::vector<size_t>& index);

/// The position of `index` in a row-major tensor of `shape`, aligned at the last axis; sizes of 1 are repeated.
size_t broadcast_position(const std::vector<size_t>& shape, const std::vector<size_t>& index);

/// The shape that both have when sizes of 1 are repeated. Throws ConvertError when there is none.
std::vector<size_t> broadcast_shape(const std::vector<size_t>& a, const std::vector<size_t>& b);

/// An empty tensor of the shape that both have when sizes of 1 are repeated, with their batch. Throws ConvertError when
/// there is none, when their batches lie on different axes, or when one has several elements where the other has the
/// batch.
TensorValue broadcast_frame(const TensorValue& a, const TensorValue& b);

/// In a graph whose batch is fixed, a constant may be written out for every row: the constant for one, if all rows have
/// the same; else, or where the sizes say that it is not, the constant as it is.
TensorValue fold_fixed_batch(const TensorValue& constant, size_t batch_axis, size_t fixed_batch);

/// "[batch, 3, 4]"
std::string value_shape_text(const TensorValue& value);

}  // namespace mmoe::converter
