// Rows split over an executor: the bits and the errors of one Session, whoever scores what.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "mmoe/session.h"
#include "mmoe/thread_pool.h"
#include "tests/unit/feature_rows.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

constexpr std::size_t kRows = 300;
constexpr std::size_t kBatches[] = {0, 1, 11, 12, 13, 24, 47, 48, 49, 97, kRows};
constexpr std::size_t kWorkers[] = {1, 2, 3, 8};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

void run_backwards(void*, std::size_t num_tasks, Executor::Task task, void* context) {
  for (std::size_t i = num_tasks; i-- > 0;) task(context, i);
}

void run_on_new_threads(void*, std::size_t num_tasks, Executor::Task task, void* context) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < num_tasks; ++i) threads.emplace_back(task, context, i);
  for (std::thread& thread : threads) thread.join();
}

void refuse_to_run(void*, std::size_t, Executor::Task, void*) { FAIL("the executor was called"); }

struct CountingPool {
  explicit CountingPool(const Executor& its_inner) : inner(its_inner) {}
  static void run(void* state, std::size_t num_tasks, Executor::Task task, void* context) {
    auto& its = *static_cast<CountingPool*>(state);
    its.num_tasks.push_back(num_tasks);
    its.inner.run()(its.inner.state(), num_tasks, task, context);
  }
  Executor inner;
  std::vector<std::size_t> num_tasks;
};

Plan make_plan(const Model& model, std::size_t max_batch = kRows, NonFinite non_finite = NonFinite::kNanScores) {
  PlanOptions options;
  options.max_batch = max_batch;
  options.non_finite = non_finite;
  options.skip_experts = SkipExperts::kAlways;
  Result<Plan> plan = Plan::create(model, options);
  REQUIRE(plan.ok());
  return *plan;
}

Session make_session(const Plan& plan, const Executor& executor, std::size_t num_workers) {
  Result<Session> session = Session::create(plan, {executor, num_workers});
  REQUIRE(session.ok());
  CHECK(session->num_workers() == num_workers);
  return std::move(*session);
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST_CASE("workers: the bits of a Session for every model, number of workers and batch") {
  const Result<ThreadPool> pool = ThreadPool::create(4);
  REQUIRE(pool.ok());
  for (const NamedModel& named : all_models()) {
    CAPTURE(named.name);
    const AlignedBytes file = model_file(named.description);
    const Model model = load(file);
    Random random(1);
    const std::vector<float> x = random.floats(kRows * model.input_dim());
    const std::size_t num_tasks = model.num_tasks();
    for (const std::size_t max_batch : {std::size_t{5}, kRows}) {
      const Plan plan = make_plan(model, max_batch);
      std::vector<float> expected(kRows * num_tasks);
      REQUIRE(Session::create(plan)->score(Input::x(x, kRows), {expected}).ok());
      for (const std::size_t num_workers : kWorkers) {
        CAPTURE(num_workers);
        Session session = make_session(plan, pool->executor(), num_workers);
        for (const std::size_t batch : kBatches) {
          CAPTURE(batch);
          std::vector<float> scores(kRows * num_tasks, kNan), wanted = scores;  // rows behind the batch stay
          std::copy_n(expected.begin(), batch * num_tasks, wanted.begin());
          REQUIRE(session.score(Input::x({x.data(), batch * model.input_dim()}, batch), {scores}).ok());
          CHECK(same_bits(scores, wanted));
        }
      }
    }
  }
}

TEST_CASE("workers: any executor will do") {
  const AlignedBytes file = model_file(mixed_description());
  const Model model = load(file);
  const Plan plan = make_plan(model);
  Random random(1);
  const std::vector<float> x = random.floats(kRows * model.input_dim());
  std::vector<float> expected(kRows * model.num_tasks());
  REQUIRE(Session::create(plan)->score(Input::x(x, kRows), {expected}).ok());
  for (const auto run : {run_backwards, run_on_new_threads}) {
    Session session = make_session(plan, {run, nullptr}, 8);
    std::vector<float> scores(expected.size());
    REQUIRE(session.score(Input::x(x, kRows), {scores}).ok());
    CHECK(same_bits(scores, expected));
  }
}

void run_nothing(void*, std::size_t, Executor::Task, void*) {}

// The other workers then have all rows to take.
void run_all_but_first(void*, std::size_t num_tasks, Executor::Task task, void* context) {
  for (std::size_t i = 1; i < num_tasks; ++i) task(context, i);
}

TEST_CASE("workers: an executor that runs nothing is an error, not scores of nobody") {
  const AlignedBytes file = model_file(user_item_description(false, 0));
  const Model model = load(file);
  const Plan plan = make_plan(model);
  const std::vector<float> x(kRows * model.input_dim(), 0.5f);
  std::vector<float> scores(kRows * model.num_tasks());
  Session session = make_session(plan, {run_nothing, nullptr}, 3);
  const Input user = Input::x({x.data(), model.user_dim()}, 1);
  const auto check = [](const Status& status) {
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code() == ErrorCode::kInvalidArgument);
    CHECK(std::string(status.error().message()).find("executor: returned") != std::string::npos);
  };
  check(session.score(Input::x(x, kRows), {scores}));
  check(session.set_user(user));
  Session other = make_session(plan, {run_all_but_first, nullptr}, 3);
  CHECK(other.score(Input::x(x, kRows), {scores}).ok());
  check(other.set_user(user));
}

TEST_CASE("workers: asks for as many tasks as can have rows, and for none where one is enough") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  const Plan plan = make_plan(model);
  const std::vector<float> x(kRows * model.input_dim());
  std::vector<float> scores(kRows * model.num_tasks());
  CountingPool pool({run_backwards, nullptr});
  Session session = make_session(plan, {CountingPool::run, &pool}, 4);
  for (const std::size_t batch : {0, 1, 12, 13, 24, 25, 300}) {
    REQUIRE(session.score(Input::x({x.data(), batch * model.input_dim()}, batch), {scores}).ok());
  }
  CHECK(pool.num_tasks == std::vector<std::size_t>{2, 2, 3, 4});
  Session alone = make_session(plan, {refuse_to_run, nullptr}, 1);
  CHECK(alone.score(Input::x(x, kRows), {scores}).ok());
}

TEST_CASE("workers: strides are kept, and what lies between rows is not touched") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  const Plan plan = make_plan(model);
  const std::size_t dim = model.input_dim(), tasks = model.num_tasks();
  Random random(1);
  const std::vector<float> x = random.floats(kRows * (dim + 3));
  std::vector<float> expected(kRows * (tasks + 2), -7.0f), scores = expected;
  REQUIRE(Session::create(plan)->score(Input::x(x, kRows, dim + 3), {expected, tasks + 2}).ok());
  Session session = make_session(plan, {run_on_new_threads, nullptr}, 3);
  REQUIRE(session.score(Input::x(x, kRows, dim + 3), {scores, tasks + 2}).ok());
  CHECK(same_bits(scores, expected));
}

TEST_CASE("workers: raw features, and a user with many candidates") {
  const Result<ThreadPool> pool = ThreadPool::create(3);
  REQUIRE(pool.ok());
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  const Plan plan = make_plan(model);
  const FeatureRows<FeatureColumn> rows(kRows);
  Result<Session> single = Session::create(plan);
  for (const std::size_t num_workers : kWorkers) {
    Session session = make_session(plan, pool->executor(), num_workers);
    for (const std::size_t batch : kBatches) {
      std::vector<float> expected(kRows * 2, -1.0f), scores = expected;
      REQUIRE(single->score(Input::columns(rows.first(batch), batch), {expected}).ok());
      REQUIRE(session.score(Input::columns(rows.first(batch), batch), {scores}).ok());
      CHECK(same_bits(scores, expected));

      REQUIRE(single->set_user(Input::columns(rows.first(1), 1)).ok());
      REQUIRE(single->score(Input::columns(rows.first(batch), batch).candidates(), {expected}).ok());
      REQUIRE(session.set_user(Input::columns(rows.first(1), 1)).ok());
      REQUIRE(session.score(Input::columns(rows.first(batch), batch).candidates(), {scores}).ok());
      CHECK(same_bits(scores, expected));
    }
  }
}

TEST_CASE("workers: candidates have the bits of whole rows, for one user after the other") {
  const Result<ThreadPool> pool = ThreadPool::create(3);
  REQUIRE(pool.ok());
  for (const converter::TrainedModel& description :
       {user_item_description(false, 0), user_item_description(false, 2), node_description(0), node_description(2)}) {
    const AlignedBytes file = model_file(description);
    const Model model = load(file);
    const Plan plan = make_plan(model);
    const std::size_t shared = model.user_dim(), width = model.candidate_dim(), num_tasks = model.num_tasks();
    Random random(1);
    const std::vector<float> items = random.floats(kRows * width);
    for (const std::size_t num_workers : kWorkers) {
      Session session = make_session(plan, pool->executor(), num_workers);
      for (int u = 0; u < 3; ++u) {
        const std::vector<float> user = random.floats(shared);
        std::vector<float> x;
        for (std::size_t i = 0; i < kRows; ++i) {
          x.insert(x.end(), user.begin(), user.end());
          x.insert(x.end(), &items[i * width], &items[i * width] + width);
        }
        std::vector<float> expected(kRows * num_tasks), scores(kRows * num_tasks);
        REQUIRE(Session::create(plan)->score(Input::x(x, kRows), {expected}).ok());
        REQUIRE(session.set_user(Input::x(user, 1)).ok());
        REQUIRE(session.score(Input::x(items, kRows).candidates(), {scores}).ok());
        CHECK(same_bits(scores, expected));
        // Whole rows in between leave the user as it was set.
        REQUIRE(session.score(Input::x(x, kRows), {scores}).ok());
        CHECK(same_bits(scores, expected));
        REQUIRE(session.score(Input::x(items, kRows).candidates(), {scores}).ok());
        CHECK(same_bits(scores, expected));
      }
    }
  }
}

// ------------------------------------------------------------------------------------ errors

// The session's error and that of one Session are the same; returns it.
template <class Call>
std::string error_of(const Plan& plan, const Executor& executor, const Call& call) {
  Result<Session> single = Session::create(plan);
  const Error expected = call(*single).error();
  for (const std::size_t num_workers : kWorkers) {
    Session session = make_session(plan, executor, num_workers);
    for (int i = 0; i < 5; ++i) {
      const Error found = call(session).error();
      CHECK(found.code() == expected.code());
      CHECK(std::string(found.message()) == expected.message());
    }
  }
  return expected.message();
}

TEST_CASE("workers: of several bad rows the first is named, whoever finds one first") {
  const Result<ThreadPool> pool = ThreadPool::create(4);
  REQUIRE(pool.ok());
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  const Plan plan = make_plan(model, kRows, NonFinite::kError);
  const std::size_t dim = model.input_dim();
  std::vector<float> x(kRows * dim, 0.5f), scores(kRows * model.num_tasks());
  const auto call = [&](auto& session) { return session.score(Input::x(x, kRows), {scores}); };
  CHECK(error_of(plan, pool->executor(), call) == "");
  x[299 * dim + 3] = kNan;
  CHECK(error_of(plan, pool->executor(), call) == "row 299, column 3 of x: the input is NaN or infinite");
  x[170 * dim] = std::numeric_limits<float>::infinity();
  x[171 * dim] = kNan;
  CHECK(error_of(plan, pool->executor(), call) == "row 170, column 0 of x: the input is NaN or infinite");
  CHECK(error_of(plan, {run_backwards, nullptr}, call) == "row 170, column 0 of x: the input is NaN or infinite");

  // After an error the session is as good as new.
  std::fill(x.begin(), x.end(), 0.25f);
  std::vector<float> expected(scores.size());
  REQUIRE(Session::create(plan)->score(Input::x(x, kRows), {expected}).ok());
  Session session = make_session(plan, pool->executor(), 4);
  x[20] = kNan;
  CHECK_FALSE(session.score(Input::x(x, kRows), {scores}).ok());
  x[20] = 0.25f;
  REQUIRE(session.score(Input::x(x, kRows), {scores}).ok());
  CHECK(same_bits(scores, expected));
}

TEST_CASE("workers: a NaN reaches the scores of its own row only") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  const Plan plan = make_plan(model);
  std::vector<float> x(kRows * model.input_dim(), 0.5f);
  x[100 * model.input_dim()] = kNan;
  std::vector<float> expected(kRows * 2), scores(kRows * 2);
  REQUIRE(Session::create(plan)->score(Input::x(x, kRows), {expected}).ok());
  REQUIRE(make_session(plan, {run_on_new_threads, nullptr}, 3).score(Input::x(x, kRows), {scores}).ok());
  CHECK(same_bits(scores, expected));
  CHECK(scores[200] != scores[200]);
}

// A Session looks at a block feature by feature, so parts of another size could find another error first.
TEST_CASE("workers: of several bad features and rows a Session's is named") {
  const Result<ThreadPool> pool = ThreadPool::create(3);
  REQUIRE(pool.ok());
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  const Plan plan = make_plan(model);
  FeatureRows<FeatureColumn> rows(kRows);
  std::vector<float> scores(kRows * 2);
  const auto call = [&](auto& session) { return session.score(Input::columns(rows.columns, kRows), {scores}); };
  rows.shop[145] = 100;
  CHECK(error_of(plan, pool->executor(), call) ==
        "feature \"shop\", row 145: id 100, expected -1 (unknown) or below 100");
  rows.country[190] = -5;
  CHECK(error_of(plan, pool->executor(), call) ==
        "feature \"country\", row 190: id -5, expected -1 (unknown) or below 5");
  const auto candidates = [&](auto& session) {
    REQUIRE(session.set_user(Input::columns(rows.first(1), 1)).ok());
    return session.score(Input::columns(rows.columns, kRows).candidates(), {scores});
  };
  CHECK(error_of(plan, pool->executor(), candidates) ==
        "feature \"shop\", row 145: id 100, expected -1 (unknown) or below 100");
}

TEST_CASE("workers: wrong calls get a Session's answer") {
  const Executor executor{run_backwards, nullptr};
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  const Plan plan = make_plan(model, kRows, NonFinite::kError);
  const std::vector<float> x(kRows * 31);
  std::vector<float> scores(kRows * 2);
  const FeatureRows<FeatureColumn> rows(kRows);
  std::vector<FeatureColumn> missing = rows.columns;
  missing[2] = {};
  missing[4] = {};
  const std::vector<float> not_finite(model.user_dim(), kNan);
  const Input whole = Input::x(x, kRows), columns = Input::columns(rows.columns, kRows);
  const Output out{scores};
  const auto refused = [&](const auto& call) { return !error_of(plan, executor, call).empty(); };
  CHECK(refused([&](Session& s) { return s.score(Input::x({}, kRows), out); }));
  CHECK(refused([&](Session& s) { return s.score(whole, {}); }));
  CHECK(refused([&](Session& s) { return s.score(whole, {{scores.data(), scores.size() - 1}}); }));
  CHECK(refused([&](Session& s) { return s.score(Input::x(x, kRows, 30), out); }));
  CHECK(refused([&](Session& s) { return s.score(whole, {scores, 1}); }));
  CHECK(refused([&](Session& s) { return s.score(Input::columns({rows.columns.data(), 4}, kRows), out); }));
  CHECK(refused([&](Session& s) { return s.score(Input::columns({}, kRows), out); }));
  CHECK(refused([&](Session& s) { return s.score(Input::columns({nullptr, 5}, kRows), out); }));
  CHECK(refused([&](Session& s) { return s.score(Input::columns(rows.columns, kRows + 1), out); }));
  CHECK(refused([&](Session& s) { return s.score(columns, {}); }));
  CHECK(refused([&](Session& s) { return s.score(Input::columns(missing, kRows), out); }));
  CHECK(refused([&](Session& s) { return s.set_user(Input::x({}, 1)); }));
  CHECK(refused([&](Session& s) { return s.set_user(Input::x(not_finite, 1)); }));
  CHECK(refused([&](Session& s) { return s.set_user(Input::x(x, 2)); }));
  CHECK(refused([&](Session& s) { return s.score(whole.candidates(), out); }));  // before set_user()
  CHECK(refused([&](Session& s) { return s.set_user(Input::columns({rows.columns.data(), 3}, 1)); }));
  CHECK(refused([&](Session& s) { return s.set_user(Input::columns(missing, 1)); }));
  CHECK(refused([&](Session& s) { return s.set_user(columns.candidates()); }));
  CHECK(refused([&](Session& s) {
    REQUIRE(s.set_user(Input::x({x.data(), model.user_dim()}, 1)).ok());
    return s.score(Input::columns(missing, kRows).candidates(), out);
  }));
  CHECK(refused([&](Session& s) {
    REQUIRE(s.set_user(Input::x({x.data(), model.user_dim()}, 1)).ok());
    return s.score(Input::x({}, kRows).candidates(), out);
  }));
}

TEST_CASE("workers: creation refuses what makes no sense") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  const Plan plan = make_plan(model);
  const Executor executor{run_backwards, nullptr};
  CHECK(Session::create(plan, {{}, 2}).error().code() == ErrorCode::kInvalidArgument);
  for (const std::size_t num_workers : {std::size_t{0}, Session::kMaxWorkers + 1, SIZE_MAX}) {
    CHECK(Session::create(plan, {executor, num_workers}).error().code() == ErrorCode::kInvalidArgument);
  }
  CHECK(Session::create(plan, nullptr, SIZE_MAX, {executor, 2}).error().code() == ErrorCode::kInvalidArgument);
  CHECK(Session::create(plan, {executor, Session::kMaxWorkers}).ok());
}

TEST_CASE("workers: in the caller's memory: exactly enough, at any address, nothing beyond") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  const Executor executor{run_on_new_threads, nullptr};
  const FeatureRows<FeatureColumn> rows(kRows);
  for (const std::size_t num_workers : {1, 3}) {
    const Plan plan = make_plan(model);
    const std::size_t needed = Session::arena_bytes(plan, num_workers);
    std::vector<float> expected(kRows * 2), scores(kRows * 2);
    REQUIRE(Session::create(plan)->score(Input::columns(rows.columns, kRows), {expected}).ok());
    for (std::size_t misalignment = 0; misalignment < 64; misalignment += 21) {
      std::vector<std::uint8_t> memory(needed + misalignment + 64, 0xA5);
      std::uint8_t* arena = memory.data() + misalignment;
      CHECK(Session::create(plan, arena, needed - 1, {executor, num_workers}).error().code() ==
            ErrorCode::kArenaTooSmall);
      Result<Session> session = Session::create(plan, arena, needed, {executor, num_workers});
      REQUIRE(session.ok());
      REQUIRE(session->score(Input::columns(rows.columns, kRows), {scores}).ok());
      CHECK(same_bits(scores, expected));
      for (std::size_t i = 0; i < misalignment; ++i) REQUIRE(memory[i] == 0xA5);
      for (std::size_t i = misalignment + needed; i < memory.size(); ++i) REQUIRE(memory[i] == 0xA5);
    }
  }
}

TEST_CASE("workers: can be moved") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  const Plan plan = make_plan(model);
  const Executor executor{run_backwards, nullptr};
  const std::vector<float> x(kRows * model.input_dim(), 0.5f);
  std::vector<float> scores(kRows * 2);
  Session first = make_session(plan, executor, 2);
  Session second = std::move(first);
  CHECK(second.score(Input::x(x, kRows), {scores}).ok());
  second = make_session(plan, executor, 3);
  CHECK(second.num_workers() == 3);
  CHECK(second.score(Input::x(x, kRows), {scores}).ok());
}

TEST_CASE("workers: several on one pool, from several threads") {
  const Result<ThreadPool> pool = ThreadPool::create(3);
  REQUIRE(pool.ok());
  const AlignedBytes file = model_file(mixed_description());
  const Model model = load(file);
  const Plan plan = make_plan(model);
  Random random(1);
  const std::vector<float> x = random.floats(kRows * model.input_dim());
  std::vector<float> expected(kRows * model.num_tasks());
  REQUIRE(Session::create(plan)->score(Input::x(x, kRows), {expected}).ok());
  std::atomic<int> differing{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Result<Session> session = Session::create(plan, {pool->executor(), 3});
      std::vector<float> scores(expected.size());
      for (int i = 0; i < 20; ++i) {
        const bool ok = session.ok() && session->score(Input::x(x, kRows), {scores}).ok();
        differing += !ok || !same_bits(scores, expected);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(differing == 0);
}

}  // namespace
}  // namespace mmoe::test
