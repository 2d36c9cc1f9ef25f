#include "converter/quantise/quantise.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "converter/quantise/round.h"
#include "converter/quantise/tables.h"
#include "kernels/stored.h"
#include "tests/unit/converter/description/memory_weights.h"
#include "tests/unit/models.h"

namespace mmoe::converter {
namespace {

using kernels::widen;
using mmoe::test::Random;

// The finite numbers of a type in ascending order of their bits: the nearest one, by search.
template <class Stored>
double nearest(Stored stored, uint16_t last, double magnitude) {
  uint16_t low = 0, high = last;
  while (high - low > 1) {
    const auto middle = static_cast<uint16_t>((low + high) / 2);
    (widen(stored, middle) <= magnitude ? low : high) = middle;
  }
  const double below = widen(stored, low), above = widen(stored, high);
  if (magnitude - below != above - magnitude) return magnitude - below < above - magnitude ? below : above;
  return low % 2 == 0 ? below : above;
}

template <class Stored, class Round>
void check_rounding(Stored stored, uint16_t last, float largest, const Round& round) {
  for (unsigned bits = 0; bits <= last; ++bits) {  // what it has, the middle to the next, and what is beside the middle
    const auto half = static_cast<uint16_t>(bits);
    const float value = widen(stored, half);
    CHECK(round(value) == half);
    CHECK(round(-value) == (half | 0x8000));
    if (bits == last) break;
    const float middle = value + (widen(stored, static_cast<uint16_t>(half + 1)) - value) / 2;
    for (const float x : {middle, std::nextafter(middle, 0.0F), std::nextafter(middle, largest)}) {
      CHECK(widen(stored, round(x)) == nearest(stored, last, x));
    }
  }
}

TEST_CASE("f16 and bf16: every number is itself, and what lies between goes to the nearest, ties to even") {
  check_rounding(kernels::F16{}, 0x7bff, 65504, round_to_f16);
  check_rounding(kernels::BF16{}, 0x7f7f, std::numeric_limits<float>::max(), round_to_bf16);
  CHECK(round_to_f16(65519.9F) == 0x7bff);
  CHECK(round_to_f16(65520) == 0x7c00);
  CHECK(round_to_f16(-3e38F) == 0xfc00);
  CHECK(round_to_f16(0x1p-25F) == 0);  // half of the smallest: to even
  CHECK(round_to_f16(std::nextafter(0x1p-25F, 1.0F)) == 1);
  CHECK(round_to_f16(-1e-30F) == 0x8000);
}

LoweredModel one_layer(WeightType type, size_t rows, size_t cols, std::vector<float> weights) {
  LoweredModel model;
  FusedLayer layer;
  layer.name = "towers.0";
  layer.type = type;
  layer.weight = {rows, cols, std::move(weights)};
  model.fused_layers.push_back(std::move(layer));
  return model;
}

TEST_CASE("i8: a scale per output, codes rounded half to even") {
  // The first output's scale is 1, so that .5 are ties.
  LoweredModel model = one_layer(WeightType::kI8, 3, 5,
                                 {127, 0.5F, 1.5F, -2.5F, -126.5F,  //
                                  0, 0, 0, 0, 0,                    //
                                  -0.3F, 0.1F, 0.2F, 0.05F, 0.299F});
  CHECK(quantise(model).empty());
  const FusedLayer& layer = model.fused_layers[0];
  REQUIRE(layer.scales.size() == 3);
  CHECK(layer.scales[0] == 1);
  const std::vector<float> first(layer.weight.data.begin(), layer.weight.data.begin() + 5);
  CHECK(first == std::vector<float>{127, 0, 2, -2, -126});
  for (size_t i = 5; i < 10; ++i) CHECK(layer.weight.data[i] == 0);
  CHECK(layer.scales[2] == 0.3F / 127);
  CHECK(layer.weight.data[10] == -127);
  for (size_t i = 10; i < 15; ++i) {
    const float original = std::vector<float>{-0.3F, 0.1F, 0.2F, 0.05F, 0.299F}[i - 10];
    CHECK(std::abs(layer.weight.data[i] * layer.scales[2] - original) <= layer.scales[2] * 0.5001F);
    CHECK(layer.weight.data[i] == std::trunc(layer.weight.data[i]));
  }
}

TEST_CASE("i8: whatever the size of the weights, codes are within 127") {
  Random random(3);
  for (const float size : {1e-45F, 3e-44F, 1e-41F, 1e-38F, 1.0F, 1e30F, std::numeric_limits<float>::max()}) {
    std::vector<float> weights = random.floats(64, -1, 1);
    for (float& weight : weights) weight *= size;
    LoweredModel model = one_layer(WeightType::kI8, 1, 64, weights);
    quantise(model);
    for (const float code : model.fused_layers[0].weight.data) CHECK(std::abs(code) <= 127);
  }
}

TEST_CASE("a layer that f16 cannot hold stays in f32 and is named") {
  for (const float weight : {65505.0F, -1e6F, std::numeric_limits<float>::max()}) {
    LoweredModel model = one_layer(WeightType::kF16, 1, 2, {0.1F, weight});
    const std::vector<std::string> notes = quantise(model);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0] == "towers.0 stays in f32: a weight is beyond the range of f16, 65504");
    CHECK(model.fused_layers[0].type == WeightType::kF32);
    CHECK(model.fused_layers[0].weight.data == std::vector<float>{0.1F, weight});
    CHECK(is_f32(model));
  }
  LoweredModel fits = one_layer(WeightType::kF16, 1, 2, {0.1F, -65504});
  CHECK(quantise(fits).empty());
  CHECK_FALSE(is_f32(fits));
  CHECK(fits.fused_layers[0].weight.data[0] == widen(kernels::F16{}, round_to_f16(0.1F)));
  LoweredModel brain = one_layer(WeightType::kBF16, 1, 1, {std::numeric_limits<float>::max()});
  CHECK(quantise(brain).size() == 1);
}

std::vector<uint8_t> encoded(TableType type, const std::vector<float>& row) {
  std::vector<uint8_t> bytes(kernels::table_row_bytes(type, row.size()));
  encode_rows(type, row.data(), 1, row.size(), bytes.data(), "items");
  return bytes;
}

TEST_CASE("u8 rows: codes, then scale and bias, as FBGEMM has them") {
  // min 1, max 52: a scale of 0.2.
  const std::vector<uint8_t> bytes = encoded(TableType::kU8, {1, 52, 1.05F, 1.38F, 20});
  REQUIRE(bytes.size() == 5 + 8);
  float its[2];
  std::memcpy(its, bytes.data() + 5, sizeof its);
  CHECK(its[0] == 0.2F);
  CHECK(its[1] == 1);
  CHECK(std::vector<int>(bytes.begin(), bytes.begin() + 5) == std::vector<int>{0, 255, 0, 2, 95});
}

TEST_CASE("u4 rows: two codes to a byte; scale and bias are f16 before codes are computed") {
  const std::vector<uint8_t> bytes = encoded(TableType::kU4, {-1, 14, 0.4F, 2.6F, 7});
  REQUIRE(bytes.size() == 3 + 4);
  CHECK(std::vector<int>(bytes.begin(), bytes.begin() + 3) == std::vector<int>{0xf0, 0x41, 0x08});
  uint16_t its[2];
  std::memcpy(its, bytes.data() + 3, sizeof its);
  CHECK(widen(kernels::F16{}, its[0]) == 1);
  CHECK(widen(kernels::F16{}, its[1]) == -1);
  // 0.1 is no f16: codes are relative to what is stored.
  const std::vector<float> row = {0.1F, 0.1F + 15 * 0.07F, 0.5F, 0.93F};
  const std::vector<uint8_t> rounded = encoded(TableType::kU4, row);
  std::memcpy(its, rounded.data() + 2, sizeof its);
  const double scale = widen(kernels::F16{}, its[0]), bias = widen(kernels::F16{}, its[1]);
  CHECK(bias != 0.1);
  for (size_t i = 0; i < 4; ++i) {
    const double code = std::min(15.0, std::max(0.0, std::nearbyint((row[i] - bias) / scale)));
    CHECK(kernels::nibble(rounded.data(), i) == code);
  }
}

TEST_CASE("tables: elements are within half a step, a row of one value is itself, and extremes are refused by name") {
  Random random(5);
  for (const TableType type : {TableType::kF16, TableType::kU8, TableType::kU4}) {
    const Table table(40, 17, random.floats(40 * 17, -3, 5));
    const Table stored = stored_table(table, type, "items");
    for (size_t row = 0; row < 40; ++row) {
      const std::vector<float> exact = table.row(row), found = stored.row(row);
      const auto [low, high] = std::minmax_element(exact.begin(), exact.end());
      const float steps = type == TableType::kU8 ? 255 : type == TableType::kU4 ? 15 : 2048;
      // Half a step; of u4, scale and bias are wrong by 2^-11 of themselves too.
      const float allowed = (*high - *low) / steps * 0.5001F +
                            (type == TableType::kU4 ? 15 * 0x1p-11F + 5 * 0x1p-11F : 0) +
                            (type == TableType::kF16 ? 5 * 0x1p-11F : 0);
      for (size_t i = 0; i < 17; ++i) CHECK(std::abs(found[i] - exact[i]) <= allowed);
    }
  }
  CHECK(stored_table(Table(1, 2, {0.7F, 0.7F}), TableType::kU8, "items").row(0) == std::vector<float>{0.7F, 0.7F});
  const auto error = [](TableType type, std::vector<float> row) {
    try {
      encoded(type, row);
    } catch (const ConvertError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(error(TableType::kF16, {0, -70000}) ==
        "items: -70000.000000 is beyond the range of f16, 65504: store this table as f32 or u8");
  CHECK(error(TableType::kU4, {0, 70000}) != "");
  CHECK(error(TableType::kU8, {-3e38F, 3e38F}) == "items: a row has numbers too large for u8: store this table as f32");
  CHECK(error(TableType::kU8, {0, 70000}) == "");
}

std::string with_numbers(const std::string& numbers) {
  return test::replaced(test::mmoe_description(), "\"levels\"", "\"numbers\": " + numbers + ", \"levels\"");
}

TEST_CASE("a description's `numbers`: later entries refine earlier ones, the command line is the rest") {
  const test::MemoryWeights weights = test::mmoe_weights();
  TrainedModel model = bind_description_text(
      with_numbers(R"([{"match": "experts.*", "weights": "i8"}, {"match": "experts.1.2", "weights": "f32"}])"), weights,
      "m");
  choose_types({WeightType::kBF16, TableType::kU8}, model);
  const auto type = [&](size_t e, size_t l) { return *model.levels[0].experts[e].layers[l].storage.type; };
  CHECK(type(0, 0) == WeightType::kI8);
  CHECK(type(1, 0) == WeightType::kI8);
  CHECK(type(1, 1) == WeightType::kF32);
  CHECK(*model.towers[0].layers[0].storage.type == WeightType::kBF16);
  CHECK(*model.levels[0].gates[0].logits->storage.type == WeightType::kBF16);
}

TEST_CASE("a description's `numbers`: what matches nothing, or is no type, is an error") {
  const test::MemoryWeights weights = test::mmoe_weights();
  const auto error = [&](const std::string& numbers) { return test::bind_error(with_numbers(numbers), weights); };
  CHECK(test::contains(error(R"([{"match": "expert.*", "weights": "i8"}])"),
                       "numbers[0].match: no layer has a name like this; there are: experts.0.0.weight, "));
  CHECK(test::contains(error(R"([{"match": "*", "tables": "u8"}])"), "no embedding table has a name like this"));
  CHECK(test::contains(error(R"([{"match": "*", "weights": "i9"}])"), "numbers[0].weights"));
  CHECK(test::contains(error(R"([{"match": "*"}])"), "numbers[0]: neither `weights` nor `tables`"));
  CHECK(test::contains(error(R"([{"weights": "i8"}])"), "numbers[0].match: missing"));
  CHECK(error(R"([{"match": "*", "weights": "i8"}])") == "");
}

}  // namespace
}  // namespace mmoe::converter
