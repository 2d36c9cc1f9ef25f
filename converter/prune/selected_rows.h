// Some rows of a table.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "converter/model/table.h"

namespace mmoe::converter {

/// Rows of another table, by their numbers, which ascend. Read from there when they are asked for.
class SelectedRows : public TableRows {
 public:
  SelectedRows(Table table, std::vector<uint32_t> rows) : table_(std::move(table)), rows_(std::move(rows)) {}

  void read(size_t first, size_t count, float* to) const override {
    each_run(first, count, [this, &to](size_t row, size_t length) {
      table_.read(row, length, to);
      to += length * table_.cols;
    });
  }

  std::optional<kernels::TableType> stored_as() const override { return table_.stored_as(); }

  void read_stored(size_t first, size_t count, uint8_t* to) const override {
    const size_t row_bytes = kernels::table_row_bytes(*table_.stored_as(), table_.cols);
    each_run(first, count, [this, &to, row_bytes](size_t row, size_t length) {
      table_.read_stored(row, length, to);
      to += length * row_bytes;
    });
  }

 private:
  // Calls read_run(row, length) for runs of rows that follow each other in the other table.
  template <class ReadRun>
  void each_run(size_t first, size_t count, ReadRun read_run) const {
    const size_t end = first + count;
    for (size_t next = first; first < end; first = next) {
      while (next < end && rows_[next] - rows_[first] == next - first) ++next;
      read_run(rows_[first], next - first);
    }
  }

  Table table_;
  std::vector<uint32_t> rows_;
};

}  // namespace mmoe::converter
