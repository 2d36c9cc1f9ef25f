#include "converter/packing/pack.h"

#include <cstring>

#include "converter/quantise/round.h"
#include "kernels/number_types.h"
#include "kernels/panel16.h"

namespace mmoe::converter {
namespace {

// Each element by `convert`.
template <class Element, class Convert>
std::vector<uint8_t> pack_columns(const Matrix& matrix, const Convert& convert) {
  std::vector<uint8_t> packed(panel16_size(matrix.rows, matrix.cols) * sizeof(Element));
  for (size_t row = 0; row < matrix.rows; ++row) {
    for (size_t col = 0; col < matrix.cols; ++col) {
      const Element element = convert(matrix.at(row, col));
      std::memcpy(packed.data() + panel16_index(row, col, matrix.cols) * sizeof element, &element, sizeof element);
    }
  }
  return packed;
}

int8_t code_of(float value) { return static_cast<int8_t>(value); }

size_t num_quads(const FusedLayer& layer) {
  const size_t shared = layer.shared_inputs;
  return kernels::quads_of(shared) + kernels::quads_of(layer.weight.cols - shared);
}

std::vector<uint8_t> pack_quads(const FusedLayer& layer) {
  const Matrix& matrix = layer.weight;
  const size_t shared = layer.shared_inputs;
  const size_t quads = num_quads(layer);
  std::vector<uint8_t> packed(static_cast<size_t>(packed_bytes(layer)));
  for (size_t row = 0; row < matrix.rows; ++row) {
    for (size_t col = 0; col < matrix.cols; ++col) {
      // The columns behind the shared ones begin at a quad.
      const size_t at = col < shared ? col : kernels::quads_of(shared) * 4 + col - shared;
      const size_t quad = row / kPanelWidth * quads + at / 4;
      packed[(quad * kPanelWidth + row % kPanelWidth) * 4 + at % 4] =
          static_cast<uint8_t>(code_of(matrix.at(row, col)));
    }
  }
  return packed;
}

}  // namespace

uint64_t packed_bytes(const FusedLayer& layer) {
  const uint64_t rows = padded_outputs(layer.weight.rows);
  if (layer.type == WeightType::kW8A8) return rows * num_quads(layer) * 4;
  return rows * layer.weight.cols * kernels::weight_bytes(layer.type);
}

std::vector<uint8_t> pack_panels(const FusedLayer& layer) {
  switch (layer.type) {
    case WeightType::kF32: return pack_columns<float>(layer.weight, [](float value) { return value; });
    case WeightType::kF16: return pack_columns<uint16_t>(layer.weight, round_to_f16);
    case WeightType::kBF16: return pack_columns<uint16_t>(layer.weight, round_to_bf16);
    case WeightType::kI8: return pack_columns<int8_t>(layer.weight, code_of);
    case WeightType::kW8A8: break;
  }
  return pack_quads(layer);
}

std::vector<int32_t> row_sums(const FusedLayer& layer) {
  const size_t padded = padded_outputs(layer.weight.rows);
  const size_t shared = layer.shared_inputs;
  std::vector<int32_t> sums(shared == 0 ? padded : 2 * padded);
  for (size_t row = 0; row < layer.weight.rows; ++row) {
    for (size_t col = 0; col < layer.weight.cols; ++col) {
      const bool second = shared != 0 && col >= shared;
      sums[(second ? padded : 0) + row] += code_of(layer.weight.at(row, col));
    }
  }
  return sums;
}

std::vector<float> pad_to_panels(const std::vector<float>& row, size_t outputs) {
  std::vector<float> padded(row);
  padded.resize(padded_outputs(outputs));
  return padded;
}

}  // namespace mmoe::converter
