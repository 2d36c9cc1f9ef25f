// The type mmoe._native.Model: an mmoe_model, and what it lies in.
#pragma once

#include "mmoe/mmoe.h"
#include "runtime/python/src/python.h"

namespace mmoe::python {

struct ModelObject {
  // clang-format off
  PyObject_HEAD
      // clang-format on
      mmoe_model* model;  ///< null: loading has failed
  PyObject* bytes;        ///< what the file's bytes belong to; null: the model has its own
};

/// Makes the type, which others then check their arguments by. Null: an exception.
PyObject* make_model_type();

/// The model of an object; null: TypeError.
ModelObject* model_of(PyObject* object);

}  // namespace mmoe::python
