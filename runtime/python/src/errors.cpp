#include "runtime/python/src/errors.h"

namespace mmoe::python {

std::nullptr_t fail(mmoe_status status, const std::string& text) {
  const Ref module(PyImport_ImportModule("mmoe.errors"));
  if (!module) return nullptr;
  const Ref message(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
  if (!message) return nullptr;
  const Ref error(PyObject_CallMethod(module.get(), "of_status", "iO", static_cast<int>(status), message.get()));
  if (error) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.get())), error.get());
  return nullptr;
}

std::nullptr_t fail(mmoe_status status) { return fail(status, mmoe_last_message()); }

std::nullptr_t fail_behind(mmoe_status status, const std::string& where) {
  return fail(status, mmoe_last_message() + where);
}

bool read_arguments(const char* function, const Arguments& arguments, const char* const* names, Py_ssize_t num_names,
                    Py_ssize_t num_positional, PyObject** to) {
  if (arguments.num_positional > num_positional) {
    PyErr_Format(PyExc_TypeError, "%s() takes %zd positional arguments, got %zd", function, num_positional,
                 arguments.num_positional);
    return false;
  }
  for (Py_ssize_t i = 0; i < arguments.num_positional; ++i) to[i] = arguments.values[i];
  const Py_ssize_t num_named = arguments.names ? PyTuple_Size(arguments.names) : 0;
  for (Py_ssize_t i = 0; i < num_named; ++i) {
    PyObject* name = PyTuple_GetItem(arguments.names, i);
    Py_ssize_t place = 0;
    while (place < num_names && PyUnicode_CompareWithASCIIString(name, names[place]) != 0) ++place;
    if (place == num_names) {
      PyErr_Format(PyExc_TypeError, "%s() got an unexpected argument %R", function, name);
      return false;
    }
    if (place < arguments.num_positional) {
      PyErr_Format(PyExc_TypeError, "%s() got two values of %R", function, name);
      return false;
    }
    to[place] = arguments.values[arguments.num_positional + i];
  }
  return true;
}

bool read_size(const char* name, PyObject* value, std::size_t& to) {
  const Ref index(PyNumber_Index(value));
  if (!index) {
    PyErr_Clear();
    const Ref type(PyObject_Str(reinterpret_cast<PyObject*>(Py_TYPE(value))));
    PyErr_Format(PyExc_TypeError, "%s: %V, expected a whole number", name, type.get(), "?");
    return false;
  }
  const Py_ssize_t number = PyNumber_AsSsize_t(index.get(), PyExc_OverflowError);
  if (number == -1 && PyErr_Occurred()) return false;
  if (number < 0) {
    refuse(std::string(name) + ": " + std::to_string(number) + ", expected 0 or more");
    return false;
  }
  to = static_cast<std::size_t>(number);
  return true;
}

}  // namespace mmoe::python
