// Sessions on several cores through the C interface: the calls, bits and errors of any other session.
#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "mmoe/mmoe.h"
#include "mmoe/session.h"
#include "tests/unit/feature_rows.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

constexpr size_t kRows = 300;

struct Freed {
  void operator()(mmoe_model* model) const { mmoe_model_free(model); }
  void operator()(mmoe_session* session) const { mmoe_session_free(session); }
  void operator()(mmoe_thread_pool* pool) const { mmoe_thread_pool_free(pool); }
};
using CModel = std::unique_ptr<mmoe_model, Freed>;
using CSession = std::unique_ptr<mmoe_session, Freed>;
using CPool = std::unique_ptr<mmoe_thread_pool, Freed>;

CModel load_c(const AlignedBytes& file) {
  mmoe_model* model = nullptr;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), 0, &model) == MMOE_OK);
  return CModel(model);
}

CPool make_pool(size_t num_threads) {
  mmoe_thread_pool* pool = nullptr;
  REQUIRE(mmoe_thread_pool_create(num_threads, &pool) == MMOE_OK);
  return CPool(pool);
}

mmoe_session_options large_batch() {
  mmoe_session_options options = {};
  options.struct_size = sizeof options;
  options.max_batch = kRows;
  return options;
}

CSession make_single(const CModel& model, const mmoe_session_options& options) {
  mmoe_session* session = nullptr;
  REQUIRE(mmoe_session_create(model.get(), &options, &session) == MMOE_OK);
  return CSession(session);
}

CSession make_parallel(const CModel& model, const mmoe_session_options& options, mmoe_executor executor,
                       size_t num_workers) {
  mmoe_session* session = nullptr;
  REQUIRE(mmoe_session_create_parallel(model.get(), &options, executor, num_workers, &session) == MMOE_OK);
  return CSession(session);
}

// An executor of the caller's, that notes what it was asked for.
void run_backwards(void* state, size_t num_tasks, void (*task)(void*, size_t), void* context) {
  static_cast<std::vector<size_t>*>(state)->push_back(num_tasks);
  for (size_t i = num_tasks; i-- > 0;) task(context, i);
}

// Status, scores and message of every call there is, one after the other.
struct Answers {
  std::vector<mmoe_status> statuses;
  std::vector<std::string> messages;
  std::vector<float> scores;

  void note(mmoe_status status, const std::vector<float>& its_scores) {
    statuses.push_back(status);
    messages.push_back(status == MMOE_OK ? "" : mmoe_last_message());
    if (status == MMOE_OK) scores.insert(scores.end(), its_scores.begin(), its_scores.end());
  }
  bool operator==(const Answers& other) const {
    const std::size_t bytes = scores.size() * sizeof(float);
    return statuses == other.statuses && messages == other.messages && scores.size() == other.scores.size() &&
           (bytes == 0 || std::memcmp(scores.data(), other.scores.data(), bytes) == 0);
  }
};

Answers ask(mmoe_session* session, const std::vector<float>& x, const FeatureRows<mmoe_feature_column>& rows,
            size_t batch) {
  Answers answers;
  std::vector<float> scores(batch * 2);
  const mmoe_feature_column* columns = rows.columns.data();
  answers.note(mmoe_session_score_candidates(session, x.data(), batch, scores.data()), scores);  // no user yet
  answers.note(mmoe_session_score(session, x.data(), batch, scores.data()), scores);
  answers.note(mmoe_session_score_features(session, columns, 5, batch, scores.data()), scores);
  answers.note(mmoe_session_set_user(session, x.data()), {});
  answers.note(mmoe_session_score_candidates(session, x.data() + 23, batch, scores.data()), scores);
  answers.note(mmoe_session_set_user_features(session, columns, 5), {});
  answers.note(mmoe_session_score_candidate_features(session, columns, 5, batch, scores.data()), scores);
  answers.note(mmoe_session_score_features(session, columns, 4, batch, scores.data()), scores);
  answers.note(mmoe_session_score_candidate_features(session, columns, 4, batch, scores.data()), scores);
  answers.note(mmoe_session_set_user_features(session, columns, 2), {});
  answers.note(mmoe_session_set_user(session, nullptr), {});
  answers.note(mmoe_session_score(session, nullptr, batch, scores.data()), scores);
  return answers;
}

TEST_CASE("C interface: every call on several cores gives one core's bits and errors") {
  const AlignedBytes file = model_file(feature_description());
  const CModel model = load_c(file);
  const CPool pool = make_pool(4);
  const mmoe_session_options options = large_batch();
  Random random(1);
  const std::vector<float> x = random.floats(kRows * 31);
  const FeatureRows<mmoe_feature_column> rows(kRows);
  for (const size_t batch : {size_t{0}, size_t{1}, size_t{13}, size_t{97}, kRows}) {
    CAPTURE(batch);
    const Answers expected = ask(make_single(model, options).get(), x, rows, batch);
    const auto num_ok = std::count(expected.statuses.begin(), expected.statuses.end(), mmoe_status{MMOE_OK});
    CHECK(num_ok == (batch == 0 ? 7 : 6));  // null is a fine pointer to no rows
    CHECK(expected.scores.size() == 4 * batch * 2);
    for (const size_t num_workers : {1, 2, 3, 8}) {
      CAPTURE(num_workers);
      const CSession session = make_parallel(model, options, mmoe_thread_pool_executor(pool.get()), num_workers);
      CHECK(mmoe_session_num_tasks(session.get()) == 2);
      CHECK(ask(session.get(), x, rows, batch) == expected);
    }
  }
}

TEST_CASE("C interface: an executor of the caller's runs the parts") {
  const AlignedBytes file = model_file(feature_description());
  const CModel model = load_c(file);
  const mmoe_session_options options = large_batch();
  Random random(1);
  const std::vector<float> x = random.floats(kRows * 31);
  std::vector<float> expected(kRows * 2), scores(kRows * 2);
  REQUIRE(mmoe_session_score(make_single(model, options).get(), x.data(), kRows, expected.data()) == MMOE_OK);
  std::vector<size_t> num_tasks;
  const CSession session = make_parallel(model, options, {run_backwards, &num_tasks}, 4);
  for (const size_t batch : {size_t{1}, size_t{13}, kRows}) {
    REQUIRE(mmoe_session_score(session.get(), x.data(), batch, scores.data()) == MMOE_OK);
  }
  CHECK(num_tasks == std::vector<size_t>{2, 4});
  CHECK(std::memcmp(scores.data(), expected.data(), kRows * 2 * sizeof(float)) == 0);
}

TEST_CASE("C interface: on several cores, a row that is refused is named") {
  const AlignedBytes file = model_file(feature_description());
  const CModel model = load_c(file);
  const CPool pool = make_pool(3);
  mmoe_session_options options = large_batch();
  options.non_finite = MMOE_NON_FINITE_IS_ERROR;
  std::vector<float> x(kRows * 31), scores(kRows * 2);
  x[250 * 31] = x[170 * 31] = std::numeric_limits<float>::quiet_NaN();
  const CSession session = make_parallel(model, options, mmoe_thread_pool_executor(pool.get()), 3);
  CHECK(mmoe_session_score(session.get(), x.data(), kRows, scores.data()) == MMOE_NON_FINITE);
  CHECK(std::string(mmoe_last_message()) == "feature \"price\", row 170: the input is missing, NaN or infinite");
}

TEST_CASE("C interface: several cores in the caller's memory: exactly enough, at any address, nothing beyond") {
  const AlignedBytes file = model_file(feature_description());
  const CModel model = load_c(file);
  const CPool pool = make_pool(3);
  const mmoe_executor executor = mmoe_thread_pool_executor(pool.get());
  const mmoe_session_options options = large_batch();
  Random random(1);
  const std::vector<float> x = random.floats(kRows * 31);
  const FeatureRows<mmoe_feature_column> rows(kRows);
  const Answers expected = ask(make_single(model, options).get(), x, rows, kRows);
  for (const size_t num_workers : {1, 3}) {
    size_t needed = 0;
    REQUIRE(mmoe_session_parallel_arena_bytes(model.get(), &options, num_workers, &needed) == MMOE_OK);
    for (size_t shift = 0; shift < 64; shift += 7) {
      std::vector<std::uint8_t> memory(needed + shift + 64, 0xA5);
      std::uint8_t* arena = memory.data() + shift;
      mmoe_session* session = nullptr;
      CHECK(mmoe_session_create_parallel_in(model.get(), &options, executor, num_workers, arena, needed - 1,
                                            &session) == MMOE_ARENA_TOO_SMALL);
      CHECK(session == nullptr);
      REQUIRE(mmoe_session_create_parallel_in(model.get(), &options, executor, num_workers, arena, needed,
                                              &session) == MMOE_OK);
      CHECK(ask(session, x, rows, kRows) == expected);
      mmoe_session_free(session);
      CHECK(std::count(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(shift), 0xA5) ==
            static_cast<std::ptrdiff_t>(shift));
      CHECK(std::count(memory.end() - 64, memory.end(), 0xA5) == 64);
    }
  }
}

TEST_CASE("C interface: creation on several cores refuses what makes no sense") {
  const AlignedBytes file = model_file(feature_description());
  const CModel model = load_c(file);
  std::vector<size_t> num_tasks;
  const mmoe_executor executor = {run_backwards, &num_tasks};
  mmoe_session_options options = large_batch();
  mmoe_session* session = nullptr;
  size_t bytes = 0;
  std::vector<std::uint8_t> arena(1 << 20);
  const auto create = [&](const mmoe_model* its_model, mmoe_executor its_executor, size_t num_workers) {
    return mmoe_session_create_parallel(its_model, &options, its_executor, num_workers, &session);
  };
  const auto create_in = [&](mmoe_executor its_executor, size_t num_workers, void* its_arena) {
    return mmoe_session_create_parallel_in(model.get(), &options, its_executor, num_workers, its_arena, arena.size(),
                                           &session);
  };
  for (const size_t num_workers : {size_t{0}, mmoe::Session::kMaxWorkers + 1, SIZE_MAX}) {
    CHECK(create(model.get(), executor, num_workers) == MMOE_INVALID_ARGUMENT);
    CHECK(create_in(executor, num_workers, arena.data()) == MMOE_INVALID_ARGUMENT);
    CHECK(mmoe_session_parallel_arena_bytes(model.get(), &options, num_workers, &bytes) == MMOE_INVALID_ARGUMENT);
    CHECK(std::string(mmoe_last_message()) == "num_workers: " + std::to_string(num_workers) + ", expected 1 to 256");
  }
  CHECK(create(model.get(), {nullptr, nullptr}, 2) == MMOE_INVALID_ARGUMENT);
  CHECK(std::string(mmoe_last_message()) == "executor: none for 2 workers");
  CHECK(create_in({nullptr, nullptr}, 2, arena.data()) == MMOE_INVALID_ARGUMENT);
  CHECK(create(model.get(), mmoe_thread_pool_executor(nullptr), 2) == MMOE_INVALID_ARGUMENT);
  CHECK(create(nullptr, executor, 2) == MMOE_INVALID_ARGUMENT);
  CHECK(create_in(executor, 2, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_create_parallel(model.get(), &options, executor, 2, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_parallel_arena_bytes(nullptr, &options, 2, &bytes) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_parallel_arena_bytes(model.get(), &options, 2, nullptr) == MMOE_INVALID_ARGUMENT);
  options.struct_size = 3;
  CHECK(create(model.get(), executor, 2) == MMOE_INVALID_ARGUMENT);
  CHECK(session == nullptr);
}

TEST_CASE("C interface: a thread pool says what it refuses") {
  mmoe_thread_pool* pool = nullptr;
  for (const size_t num_threads : {size_t{0}, size_t{257}, SIZE_MAX}) {
    CHECK(mmoe_thread_pool_create(num_threads, &pool) == MMOE_INVALID_ARGUMENT);
    CHECK(pool == nullptr);
    CHECK(std::string(mmoe_last_message()) == "num_threads: " + std::to_string(num_threads) + ", expected 1 to 256");
  }
  CHECK(mmoe_thread_pool_create(2, nullptr) == MMOE_INVALID_ARGUMENT);
  mmoe_thread_pool_free(nullptr);
}

}  // namespace
}  // namespace mmoe::test
