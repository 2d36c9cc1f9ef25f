#include "runtime/python/src/arrays.h"

#include <memory>
#include <string>
#include <utility>

#include "runtime/python/src/errors.h"

namespace mmoe::python {
namespace {

std::string shape_of(const Py_buffer& view) {
  std::string text = "[";
  for (int i = 0; i < view.ndim; ++i) text += (i == 0 ? "" : ", ") + std::to_string(view.shape[i]);
  return text + "]";
}

// numpy.empty and the dtype of float32, which is faster than its name; null where NumPy is not installed.
struct NumPy {
  PyObject* empty = nullptr;
  PyObject* float32 = nullptr;
  bool is_known = false;
};

NumPy& numpy() {
  static NumPy found;
  if (found.is_known) return found;
  const Ref module(PyImport_ImportModule("numpy"));
  if (module) {
    found.empty = PyObject_GetAttrString(module.get(), "empty");
    found.float32 = PyObject_CallMethod(module.get(), "dtype", "s", "f");
  }
  if (!module && !PyErr_ExceptionMatches(PyExc_ImportError))
    return found;  // KeyboardInterrupt: the next call asks again
  PyErr_Clear();
  found.is_known = true;
  return found;
}

PyObject* shape_object(std::size_t num_rows, std::size_t width, bool single) {
  if (single) return PyLong_FromSize_t(width);
  const Ref rows(PyLong_FromSize_t(num_rows)), columns(PyLong_FromSize_t(width));
  return rows && columns ? PyTuple_Pack(2, rows.get(), columns.get()) : nullptr;
}

PyObject* make_view(std::size_t num_rows, std::size_t width, bool single) {
  const Ref bytes(PyByteArray_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(num_rows * width * sizeof(float))));
  const Ref view(bytes ? PyMemoryView_FromObject(bytes.get()) : nullptr);
  if (!view) return nullptr;
  if (single || num_rows * width == 0) return PyObject_CallMethod(view.get(), "cast", "s", "f");
  const Ref shape(shape_object(num_rows, width, false));
  return shape ? PyObject_CallMethod(view.get(), "cast", "sO", "f", shape.get()) : nullptr;
}

PyObject* make_array(const NumPy& found, std::size_t num_rows, std::size_t width, bool single) {
  const Ref shape(shape_object(num_rows, width, single));
  return shape ? PyObject_CallFunctionObjArgs(found.empty, shape.get(), found.float32, nullptr) : nullptr;
}

// What has no buffer, as a tensor of PyTorch, through what it has in its place.
Ref with_buffer(PyObject* object) {
  const Ref module(PyImport_ImportModule("mmoe._arrays"));
  return module ? Ref(PyObject_CallMethod(module.get(), "with_buffer", "O", object)) : Ref();
}

}  // namespace

char element_format(const Py_buffer& view) {
  const char* format = view.format ? view.format : "B";
  if (*format == '@' || *format == '=') ++format;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (*format == '<') ++format;
#else
  if (*format == '>') ++format;
#endif
  return format[0] != 0 && format[1] == 0 ? format[0] : '\0';
}

bool Floats::open(const char* name, PyObject* object, std::size_t width, bool writable) {
  if (!PyObject_CheckBuffer(object)) {
    if (writable) {
      return refuse(std::string(name) + ": has no buffer of floats, as an array of NumPy has"), false;
    }
    holder_ = with_buffer(object);
    if (!holder_) return false;
    object = holder_.get();
  }
  if (PyObject_GetBuffer(object, &view_, writable ? PyBUF_RECORDS : PyBUF_RECORDS_RO) != 0) return false;
  is_open_ = true;
  return check(name, width);
}

bool Floats::check(const char* name, std::size_t width) {
  const std::string where = name;
  if (element_format(view_) != 'f' || view_.itemsize != sizeof(float)) {
    const std::string format = view_.format ? view_.format : "B";
    return refuse(where + ": elements of the type '" + format + "', expected float32: " + name +
                  ".astype(\"float32\")"),
           false;
  }
  if ((view_.ndim != 1 && view_.ndim != 2) || view_.shape[view_.ndim - 1] != static_cast<Py_ssize_t>(width)) {
    const std::string columns = std::to_string(width);
    return refuse(where + ": shape " + shape_of(view_) + ", expected [rows, " + columns + "], or [" + columns + "]"),
           false;
  }
  constexpr Py_ssize_t kFloat = sizeof(float);
  is_single_ = view_.ndim == 1;
  num_rows_ = is_single_ ? 1 : static_cast<std::size_t>(view_.shape[0]);
  width_ = width;
  const Py_ssize_t columns = static_cast<Py_ssize_t>(width);
  const Py_ssize_t rows_apart = is_single_ || num_rows_ < 2 ? columns * kFloat : view_.strides[0];
  const bool has_gaps = columns > 1 && num_rows_ > 0 && view_.strides[view_.ndim - 1] != kFloat;
  if (has_gaps || rows_apart < columns * kFloat || rows_apart % kFloat != 0) {
    return refuse(where + ": the columns of a row are not side by side in memory: numpy.ascontiguousarray(" + name +
                  ")"),
           false;
  }
  if (reinterpret_cast<std::uintptr_t>(view_.buf) % alignof(float) != 0) {
    return refuse(where + ": is not aligned to 4 bytes: " + name + ".copy()"), false;
  }
  stride_ = static_cast<std::size_t>(rows_apart / kFloat);
  return true;
}

PyObject* Floats::make(std::size_t num_rows, std::size_t width, bool single) {
  if (width != 0 && num_rows > PY_SSIZE_T_MAX / sizeof(float) / width) return PyErr_NoMemory();
  const NumPy& found = numpy();
  if (PyErr_Occurred()) return nullptr;
  Ref made(found.empty ? make_array(found, num_rows, width, single) : make_view(num_rows, width, single));
  if (!made || PyObject_GetBuffer(made.get(), &view_, PyBUF_WRITABLE) != 0) return nullptr;
  is_open_ = true;
  num_rows_ = num_rows;
  width_ = stride_ = width;
  is_single_ = single;
  return made.release();
}

PyObject* ResultRows::take(std::size_t width, float*& data) {
  if (next_ == kRows) {
    if (!numpy().empty) return nullptr;
    // Python may let another thread in while it allocates: what that one finds is whole.
    auto floats = std::make_unique<Floats>();
    Ref array(floats->make(kRows, width, false));
    if (!array) return nullptr;
    floats_ = std::move(floats);
    array_ = std::move(array);
    next_ = 0;
  }
  data = floats_->data() + next_ * width;
  return PySequence_GetItem(array_.get(), static_cast<Py_ssize_t>(next_++));
}

}  // namespace mmoe::python
