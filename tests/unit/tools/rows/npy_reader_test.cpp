#include "runtime/tools/rows/npy_reader.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/unit/tools/temporary_file.h"

namespace mmoe::tools {
namespace {

using test::npy_bytes;
using test::raw_bytes;
using test::TemporaryDirectory;

std::vector<float> read_all(const std::string& path) {
  ByteSource source(path);
  NpyReader reader(source);
  std::vector<float> values;
  std::vector<float> part(static_cast<std::size_t>(reader.columns()) * 2);
  while (const std::size_t rows = reader.read(part.data(), 2)) {
    values.insert(values.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(rows * reader.columns()));
  }
  return values;
}

std::vector<float> read_bytes(const std::string& bytes) {
  const TemporaryDirectory directory;
  return read_all(directory.write("a.npy", bytes));
}

std::string error_of(const std::string& bytes) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("a.npy", bytes);
  return directory.error_of([&] { read_all(path); });
}

std::string dictionary(const std::string& dtype, const std::string& shape, const std::string& order = "False") {
  return "{'descr': '" + dtype + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

TEST_CASE("float32 and float64, versions 1 to 3, one dimension or two") {
  const std::vector<float> expected = {1, 2.5f, -3};
  const std::string floats = raw_bytes<float>({1, 2.5f, -3});
  CHECK(read_bytes(npy_bytes(dictionary("<f4", "(3, 1)"), floats)) == expected);
  CHECK(read_bytes(npy_bytes(dictionary("<f4", "(3,)"), floats, 2)) == expected);
  CHECK(read_bytes(npy_bytes(dictionary("<f4", "(1, 3)"), floats, 3)) == expected);
  CHECK(read_bytes(npy_bytes(dictionary("<f8", "(1, 3)"), raw_bytes<double>({1, 2.5, -3}))) == expected);
  CHECK(read_bytes(npy_bytes("{\"shape\":(3,1),\"descr\":\"<f4\",\"fortran_order\":False}", floats)) == expected);
  CHECK(read_bytes(npy_bytes(dictionary("<f4", "(0, 3)"), "")).empty());
}

TEST_CASE("float64 values that are not finite pass, those beyond a float do not") {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::string bytes = raw_bytes<double>({infinity, std::nan(""), 1e-300});
  const std::vector<float> values = read_bytes(npy_bytes(dictionary("<f8", "(1, 3)"), bytes));
  CHECK(std::isinf(values[0]));
  CHECK(std::isnan(values[1]));
  CHECK(values[2] == 0);
  CHECK(error_of(npy_bytes(dictionary("<f8", "(2, 2)"), raw_bytes<double>({1, 2, 3, -1e39}))) ==
        "a.npy: row 1, column 1 (counted from 0) is beyond the range of a float");
}

TEST_CASE("other arrays are refused by name") {
  CHECK(error_of(npy_bytes(dictionary(">f4", "(1, 1)"), "xxxx")) ==
        "a.npy: an array of dtype '>f4'; expected little-endian float32 '<f4' or float64 '<f8' (array.astype('<f4'))");
  CHECK(error_of(npy_bytes(dictionary("<i8", "(1, 1)"), "xxxxxxxx")).find("'<i8'") != std::string::npos);
  CHECK(error_of(npy_bytes(dictionary("<f4", "(2, 2)", "True"), "")) ==
        "a.npy: an array in Fortran order; expected C order (numpy.ascontiguousarray)");
  CHECK(error_of(npy_bytes(dictionary("<f4", "(2, 2, 2)"), "")) ==
        "a.npy: an array of shape [2, 2, 2]; expected [rows, columns]");
  CHECK(error_of(npy_bytes(dictionary("<f4", "()"), "")) == "a.npy: an array of shape []; expected [rows, columns]");
  CHECK(error_of(npy_bytes(dictionary("<f4", "(9223372036854775807, 0)"), "")) == "a.npy: an array without columns");
  CHECK(error_of(npy_bytes("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", "")) ==
        "a.npy: an array of records (a structured dtype) is not supported");
}

TEST_CASE("damaged files are refused") {
  const std::string good = npy_bytes(dictionary("<f4", "(3, 1)"), raw_bytes<float>({1, 2, 3}));
  CHECK(error_of(good) == "");
  CHECK(error_of(good.substr(0, good.size() - 1)) ==
        "a.npy: the file ends after 2 whole rows of the 3 that its header promises");
  CHECK(error_of(good + "x") == "a.npy: there are more bytes than the array's header promises");
  for (std::size_t size = 6; size + 12 < good.size(); ++size) {
    CHECK(error_of(good.substr(0, size)) == "a.npy: the file ends within the array's header");
  }
  CHECK(error_of(npy_bytes(dictionary("<f4", "(99999999999999999999, 1)"), "")) ==
        "a.npy: byte 51 of the array's header: expected a size");
  CHECK(error_of(npy_bytes("{'descr': '<f4'}", "")) ==
        "a.npy: byte 16 of the array's header: expected 'descr', 'fortran_order' and 'shape'");
  CHECK(error_of(npy_bytes("{'descr': '<f4", "")) ==
        "a.npy: byte 10 of the array's header: expected the end of a string");
  CHECK(error_of("\x93NUMPY\x04" + std::string(20, ' ')) == "a.npy: version 4 of the .npy format");
  CHECK(error_of(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12)) == "a.npy: the array's header claims 4.3 GB");
}

}  // namespace
}  // namespace mmoe::tools
