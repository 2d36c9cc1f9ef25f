#include "runtime/python/src/rows.h"

#include <algorithm>
#include <cmath>

#include "runtime/python/src/arrays.h"
#include "runtime/python/src/arrow_elements.h"
#include "runtime/python/src/elements.h"
#include "runtime/python/src/errors.h"
#include "runtime/python/src/run.h"

namespace mmoe::python {
namespace {

constexpr std::size_t kRowsOfPart = 1024;  // whose values stay in cache

constexpr std::size_t kFewRows = 16;  // which take less time than giving up the interpreter's lock costs others

/// As MMOE_FLOATS and so on; 0: a type that no column of the C interface has.
int32_t type_of(const Py_buffer& view) {
  switch (element_format(view)) {
    case 'f': return MMOE_FLOATS;
    case 'd': return MMOE_DOUBLES;
    case 'i':
    case 'l':
    case 'q': return view.itemsize == 8 ? MMOE_INT64S : MMOE_INT32S;
    case 'L':
    case 'Q': return view.itemsize == 8 ? MMOE_UINT64S : 0;
    default: return 0;
  }
}

bool is_list(PyObject* value) {
  return PyList_Check(value) || PyTuple_Check(value) ||
         (PyObject_CheckBuffer(value) && !PyBytes_Check(value) && !PyIndex_Check(value) && PySequence_Check(value));
}

}  // namespace

RowBuilder::~RowBuilder() {
  for (Column& column : columns_) {
    if (column.has_buffer) PyBuffer_Release(&column.view);
  }
  mmoe_rows_free(rows_);
}

bool RowBuilder::failed(std::size_t first) const {
  const mmoe_status status = mmoe_rows_status(rows_);
  if (status == MMOE_OK) return false;
  fail_behind(status, first == 0 ? "" : "; its row 0 is row " + std::to_string(first));
  return true;
}

bool RowBuilder::open_buffer(Column& column) {
  if (PyObject_GetBuffer(column.values, &column.view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS) != 0) return false;
  column.has_buffer = true;
  const Py_buffer& view = column.view;
  const bool has_rows = (view.ndim == 1 || view.ndim == 2) && static_cast<std::size_t>(view.shape[0]) == num_rows_;
  if (has_rows && type_of(view) != 0) return true;
  return refuse("feature " + std::to_string(column.feature) + ": its column is no array of numbers for each row"),
         false;
}

bool RowBuilder::open_column(const ModelObject& model, PyObject* item) {
  Column column;
  int is_weights = 0;
  if (!PyArg_ParseTuple(item, "npO", &column.feature, &is_weights, &column.values)) return false;
  mmoe_feature_info info{};
  info.struct_size = sizeof info;
  if (const mmoe_status status = mmoe_model_feature(model.model, column.feature, &info); status != MMOE_OK) {
    return fail(status), false;
  }
  column.is_weights = is_weights != 0;
  column.is_sequence = info.kind == MMOE_SEQUENCE;
  column.wants_ids = !is_weights && info.kind != MMOE_DENSE && !info.number_values;
  column.length = info.kind == MMOE_DENSE ? info.width : info.kind == MMOE_SEQUENCE ? info.length : 1;
  column.arrow = arrow_column_of(column.values);
  look_up_once(column, info);
  columns_.push_back(column);
  if (column.arrow) return true;  // of a batch, whose columns have one length
  if (!PyList_Check(column.values)) return open_buffer(columns_.back());
  has_lists_ = true;
  if (static_cast<std::size_t>(PyList_Size(column.values)) == num_rows_) return true;
  return refuse("feature \"" + std::string(info.name, info.name_size) + "\": a column of " +
                std::to_string(PyList_Size(column.values)) + " values, expected " + std::to_string(num_rows_)),
         false;
}

bool RowBuilder::open(const ModelObject& model, int32_t part, std::size_t num_rows, PyObject* columns) {
  num_rows_ = num_rows;
  model_ = &model;
  mmoe_rows_options options{};
  options.struct_size = sizeof options;
  options.part = part;
  options.max_rows = std::clamp<std::size_t>(num_rows, 1, kRowsOfPart);
  if (const mmoe_status status = mmoe_rows_create(model.model, &options, &rows_); status != MMOE_OK) {
    return fail(status), false;
  }
  holder_ = Ref(PySequence_List(columns));
  const Py_ssize_t count = holder_ ? PyList_Size(holder_.get()) : -1;
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!open_column(model, PyList_GetItem(holder_.get(), i))) return false;
  }
  return count >= 0;
}

bool RowBuilder::fill(std::size_t first, std::size_t count) {
  mmoe_rows_clear(rows_, count);
  // Without lists nothing of the interpreter is needed.
  PyThreadState* state = has_lists_ || count <= kFewRows ? nullptr : PyEval_SaveThread();
  bool is_done = true;
  for (const Column& column : columns_) {
    const bool is_list = !column.arrow && !column.has_buffer;
    if (is_list) is_done = fill_list(column, first, count);
    if (!is_list) fill_plain(column, first, count);
    if (!is_done || mmoe_rows_status(rows_) != MMOE_OK) break;
  }
  if (state) PyEval_RestoreThread(state);
  return is_done && !failed(first);
}

void RowBuilder::fill_plain(const Column& column, std::size_t first, std::size_t count) {
  if (column.arrow) return fill_arrow(column, first, count);
  fill_buffer(column, first, count);
}

void RowBuilder::fill_buffer(const Column& column, std::size_t first, std::size_t count) {
  const Py_buffer& view = column.view;
  const std::size_t width = view.ndim == 2 ? static_cast<std::size_t>(view.shape[1]) : 1;
  const int32_t type = type_of(view);
  const char* data = static_cast<const char*>(view.buf) + first * width * static_cast<std::size_t>(view.itemsize);
  const bool has_floats = type == MMOE_FLOATS || type == MMOE_DOUBLES;
  if (column.wants_ids && has_floats && width == 1 && !column.is_sequence) {  // whole numbers, where some are missing
    for (std::size_t row = 0; row < count; ++row) {
      const double number = type == MMOE_FLOATS ? double(reinterpret_cast<const float*>(data)[row])
                                                : reinterpret_cast<const double*>(data)[row];
      fill_number(column, row, number);
    }
    return;
  }
  std::vector<int32_t> offsets;
  if (width != column.length && column.is_sequence) {
    for (std::size_t row = 0; row <= count; ++row) offsets.push_back(static_cast<int32_t>(row * width));
  }
  const mmoe_values values{data, count * width, nullptr, 0, type, 0};
  const auto set = column.is_weights ? mmoe_rows_set_weights_column_at : mmoe_rows_set_column_at;
  set(rows_, column.feature, &values, offsets.empty() ? nullptr : offsets.data(), offsets.size());
}

// A dictionary's entries, where all of them are good: what is wrong with one, a row says that has it.
void RowBuilder::look_up_once(Column& column, const mmoe_feature_info& info) const {
  if (!column.arrow || !column.arrow->is_dictionary() || !column.wants_ids || info.kind != MMOE_SPARSE) return;
  const ArrowColumn entries = column.arrow->dictionary();
  const std::size_t size = static_cast<std::size_t>(entries.array->length);
  if (info.num_parts > 1 || entries.is_dictionary() || entries.is_float() || size > num_rows_) return;
  for (std::size_t i = 0; i < size; ++i) {
    int32_t id = MMOE_UNKNOWN_ID;
    mmoe_status status = MMOE_OK;
    if (entries.is_missing(i)) {
      // no value
    } else if (entries.is_text()) {
      const std::string_view text = entries.text(i);
      status = mmoe_model_find_id_text(model_->model, column.feature, text.data() ? text.data() : "", text.size(), &id);
    } else if (entries.is_unsigned_64()) {
      status =
          mmoe_model_find_id_unsigned(model_->model, column.feature, static_cast<uint64_t>(entries.integer(i)), &id);
    } else {
      status = mmoe_model_find_id_integer(model_->model, column.feature, entries.integer(i), &id);
    }
    if (status != MMOE_OK || (id == MMOE_UNKNOWN_ID && info.refuses_unknown)) return;
    column.ids.push_back(id);
  }
  column.is_looked_up_once = true;
}

void RowBuilder::fill_ids(const Column& column, std::size_t first, std::size_t count) {
  std::vector<int32_t> ids(count, MMOE_UNKNOWN_ID);
  for (std::size_t row = 0; row < count; ++row) {
    if (column.arrow->is_missing(first + row)) continue;
    const auto entry = static_cast<std::size_t>(column.arrow->integer(first + row));
    if (entry < column.ids.size()) ids[row] = column.ids[entry];
  }
  mmoe_rows_set_ids_at(rows_, column.feature, ids.data(), ids.size());
}

// Whole where the C interface has columns of the type, else row by row.
void RowBuilder::fill_arrow(const Column& column, std::size_t first, std::size_t count) {
  if (column.is_looked_up_once) return fill_ids(column, first, count);
  const ArrowColumn& arrow = *column.arrow;
  const int32_t type = arrow.type();
  const bool are_ids_as_floats = column.wants_ids && arrow.is_float();
  if (type != 0 && !are_ids_as_floats && count > 0) {
    const mmoe_values values = arrow.values(first, count);
    const auto set = column.is_weights ? mmoe_rows_set_weights_column_at : mmoe_rows_set_column_at;
    set(rows_, column.feature, &values, nullptr, 0);
    return;
  }
  for (std::size_t row = 0; row < count; ++row) fill_arrow_row(column, row, arrow, first + row);
}

void RowBuilder::fill_arrow_row(const Column& column, std::size_t row, const ArrowColumn& values, std::size_t place) {
  if (values.is_missing(place)) {
    if (!column.is_weights) mmoe_rows_set_missing_at(rows_, row, column.feature);
  } else if (values.is_dictionary()) {
    // An index that is none is missing, as fill_ids() has it: files are not checked for such.
    const ArrowColumn entries = values.dictionary();
    const auto entry = static_cast<std::size_t>(values.integer(place));
    if (entry < static_cast<std::size_t>(entries.array->length)) return fill_arrow_row(column, row, entries, entry);
    mmoe_rows_set_missing_at(rows_, row, column.feature);
  } else if (values.is_list()) {
    const ArrowElements elements(values, place);
    set_list(column, row, elements.values());
  } else if (values.is_text()) {
    const std::string_view text = values.text(place);
    mmoe_rows_set_text_n_at(rows_, row, column.feature, text.data() ? text.data() : "", text.size());
  } else if (values.is_float()) {
    fill_number(column, row, values.number(place));
  } else if (values.is_unsigned_64()) {
    mmoe_rows_set_unsigned_at(rows_, row, column.feature, static_cast<uint64_t>(values.integer(place)));
  } else {
    mmoe_rows_set_integer_at(rows_, row, column.feature, values.integer(place));
  }
}

bool RowBuilder::fill_list(const Column& column, std::size_t first, std::size_t count) {
  for (std::size_t row = 0; row < count; ++row) {
    const Ref value = Ref::borrowed(PyList_GetItem(column.values, static_cast<Py_ssize_t>(first + row)));
    if (!value || !fill_row(column, row, value.get())) return false;
  }
  return true;
}

// A column of pandas has floats where whole numbers are missing.
void RowBuilder::fill_number(const Column& column, std::size_t row, double number) {
  if (!column.wants_ids) {
    mmoe_rows_set_number_at(rows_, row, column.feature, number);
  } else if (std::isnan(number)) {
    mmoe_rows_set_missing_at(rows_, row, column.feature);
  } else if (number == std::floor(number) && std::abs(number) < 9e15) {
    mmoe_rows_set_integer_at(rows_, row, column.feature, static_cast<int64_t>(number));
  } else {
    mmoe_rows_set_number_at(rows_, row, column.feature, number);
  }
}

mmoe_status RowBuilder::set_list(const Column& column, std::size_t row, const mmoe_values& values) {
  const auto set = column.is_weights ? mmoe_rows_set_weights_at : mmoe_rows_set_list_at;
  return set(rows_, row, column.feature, &values);
}

bool RowBuilder::fill_elements(const Column& column, std::size_t row, PyObject* sequence) {
  Elements elements;
  if (!elements.read(sequence, !column.wants_ids)) return false;
  set_list(column, row, elements.values());
  return true;
}

bool RowBuilder::fill_row(const Column& column, std::size_t row, PyObject* value) {
  if (value == Py_None) {
    if (!column.is_weights) mmoe_rows_set_missing_at(rows_, row, column.feature);
    return true;
  }
  if (PyUnicode_Check(value)) {
    Py_ssize_t size = 0;
    const char* data = PyUnicode_AsUTF8AndSize(value, &size);
    if (data) mmoe_rows_set_text_n_at(rows_, row, column.feature, data, static_cast<std::size_t>(size));
    return data != nullptr;
  }
  if (is_list(value)) return fill_elements(column, row, value);
  if (PyFloat_Check(value)) return fill_number(column, row, PyFloat_AsDouble(value)), true;
  const Ref whole(PyNumber_Index(value));
  if (!whole) {
    PyErr_Clear();
    const Ref number(PyNumber_Float(value));  // a float32 of NumPy, which is none of Python's
    if (number) fill_number(column, row, PyFloat_AsDouble(number.get()));
    return static_cast<bool>(number);
  }
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(whole.get(), &overflow);
  if (overflow > 0) {
    const unsigned long long large = PyLong_AsUnsignedLongLong(whole.get());
    if (PyErr_Occurred()) return false;
    mmoe_rows_set_unsigned_at(rows_, row, column.feature, large);
    return true;
  }
  if (overflow < 0) return PyErr_SetString(PyExc_OverflowError, "a whole number is below -2^63"), false;
  mmoe_rows_set_integer_at(rows_, row, column.feature, number);
  return true;
}

bool RowBuilder::score(SessionObject& session, const mmoe_output& output, const mmoe_input* user) {
  mmoe_input input{};
  input.struct_size = sizeof input;
  input.rows = rows_;
  mmoe_output to = output;
  for (std::size_t first = 0; first < num_rows_ || first == 0; first += kRowsOfPart) {
    const std::size_t count = std::min(kRowsOfPart, num_rows_ - first);
    if (!fill(first, count) || !run(session, input, to, user)) return false;
    if (PyErr_CheckSignals() != 0) return false;
    if (first + count >= num_rows_) break;
    to.scores += count * output.scores_stride;
    to.num_scores -= count * output.scores_stride;
    if (to.gate_weights) to.gate_weights += count * output.gate_weights_stride;
    if (to.gate_weights) to.num_gate_weights -= count * output.gate_weights_stride;
    if (to.logits) to.logits += count * output.logits_stride;
    if (to.logits) to.num_logits -= count * output.logits_stride;
  }
  return true;
}

}  // namespace mmoe::python
