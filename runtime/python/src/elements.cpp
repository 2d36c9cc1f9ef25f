#include "runtime/python/src/elements.h"

#include <cmath>
#include <limits>

#include "runtime/python/src/errors.h"

namespace mmoe::python {

// Whole numbers in decimal are what a cross of texts and integers takes.
bool Elements::add_text(PyObject* item) {
  const Ref text(PyUnicode_Check(item) ? Ref::borrowed(item) : Ref(PyObject_Str(item)));
  Py_ssize_t size = 0;
  const char* data = text ? PyUnicode_AsUTF8AndSize(text.get(), &size) : nullptr;
  if (!data) return false;
  bytes_.append(data, static_cast<std::size_t>(size));
  if (bytes_.size() > INT32_MAX) return refuse("a row's texts have more than 2 GB"), false;
  offsets_.push_back(static_cast<int32_t>(bytes_.size()));
  return true;
}

// Whole ones may be whole numbers where others are missing, as pandas has them.
bool Elements::add_float(double number) {
  const bool is_whole = number == std::floor(number) && std::abs(number) < 9e15;
  floats_.push_back(number);
  integers_.push_back(is_whole ? static_cast<int64_t>(number) : 0);
  unsigned_.push_back(is_whole ? static_cast<uint64_t>(integers_.back()) : 0);
  has_float_ = has_float_ || !is_whole;
  has_negative_ = has_negative_ || number < 0;
  if (!is_whole) return true;
  const Ref whole(PyLong_FromDouble(number));
  return whole && add_text(whole.get());
}

bool Elements::add(PyObject* item) {
  if (PyUnicode_Check(item)) {
    has_text_ = true;
    return add_text(item);
  }
  if (item == Py_None && as_floats_) {
    floats_.push_back(std::numeric_limits<double>::quiet_NaN());
    has_float_ = true;
    return true;
  }
  if (PyFloat_Check(item)) return add_float(PyFloat_AsDouble(item));
  const Ref whole(PyNumber_Index(item));
  if (!whole) {
    PyErr_Clear();
    const Ref number(PyNumber_Float(item));  // a float32 of NumPy, which is none of Python's
    return number ? add(number.get()) : false;
  }
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(whole.get(), &overflow);
  const unsigned long long large = overflow > 0 ? PyLong_AsUnsignedLongLong(whole.get()) : 0;
  if (PyErr_Occurred()) return false;
  if (overflow < 0) return PyErr_SetString(PyExc_OverflowError, "a whole number is below -2^63"), false;
  has_large_ = has_large_ || overflow > 0;
  has_negative_ = has_negative_ || number < 0;
  integers_.push_back(overflow ? 0 : number);
  unsigned_.push_back(overflow ? large : static_cast<uint64_t>(number));
  floats_.push_back(overflow ? static_cast<double>(large) : static_cast<double>(number));
  return add_text(whole.get());
}

bool Elements::read(PyObject* sequence, bool as_floats) {
  as_floats_ = as_floats;
  const Ref list(PySequence_List(sequence));
  if (!list) return false;
  const Py_ssize_t count = PyList_Size(list.get());
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!add(PyList_GetItem(list.get(), i))) return false;
  }
  const bool is_mixed = has_text_ && offsets_.size() != static_cast<std::size_t>(count) + 1;
  if (is_mixed || (has_large_ && (has_negative_ || has_float_))) {
    return refuse("a row's values are of several types: texts, floats, or whole numbers that no type holds"), false;
  }
  return true;
}

mmoe_values Elements::values() const {
  mmoe_values values{};
  if (has_text_) {
    values = {offsets_.data(), offsets_.size() - 1, bytes_.data(), bytes_.size(), MMOE_PACKED_TEXTS, 0};
  } else if (has_float_ || as_floats_) {
    values = {floats_.data(), floats_.size(), nullptr, 0, MMOE_DOUBLES, 0};
  } else if (has_large_) {
    values = {unsigned_.data(), unsigned_.size(), nullptr, 0, MMOE_UINT64S, 0};
  } else {
    values = {integers_.data(), integers_.size(), nullptr, 0, MMOE_INT64S, 0};
  }
  return values;
}

}  // namespace mmoe::python
