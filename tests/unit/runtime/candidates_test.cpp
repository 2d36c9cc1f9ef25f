// One user, many candidates: the bits of whole rows, with the user's share computed once.
#include <cmath>
#include <initializer_list>
#include <limits>

#include <doctest/doctest.h>

#include "mmoe/session.h"
#include "tests/unit/kernel_sets.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

constexpr std::size_t kCandidates = 131;

struct Request {
  std::vector<float> user, items, rows;

  Request(const Model& model, Random& random) {
    const std::size_t item_dim = model.candidate_dim();
    user = random.floats(model.user_dim());
    items = random.floats(kCandidates * item_dim);
    for (std::size_t i = 0; i < kCandidates; ++i) {
      rows.insert(rows.end(), user.begin(), user.end());
      rows.insert(rows.end(), &items[i * item_dim], &items[i * item_dim] + item_dim);
    }
  }

  void set_of_user(std::size_t column, float value) {
    user[column] = value;
    for (std::size_t i = 0; i < kCandidates; ++i) rows[i * (rows.size() / kCandidates) + column] = value;
  }
};

Session make_session(const Model& model, const SessionOptions& options) {
  Result<Session> session = Session::create(model, options);
  REQUIRE(session.ok());
  return std::move(*session);
}

void check_candidates(const Model& model, const SessionOptions& options, const Request& request, const Request& next) {
  Session session = make_session(model, options);
  std::vector<float> expected(kCandidates * model.num_tasks()), found(expected.size());
  for (const Request* user : {&request, &next}) {
    REQUIRE(session.set_user(Input::x(user->user, 1)).ok());
    REQUIRE(session.score(Input::x(user->rows, kCandidates), {expected}).ok());
    REQUIRE(session.score(Input::x(user->items, kCandidates).candidates(), {found}).ok());
    CHECK(found == expected);
  }
}

converter::TrainedModel shared_or_own_gates(std::size_t top_k) { return user_item_description(top_k >= 4, top_k % 4); }
converter::TrainedModel parts(std::size_t top_k) { return parts_description(top_k); }
converter::TrainedModel nodes(std::size_t top_k) { return node_description(top_k); }

void check_all(converter::TrainedModel describe(std::size_t top_k), std::size_t user_dim,
               std::initializer_list<std::size_t> top_ks, std::initializer_list<std::size_t> max_batches) {
  Random random(1);
  for (const converter::NumberOptions& numbers : all_numbers()) {
    for (const std::size_t top_k : top_ks) {
      const AlignedBytes file = model_file(describe(top_k), 4, numbers);
      const Model model = load(file);
      REQUIRE(model.user_dim() == user_dim);
      const Request request(model, random);
      const Request next(model, random);
      for (const char* kernel_set : available_kernel_sets()) {
        for (const std::size_t max_batch : max_batches) {
          SessionOptions options;
          options.kernel_set = kernel_set;
          options.max_batch = max_batch;
          options.skip_experts = max_batch == 7 ? SkipExperts::kNever : SkipExperts::kAlways;
          check_candidates(model, options, request, next);
        }
      }
    }
  }
}

TEST_CASE("candidates: the bits of whole rows, for every kernel set and stored numbers") {
  check_all(shared_or_own_gates, 13, {0, 6}, {200});
}

TEST_CASE("candidates: parts of x have the bits of whole rows: the user's, the items', both, side by side or copied") {
  check_all(parts, 9, {0, 2}, {200});
}

TEST_CASE("candidates: nodes over the user's columns and the items' have the bits of whole rows") {
  check_all(nodes, 9, {0, 2}, {200});
}

// Minutes where instructions are emulated.
TEST_CASE("candidates: the same for small batches and every kind of gate (not emulated)") {
  check_all(shared_or_own_gates, 13, {0, 2, 4, 6}, {1, 7});
  check_all(parts, 9, {0, 2}, {1, 7});
  check_all(nodes, 9, {0, 2}, {1, 7});
}

void check_masked_elements(std::size_t length, const converter::NumberOptions& numbers) {
  const AlignedBytes file = model_file(history_description(length), 2, numbers);
  const Model model = load(file);
  Random random(length);
  Request request(model, random), next(model, random);
  for (std::size_t i = 0; i < length; ++i) next.set_of_user(3 * length + i, i % 5 == 2 || i < 2 ? 0.0f : 1.0f);
  for (const char* kernel_set : available_kernel_sets()) {
    SessionOptions options;
    options.kernel_set = kernel_set;
    check_candidates(model, options, request, next);
  }
  Session session = make_session(model, SessionOptions());
  std::vector<float> expected(kCandidates * 2), found(kCandidates * 2);
  REQUIRE(session.score(Input::x(next.rows, kCandidates), {expected}).ok());
  for (std::size_t i = 0; i < length; ++i) {
    if (next.user[3 * length + i] != 0) continue;
    for (std::size_t c = 0; c < 3; ++c) next.set_of_user(3 * i + c, 1e6f);
  }
  REQUIRE(session.score(Input::x(next.rows, kCandidates), {found}).ok());
  CHECK(found == expected);
}

// Elements are computed some at a time: 18 in one go, 19 in two, 40 in three.
TEST_CASE("candidates: elements that a mask leaves out change no bit, and the others have those of whole rows") {
  for (const converter::NumberOptions& numbers : all_numbers()) {
    for (const std::size_t length : {1, 18, 19, 40}) {
      CAPTURE(length);
      check_masked_elements(length, numbers);
    }
  }
}

TEST_CASE("candidates: behind a user's share of a product normalisations see the whole row") {
  Random random(2);
  for (const std::size_t top_k : {0, 2}) {
    const AlignedBytes file = model_file(normalised_description(top_k));
    const Model model = load(file);
    REQUIRE(model.user_dim() == 9);
    const Request request(model, random);
    SessionOptions options;
    options.skip_experts = SkipExperts::kAlways;
    Session session = make_session(model, options);
    std::vector<float> expected(kCandidates * 2), found(kCandidates * 2);
    REQUIRE(session.set_user(Input::x(request.user, 1)).ok());
    REQUIRE(session.score(Input::x(request.rows, kCandidates), {expected}).ok());
    REQUIRE(session.score(Input::x(request.items, kCandidates).candidates(), {found}).ok());
    CHECK(found == expected);
  }
}

TEST_CASE("candidates: one task alone") {
  const AlignedBytes file = model_file(user_item_description(false, 0));
  const Model model = load(file);
  Random random(2);
  const Request request(model, random);
  const std::uint32_t task = 1;
  SessionOptions options;
  options.tasks = &task;
  options.num_tasks = 1;
  Session alone = make_session(model, options);
  Session all = make_session(model, {});
  std::vector<float> found(kCandidates), expected(kCandidates * 2);
  REQUIRE(alone.set_user(Input::x(request.user, 1)).ok());
  REQUIRE(alone.score(Input::x(request.items, kCandidates).candidates(), {found}).ok());
  REQUIRE(all.score(Input::x(request.rows, kCandidates), {expected}).ok());
  for (std::size_t i = 0; i < kCandidates; ++i) CHECK(found[i] == expected[2 * i + 1]);
}

TEST_CASE("candidates: raw features of the user and of candidates have the bits of whole rows") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  Random random(3);
  std::vector<float> histories = random.floats(3), prices;
  std::vector<std::int32_t> countries(kCandidates, 2), devices(kCandidates, 1), shops;
  for (std::size_t i = 0; i < kCandidates; ++i) {
    if (i != 0) histories.insert(histories.end(), histories.begin(), histories.begin() + 3);
    prices.push_back(random.uniform(-10, 80));
    shops.push_back(i % 9 == 0 ? Model::kUnknownId : static_cast<std::int32_t>(random.below(100)));
  }
  std::vector<FeatureColumn> rows(5);
  rows[model.find_feature("country")].ids = countries;
  rows[model.find_feature("device")].ids = devices;
  rows[model.find_feature("history")].values = histories;
  rows[model.find_feature("price")].values = prices;
  rows[model.find_feature("shop")].ids = shops;
  // The columns of the other part are ignored, whatever is in them.
  std::vector<FeatureColumn> user(5), items(5);
  for (std::size_t i = 0; i < 5; ++i) (model.feature(i).side == Side::kItem ? items : user)[i] = rows[i];
  for (FeatureColumn& column : user) {
    column.values = {column.values.data(), column.values.size() / kCandidates};
    column.ids = {column.ids.data(), column.ids.size() / kCandidates};
  }
  for (const std::size_t max_batch : {1, 200}) {
    SessionOptions options;
    options.max_batch = max_batch;
    Session session = make_session(model, options);
    std::vector<float> expected(kCandidates * 2), found(kCandidates * 2);
    const Input candidates = Input::columns(items, kCandidates).candidates();
    CHECK(session.score(candidates, {found}).error().code() == ErrorCode::kInvalidArgument);  // of nobody
    REQUIRE(session.score(Input::columns(rows, kCandidates), {expected}).ok());
    // One array for both calls: a user's columns of one row, and the candidates'.
    std::vector<FeatureColumn> both = items;
    for (std::size_t i = 0; i < 5; ++i) {
      if (model.feature(i).side != Side::kItem) both[i] = user[i];
    }
    for (const std::vector<FeatureColumn>* its_user : {&user, &both}) {
      for (const std::vector<FeatureColumn>* its_items : {&items, &rows, &both}) {
        REQUIRE(session.set_user(Input::columns(*its_user, 1)).ok());
        REQUIRE(session.score(Input::columns(*its_items, kCandidates).candidates(), {found}).ok());
        CHECK(found == expected);
      }
    }
    const Status status = session.score(Input::columns(user, 1).candidates(), {found});
    CHECK(status.error().code() == ErrorCode::kInvalidArgument);
    CHECK(std::string(status.error().message()) ==
          "columns[0].values (feature \"price\"): length 0, needs 1 (rows: 1, per row: 1)");
    CHECK(session.set_user(Input::columns(user, 2)).error().code() == ErrorCode::kInvalidArgument);
    CHECK(session.set_user(Input::columns(items, 1)).error().code() == ErrorCode::kInvalidArgument);
    CHECK(session.set_user(Input::columns(items, 1).candidates()).error().code() == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("candidates: a row of another width than the call's is an error with both widths") {
  const AlignedBytes file = model_file(user_item_description(false, 0));  // 13 of 20 inputs are the user's
  const Model model = load(file);
  Random random(5);
  const Request request(model, random);
  Session session = make_session(model, {});
  std::vector<float> scores(kCandidates * 2), expected = scores;
  const auto message = [](const Status& status) { return std::string(status.error().message()); };
  const Span<const float> row(request.rows.data(), 20);
  CHECK(message(session.set_user(Input::x(row, 1))) == "x: length 20, needs 13 (rows: 1, per row: 13)");
  REQUIRE(session.set_user(Input::x(request.user, 1)).ok());
  CHECK(message(session.score(Input::x(row, 1).candidates(), {scores})) ==
        "x: length 20, needs 7 (rows: 1, per row: 7)");
  CHECK(message(session.score(Input::x(request.user, 1), {scores})) == "x: length 13, needs 20 (rows: 1, per row: 20)");
  CHECK(message(session.score(Input::x(request.rows, kCandidates - 1), {scores})).find("x: length ") == 0);
  CHECK(message(session.score(Input::x(row, 0), {scores})) == "x: length 20, needs 0 (rows: 0, per row: 20)");
  // With a stride, a row may be wider, and x longer.
  REQUIRE(session.score(Input::x(request.rows, kCandidates), {expected}).ok());
  REQUIRE(session.set_user(Input::x(request.rows, 1, 20)).ok());
  const Span<const float> items(request.rows.data() + 13, request.rows.size() - 13);
  REQUIRE(session.score(Input::x(items, kCandidates, 20).candidates(), {scores}).ok());
  CHECK(scores == expected);
  CHECK(session.score(Input::x(row, 0, 20), {}).ok());
}

TEST_CASE("candidates: order of calls, models without users, what is not finite") {
  const AlignedBytes file = model_file(user_item_description(false, 0));
  const Model model = load(file);
  Random random(4);
  const Request request(model, random);
  std::vector<float> scores(kCandidates * 2);
  Session session = make_session(model, {});
  const Input one_item = Input::x({request.items.data(), 7}, 1).candidates();
  CHECK(session.score(one_item, {scores}).error().code() == ErrorCode::kInvalidArgument);
  CHECK(session.set_user(Input::x({}, 1)).error().code() == ErrorCode::kInvalidArgument);

  std::vector<float> bad_user = request.user;
  bad_user[12] = std::numeric_limits<float>::infinity();
  REQUIRE(session.set_user(Input::x(bad_user, 1)).ok());
  REQUIRE(session.score(Input::x({request.items.data(), 3 * 7}, 3).candidates(), {scores}).ok());
  for (std::size_t i = 0; i < 6; ++i) CHECK(std::isnan(scores[i]));
  std::vector<float> bad_items = request.items;
  bad_items[7 * 60 + 6] = std::numeric_limits<float>::quiet_NaN();
  REQUIRE(session.set_user(Input::x(request.user, 1)).ok());
  REQUIRE(session.score(Input::x(bad_items, kCandidates).candidates(), {scores}).ok());
  for (std::size_t i = 0; i < scores.size(); ++i) CHECK(std::isnan(scores[i]) == (i / 2 == 60));

  SessionOptions options;
  options.non_finite = NonFinite::kError;
  Session strict = make_session(model, options);
  REQUIRE(strict.set_user(Input::x(request.user, 1)).ok());
  CHECK(strict.set_user(Input::x(bad_user, 1)).error().code() == ErrorCode::kNonFinite);
  // The user of before is gone: nobody's candidates are ranked for somebody else.
  CHECK(strict.score(one_item, {scores}).error().code() == ErrorCode::kInvalidArgument);
  REQUIRE(strict.set_user(Input::x(request.user, 1)).ok());
  CHECK(strict.score(Input::x(bad_items, kCandidates).candidates(), {scores}).error().code() == ErrorCode::kNonFinite);

  const AlignedBytes plain_file = model_file(mmoe_description({}));
  const Model plain = load(plain_file);
  CHECK(plain.user_dim() == 0);
  CHECK(plain.candidate_dim() == 0);
  CHECK(make_session(plain, {}).set_user(Input::x(request.user, 1)).error().code() == ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace mmoe::test
