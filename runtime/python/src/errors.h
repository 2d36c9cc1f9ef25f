// Statuses of the C interface as exceptions, and arguments of functions.
#pragma once

#include <string>

#include "mmoe/mmoe.h"
#include "runtime/python/src/python.h"

namespace mmoe::python {

/// The exception of mmoe.errors that `status` stands for, with `text`. Always null, which a function can return.
std::nullptr_t fail(mmoe_status status, const std::string& text);

/// The same with what the library said; `where` is put behind it.
std::nullptr_t fail(mmoe_status status);
std::nullptr_t fail_behind(mmoe_status status, const std::string& where);

/// An argument that cannot be used: mmoe.InputError.
inline std::nullptr_t refuse(const std::string& text) { return fail(MMOE_INVALID_ARGUMENT, text); }

/// Arguments of a METH_FASTCALL | METH_KEYWORDS function.
struct Arguments {
  PyObject* const* values;
  Py_ssize_t num_positional;
  PyObject* names;  ///< of the values behind the positional ones; may be null
};

/// Puts the arguments of `names`, of which the first `num_positional` may come without their name, in their places of
/// `to`, where what is not given stays as it is. False: TypeError.
bool read_arguments(const char* function, const Arguments& arguments, const char* const* names, Py_ssize_t num_names,
                    Py_ssize_t num_positional, PyObject** to);

/// Nonnegative whole number; false: an exception that names the argument.
bool read_size(const char* name, PyObject* value, std::size_t& to);

}  // namespace mmoe::python
