// A whole matrix of floats from a CSV or .npy file, such as the scores that a training framework gave.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mmoe::tools {

struct Matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<float> values;  ///< [rows, columns]
};

/// CSV: the columns of these names, in this order, wherever they stand; .npy: exactly as many columns.
/// `path` "-" is standard input. Throws ToolError naming the file, the line and column, and the value.
Matrix read_matrix(const std::string& path, const std::vector<std::string>& names);

/// The same for `columns` columns of any name, and no others.
Matrix read_matrix(const std::string& path, std::size_t columns);

}  // namespace mmoe::tools
