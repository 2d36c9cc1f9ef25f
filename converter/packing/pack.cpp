#include "converter/packing/pack.h"

#include "kernels/panel16.h"

namespace mmoe::converter {

std::vector<float> pack_panels(const Matrix& matrix) {
  std::vector<float> packed(panel16_size(matrix.rows, matrix.cols));
  for (size_t row = 0; row < matrix.rows; ++row) {
    for (size_t col = 0; col < matrix.cols; ++col) {
      packed[panel16_index(row, col, matrix.cols)] = matrix.at(row, col);
    }
  }
  return packed;
}

std::vector<float> pad_to_panels(const std::vector<float>& row, size_t outputs) {
  std::vector<float> padded(row);
  padded.resize(padded_outputs(outputs));
  return padded;
}

}  // namespace mmoe::converter
