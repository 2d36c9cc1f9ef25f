// Tables of Arrow (pyarrow, polars, pandas, ...) where they lie, through Arrow's C data interface.
#pragma once

#include <cstdint>
#include <string_view>

#include "mmoe/mmoe.h"
#include "runtime/python/src/python.h"

namespace mmoe::python {

// ---------------------------------------------------------------------------------------- the interface's structs
// https://arrow.apache.org/docs/format/CDataInterface.html

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};

struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream*, ArrowSchema*);
  int (*get_next)(ArrowArrayStream*, ArrowArray*);
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};

// ---------------------------------------------------------------------------------------- columns

/// Some values of a column: `first` and `count` are in rows of the column, its own offset aside.
struct ArrowColumn {
  const ArrowSchema* schema = nullptr;
  const ArrowArray* array = nullptr;
  int64_t offset = 0;  ///< of row 0 in the array

  bool is_missing(std::size_t row) const;
  bool has_missing() const;

  /// 0 where the values are not of a type that the C interface has for whole columns, or some are missing.
  int32_t type() const;
  mmoe_values values(std::size_t first, std::size_t count) const;

  bool is_text() const;
  std::string_view text(std::size_t row) const;  ///< REQUIRES: is_text(), not missing
  bool is_integer() const;
  int64_t integer(std::size_t row) const;  ///< REQUIRES: is_integer(). Unsigned: the same bits
  bool is_float() const;
  double number(std::size_t row) const;  ///< REQUIRES: is_float()

  bool is_list() const;
  ArrowColumn elements() const;                                               ///< REQUIRES: is_list()
  void range(std::size_t row, std::size_t& first, std::size_t& count) const;  ///< of a row's elements
  bool is_unsigned_64() const;

  /// Of a dictionary: the column of its values, in which row `index(row)` has the row's.
  bool is_dictionary() const { return schema->dictionary != nullptr; }
  ArrowColumn dictionary() const { return {schema->dictionary, array->dictionary, array->dictionary->offset}; }

  /// Whether it is, or its elements are, of one of these kinds.
  bool is_known() const;

 private:
  char kind() const;
};

/// arrow_batches(table): a list of batches, [(rows, {name: column or None})], a column None where is_known() is false.
/// `table` has __arrow_c_stream__ or __arrow_c_array__.
PyObject* arrow_batches(PyObject*, PyObject* table);

/// Makes the type of columns. Null: an exception.
PyObject* make_arrow_column_type();

/// Null: it is none.
const ArrowColumn* arrow_column_of(PyObject* object);

}  // namespace mmoe::python
