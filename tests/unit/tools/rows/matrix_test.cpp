#include "runtime/tools/rows/matrix.h"

#include <doctest/doctest.h>

#include "tests/unit/tools/temporary_file.h"

namespace mmoe::tools {
namespace {

using test::TemporaryDirectory;
using Floats = std::vector<float>;

TEST_CASE("columns by name, in the order of the names") {
  const TemporaryDirectory directory;
  const std::string path = directory.write("s.csv", "id,like,click\n1,0.25,0.5\n2,1e-3,nan\n");
  const Matrix matrix = read_matrix(path, {"click", "like"});
  CHECK(matrix.rows == 2);
  CHECK(matrix.columns == 2);
  CHECK(matrix.values[0] == 0.5f);
  CHECK(matrix.values[1] == 0.25f);
  CHECK(matrix.values[2] != matrix.values[2]);
  CHECK(matrix.values[3] == 1e-3f);
  CHECK(directory.error_of([&] { read_matrix(path, {"buy"}); }) ==
        "s.csv:1: no column 'buy'; the header has: id, like, click");
}

TEST_CASE("names that are numbers are names where all of them are there") {
  const TemporaryDirectory directory;
  const std::string path = directory.write("s.csv", "7,0.5\n1,2\n");
  CHECK(read_matrix(path, {"0.5", "7"}).values == Floats{2, 1});
  CHECK(directory.error_of([&] { read_matrix(path, {"7", "8"}); }).find("holds only numbers") != std::string::npos);
}

TEST_CASE("all columns, by number") {
  const TemporaryDirectory directory;
  const std::string path = directory.write("s.csv", "a,b\n1,2\n\n3,4\n");
  CHECK(read_matrix(path, 2).values == Floats{1, 2, 3, 4});
  CHECK(directory.error_of([&] { read_matrix(path, 3); }) == "s.csv:1: 2 columns; expected 3");
}

TEST_CASE("bad values are named") {
  const TemporaryDirectory directory;
  const auto error_of = [&](const std::string& text) {
    const std::string path = directory.write("s.csv", text);
    return directory.error_of([&] { read_matrix(path, 2); });
  };
  CHECK(error_of("a,b\n1,2\n3,x\n") == "s.csv:3: column 'b': 'x' is not a number");
  CHECK(error_of("a,b\n1,\n") == "s.csv:2: column 'b': no value");
  CHECK(error_of("a,b\n1,1e39\n") == "s.csv:2: column 'b': '1e39' is beyond the range of a float");
  CHECK(error_of("a,b\n1\n") == "s.csv:2: 1 field, but the header has 2");
  CHECK(error_of("1.5,2\n1,2\n").substr(0, 46) == "s.csv:1: the first line holds only numbers (1.");
  CHECK(error_of("") == "s.csv: empty; expected a header line that names the columns");
}

TEST_CASE(".npy matrices") {
  const TemporaryDirectory directory;
  const std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }\n";
  const std::string path = directory.write("s.npy", test::npy_bytes(header, test::raw_bytes<double>({1, 2, 3, 0.1})));
  CHECK(read_matrix(path, {"click", "like"}).values == Floats{1, 2, 3, 0.1f});
  CHECK(read_matrix(path, 2).rows == 2);
  CHECK(directory.error_of([&] { read_matrix(path, 3); }) == "s.npy: an array of 2 columns; expected 3");
}

TEST_CASE("a .npy header that promises too much costs no memory") {
  const TemporaryDirectory directory;
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 2), }\n";
  const std::string path = directory.write("s.npy", test::npy_bytes(header, test::raw_bytes<float>({1, 2})));
  CHECK(directory.error_of([&] { read_matrix(path, 2); }) ==
        "s.npy: the file ends after 1 whole row of the 4,611,686,018,427,387,904 that its header promises");
}

TEST_CASE("more rows than are read at once") {
  const TemporaryDirectory directory;
  const std::size_t rows = 70001;
  std::string data;
  for (std::size_t i = 0; i < rows; ++i) data += test::raw_bytes<float>({static_cast<float>(i)});
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (70001,), }\n";
  const Matrix matrix = read_matrix(directory.write("s.npy", test::npy_bytes(header, data)), 1);
  CHECK(matrix.rows == rows);
  CHECK(matrix.values.size() == rows);
  CHECK(matrix.values[70000] == 70000.0f);
}

}  // namespace
}  // namespace mmoe::tools
