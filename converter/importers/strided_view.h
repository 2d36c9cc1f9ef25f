// A tensor as a window on an array of elements: where it starts, its shape, and how far apart neighbours are.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "converter/importers/dtype.h"

namespace mmoe::converter {

/// All in elements, not bytes. REQUIRES: shape.size() == strides.size().
struct StridedView {
  uint64_t offset = 0;
  std::vector<uint64_t> shape;
  std::vector<uint64_t> strides;
};

/// a * b, or nothing when it does not fit.
std::optional<uint64_t> checked_product(uint64_t a, uint64_t b);

/// The number of elements of `shape`, or nothing when it does not fit 63 bits.
std::optional<uint64_t> checked_num_elements(const std::vector<uint64_t>& shape);

/// How many elements the array must have for every element of `view` to be inside it: 0 for a view without
/// elements; nothing when it does not fit.
std::optional<uint64_t> checked_extent(const StridedView& view);

/// The row-major strides of `shape`.
StridedView contiguous_view(const std::vector<uint64_t>& shape);

/// The column-major strides of `shape`: the first index runs fastest (Fortran's order).
StridedView fortran_view(const std::vector<uint64_t>& shape);

/// Elements as they lie in a file.
struct ElementArray {
  const unsigned char* bytes = nullptr;
  DType dtype = DType::kF32;
  bool big_endian = false;
};

/// Elements [first, first + count) of `view` in row-major order, as floats, into `to`.
/// REQUIRES: is_readable(array.dtype); the array has checked_extent(view) elements; the view has first + count.
void read_view(const StridedView& view, const ElementArray& array, uint64_t first, uint64_t count, float* to);

/// All of them.
std::vector<float> read_view(const StridedView& view, const ElementArray& array);

}  // namespace mmoe::converter
