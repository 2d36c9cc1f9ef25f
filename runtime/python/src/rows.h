// Raw values of Python's objects, column by column, through the row builder of the C interface.
#pragma once

#include <string>
#include <vector>

#include "mmoe/mmoe.h"
#include "runtime/python/src/arrow.h"
#include "runtime/python/src/python.h"
#include "runtime/python/src/session.h"

namespace mmoe::python {

/// The columns of one part of a model's features. Each is a list with a value for each row (None, numbers, strings,
/// lists of these), or has the buffer protocol: whole numbers or floats, [rows] or [rows, width].
class RowBuilder {
 public:
  RowBuilder() = default;
  RowBuilder(const RowBuilder&) = delete;
  RowBuilder& operator=(const RowBuilder&) = delete;
  ~RowBuilder();

  /// `columns`: a list of (feature's index, whether these are weights of its elements, column). False: an exception.
  bool open(const ModelObject& model, int32_t part, std::size_t num_rows, PyObject* columns);

  /// Sets `count` rows, from row `first` of the columns on.
  bool fill(std::size_t first, std::size_t count);

  /// Fills and scores all rows, in parts.
  bool score(SessionObject& session, const mmoe_output& output, const mmoe_input* user);

  const mmoe_rows* rows() const { return rows_; }

 private:
  struct Column {
    std::size_t feature = 0, length = 1;  ///< of a row: the most elements, or exactly the numbers of a dense feature
    bool is_weights = false, is_sequence = false;
    bool wants_ids = false;      ///< categories, which are not numbers between bounds
    PyObject* values = nullptr;  ///< a list, where `has_buffer` is false
    const ArrowColumn* arrow = nullptr;
    bool is_looked_up_once = false;  ///< a dictionary of categories: `ids` has the id of each of its entries
    std::vector<int32_t> ids;
    bool has_buffer = false;
    Py_buffer view{};
  };

  bool open_column(const ModelObject& model, PyObject* item);
  bool open_buffer(Column& column);
  void fill_plain(const Column& column, std::size_t first, std::size_t count);
  void fill_buffer(const Column& column, std::size_t first, std::size_t count);
  void look_up_once(Column& column, const mmoe_feature_info& info) const;
  void fill_ids(const Column& column, std::size_t first, std::size_t count);
  void fill_arrow(const Column& column, std::size_t first, std::size_t count);
  void fill_arrow_row(const Column& column, std::size_t row, const ArrowColumn& values, std::size_t place);
  bool fill_list(const Column& column, std::size_t first, std::size_t count);
  bool failed(std::size_t first) const;

  bool fill_row(const Column& column, std::size_t row, PyObject* value);
  void fill_number(const Column& column, std::size_t row, double number);
  bool fill_elements(const Column& column, std::size_t row, PyObject* sequence);
  mmoe_status set_list(const Column& column, std::size_t row, const mmoe_values& values);

  mmoe_rows* rows_ = nullptr;
  Ref holder_;  // of the columns
  std::vector<Column> columns_;
  const ModelObject* model_ = nullptr;
  std::size_t num_rows_ = 0;
  bool has_lists_ = false;  ///< values that only the interpreter can read
};

}  // namespace mmoe::python
