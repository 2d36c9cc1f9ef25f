// The elements of a sequence, or of a wide feature, in one row.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mmoe/mmoe.h"
#include "runtime/python/src/python.h"

namespace mmoe::python {

/// Values of one type, made of a Python sequence: whole numbers, floats, or texts, where one of them is a text.
class Elements {
 public:
  /// False: an exception.
  bool read(PyObject* sequence, bool as_floats);

  mmoe_values values() const;

 private:
  bool add(PyObject* item);
  bool add_float(double number);
  bool add_text(PyObject* item);

  std::vector<double> floats_;
  std::vector<int64_t> integers_;
  std::vector<uint64_t> unsigned_;
  std::vector<int32_t> offsets_{0};  // into bytes_, of all elements
  std::string bytes_;
  bool has_text_ = false, has_float_ = false, has_large_ = false, has_negative_ = false, as_floats_ = false;
};

}  // namespace mmoe::python
