// One user, many candidates: the bits of whole rows, with the user's share computed once.
#include <cmath>
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
};

Session make_session(const Model& model, const SessionOptions& options) {
  Result<Session> session = Session::create(model, options);
  REQUIRE(session.ok());
  return std::move(*session);
}

TEST_CASE("score_candidates: the bits of whole rows, for every kernel set, batch and kind of gate") {
  Random random(1);
  for (const bool with_trunk : {false, true}) {
    for (const std::size_t top_k : {0, 2}) {
      const AlignedBytes file = model_file(user_item_description(with_trunk, top_k));
      const Model model = load(file);
      REQUIRE(model.user_dim() == 13);
      const Request request(model, random);
      const Request next(model, random);
      for (const char* kernel_set : available_kernel_sets()) {
        for (const std::size_t max_batch : {1, 7, 200}) {
          SessionOptions options;
          options.kernel_set = kernel_set;
          options.max_batch = max_batch;
          options.skip_experts = max_batch == 7 ? SkipExperts::kNever : SkipExperts::kAlways;
          Session session = make_session(model, options);
          std::vector<float> expected(kCandidates * 2), found(kCandidates * 2);
          for (const Request* user : {&request, &next}) {
            REQUIRE(session.set_user(user->user.data()).ok());
            REQUIRE(session.score(user->rows.data(), kCandidates, expected.data()).ok());
            REQUIRE(session.score_candidates(user->items.data(), kCandidates, found.data()).ok());
            CHECK(found == expected);
          }
        }
      }
    }
  }
}

TEST_CASE("score_candidates: behind a user's share of a product normalisations see the whole row") {
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
    REQUIRE(session.set_user(request.user.data()).ok());
    REQUIRE(session.score(request.rows.data(), kCandidates, expected.data()).ok());
    REQUIRE(session.score_candidates(request.items.data(), kCandidates, found.data()).ok());
    CHECK(found == expected);
  }
}

TEST_CASE("score_candidates: one task alone") {
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
  REQUIRE(alone.set_user(request.user.data()).ok());
  REQUIRE(alone.score_candidates(request.items.data(), kCandidates, found.data()).ok());
  REQUIRE(all.score(request.rows.data(), kCandidates, expected.data()).ok());
  for (std::size_t i = 0; i < kCandidates; ++i) CHECK(found[i] == expected[2 * i + 1]);
}

TEST_CASE("score_candidate_features: the bits of score_features on the user's row repeated") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  Random random(3);
  const std::vector<float> history = random.floats(3);
  const std::int32_t country = 2, device = 1;
  std::vector<std::int32_t> countries(kCandidates, country), devices(kCandidates, device), shops;
  std::vector<float> histories, prices;
  for (std::size_t i = 0; i < kCandidates; ++i) {
    histories.insert(histories.end(), history.begin(), history.end());
    prices.push_back(random.uniform(-10, 80));
    shops.push_back(i % 9 == 0 ? Model::kUnknownId : static_cast<std::int32_t>(random.below(100)));
  }
  const FeatureColumn rows[] = {{prices.data(), nullptr},
                                {nullptr, countries.data()},
                                {nullptr, shops.data()},
                                {nullptr, devices.data()},
                                {histories.data(), nullptr}};
  const FeatureColumn user[] = {{}, {nullptr, &country}, {}, {nullptr, &device}, {history.data(), nullptr}};
  for (const std::size_t max_batch : {1, 200}) {
    SessionOptions options;
    options.max_batch = max_batch;
    Session session = make_session(model, options);
    std::vector<float> expected(kCandidates * 2), found(kCandidates * 2);
    CHECK(session.score_candidate_features(rows, 5, 1, found.data()).error().code() == ErrorCode::kInvalidArgument);
    REQUIRE(session.set_user_features(user, 5).ok());
    REQUIRE(session.score_features(rows, 5, kCandidates, expected.data()).ok());
    REQUIRE(session.score_candidate_features(rows, 5, kCandidates, found.data()).ok());
    CHECK(found == expected);
    CHECK(session.set_user_features(user, 3).error().code() == ErrorCode::kInvalidArgument);
    REQUIRE(session.set_user_features(user, 5).ok());
    CHECK(session.score_candidate_features(rows, 2, 1, found.data()).error().code() == ErrorCode::kInvalidArgument);
    CHECK(std::string(session.score_candidate_features(user, 5, 1, found.data()).error().message())
              .find("columns[0].values: null") != std::string::npos);
  }
}

TEST_CASE("score_candidates: order of calls, models without users, what is not finite") {
  const AlignedBytes file = model_file(user_item_description(false, 0));
  const Model model = load(file);
  Random random(4);
  const Request request(model, random);
  std::vector<float> scores(kCandidates * 2);
  Session session = make_session(model, {});
  CHECK(session.score_candidates(request.items.data(), 1, scores.data()).error().code() ==
        ErrorCode::kInvalidArgument);
  CHECK(session.set_user(nullptr).error().code() == ErrorCode::kInvalidArgument);

  std::vector<float> bad_user = request.user;
  bad_user[12] = std::numeric_limits<float>::infinity();
  REQUIRE(session.set_user(bad_user.data()).ok());
  REQUIRE(session.score_candidates(request.items.data(), 3, scores.data()).ok());
  for (std::size_t i = 0; i < 6; ++i) CHECK(std::isnan(scores[i]));
  std::vector<float> bad_items = request.items;
  bad_items[7 * 60 + 6] = std::numeric_limits<float>::quiet_NaN();
  REQUIRE(session.set_user(request.user.data()).ok());
  REQUIRE(session.score_candidates(bad_items.data(), kCandidates, scores.data()).ok());
  for (std::size_t i = 0; i < scores.size(); ++i) CHECK(std::isnan(scores[i]) == (i / 2 == 60));

  SessionOptions options;
  options.non_finite = NonFinite::kError;
  Session strict = make_session(model, options);
  REQUIRE(strict.set_user(request.user.data()).ok());
  CHECK(strict.set_user(bad_user.data()).error().code() == ErrorCode::kNonFinite);
  // The user of before is gone: nobody's candidates are ranked for somebody else.
  CHECK(strict.score_candidates(request.items.data(), 1, scores.data()).error().code() ==
        ErrorCode::kInvalidArgument);
  REQUIRE(strict.set_user(request.user.data()).ok());
  CHECK(strict.score_candidates(bad_items.data(), kCandidates, scores.data()).error().code() ==
        ErrorCode::kNonFinite);

  const AlignedBytes plain_file = model_file(mmoe_description({}));
  const Model plain = load(plain_file);
  CHECK(plain.user_dim() == 0);
  CHECK(plain.candidate_dim() == 0);
  CHECK(make_session(plain, {}).set_user(request.user.data()).error().code() == ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace mmoe::test
