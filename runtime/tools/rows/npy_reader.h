// Arrays of floats in NumPy's .npy format (numpy.lib.format), row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/tools/support/byte_source.h"

namespace mmoe::tools {

/// A [rows, columns] array of float32 or float64, little-endian, in C order; [rows] counts as [rows, 1].
class NpyReader {
 public:
  static constexpr std::string_view kMagic = "\x93NUMPY";

  /// Reads the header. Throws ToolError for every other kind of array. The source must stay as long.
  explicit NpyReader(ByteSource& source);

  std::uint64_t rows() const { return rows_; }
  std::uint64_t columns() const { return columns_; }

  /// Reads up to max_rows rows to [.., columns()]; returns how many, 0 at the end. Throws ToolError for a
  /// truncated file, bytes behind the array, and float64 values beyond the range of a float.
  std::size_t read(float* to, std::size_t max_rows);
  /// The same without rounding: for numbers that are ids.
  std::size_t read(double* to, std::size_t max_rows);

 private:
  void read_header();
  template <class Number>
  std::size_t read_rows(Number* to, std::size_t max_rows);
  void read_row(float* to, std::size_t count);
  void read_row(double* to, std::size_t count);
  void read_bytes(void* to, std::size_t bytes);
  [[noreturn]] void fail(const std::string& message) const;

  ByteSource& source_;
  bool doubles_ = false;
  std::uint64_t rows_ = 0;
  std::uint64_t columns_ = 1;
  std::uint64_t rows_read_ = 0;
};

}  // namespace mmoe::tools
