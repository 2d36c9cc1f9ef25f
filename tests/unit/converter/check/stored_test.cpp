// The evaluation of layers as a file stores them, against the numerics contract (kernels/kernels.h) in plain floats.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "converter/check/bounded.h"
#include "converter/check/evaluate.h"
#include "converter/check/golden.h"
#include "converter/check/stored_model.h"
#include "converter/program/convert.h"
#include "converter/quantise/quantise.h"
#include "tests/unit/models.h"

namespace mmoe::converter {
namespace {

using mmoe::test::Random;

DenseLayer coded_layer(WeightType type, size_t inputs, size_t outputs, size_t shared, Random& random) {
  DenseLayer layer = mmoe::test::random_layer(inputs, outputs, random, ActivationKind::kIdentity);
  for (float& weight : layer.weight.data) weight = static_cast<float>(random.below(255)) - 127;
  layer.storage = {type, random.floats(outputs, 1e-3F, 1e-2F), shared};
  return layer;
}

float run_i8(const DenseLayer& layer, size_t output, const std::vector<float>& x) {
  float sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum = std::fma(x[i], layer.weight.at(output, i), sum);
  const float product = sum * layer.storage.scales[output];
  return product + layer.bias[output];
}

float run_w8a8(const DenseLayer& layer, size_t output, const std::vector<float>& x) {
  float result = layer.bias[output];
  const size_t shared = layer.storage.shared_inputs;
  for (const auto& [first, end] : {std::pair<size_t, size_t>{0, shared}, {shared, x.size()}}) {
    float amax = 0;
    for (size_t i = first; i < end; ++i) amax = std::max(amax, std::abs(x[i]));
    if (amax < 0x1p-100F) continue;
    const float inv = 127 / amax;
    int32_t sum = 0;
    for (size_t i = first; i < end; ++i) {
      sum += static_cast<int32_t>(std::nearbyint(x[i] * inv)) * static_cast<int32_t>(layer.weight.at(output, i));
    }
    const float scale = amax / 127 * layer.storage.scales[output];
    result = static_cast<float>(sum) * scale + result;
  }
  return result;
}

// The evaluation knows inputs with an error; the runtime has any of those within it.
template <class Run>
void check_bound(WeightType type, size_t shared, double input_error, const Run& run) {
  Random random(7);
  for (int repeat = 0; repeat < 40; ++repeat) {
    const DenseLayer layer = coded_layer(type, 37, 5, shared, random);
    Numbers exact;
    std::vector<float> x;
    for (size_t i = 0; i < 37; ++i) {
      const double value = double{random.uniform(-2, 2)};
      exact.push_back(plain(value, input_error));
      x.push_back(static_cast<float>(value + input_error * double{random.uniform(-0.99F, 0.99F)}));
    }
    const Numbers y = run_layer(layer, exact);
    for (size_t output = 0; output < 5; ++output) {
      CHECK(std::abs(double{run(layer, output, x)} - y[output].value) <= y[output].error);
      // Inputs without an error leave rounding alone, unless one of the integers is nearly a tie.
      const double size = 37 * 127 * 2 * 0.01;
      if (type == WeightType::kI8 && input_error == 0) CHECK(y[output].error < size * 50 * 0x1p-24);
    }
  }
}

TEST_CASE("evaluate: an i8 layer's bound holds the contract's floats") {
  for (const double error : {0.0, 1e-6, 1e-3}) check_bound(WeightType::kI8, 0, error, run_i8);
}

TEST_CASE("evaluate: a w8a8 layer's bound holds the contract's integers, in one part and in two") {
  for (const double error : {0.0, 1e-6, 1e-3}) {
    check_bound(WeightType::kW8A8, 0, error, run_w8a8);
    check_bound(WeightType::kW8A8, 13, error, run_w8a8);
    check_bound(WeightType::kW8A8, 37, error, run_w8a8);
  }
}

TEST_CASE("evaluate: rows of zeros, and the first part of zeros, in w8a8") {
  Random random(8);
  const DenseLayer layer = coded_layer(WeightType::kW8A8, 8, 3, 4, random);
  Numbers x(8, plain(0, 0));
  Numbers y = run_layer(layer, x);
  for (size_t o = 0; o < 3; ++o) CHECK(y[o].value == layer.bias[o]);
  x[6] = plain(0.5, 0);
  y = run_layer(layer, x);
  for (size_t o = 0; o < 3; ++o) {
    const double expected =
        double{layer.bias[o]} + 0.5 * double{layer.storage.scales[o]} * double{layer.weight.at(o, 6)};
    CHECK(std::abs(y[o].value - expected) <= 1e-7);
  }
}

TEST_CASE("evaluate: the lowered model in f32 has the scores of the description") {
  for (const mmoe::test::NamedModel& named : mmoe::test::all_models()) {
    INFO(named.name);
    const RawRows rows = random_rows(named.description, 5, 3);
    const Evaluated expected = evaluate(named.description, rows), found = evaluate(lower(named.description), rows);
    REQUIRE(found.scores.size() == expected.scores.size());
    for (size_t i = 0; i < found.scores.size(); ++i) {
      if (!std::isfinite(expected.bounds[i])) continue;
      CHECK(std::abs(found.scores[i] - expected.scores[i]) <= expected.bounds[i]);
    }
  }
}

TEST_CASE("convert: the file has the scores in f32, and how far its own are from them") {
  const TrainedModel description = mmoe::test::feature_description();
  ConvertOptions options;
  options.numbers = {WeightType::kI8, TableType::kU8};
  const Converted stored = convert(description, {"w", 0, 0}, options);
  const Converted f32 = convert(description, {"w", 0, 0}, {});
  CHECK(f32.f32_file.empty());
  CHECK(f32.change.largest.empty());
  CHECK(stored.file.size() < f32.file.size());
  const schema::Model& root = *schema::GetSizePrefixedModel(stored.file.data());
  const schema::Model& f32_root = *schema::GetSizePrefixedModel(f32.file.data());
  CHECK(root.version_minor() == 2);
  CHECK(f32_root.version_minor() == 0);
  CHECK(f32_root.score_change() == nullptr);
  const schema::GoldenRows& golden = *root.golden();
  const auto& f32_scores = *f32_root.golden()->scores();
  REQUIRE(golden.f32_scores()->size() == f32_scores.size());
  const size_t num_tasks = root.tasks()->size();
  std::vector<double> largest(num_tasks), sums(num_tasks);
  for (flatbuffers::uoffset_t i = 0; i < f32_scores.size(); ++i) {
    CHECK(golden.f32_scores()->Get(i) == f32_scores.Get(i));
    const double difference = std::abs(double{golden.scores()->Get(i)} - double{f32_scores.Get(i)});
    largest[i % num_tasks] = std::max(largest[i % num_tasks], difference);
    sums[i % num_tasks] += difference;
  }
  for (flatbuffers::uoffset_t task = 0; task < num_tasks; ++task) {
    CHECK(largest[task] > 0);
    const float said = root.score_change()->largest()->Get(task);
    CHECK(said >= largest[task]);
    CHECK(said <= largest[task] * (1 + 0x1p-22));
    CHECK(root.score_change()->mean()->Get(task) ==
          doctest::Approx(sums[task] / static_cast<double>(options.num_golden_rows)));
  }
  CHECK(root.score_change()->num_rows() == options.num_golden_rows);
  CHECK(root.score_change()->rows_file() == nullptr);
  CHECK(root.score_change()->num_labels() == nullptr);  // no rows, no labels
}

TEST_CASE("convert: the file has the quality before and after that was measured") {
  ConvertOptions options;
  options.numbers = {WeightType::kF16, TableType::kF32};
  options.rows_file = "rows.csv";
  options.measure = [](std::string_view, std::string_view, ScoreDifferences& differences) {
    differences.set_quality(1, true, 77, 0.75, 0.625);
  };
  const Converted stored = convert(mmoe::test::mmoe_description({}), {"w", 0, 0}, options);
  const schema::ScoreChange& change = *schema::GetSizePrefixedModel(stored.file.data())->score_change();
  REQUIRE(change.num_labels()->size() == 2);
  CHECK(change.num_labels()->Get(0) == 0);
  CHECK(change.num_labels()->Get(1) == 77);
  CHECK(change.f32_quality()->Get(1) == 0.75F);
  CHECK(change.quality()->Get(1) == 0.625F);
  CHECK(change.rows_file()->str() == "rows.csv");
}

TEST_CASE("a file whose qualities are not one of each task is refused") {
  TrainedModel description = mmoe::test::mmoe_description({});
  choose_types({WeightType::kF16, TableType::kF32}, description);
  LoweredModel lowered = lower(description);
  quantise(lowered);
  const auto refused = [&](size_t labels, size_t before, size_t after) {
    const Golden f32 = make_golden(description, random_rows(description, 2, 1));
    Golden golden = make_stored_golden(f32, 2, "rows.csv", true);
    golden.change.num_labels.resize(labels);
    golden.change.f32_quality.resize(before);
    golden.change.quality.resize(after);
    const mmoe::test::AlignedBytes file(serialize(lowered, golden, {"w", 0, 0}));
    const Result<Model> model = Model::from_bytes(file.data(), file.size());
    if (model) return false;
    CHECK(std::string(model.error().message()).find("score_change: not one of 2 tasks") != std::string::npos);
    return true;
  };
  CHECK_FALSE(refused(2, 2, 2));
  CHECK(refused(1, 1, 1));
  CHECK(refused(3, 2, 2));
  CHECK(refused(2, 1, 2));
  CHECK(refused(2, 2, 3));
}

}  // namespace
}  // namespace mmoe::converter
