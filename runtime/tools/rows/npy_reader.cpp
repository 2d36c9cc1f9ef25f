#include "runtime/tools/rows/npy_reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "runtime/tools/rows/npy_header.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64 * 1024;

// The format and the floats are little-endian, as is every target of the runtime.
template <class Number>
Number little_endian(const unsigned char* bytes) {
  Number value = 0;
  for (std::size_t i = sizeof(Number); i-- > 0;) value = static_cast<Number>((value << 8) | bytes[i]);
  return value;
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (const std::uint64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

}  // namespace

NpyReader::NpyReader(ByteSource& source) : source_(source) {
  try {
    read_header();
  } catch (const ToolError& error) {
    fail(error.what());
  }
}

void NpyReader::fail(const std::string& message) const { throw ToolError(source_.name() + ": " + message); }

void NpyReader::read_bytes(void* to, std::size_t bytes) {
  if (source_.read(to, bytes) == bytes) return;
  throw ToolError("the file ends after " + counted(rows_read_, "whole row") + " of the " + with_thousands(rows_) +
                  " that its header promises");
}

void NpyReader::read_header() {
  unsigned char start[12] = {};  // magic 6, version 2, length of the header: 2 in version 1, else 4
  if (source_.read(start, 10) != 10) throw ToolError("the file ends within the array's header");
  const unsigned version = start[6];
  if (version < 1 || version > 3) throw ToolError("version " + std::to_string(version) + " of the .npy format");
  if (version > 1 && source_.read(start + 10, 2) != 2) throw ToolError("the file ends within the array's header");
  const std::size_t bytes =
      version == 1 ? little_endian<std::uint16_t>(start + 8) : little_endian<std::uint32_t>(start + 8);
  if (bytes > kMaxHeaderBytes) throw ToolError("the array's header claims " + human_bytes(bytes));
  std::string text(bytes, '\0');
  if (source_.read(text.data(), bytes) != bytes) throw ToolError("the file ends within the array's header");

  const NpyHeader header = parse_npy_header(text);
  doubles_ = header.dtype == "<f8";
  if (!doubles_ && header.dtype != "<f4") {
    throw ToolError("an array of dtype " + quoted(header.dtype) +
                    "; expected little-endian float32 '<f4' or float64 '<f8' (array.astype('<f4'))");
  }
  if (header.shape.empty() || header.shape.size() > 2) {
    throw ToolError("an array of shape " + shape_text(header.shape) + "; expected [rows, columns]");
  }
  if (header.fortran_order) {
    throw ToolError("an array in Fortran order; expected C order (numpy.ascontiguousarray)");
  }
  rows_ = header.shape[0];
  if (header.shape.size() == 2) columns_ = header.shape[1];
  if (columns_ == 0) throw ToolError("an array without columns");
}

std::size_t NpyReader::read(float* to, std::size_t max_rows) { return read_rows(to, max_rows); }
std::size_t NpyReader::read(double* to, std::size_t max_rows) { return read_rows(to, max_rows); }

template <class Number>
std::size_t NpyReader::read_rows(Number* to, std::size_t max_rows) {
  try {
    const std::size_t rows = static_cast<std::size_t>(std::min<std::uint64_t>(max_rows, rows_ - rows_read_));
    const std::size_t columns = static_cast<std::size_t>(columns_);  // what `to` has room for
    for (std::size_t i = 0; i < rows; ++i, ++rows_read_, to += columns) read_row(to, columns);
    if (rows == 0 && !source_.peek(1).empty()) throw ToolError("there are more bytes than the array's header promises");
    return rows;
  } catch (const ToolError& error) {
    fail(error.what());
  }
}

void NpyReader::read_row(double* to, std::size_t count) {
  if (doubles_) return read_bytes(to, count * sizeof(double));
  std::vector<float> row(count);
  read_bytes(row.data(), count * sizeof(float));
  std::copy(row.begin(), row.end(), to);
}

void NpyReader::read_row(float* to, std::size_t count) {
  if (!doubles_) return read_bytes(to, count * sizeof(float));
  std::vector<double> row(count);
  read_bytes(row.data(), count * sizeof(double));
  for (std::size_t i = 0; i < count; ++i) {
    const bool too_large = std::isfinite(row[i]) && std::fabs(row[i]) > double{std::numeric_limits<float>::max()};
    if (too_large) {
      throw ToolError("row " + std::to_string(rows_read_) + ", column " + std::to_string(i) +
                      " (counted from 0) is beyond the range of a float");
    }
    to[i] = static_cast<float>(row[i]);
  }
}

}  // namespace mmoe::tools
