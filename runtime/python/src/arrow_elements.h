// The elements of a list of Arrow, in one row.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mmoe/mmoe.h"
#include "runtime/python/src/arrow.h"

namespace mmoe::python {

/// Where they lie, if the C interface has their type; else copied: as texts, whole numbers or floats.
class ArrowElements {
 public:
  /// REQUIRES: list.is_list(), and the row is not missing.
  ArrowElements(const ArrowColumn& list, std::size_t row);

  const mmoe_values& values() const { return values_; }

 private:
  void copy_texts(const ArrowColumn& elements, std::size_t first, std::size_t count);
  void copy_numbers(const ArrowColumn& elements, std::size_t first, std::size_t count);

  mmoe_values values_{};
  std::vector<double> floats_;
  std::vector<int64_t> integers_;
  std::vector<std::string> texts_;
  std::vector<const char*> pointers_;
};

}  // namespace mmoe::python
