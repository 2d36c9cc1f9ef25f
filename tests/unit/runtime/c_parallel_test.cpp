// Sessions on several cores through the C interface: the calls, bits and errors of any other session.
#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "mmoe/mmoe.h"
#include "mmoe/session.h"
#include "tests/unit/feature_rows.h"
#include "tests/unit/models.h"
#include "tests/unit/runtime/c_calls.h"

namespace mmoe::test {
namespace {

constexpr size_t kRows = 300;

CModel load_c(const AlignedBytes& file) {
  mmoe_model* model = nullptr;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), nullptr, &model) == MMOE_OK);
  return CModel(model);
}

CPool make_pool(size_t num_threads) {
  mmoe_thread_pool* pool = nullptr;
  REQUIRE(mmoe_thread_pool_create(num_threads, &pool) == MMOE_OK);
  return CPool(pool);
}

mmoe_session_options large_batch() {
  mmoe_session_options options = sized<mmoe_session_options>();
  options.max_batch = kRows;
  return options;
}

CSession make_single(const CModel& model, const mmoe_session_options& options) {
  mmoe_session* session = nullptr;
  REQUIRE(mmoe_session_create(model.get(), &options, &session) == MMOE_OK);
  return CSession(session);
}

CSession make_parallel(const CModel& model, mmoe_session_options options, mmoe_executor executor, size_t num_workers) {
  options.executor = executor;
  options.num_workers = num_workers;
  return make_single(model, options);
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
  const auto note = [&](const mmoe_input& input) { answers.note(score(session, input, scores), scores); };
  const auto note_user = [&](const mmoe_input& user) { answers.note(mmoe_session_set_user(session, &user), {}); };
  const std::vector<mmoe_feature_column> all = rows.first(batch);
  const mmoe_feature_column* columns = all.data();
  const std::vector<mmoe_feature_column> user = rows.first(1);
  note(x_input(x.data(), batch * 8, batch, true));  // no user yet
  note(x_input(x.data(), batch * 31, batch));
  note(column_input(columns, 5, batch));
  note_user(x_input(x.data(), 23, 1));
  note(x_input(x.data() + 23, batch * 8, batch, true));
  note_user(column_input(user.data(), 5, 1));
  note(column_input(columns, 5, batch, true));
  note(column_input(columns, 4, batch));
  note(column_input(columns, 4, batch, true));
  note_user(column_input(columns, 2, 1));
  note_user(x_input(nullptr, 0, 1));
  note(x_input(nullptr, 0, batch));
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
    // Of no rows, null is a fine pointer.
    CHECK(num_ok == (batch == 0 ? 7 : 6));
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
  REQUIRE(score(make_single(model, options).get(), x_input(x.data(), x.size(), kRows), expected) == MMOE_OK);
  std::vector<size_t> num_tasks;
  const CSession session = make_parallel(model, options, mmoe_executor_make(run_backwards, &num_tasks), 4);
  for (const size_t batch : {size_t{1}, size_t{13}, kRows}) {
    REQUIRE(score(session.get(), x_input(x.data(), batch * 31, batch), scores) == MMOE_OK);
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
  CHECK(score(session.get(), x_input(x.data(), x.size(), kRows), scores) == MMOE_NON_FINITE);
  CHECK(std::string(mmoe_last_message()) == "feature \"price\", row 170: the input is missing, NaN or infinite");
}

TEST_CASE("C interface: several cores in the caller's memory: exactly enough, at any address, nothing beyond") {
  const AlignedBytes file = model_file(feature_description());
  const CModel model = load_c(file);
  const CPool pool = make_pool(3);
  const mmoe_executor executor = mmoe_thread_pool_executor(pool.get());
  const mmoe_session_options single = large_batch();
  Random random(1);
  const std::vector<float> x = random.floats(kRows * 31);
  const FeatureRows<mmoe_feature_column> rows(kRows);
  const Answers expected = ask(make_single(model, single).get(), x, rows, kRows);
  for (const size_t num_workers : {1, 3}) {
    size_t needed = 0;
    mmoe_session_options options = single;
    options.executor = executor;
    options.num_workers = num_workers;
    REQUIRE(mmoe_session_arena_bytes(model.get(), &options, &needed) == MMOE_OK);
    for (size_t shift = 0; shift < 64; shift += 7) {
      std::vector<std::uint8_t> memory(needed + shift + 64, 0xA5);
      std::uint8_t* arena = memory.data() + shift;
      mmoe_session* session = nullptr;
      CHECK(mmoe_session_create_in(model.get(), &options, arena, needed - 1, &session) == MMOE_ARENA_TOO_SMALL);
      CHECK(session == nullptr);
      REQUIRE(mmoe_session_create_in(model.get(), &options, arena, needed, &session) == MMOE_OK);
      CHECK(mmoe_session_num_workers(session) == num_workers);
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
  mmoe_session_options options = large_batch();
  mmoe_session* session = nullptr;
  size_t bytes = 0;
  std::vector<std::uint8_t> arena(1 << 20);
  const auto refused = [&] {
    CHECK(mmoe_session_create(model.get(), &options, &session) == MMOE_INVALID_ARGUMENT);
    CHECK(session == nullptr);
    const std::string message = mmoe_last_message();
    CHECK(mmoe_session_create_in(model.get(), &options, arena.data(), arena.size(), &session) == MMOE_INVALID_ARGUMENT);
    CHECK(mmoe_last_message() == message);
    CHECK(session == nullptr);
    return message;
  };
  options.executor = mmoe_executor_make(run_backwards, &num_tasks);
  for (const size_t num_workers : {mmoe::Session::kMaxWorkers + 1, SIZE_MAX}) {
    options.num_workers = num_workers;
    CHECK(refused() == "num_workers: " + std::to_string(num_workers) + ", expected 1 to 256");
    CHECK(mmoe_session_arena_bytes(model.get(), &options, &bytes) == MMOE_INVALID_ARGUMENT);
  }
  options.num_workers = 2;
  options.executor.library = nullptr;  // filled by hand
  CHECK(refused().find("options.executor: made neither by mmoe_executor_make()") == 0);
  options.executor = {};
  CHECK(refused() == "executor: none, but num_workers is 2");
  options.executor = mmoe_thread_pool_executor(nullptr);
  CHECK(refused() == "executor: none, but num_workers is 2");
  options.executor = mmoe_executor_make(nullptr, nullptr);
  CHECK(refused() == "executor: none, but num_workers is 2");
}

TEST_CASE("C interface: a thread pool says what it refuses") {
  mmoe_thread_pool* pool = nullptr;
  for (const size_t num_threads : {size_t{0}, size_t{257}, SIZE_MAX}) {
    CHECK(mmoe_thread_pool_create(num_threads, &pool) == MMOE_INVALID_ARGUMENT);
    CHECK(pool == nullptr);
    CHECK(std::string(mmoe_last_message()) == "num_threads: " + std::to_string(num_threads) + ", expected 1 to 256");
  }
  CHECK(mmoe_thread_pool_create(2, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_thread_pool_num_threads(make_pool(3).get()) == 3);
  mmoe_thread_pool_free(nullptr);
}

}  // namespace
}  // namespace mmoe::test
