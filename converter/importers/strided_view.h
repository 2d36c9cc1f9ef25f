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

/// The elements of `view`, row-major, as floats, from `array`, a little-endian array of `dtype`.
/// REQUIRES: is_readable(dtype); the array has checked_extent(view) elements.
std::vector<float> read_view(const StridedView& view, DType dtype, const unsigned char* array);

/// Turns big-endian elements of `element_bytes` into little-endian ones, or back.
void swap_byte_order(unsigned char* array, uint64_t num_bytes, uint64_t element_bytes);

}  // namespace mmoe::converter
