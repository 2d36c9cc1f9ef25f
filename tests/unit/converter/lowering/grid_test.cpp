#include "converter/lowering/grid.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "converter/check/evaluate.h"
#include "converter/program/convert.h"
#include "converter/quantise/quantise.h"
#include "tests/unit/converter/description/memory_weights.h"
#include "tests/unit/random.h"

namespace mmoe::converter {
namespace {

using mmoe::test::Random;

struct Codes {
  std::vector<float> codes;
  float scale = 1;

  std::vector<float> weights() const {
    std::vector<float> products;
    for (const float code : codes) products.push_back(code * scale);
    return products;
  }
};

// Without a common factor, so that there is one way to see them: 1 is among them.
Codes random_codes(size_t count, int lowest, int highest, Random& random) {
  Codes result;
  for (size_t i = 0; i < count; ++i) {
    result.codes.push_back(
        static_cast<float>(static_cast<int>(random.below(static_cast<size_t>(highest - lowest + 1))) + lowest));
  }
  result.codes[random.below(count)] = 1;
  result.scale = std::ldexp(random.uniform(0.5F, 1), static_cast<int>(random.below(60)) - 40);
  return result;
}

LoweredModel one_layer(WeightType type, size_t rows, std::vector<float> weights) {
  LoweredModel model;
  FusedLayer layer;
  layer.type = type;
  const size_t cols = weights.size() / rows;
  layer.weight = {rows, cols, std::move(weights)};
  model.fused_layers.push_back(std::move(layer));
  return model;
}

TEST_CASE("weights that are whole numbers times a scale keep both, to the bit") {
  Random random(11);
  for (int repeat = 0; repeat < 2000; ++repeat) {
    const int lowest = repeat % 3 == 0 ? -128 : -static_cast<int>(1 + random.below(127));
    const int highest = static_cast<int>(random.below(lowest == -128 ? 127 : 128));
    const Codes codes = random_codes(1 + random.below(40), lowest, std::max(1, highest), random);
    const std::vector<float> weights = codes.weights();
    LoweredModel model = one_layer(WeightType::kI8, 1, weights);
    quantise(model);
    const FusedLayer& layer = model.fused_layers[0];
    CHECK(layer.weight.data == codes.codes);
    for (size_t i = 0; i < weights.size(); ++i) CHECK(layer.weight.data[i] * layer.scales[0] == weights[i]);
  }
}

TEST_CASE("a common factor of all codes goes to the scale, which changes no weight") {
  LoweredModel model = one_layer(WeightType::kI8, 1, {0.3F * 20, 0.3F * -40, 0});
  quantise(model);
  CHECK(model.fused_layers[0].weight.data == std::vector<float>{1, -2, 0});
  CHECK(model.fused_layers[0].scales[0] == 0.3F * 20);
}

TEST_CASE("-128 is a code of i8 alone") {
  const std::vector<float> weights = {-128 * 0.01F, 127 * 0.01F, 0.01F};
  CHECK(grid_scale(weights.data(), 3, kLowestI8) == 0.01F);
  CHECK_FALSE(grid_scale(weights.data(), 3, kLowestW8A8));
  LoweredModel model = one_layer(WeightType::kW8A8, 1, weights);
  quantise(model);
  CHECK(model.fused_layers[0].weight.data == std::vector<float>{-127, 126, 1});  // rounded
  const std::vector<float> positive = {128 * 0.01F, 0.01F};
  CHECK_FALSE(grid_scale(positive.data(), 2, kLowestI8));
}

TEST_CASE("numbers that lie on no grid, or too finely, have none") {
  Random random(13);
  for (int repeat = 0; repeat < 200; ++repeat) {
    const std::vector<float> weights = random.floats(12, -1, 1);
    CHECK_FALSE(grid_scale(weights.data(), weights.size(), kLowestI8));
    Codes codes = random_codes(12, -100, 100, random);
    std::vector<float> moved = codes.weights();
    for (float& weight : moved) weight *= 1 + 0x1p-18F * random.uniform(-1, 1);
    moved[0] = 100.4F * codes.scale;
    CHECK_FALSE(grid_scale(moved.data(), moved.size(), kLowestI8));
  }
  const std::vector<float> zeros(3), subnormal = {3e-45F, 6e-45F};
  CHECK(grid_scale(zeros.data(), 3, kLowestI8) == 0.0F);
  CHECK_FALSE(grid_scale(subnormal.data(), 2, kLowestI8));
}

// An MMoE of codes, whose scores without another rounding are those of its floats.
test::MemoryWeights coded_weights(Random& random) {
  test::MemoryWeights weights = test::mmoe_weights();
  std::vector<std::string> names;
  for (const TensorInfo& info : weights.tensors()) {
    if (info.shape.size() == 2) names.push_back(info.name);
  }
  for (const std::string& name : names) {
    weights.mark_coded(name);
    std::vector<float>& data = weights.data(name);
    for (float& weight : data) weight = (static_cast<float>(random.below(256)) - 128) * 0.004F;
  }
  return weights;
}

WeightType type_of_first_expert(const TrainedModel& model, WeightType asked_for, std::vector<std::string>& notes) {
  TrainedModel chosen = model;
  choose_types({asked_for, TableType::kF32}, chosen);
  const LoweredModel lowered = lower(chosen);
  notes = lowered.notes;
  return *lowered.description.levels[0].experts[0].layers[0].storage.type;
}

TEST_CASE("layers of codes are i8, whose scores are those of their floats within the bound of float rounding") {
  Random random(17);
  for (int repeat = 0; repeat < 5; ++repeat) {
    const test::MemoryWeights weights = coded_weights(random);
    const TrainedModel model = bind_description_text(test::mmoe_description(), weights, "m");
    std::vector<std::string> notes;
    CHECK(type_of_first_expert(model, WeightType::kF32, notes) == WeightType::kI8);
    CHECK(type_of_first_expert(model, WeightType::kF16, notes) == WeightType::kI8);
    CHECK(notes.empty());
    const Converted converted = convert(model, {"m", 0, 0}, {});
    CHECK(converted.file.size() < converted.f32_file.size());
    const RawRows rows = random_rows(model, 40, 3);
    Golden golden = make_golden(model, rows);
    const std::string_view file(reinterpret_cast<const char*>(converted.file.data()), converted.file.size());
    const CheckReport report = check_file(file, evaluate(model, rows), golden);  // throws beyond a bound
    CHECK(report.num_compared == report.num_scores);
  }
}

TEST_CASE("weights that a batch norm was multiplied into keep their codes") {
  Random random(19);
  Codes codes = random_codes(30, -128, 127, random);
  std::vector<float> folded;
  for (const float weight : codes.weights()) folded.push_back(static_cast<float>(double{weight} * 0.8437261));
  const std::optional<float> scale = grid_scale(folded.data(), folded.size(), kLowestI8);
  REQUIRE(scale);
  for (size_t i = 0; i < folded.size(); ++i) CHECK(std::nearbyint(folded[i] / *scale) == codes.codes[i]);
}

TEST_CASE("codes that i8 has not: f32, with a note; w8a8 has fewer") {
  Random random(23);
  test::MemoryWeights weights = coded_weights(random);
  std::vector<float>& data = weights.data("experts.0.0.weight");
  data[0] = -128 * 0.004F;
  data[1] = 0.004F;
  TrainedModel model = bind_description_text(test::mmoe_description(), weights, "m");
  std::vector<std::string> notes;
  CHECK(type_of_first_expert(model, WeightType::kW8A8, notes) == WeightType::kI8);
  CHECK(test::contains(notes.at(0), "experts.0.0.weight is stored as i8: it has the code -128"));
  data[0] = 200 * 0.004F;
  model = bind_description_text(test::mmoe_description(), weights, "m");
  CHECK(type_of_first_expert(model, WeightType::kF32, notes) == WeightType::kF32);
  CHECK(test::contains(notes.at(0), "experts.0.0.weight is stored as f32: its codes"));
  // Who names a type gets it.
  const std::string named = test::replaced(test::mmoe_description(), "\"levels\"",
                                           R"("numbers": [{"match": "experts.0.0", "weights": "i8"}], "levels")");
  model = bind_description_text(named, weights, "m");
  CHECK(type_of_first_expert(model, WeightType::kF32, notes) == WeightType::kI8);
  CHECK(notes.empty());
}

}  // namespace
}  // namespace mmoe::converter
