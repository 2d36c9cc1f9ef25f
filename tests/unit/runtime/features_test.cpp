#include <algorithm>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "mmoe/session.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

// feature_description(): price, country, shop, device, history, of which price and shop are the item's.
struct RawRows {
  std::vector<std::int32_t> country, device, shop;
  std::vector<float> history, price;

  std::vector<FeatureColumn> columns(const Model& model) const {
    std::vector<FeatureColumn> all(model.num_features());
    all[model.find_feature("country")].ids = country;
    all[model.find_feature("device")].ids = device;
    all[model.find_feature("shop")].ids = shop;
    all[model.find_feature("history")].values = history;
    all[model.find_feature("price")].values = price;
    return all;
  }
};

RawRows sample_rows(const Model& model, std::size_t count) {
  Random random(1);
  RawRows rows;
  for (std::size_t i = 0; i < count; ++i) {
    rows.country.push_back(static_cast<std::int32_t>(random.below(6)) - 1);
    rows.device.push_back(static_cast<std::int32_t>(random.below(4)));
    rows.shop.push_back(i % 5 == 0 ? Model::kUnknownId : static_cast<std::int32_t>(random.below(100)));
    rows.price.push_back(i % 7 == 0 ? std::numeric_limits<float>::quiet_NaN() : random.uniform(-10, 80));
    for (std::size_t j = 0; j < 3; ++j) rows.history.push_back(random.uniform(-1, 1));
  }
  for (std::int32_t& id : rows.country) id = id == 5 ? 4 : id;
  (void)model;
  return rows;
}

// x as the description defines it, from the description's own tables.
std::vector<float> encode(const converter::TrainedModel& description, const RawRows& rows, std::size_t row) {
  std::vector<float> x;
  const auto append = [&](std::size_t embedding, std::int32_t id) {
    const converter::Table& table = description.embeddings[embedding].table;
    for (std::size_t d = 0; d < table.cols; ++d) {
      x.push_back(id < 0 ? 0.0f : table.at(static_cast<std::size_t>(id), d));
    }
  };
  float price = std::isnan(rows.price[row]) ? 3.0f : rows.price[row];
  price = std::min(std::max(price, 0.0f), 50.0f);
  x.push_back((price - 2.0f) * 0.25f);
  append(0, rows.country[row] < 0 ? 0 : rows.country[row]);
  append(1, rows.shop[row]);
  append(2, rows.device[row]);
  for (std::size_t j = 0; j < 3; ++j) x.push_back(rows.history[row * 3 + j]);
  return x;
}

TEST_CASE("columns: raw rows have the bits of the x they stand for, in every batch") {
  const converter::TrainedModel description = feature_description();
  const AlignedBytes file = model_file(description);
  const Model model = load(file);
  constexpr std::size_t kRows = 101;
  const RawRows rows = sample_rows(model, kRows);
  std::vector<float> x;
  for (std::size_t row = 0; row < kRows; ++row) {
    const std::vector<float> encoded = encode(description, rows, row);
    REQUIRE(encoded.size() == model.input_dim());
    x.insert(x.end(), encoded.begin(), encoded.end());
  }
  for (const std::size_t max_batch : {1, 7, 48, 101}) {
    SessionOptions options;
    options.max_batch = max_batch;
    Result<Session> session = Session::create(model, options);
    std::vector<float> expected(kRows * 2), found(kRows * 2);
    REQUIRE(session->score(Input::x(x, kRows), {expected}).ok());
    const std::vector<FeatureColumn> columns = rows.columns(model);
    REQUIRE(session->score(Input::columns(columns, kRows), {found}).ok());
    CHECK(found == expected);
  }
}

TEST_CASE("Model: features as the description declares them, in its order") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  REQUIRE(model.num_features() == 5);
  CHECK(model.feature(0).name == "price");
  CHECK(model.feature(1).name == "country");
  CHECK(model.feature(2).name == "shop");
  CHECK(model.feature(3).name == "device");
  CHECK(model.feature(4).name == "history");
  CHECK(model.feature(0).side == Side::kItem);
  CHECK(model.feature(1).side == Side::kUser);
  CHECK(model.feature(2).side == Side::kItem);
  CHECK(model.feature(3).side == Side::kContext);
  const std::size_t columns[] = {0, 1, 5, 12, 28};
  for (std::size_t i = 0; i < 5; ++i) CHECK(model.feature(i).column == columns[i]);
  CHECK(model.user_dim() == 23);
  CHECK(model.candidate_dim() == 8);
  CHECK(model.feature(2).width == 7);
  CHECK(model.feature(2).num_ids == 100);
  CHECK_FALSE(model.feature(2).string_values);
  CHECK(model.feature(1).string_values);
  CHECK(model.feature(3).refuses_unknown);
  CHECK_FALSE(model.feature(0).refuses_missing);
  CHECK(model.feature(4).refuses_missing);
  CHECK(model.find_feature("price") == 0);
  CHECK(model.find_feature("prices") == 5);
}

TEST_CASE("find_id: strings, integers and identities; what is not there is unknown") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  const std::size_t country = model.find_feature("country");
  CHECK(model.find_id(country, std::string_view("US")) == 1);
  CHECK(model.find_id(country, std::string_view("AT")) == 2);
  CHECK(model.find_id(country, std::string_view("")) == 3);
  CHECK(model.find_id(country, std::string_view("BR")) == 4);
  for (const char* missing : {"A", "ATT", "at", "ZZ", " "}) {
    CHECK(model.find_id(country, std::string_view(missing)) == Model::kUnknownId);
  }
  const std::size_t shop = model.find_feature("shop");
  CHECK(model.find_id(shop, std::int64_t{7}) == 99);
  CHECK(model.find_id(shop, std::int64_t{-3}) == 1);
  CHECK(model.find_id(shop, std::int64_t{1000000000000}) == 50);
  CHECK(model.find_id(shop, std::int64_t{42}) == 0);
  for (const std::int64_t missing : {INT64_MIN, std::int64_t{0}, std::int64_t{8}, INT64_MAX}) {
    CHECK(model.find_id(shop, missing) == Model::kUnknownId);
  }
  const std::size_t device = model.find_feature("device");
  CHECK(model.find_id(device, std::int64_t{3}) == 3);
  CHECK(model.find_id(device, std::int64_t{4}) == Model::kUnknownId);
  CHECK(model.find_id(device, std::int64_t{-1}) == Model::kUnknownId);
}

TEST_CASE("columns: wrong columns, ids and categories are errors that say where") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  Result<Session> session = Session::create(model);
  std::vector<float> scores(60 * 2);
  const auto error_of = [&](const RawRows& rows, std::size_t num_columns = 5) {
    const std::vector<FeatureColumn> columns = rows.columns(model);
    return session->score(Input::columns({columns.data(), num_columns}, 60), {scores}).error();
  };
  const RawRows good = sample_rows(model, 60);
  CHECK(error_of(good).code() == ErrorCode::kOk);
  CHECK(error_of(good, 4).code() == ErrorCode::kInvalidArgument);

  RawRows bad = good;
  bad.shop[52] = 100;
  CHECK(error_of(bad).code() == ErrorCode::kInvalidArgument);
  CHECK(std::string(error_of(bad).message()) == "feature \"shop\", row 52: id 100, expected -1 (unknown) or below 100");
  bad = good;
  bad.country[3] = -2;
  CHECK(error_of(bad).code() == ErrorCode::kInvalidArgument);
  bad = good;
  bad.device[59] = Model::kUnknownId;
  CHECK(error_of(bad).code() == ErrorCode::kUnknownCategory);
  CHECK(std::string(error_of(bad).message()).find("row 59") != std::string::npos);

  std::vector<FeatureColumn> columns = good.columns(model);
  columns[0] = {};
  CHECK(session->score(Input::columns(columns, 60), {scores}).error().code() == ErrorCode::kInvalidArgument);

  const AlignedBytes plain_file = model_file(mmoe_description({}));
  const Model plain = load(plain_file);
  Result<Session> plain_session = Session::create(plain);
  CHECK(plain_session->score(Input::columns({}, 1), {scores}).error().code() == ErrorCode::kInvalidArgument);
  CHECK(plain_session->score(Input::columns({}, 0), {}).ok());
}

TEST_CASE("columns: no rows are empty arrays, of another length than the rows' is an error") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  Result<Session> session = Session::create(model);
  std::vector<float> scores(3 * 2);
  const RawRows rows = sample_rows(model, 3);
  std::vector<FeatureColumn> columns = rows.columns(model);
  const auto message = [&](std::size_t num_rows) {
    return std::string(session->score(Input::columns(columns, num_rows), {scores}).error().message());
  };
  CHECK(session->score(Input::columns({}, 0), {}).ok());
  CHECK(session->score(Input::columns(std::vector<FeatureColumn>(5), 0), {}).ok());
  CHECK(message(3) == "");
  CHECK(message(2) == "columns[0].values (feature \"price\"): length 3, needs 2 (rows: 2, per row: 1)");
  CHECK(message(0) == "columns[0].values (feature \"price\"): length 3, needs 0 (rows: 0, per row: 1)");
  columns[4].values = {rows.history.data(), 8};
  CHECK(message(3) == "columns[4].values (feature \"history\"): length 8, needs 9 (rows: 3, per row: 3)");
}

TEST_CASE("columns: a missing value without a rule makes the row's scores NaN") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  Result<Session> session = Session::create(model);
  RawRows rows = sample_rows(model, 3);
  rows.history[1 * 3 + 2] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> scores(3 * 2);
  const std::vector<FeatureColumn> columns = rows.columns(model);
  REQUIRE(session->score(Input::columns(columns, 3), {scores}).ok());
  CHECK(std::isfinite(scores[0]));
  CHECK(std::isnan(scores[2]));
  CHECK(std::isnan(scores[3]));
  CHECK(std::isfinite(scores[4]));
}

// sequence_description(): price, words, seen, similar, tags, of which words and seen are the user's.
struct SequenceRows {
  std::vector<std::int32_t> words, seen, similar, tags;
  std::vector<float> price;
  std::size_t count;

  explicit SequenceRows(std::size_t num_rows) : count(num_rows) {
    Random random(3);
    for (std::size_t row = 0; row < count; ++row) {
      price.push_back(random.uniform(-1, 1));
      fill(words, 4, random.below(5), 6, random);
      fill(seen, 5, random.below(6), 9, random);
      fill(similar, 5, random.below(6), 9, random);
      fill(tags, 4, random.below(5), 6, random);
    }
    words[0] = seen[0] = Model::kUnknownId;
  }
  static void fill(std::vector<std::int32_t>& ids, std::size_t length, std::size_t used, std::size_t below,
                   Random& random) {
    for (std::size_t i = 0; i < length; ++i) {
      ids.push_back(i < used ? static_cast<std::int32_t>(random.below(below)) : Model::kNoElement);
    }
  }
  std::vector<FeatureColumn> columns() const { return first(count); }
  std::vector<FeatureColumn> first(std::size_t rows) const {
    const auto ids = [&](const auto& all, std::size_t length) {
      return FeatureColumn{{}, {all.data(), rows * length}};
    };
    return {{{price.data(), rows}, {}}, ids(words, 4), ids(seen, 5), ids(similar, 5), ids(tags, 4)};
  }
};

// What the description says, in float, element after element.
std::vector<float> pooled(const converter::Table& table, const converter::SequenceFeature& feature,
                          const std::int32_t* ids) {
  std::vector<float> sum(table.cols);
  std::size_t count = 0;
  for (std::size_t i = 0; i < feature.length; ++i) {
    std::int32_t id = ids[i];
    if (id == Model::kUnknownId && feature.vocabulary.unknown == converter::UnknownRule::kId) id = 1;
    if (id < 0 || (feature.padding_id && static_cast<std::uint32_t>(id) == *feature.padding_id)) continue;
    for (std::size_t d = 0; d < table.cols; ++d) {
      const float x = table.at(static_cast<std::size_t>(id), d);
      sum[d] = count == 0 ? x : feature.pooling == converter::Pooling::kMax ? std::max(sum[d], x) : sum[d] + x;
    }
    ++count;
  }
  if (count == 0 && feature.empty_id) {
    for (std::size_t d = 0; d < table.cols; ++d) sum[d] = table.at(*feature.empty_id, d);
  }
  for (float& x : sum) {
    if (feature.pooling == converter::Pooling::kMean && count != 0) x /= static_cast<float>(count);
  }
  return sum;
}

std::vector<float> encode(const converter::TrainedModel& description, const SequenceRows& rows, std::size_t row) {
  std::vector<float> x;
  const auto append = [&](std::size_t feature, const std::vector<std::int32_t>& ids) {
    const auto& sequence = std::get<converter::SequenceFeature>(description.features[feature].kind);
    const std::vector<float> block =
        pooled(description.embeddings[sequence.embedding].table, sequence, ids.data() + row * sequence.length);
    x.insert(x.end(), block.begin(), block.end());
  };
  x.push_back(rows.price[row]);
  append(1, rows.words);
  append(2, rows.seen);
  append(3, rows.similar);
  append(4, rows.tags);
  return x;
}

void check_pooled(const converter::TrainedModel& description) {
  const AlignedBytes file = model_file(description);
  const Model model = load(file);
  CHECK(model.feature(2).kind == FeatureKind::kSequence);
  CHECK(model.feature(2).length == 5);
  const SequenceRows rows(71);
  std::vector<float> x;
  for (std::size_t row = 0; row < rows.count; ++row) {
    const std::vector<float> encoded = encode(description, rows, row);
    x.insert(x.end(), encoded.begin(), encoded.end());
  }
  for (const std::size_t max_batch : {1, 7, 71}) {
    SessionOptions options;
    options.max_batch = max_batch;
    Result<Session> session = Session::create(model, options);
    REQUIRE(session.ok());
    std::vector<float> expected(rows.count * 2), found(rows.count * 2);
    REQUIRE(session->score(Input::x(x, rows.count), {expected}).ok());
    REQUIRE(session->score(Input::columns(rows.columns(), rows.count), {found}).ok());
    CHECK(found == expected);
    // The first row's user with every row's item.
    for (std::size_t row = 0; row < rows.count; ++row) {
      std::copy_n(x.begin() + 1, 8, x.begin() + static_cast<std::ptrdiff_t>(row * 17 + 1));
    }
    REQUIRE(session->score(Input::x(x, rows.count), {expected}).ok());
    REQUIRE(session->set_user(Input::columns(rows.first(1), 1)).ok());
    REQUIRE(session->score(Input::columns(rows.columns(), rows.count).candidates(), {found}).ok());
    CHECK(found == expected);
    for (std::size_t row = 0; row < rows.count; ++row) {
      const std::vector<float> encoded = encode(description, rows, row);
      std::copy(encoded.begin(), encoded.end(), x.begin() + static_cast<std::ptrdiff_t>(row * 17));
    }
  }
}

TEST_CASE("sequences: pooled rows have the bits of the x they stand for, in every batch") {
  check_pooled(sequence_description());
}

TEST_CASE("sequences: a row in which no element is left has the one that is said") {
  converter::TrainedModel description = sequence_description();
  const auto sequence = [&](std::size_t feature) -> converter::SequenceFeature& {
    return std::get<converter::SequenceFeature>(description.features[feature].kind);
  };
  sequence(1).empty_id = 0;  // also the padding, which others leave out
  sequence(2).empty_id = 8;
  sequence(3).empty_id = 2;
  check_pooled(description);
  sequence(3).empty_id = 9;
  CHECK_THROWS_WITH(model_file(description), "the written file fails to load: features[3].empty_id: 9 of 9");
}

TEST_CASE("sequences: elements that are refused name feature and row") {
  const AlignedBytes file = model_file(sequence_description());
  const Model model = load(file);
  Result<Session> session = Session::create(model);
  SequenceRows rows(3);
  float scores[6];
  rows.similar[5] = Model::kUnknownId;
  Status status = session->score(Input::columns(rows.columns(), 3), {scores});
  CHECK(status.error().code() == ErrorCode::kUnknownCategory);
  CHECK(std::string(status.error().message()).find("feature \"similar\", row 1") != std::string::npos);
  rows.similar[5] = 9;
  status = session->score(Input::columns(rows.columns(), 3), {scores});
  CHECK(status.error().code() == ErrorCode::kInvalidArgument);
  rows.similar[5] = -10;
  status = session->score(Input::columns(rows.columns(), 3), {scores});
  CHECK(std::string(status.error().message())
            .find("feature \"similar\", row 1: id -10, expected -1 (unknown) or below 9") == 0);
}

}  // namespace
}  // namespace mmoe::test
