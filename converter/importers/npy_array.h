// One array in NumPy's .npy format (numpy/lib/format.py describes it): a header in Python's syntax, then elements.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "converter/importers/strided_view.h"

namespace mmoe::converter {

/// No header of an array without records comes near.
constexpr uint64_t kMaxNpyHeaderBytes = uint64_t{1} << 16;

struct NpyArray {
  std::string refusal;  ///< not empty: why its elements are no numbers that can be read; then only `view` holds
  DType dtype = DType::kF32;
  bool big_endian = false;
  StridedView view;         ///< of the elements, C or Fortran order; they fill what follows the header
  uint64_t data_begin = 0;  ///< where the elements begin, in bytes
};

inline bool looks_like_npy(std::string_view bytes) { return bytes.substr(0, 6) == "\x93NUMPY"; }

/// Where the elements begin, as the file's first 12 bytes say; at most kMaxNpyHeaderBytes, also where they say nothing
/// of the kind.
uint64_t npy_header_bytes(std::string_view start);

/// `start`: the file's first bytes, npy_header_bytes() or all; `file_bytes`: how many it has. Throws ConvertError,
/// without the file's name, when it is damaged, does not hold exactly the elements that the header promises, or holds
/// records.
NpyArray parse_npy(std::string_view start, uint64_t file_bytes);

/// Elements [first, first + count) in row-major order, out of the file's bytes, into `to`. REQUIRES: no refusal, and
/// is_readable(array.dtype).
void read_npy(const NpyArray& array, std::string_view bytes, uint64_t first, uint64_t count, float* to);

}  // namespace mmoe::converter
