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

/// `start`: the file's first bytes, kMaxNpyHeaderBytes or all; `file_bytes`: how many it has. Throws ConvertError,
/// without the file's name, when it is damaged, does not hold exactly the elements that the header promises, or holds
/// records.
NpyArray parse_npy(std::string_view start, uint64_t file_bytes);

/// Elements out of the file's bytes, in row-major order. REQUIRES: no refusal, and is_readable(array.dtype).
std::vector<float> read_npy(const NpyArray& array, std::string_view bytes);

}  // namespace mmoe::converter
