// Some rows of a model's input, laid out as Session takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mmoe/session.h"
#include "runtime/tools/rows/input_spec.h"

namespace mmoe::tools {

/// Bytes that a batch's inputs, or what is computed of them, have at most, unless a single row has more.
constexpr std::size_t kMaxBatchBytes = std::size_t{64} << 20;

/// How many of `wanted` rows have room in kMaxBatchBytes; at least 1.
std::size_t rows_that_fit(std::size_t row_bytes, std::size_t wanted);

/// The same for a model's inputs.
std::size_t rows_that_fit(const InputSpec& spec, std::size_t wanted);

/// Memory for up to `capacity` rows, allocated once. Not an mmoe::Rows: rows of a model without features are x, values
/// have been looked up already (twice, to trim blanks, and counted for the notes), and the tests of the readers have no
/// model file.
class RowBatch {
 public:
  RowBatch(const InputSpec& spec, std::size_t capacity);

  std::size_t num_rows() const { return num_rows_; }
  std::size_t capacity() const { return capacity_; }

  /// Rows [first, first + num_rows) for a session, until the next call and as long as the batch.
  Input input(std::size_t first, std::size_t num_rows) const;
  Input input() const { return input(0, num_rows_); }

  /// The texts of the columns that were to be kept.
  const std::vector<std::string>& kept(std::size_t row) const { return kept_[row]; }

  void clear() { num_rows_ = 0; }
  void set_num_rows(std::size_t num_rows) { num_rows_ = num_rows; }

  /// A row's values in a slot: x, a Dense feature's, or the weights of a Sequence's elements.
  float* values(std::size_t slot, std::size_t row) { return slots_[slot].values.data() + row * slots_[slot].width; }
  /// A Sparse feature's id, or the first of a Sequence's.
  std::int32_t* ids(std::size_t slot, std::size_t row) { return slots_[slot].ids.data() + row * slots_[slot].width; }
  std::vector<std::string>& kept(std::size_t row) { return kept_[row]; }
  const float* values(std::size_t slot, std::size_t row) const {
    return slots_[slot].values.data() + row * slots_[slot].width;
  }
  const std::int32_t* ids(std::size_t slot, std::size_t row) const {
    return slots_[slot].ids.data() + row * slots_[slot].width;
  }

 private:
  struct Slot {
    std::size_t feature;  // index in the model
    std::size_t width;    // values or ids per row
    std::vector<float> values;
    std::vector<std::int32_t> ids;
  };

  bool has_features_;
  std::size_t capacity_;
  std::size_t num_rows_ = 0;
  std::vector<Slot> slots_;
  std::vector<std::vector<std::string>> kept_;
  mutable std::vector<FeatureColumn> columns_;  // of the last input(): one per feature of the model
};

}  // namespace mmoe::tools
