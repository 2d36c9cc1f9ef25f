// The order of features and of the columns of x is the description's, wherever the item's stand in it.
#include <algorithm>
#include <cstring>

#include <doctest/doctest.h>

#include "mmoe/session.h"
#include "tests/unit/feature_rows.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

constexpr std::size_t kRows = 131;

// feature_description() is item, user, item, context, user. The same model with the user's features first: features and
// the columns of every layer that reads x moved by hand.
constexpr std::size_t kSharedFirst[] = {1, 3, 4, 0, 2};

std::vector<std::size_t> moved_columns(const converter::TrainedModel& model) {
  std::vector<std::size_t> first, from;
  std::size_t next = 0;
  for (const converter::Feature& feature : model.features) {
    first.push_back(next);
    next += feature.width;
  }
  for (const std::size_t i : kSharedFirst) {
    for (std::size_t c = 0; c < model.features[i].width; ++c) from.push_back(first[i] + c);
  }
  return from;
}

converter::TrainedModel shared_first_description() {
  converter::TrainedModel model = feature_description();
  const std::vector<std::size_t> from = moved_columns(model);
  const auto move = [&](converter::DenseLayer& layer) {
    const converter::Matrix before = layer.weight;
    for (std::size_t r = 0; r < before.rows; ++r) {
      for (std::size_t c = 0; c < before.cols; ++c) layer.weight.data[r * before.cols + c] = before.at(r, from[c]);
    }
  };
  for (converter::Expert& expert : model.levels[0].experts) move(expert.layers[0]);
  for (converter::Gate& gate : model.levels[0].gates) {
    if (gate.logits) move(gate.hidden.empty() ? *gate.logits : gate.hidden[0]);
  }
  std::vector<converter::Feature> features;
  for (const std::size_t i : kSharedFirst) features.push_back(model.features[i]);
  model.features = std::move(features);
  return model;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Scores and gate weights of one call.
struct Scored {
  std::vector<float> scores, gates;

  explicit Scored(const Session& session) : scores(kRows * 2), gates(kRows * session.plan().num_gate_weights()) {}
  Output output() {
    Output output{scores};
    output.gate_weights = gates;
    return output;
  }
  bool operator==(const Scored& other) const {
    return same_bits(scores, other.scores) && same_bits(gates, other.gates);
  }
};

struct Models {
  AlignedBytes file = model_file(feature_description()), first_file = model_file(shared_first_description());
  Model model = load(file), first = load(first_file);
  FeatureRows<FeatureColumn> rows{kRows};
  std::vector<FeatureColumn> first_columns;
  std::vector<float> x, first_x;

  Models() {
    for (const std::size_t i : kSharedFirst) first_columns.push_back(rows.columns[i]);
    Random random(5);
    x = random.floats(kRows * 31);
    const std::vector<std::size_t> from = moved_columns(feature_description());
    for (std::size_t row = 0; row < kRows; ++row) {
      for (const std::size_t column : from) first_x.push_back(x[row * 31 + column]);
    }
  }
};

TEST_CASE("order: x and features in the description's order have the bits of a model that is written shared first") {
  const Models models;
  for (const std::size_t max_batch : {1, 7, 64, 200}) {
    SessionOptions options;
    options.max_batch = max_batch;
    Result<Session> session = Session::create(models.model, options), first = Session::create(models.first, options);
    REQUIRE(session.ok());
    REQUIRE(first.ok());
    Scored expected(*first), found(*session);
    REQUIRE(first->score(Input::x(models.first_x, kRows), expected.output()).ok());
    REQUIRE(session->score(Input::x(models.x, kRows), found.output()).ok());
    CHECK(found == expected);
    REQUIRE(first->score(Input::columns(models.first_columns, kRows), expected.output()).ok());
    REQUIRE(session->score(Input::columns(models.rows.columns, kRows), found.output()).ok());
    CHECK(found == expected);
    // Rows that are further apart than x is wide.
    std::vector<float> spaced(kRows * 40, 9.0f);
    for (std::size_t row = 0; row < kRows; ++row) std::copy_n(&models.x[row * 31], 31, &spaced[row * 40]);
    REQUIRE(first->score(Input::x(models.first_x, kRows), expected.output()).ok());
    REQUIRE(session->score(Input::x(spaced, kRows, 40), found.output()).ok());
    CHECK(found == expected);
  }
}

TEST_CASE("order: the user's part and the candidates' part are their features in the description's order") {
  Models models;
  REQUIRE(models.model.user_dim() == 23);
  REQUIRE(models.model.candidate_dim() == 8);
  std::vector<float> user, items;
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t i = 0; i < models.model.num_features(); ++i) {
      const FeatureInfo feature = models.model.feature(i);
      const bool item = feature.side == Side::kItem;
      if (!item) std::copy_n(&models.x[feature.column], feature.width, &models.x[row * 31 + feature.column]);
      std::vector<float>& part = item ? items : user;
      if (!item && row != 0) continue;
      const float* values = &models.x[row * 31 + feature.column];
      part.insert(part.end(), values, values + feature.width);
    }
  }
  REQUIRE(user.size() == 23);
  REQUIRE(items.size() == kRows * 8);
  SessionOptions options;
  options.max_batch = 50;
  Result<Session> session = Session::create(models.model, options);
  Scored expected(*session);
  REQUIRE(session->score(Input::x(models.x, kRows), expected.output()).ok());
  Scored found(*session);
  REQUIRE(session->set_user(Input::x(user, 1)).ok());
  REQUIRE(session->score(Input::x(items, kRows).candidates(), found.output()).ok());
  CHECK(found == expected);

  // The same from features; the other part's columns are not looked at.
  std::vector<FeatureColumn> of_user = models.rows.first(1), of_items = models.rows.columns, whole = of_items;
  of_user[0] = of_user[2] = {};
  of_items[1] = of_items[3] = of_items[4] = {};
  const std::vector<std::int32_t> country(kRows, models.rows.country[0]), device(kRows, models.rows.device[0]);
  std::vector<float> history;
  for (std::size_t row = 0; row < kRows; ++row)
    history.insert(history.end(), &models.rows.history[0], &models.rows.history[3]);
  whole[1].ids = country;
  whole[3].ids = device;
  whole[4].values = history;
  Scored raw_expected(*session);
  REQUIRE(session->score(Input::columns(whole, kRows), raw_expected.output()).ok());
  Scored raw(*session);
  REQUIRE(session->set_user(Input::columns(of_user, 1)).ok());
  REQUIRE(session->score(Input::columns(of_items, kRows).candidates(), raw.output()).ok());
  CHECK(raw == raw_expected);
  CHECK(session->set_user(Input::columns(of_items, 1)).error().code() == ErrorCode::kInvalidArgument);
  CHECK(std::string(session->set_user(Input::columns(of_items, 1)).error().message()) ==
        "columns[1].ids (feature \"country\"): length 0, needs 1 (rows: 1, per row: 1)");
}

TEST_CASE("order: golden rows lie in the description's order") {
  const AlignedBytes file = model_file(feature_description(), 6);
  const Model model = load(file);
  const GoldenRows golden = model.golden_rows();
  REQUIRE(golden.num_rows == 6);
  REQUIRE(golden.num_values == 4);  // price, history
  REQUIRE(golden.num_ids == 3);     // country, shop, device
  std::vector<FeatureColumn> columns(5);
  std::vector<float> price, history;
  std::vector<std::int32_t> country, shop, device;
  for (std::size_t row = 0; row < golden.num_rows; ++row) {
    price.push_back(golden.values[row * 4]);
    history.insert(history.end(), golden.values + row * 4 + 1, golden.values + row * 4 + 4);
    country.push_back(golden.ids[row * 3]);
    shop.push_back(golden.ids[row * 3 + 1]);
    device.push_back(golden.ids[row * 3 + 2]);
  }
  columns[0].values = price;
  columns[1].ids = country;
  columns[2].ids = shop;
  columns[3].ids = device;
  columns[4].values = history;
  SessionOptions options;
  options.kernel_set = "scalar";
  std::vector<float> scores(12);
  REQUIRE(Session::create(model, options)->score(Input::columns(columns, 6), {scores}).ok());
  CHECK(std::memcmp(scores.data(), golden.scores, sizeof(float) * 12) == 0);
}

}  // namespace
}  // namespace mmoe::test
