#include "converter/packing/pack.h"

#include <doctest/doctest.h>

#include <cstring>

#include "kernels/stored.h"

namespace mmoe::converter {
namespace {

// Whole numbers that all types hold, none of them zero.
FusedLayer numbered(WeightType type, size_t rows, size_t cols) {
  FusedLayer layer;
  layer.type = type;
  layer.weight = {rows, cols, {}};
  for (size_t i = 0; i < rows * cols; ++i) {
    const int code = static_cast<int>(i * 37 % 254) - 127;
    layer.weight.data.push_back(static_cast<float>(code == 0 ? 127 : code));
  }
  return layer;
}

template <class Stored>
void check_panels(WeightType type, Stored stored) {
  const FusedLayer layer = numbered(type, 19, 3);
  const std::vector<uint8_t> packed = pack_panels(layer);
  using Element = typename Stored::Type;
  REQUIRE(packed.size() == 2 * 16 * 3 * sizeof(Element));
  CHECK(packed.size() == packed_bytes(layer));
  for (size_t panel = 0; panel < 2; ++panel) {
    for (size_t col = 0; col < 3; ++col) {
      for (size_t o = 0; o < 16; ++o) {
        Element element;
        std::memcpy(&element, packed.data() + ((panel * 3 + col) * 16 + o) * sizeof element, sizeof element);
        const size_t row = panel * 16 + o;
        CHECK(kernels::widen(stored, element) == (row < 19 ? layer.weight.at(row, col) : 0.0F));
      }
    }
  }
}

TEST_CASE("pack: panels of 16 outputs, inputs outermost, zero-padded, in every type") {
  check_panels(WeightType::kF32, kernels::F32{});
  check_panels(WeightType::kF16, kernels::F16{});
  check_panels(WeightType::kBF16, kernels::BF16{});
  check_panels(WeightType::kI8, kernels::I8{});
}

void check_quads(size_t rows, size_t cols, size_t first) {
  FusedLayer layer = numbered(WeightType::kW8A8, rows, cols);
  layer.shared_inputs = first;
  const std::vector<uint8_t> packed = pack_panels(layer);
  const size_t first_quads = (first + 3) / 4, quads = first_quads + (cols - first + 3) / 4;
  const size_t panels = (rows + 15) / 16;
  REQUIRE(packed.size() == panels * quads * 64);
  std::vector<int> expected(packed.size());
  std::vector<int32_t> sums((first == 0 ? 1 : 2) * panels * 16);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t col = 0; col < cols; ++col) {
      const bool second = first != 0 && col >= first;
      const size_t in_part = second ? col - first : col;
      const size_t quad = (second ? first_quads : 0) + in_part / 4;
      const int code = static_cast<int>(layer.weight.at(row, col));
      expected[row / 16 * quads * 64 + quad * 64 + row % 16 * 4 + in_part % 4] = code;
      sums[(second ? panels * 16 : 0) + row] += code;
    }
  }
  for (size_t i = 0; i < packed.size(); ++i) CHECK(static_cast<int8_t>(packed[i]) == expected[i]);
  CHECK(row_sums(layer) == sums);
}

TEST_CASE("pack: quads of four inputs, those of a user's columns by themselves") {
  check_quads(19, 11, 0);
  check_quads(19, 11, 5);
  check_quads(16, 8, 8);
  check_quads(3, 9, 0);
}

}  // namespace
}  // namespace mmoe::converter
