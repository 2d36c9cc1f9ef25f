// A matrix that may be larger than memory: its rows are read when they are asked for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/number_types.h"

namespace mmoe::converter {

/// Rows of floats that lie somewhere, such as in a mapped file.
class TableRows {
 public:
  virtual ~TableRows() = default;

  /// Rows [first, first + count), row-major, into `to`. Throws ConvertError, naming the tensor, where they are damaged
  /// or not finite.
  virtual void read(size_t first, size_t count, float* to) const = 0;

  /// The type in which the rows lie there already, whose elements read() gives; none: floats.
  virtual std::optional<kernels::TableType> stored_as() const { return std::nullopt; }

  /// The same rows of kernels::table_row_bytes(), as they are. REQUIRES: stored_as().
  virtual void read_stored(size_t first, size_t count, uint8_t* to) const;
};

inline void TableRows::read_stored(size_t, size_t, uint8_t*) const {}

/// Row-major [rows, cols]. Copies share the numbers, which nobody changes.
class Table {
 public:
  Table() = default;

  /// Numbers in memory. REQUIRES: data.size() == rows * cols.
  Table(size_t rows_in, size_t cols_in, std::vector<float> data)
      : rows(rows_in), cols(cols_in), source_(std::make_shared<InMemory>(cols_in, std::move(data))) {}

  /// Numbers that `source` has; what it reads from must outlive the table.
  static Table of(size_t rows, size_t cols, std::shared_ptr<const TableRows> source) {
    Table table;
    table.rows = rows;
    table.cols = cols;
    table.source_ = std::move(source);
    return table;
  }

  /// REQUIRES: first + count <= rows.
  void read(size_t first, size_t count, float* to) const { source_->read(first, count, to); }

  /// As in TableRows.
  std::optional<kernels::TableType> stored_as() const { return source_ ? source_->stored_as() : std::nullopt; }
  void read_stored(size_t first, size_t count, uint8_t* to) const { source_->read_stored(first, count, to); }

  std::vector<float> row(size_t index) const {
    std::vector<float> values(cols);
    read(index, 1, values.data());
    return values;
  }

  /// Reads the whole row: for tests.
  float at(size_t row_index, size_t col) const { return row(row_index)[col]; }

  size_t rows = 0;
  size_t cols = 0;

 private:
  class InMemory : public TableRows {
   public:
    InMemory(size_t cols, std::vector<float> data) : cols_(cols), data_(std::move(data)) {}
    void read(size_t first, size_t count, float* to) const override {
      std::copy_n(data_.data() + first * cols_, count * cols_, to);
    }

   private:
    size_t cols_;
    std::vector<float> data_;
  };

  std::shared_ptr<const TableRows> source_;
};

}  // namespace mmoe::converter
