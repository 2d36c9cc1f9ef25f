// Sequences whose elements have weights: pooled as plain loops pool them, from columns, rows and golden rows.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "mmoe/mmoe.h"
#include "mmoe/rows.h"
#include "mmoe/session.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// A row of weighted_description().
struct Bag {
  std::vector<std::int32_t> ids;
  std::vector<float> weights;
};
struct WeightedRow {
  float price;
  Bag tags, words, seen, clicks;
};

const WeightedRow kRows[] = {
    {0.5f, {{1, 2, 8}, {0.5f, 2, 0.25f}}, {{1, 5, 2, 3}, {1, -2, 0, 0.5f}}, {{4, 4}, {3, 0.1f}}, {{0, 3}, {}}},
    {-1, {{7}, {0.75f}}, {{0, 3}, {100, 2}}, {{}, {}}, {{5}, {}}},
    {0, {{}, {}}, {{-1, 4}, {5, 1}}, {{2, 6}, {0, -1}}, {{}, {}}},
    {2, {{1, 2, 3}, {0, 1.5f, -3}}, {{}, {}}, {{8, 0}, {1e-3f, 1e3f}}, {{1, 1}, {}}},
};

// What the description says, in float, element after element.
std::vector<float> pooled(const converter::TrainedModel& model, std::size_t index, const Bag& bag) {
  const auto& feature = std::get<converter::SequenceFeature>(model.features[index].kind);
  const converter::Table& table = model.embeddings[feature.embedding].table;
  std::vector<float> sum(table.cols);
  float divisor = 0;
  bool any = false;
  for (std::size_t i = 0; i < bag.ids.size(); ++i) {
    const std::int32_t id = bag.ids[i];
    const float weight = feature.weights.empty() ? 1 : bag.weights[i];
    if (id < 0 || (feature.padding_id && static_cast<std::uint32_t>(id) == *feature.padding_id)) continue;
    if (feature.pooling != converter::Pooling::kSum && weight <= 0) continue;
    for (std::size_t d = 0; d < table.cols; ++d) {
      const float product = table.at(static_cast<std::size_t>(id), d) * weight;
      sum[d] = any ? sum[d] + product : product;
    }
    divisor += feature.pooling == converter::Pooling::kSqrtN ? weight * weight : weight;
    any = true;
  }
  if (feature.pooling == converter::Pooling::kSqrtN) divisor = std::sqrt(divisor);
  for (float& x : sum) x = any && feature.pooling != converter::Pooling::kSum ? x / divisor : x;
  return sum;
}

std::vector<float> encoded(const converter::TrainedModel& model, const WeightedRow& row) {
  std::vector<float> x = {row.price};
  const Bag* const bags[] = {&row.tags, &row.words, &row.seen, &row.clicks};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::vector<float> block = pooled(model, i + 1, *bags[i]);
    x.insert(x.end(), block.begin(), block.end());
  }
  return x;
}

Session session_of(const Model& model, std::size_t max_batch) {
  SessionOptions options;
  options.max_batch = max_batch;
  return std::move(*Session::create(model, options));
}

void set_row(Rows& rows, std::size_t at, const WeightedRow& row) {
  rows.set(at, "price", row.price);
  rows.set(at, "tags", row.tags.ids);
  rows.set_weights(at, "tags", row.tags.weights);
  std::vector<RawElement> words;
  for (const std::int32_t id : row.words.ids) words.push_back(id < 0 ? RawElement(99) : RawElement(id));
  rows.set(at, "words", words);
  rows.set_weights(at, "words", row.words.weights);
  rows.set(at, "seen", row.seen.ids);
  rows.set_weights(at, "seen", row.seen.weights);
  rows.set(at, "clicks", row.clicks.ids);
}

TEST_CASE("weights: scores of raw rows are those of x, whole, by user and by part of a batch") {
  const converter::TrainedModel description = weighted_description();
  const AlignedBytes file = model_file(description);
  const Model model = load(file);
  const std::size_t num_tasks = model.num_tasks(), num_rows = std::size(kRows);
  RowsOptions options;
  options.max_rows = num_rows;
  Rows rows = std::move(*Rows::create(model, options));
  for (std::size_t i = 0; i < num_rows; ++i) set_row(rows, i, kRows[i]);
  REQUIRE(rows.status().ok());
  Session session = session_of(model, num_rows);
  std::vector<float> scores(num_rows * num_tasks), expected(num_tasks);
  REQUIRE(session.score(Input::rows(rows), {scores}).ok());
  for (std::size_t i = 0; i < num_rows; ++i) {
    const std::vector<float> x = encoded(description, kRows[i]);
    REQUIRE(session.score(Input::x(x, 1), {expected}).ok());
    for (std::size_t task = 0; task < num_tasks; ++task) CHECK(scores[i * num_tasks + task] == expected[task]);
  }
  // The user's half once, and the candidates by themselves.
  for (std::size_t i = 0; i < num_rows; ++i) {
    RowsOptions user_options, candidate_options;
    user_options.part = Part::kUser;
    candidate_options.part = Part::kCandidate;
    Rows user = std::move(*Rows::create(model, user_options));
    Rows candidate = std::move(*Rows::create(model, candidate_options));
    user.set(0, "tags", kRows[i].tags.ids);
    user.set_weights(0, "tags", kRows[i].tags.weights);
    user.set(0, "clicks", kRows[i].clicks.ids);
    candidate.set(0, "price", kRows[i].price);
    std::vector<RawElement> words;
    for (const std::int32_t id : kRows[i].words.ids) words.push_back(id < 0 ? RawElement(99) : RawElement(id));
    candidate.set(0, "words", words);
    candidate.set_weights(0, "words", kRows[i].words.weights);
    candidate.set(0, "seen", kRows[i].seen.ids);
    candidate.set_weights(0, "seen", kRows[i].seen.weights);
    REQUIRE(session.set_user(Input::rows(user)).ok());
    REQUIRE(session.score(Input::rows(candidate), {expected}).ok());
    for (std::size_t task = 0; task < num_tasks; ++task) CHECK(scores[i * num_tasks + task] == expected[task]);
  }
}

TEST_CASE("weights: golden rows, which have them, are replayed") {
  const AlignedBytes file = model_file(weighted_description(), 7);
  const Model model = load(file);
  const GoldenRows golden = model.golden_rows();
  CHECK(golden.num_values == 1 + 3 + 4 + 2);
  CHECK(golden.num_ids == 3 + 4 + 2 + 2);
  SessionOptions options;
  options.max_batch = 7;
  options.kernel_set = "scalar";  // with the bits of the golden scores on any machine
  Result<Session> session = Session::create(model, options);
  REQUIRE(session.ok());
  std::vector<float> scores(7 * model.num_tasks());
  REQUIRE(session->score(Input::golden(golden, 0, 7), {scores}).ok());
  for (std::size_t i = 0; i < scores.size(); ++i) CHECK(scores[i] == golden.scores[i]);
}

TEST_CASE("weights: features say their column; rows without weights are missing, others are errors") {
  const AlignedBytes file = model_file(weighted_description());
  const Model model = load(file);
  CHECK(model.feature(1).weights == "tag weights");
  CHECK(model.feature(4).weights.empty());
  Rows rows = std::move(*Rows::create(model));
  Session session = session_of(model, 1);
  std::vector<float> scores(model.num_tasks());
  set_row(rows, 0, kRows[0]);
  rows.set_weights(0, "tags", std::vector<float>{1, 2});  // two of three elements
  REQUIRE(session.score(Input::rows(rows), {scores}).ok());
  CHECK(std::isnan(scores[0]));
  rows.set(0, "tags", std::vector<std::int32_t>{3, 4});
  REQUIRE(session.score(Input::rows(rows), {scores}).ok());
  CHECK_FALSE(std::isnan(scores[0]));
  const auto error = [&](const auto& set) -> std::string {
    rows.clear();
    const Status& status = set();
    return status ? "" : status.error().message();
  };
  CHECK(error([&]() -> const Status& { return rows.set_weights(0, "clicks", 0.5); }) ==
        "feature \"clicks\": its elements have no weights");
  CHECK(error([&]() -> const Status& { return rows.set_weights(0, "price", 0.5); }) ==
        "feature \"price\": its elements have no weights");
  CHECK(error([&]() -> const Status& {
          return rows.set_weights(0, "seen", {1, 2, 3});
        }) == "feature \"seen\", row 0: number of values: 3, expected at most 2");
  CHECK(error([&]() -> const Status& { return rows.set_weights(0, "seen", "one"); }) ==
        "feature \"seen\", row 0: a string, expected a number");
  const std::int32_t ids[] = {1, 2, -2};
  const float weights[] = {1, 2, kNan};
  FeatureColumn columns[5] = {{{weights, 1}, {}}, {{weights, 3}, {ids, 3}}, {}, {}, {}};
  const Status status = session.score(Input::columns(columns, 1), {scores});
  REQUIRE_FALSE(status.ok());
  CHECK(std::string(status.error().message()).find("columns[2].ids (feature \"words\"): length 0") == 0);
  columns[1] = {{}, {ids, 3}};
  const Status without = session.score(Input::columns(columns, 1), {scores});
  REQUIRE_FALSE(without.ok());
  CHECK(std::string(without.error().message()).find("columns[1].values (feature \"tags\"): length 0") == 0);
}

TEST_CASE("C interface: weights of one row and of a column") {
  const AlignedBytes file = model_file(weighted_description());
  mmoe_model* model = nullptr;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), nullptr, &model) == MMOE_OK);
  mmoe_feature_info info = {};
  info.struct_size = sizeof info;
  REQUIRE(mmoe_model_feature(model, 2, &info) == MMOE_OK);
  CHECK(std::string_view(info.weights, info.weights_size) == "word weights");
  mmoe_rows* rows = nullptr;
  REQUIRE(mmoe_rows_create(model, nullptr, &rows) == MMOE_OK);
  const float numbers[] = {0.5f, 2, 1};
  mmoe_values values = {};
  values.data = numbers;
  values.size = 3;
  values.type = MMOE_FLOATS;
  const int32_t offsets[] = {0, 3};
  CHECK(mmoe_rows_set_weights(rows, 0, "tags", &values) == MMOE_OK);
  CHECK(mmoe_rows_set_weights_at(rows, 0, 1, &values) == MMOE_OK);
  CHECK(mmoe_rows_set_weights_column(rows, "words", &values, offsets, 2) == MMOE_OK);
  CHECK(mmoe_rows_set_weights_column_at(rows, 2, &values, offsets, 2) == MMOE_OK);
  CHECK(mmoe_rows_set_weights(rows, 0, "clicks", &values) == MMOE_INVALID_ARGUMENT);
  mmoe_rows_free(rows);
  mmoe_model_free(model);
}

TEST_CASE("hostile: weights where the pooling has none, and the other way round, are refused by name") {
  const AlignedBytes file = model_file(weighted_description(), 1);
  const auto with_pooling = [&](flatbuffers::uoffset_t index, schema::Pooling pooling) {
    const AlignedBytes copy = model_file(weighted_description(), 1);
    auto* feature = reinterpret_cast<flatbuffers::Table*>(
        const_cast<schema::Feature*>(schema::GetSizePrefixedModel(copy.data())->features()->Get(index)));
    REQUIRE(feature->SetField<std::uint8_t>(schema::Feature::VT_POOLING, pooling, 0));
    seal(copy);
    const Result<Model> model = Model::from_bytes(copy.data(), copy.size());
    return model ? std::string() : std::string(model.error().message());
  };
  CHECK(with_pooling(1, schema::Pooling_WeightedSqrtN) == "");
  CHECK(with_pooling(1, schema::Pooling_Mean) == "features[1].weights: not as pooling 1 has them");
  CHECK(with_pooling(4, schema::Pooling_WeightedSum) == "features[4].weights: not as pooling 5 has them");
}

}  // namespace
}  // namespace mmoe::test
