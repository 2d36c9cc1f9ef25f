#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include <unistd.h>

#include <doctest/doctest.h>

#include "mmoe/mmoe.h"
#include "mmoe/rows.h"
#include "mmoe/session.h"
#include "mmoe/thread_pool.h"
#include "tests/unit/models.h"
#include "tests/unit/runtime/c_calls.h"

namespace {
std::atomic<std::size_t> num_allocations{0};
}

// Counts every allocation of the test program; that the runtime calls no malloc of its own is checks.symbols. Inlined,
// they would look to the compiler like a malloc() that goes to delete, or a free() of what came from new.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++num_allocations;
  if (void* memory = std::malloc(size ? size : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++num_allocations;
  return std::malloc(size ? size : 1);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace mmoe::test {
namespace {

TEST_CASE("arena: one byte short is refused, exactly enough works, and nothing beyond is touched") {
  for (const NamedModel& named : all_models()) {
    CAPTURE(named.name);
    const AlignedBytes file = model_file(named.description);
    const Model model = load(file);
    for (const std::size_t max_batch : {1, 5, 100}) {
      PlanOptions options;
      options.max_batch = max_batch;
      const Result<Plan> plan = Plan::create(model, options);
      REQUIRE(plan.ok());
      const std::size_t needed = plan->arena_bytes();
      const Random seed(1);
      Random random = seed;
      const std::vector<float> x = random.floats(max_batch * model.input_dim());
      std::vector<float> expected;
      for (std::size_t misalignment = 0; misalignment < 64; misalignment += 13) {
        std::vector<std::uint8_t> memory(needed + misalignment + 64, 0xA5);
        std::uint8_t* arena = memory.data() + misalignment;
        CHECK(Session::create(*plan, arena, needed - 1).error().code() == ErrorCode::kArenaTooSmall);
        Result<Session> session = Session::create(*plan, arena, needed);
        REQUIRE(session.ok());
        std::vector<float> scores(max_batch * model.num_tasks());
        REQUIRE(session->score(Input::x(x, max_batch), {scores}).ok());
        if (expected.empty()) expected = scores;
        CHECK(scores == expected);
        for (std::size_t i = 0; i < misalignment; ++i) REQUIRE(memory[i] == 0xA5);
        for (std::size_t i = misalignment + needed; i < memory.size(); ++i) REQUIRE(memory[i] == 0xA5);
      }
    }
  }
}

TEST_CASE("arena: grown byte by byte until creation succeeds") {
  const AlignedBytes file = model_file(mixed_description());
  const Model model = load(file);
  const Result<Plan> plan = Plan::create(model);
  std::vector<std::uint8_t> memory(plan->arena_bytes());
  std::size_t size = 0;
  while (!Session::create(*plan, memory.data(), size).ok()) ++size;
  CHECK(size == plan->arena_bytes());
}

TEST_CASE("arena: the paper's model scores a row in less than 8 kB") {
  const AlignedBytes file = model_file(mmoe_description({100, 8, {16}, 2, {8}, 0, 0}));
  const Model model = load(file);
  const Result<Plan> plan = Plan::create(model);
  MESSAGE("arena of the paper's model: ", plan->arena_bytes(), " bytes");
  CHECK(plan->arena_bytes() <= 8192);
}

TEST_CASE("score and find_id allocate nothing; map and create in an arena neither") {
  const AlignedBytes file = model_file(feature_description());
  const std::vector<std::uint8_t> reference(file.data(), file.data() + file.size());
  Random random(1);
  std::vector<float> x = random.floats(200 * 31);
  std::vector<float> scores(200 * 2), weights(200 * 64), logits(200 * 64);
  std::vector<std::int32_t> ids(200, 1);
  std::vector<std::uint8_t> arena(1 << 20);

  const std::size_t before = num_allocations;
  Result<Model> model = Model::from_bytes(file.data(), file.size());
  PlanOptions options;
  options.max_batch = 200;
  Result<Plan> plan = Plan::create(*model, options);
  Result<Session> session = Session::create(*plan, arena.data(), arena.size());
  const bool created = model.ok() && plan.ok() && session.ok();
  bool scored = true;
  for (int i = 0; i < 3; ++i) scored = session->score(Input::x(x, 200), {scores}).ok() && scored;
  Output all{scores};
  all.gate_weights = weights;
  all.logits = logits;
  const FeatureColumn columns[] = {{{x.data(), 200}, {}}, {{}, ids}, {{}, ids}, {{}, ids}, {{x.data(), 600}, {}}};
  scored = session->score(Input::columns(columns, 200), all).ok() && scored;
  scored = session->score(Input::x(x, 200), all).ok() && scored;
  const std::int32_t id = model->find_id(model->find_feature("country"), std::string_view("AT"));
  const std::size_t after = num_allocations;

  CHECK(created);
  CHECK(scored);
  CHECK(id == 2);
  CHECK(after == before);
}

TEST_CASE("Rows: creation allocates once; setting, bulk columns, errors, clearing and scoring never") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  Result<Session> session = Session::create(model);
  float scores[4];
  const std::size_t before = num_allocations;
  Result<Rows> rows = Rows::create(model, {2, Part::kWhole});
  const std::size_t created = num_allocations;
  bool ok = rows->set_column("country", {"AT", "US"}).ok() && rows->set(0, "device", 1).ok();
  ok = ok && rows->set(1, "device", 2).ok() && rows->set_column("history", {1, 2, 3, 4, 5, 6}).ok();
  ok = ok && session->score(Input::rows(*rows), {scores}).ok();
  const bool refused = !rows->set(0, "no such feature", 1).ok() && !session->score(Input::rows(*rows), {scores}).ok();
  rows->clear();
  const std::size_t after = num_allocations;
  CHECK(ok);
  CHECK(refused);
  CHECK(created == before + 1);
  CHECK(after == created);
}

TEST_CASE("Session::create allocates once") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  const std::size_t before = num_allocations;
  Result<Session> session = Session::create(model);
  const std::size_t after = num_allocations;
  CHECK(session.ok());
  CHECK(after == before + 1);
}

TEST_CASE("Session with workers: creation allocates once, scoring on a thread pool never") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  const Result<ThreadPool> pool = ThreadPool::create(3);
  const std::vector<float> x(300 * 31), items(300 * 8);
  std::vector<float> scores(300 * 2);
  const std::vector<std::int32_t> ids(300, 1);
  const FeatureColumn columns[] = {{{x.data(), 300}, {}}, {{}, ids}, {{}, ids}, {{}, ids}, {{x.data(), 900}, {}}};
  const Span<const std::int32_t> id(ids.data(), 1);
  const FeatureColumn user[] = {{}, {{}, id}, {}, {{}, id}, {{x.data(), 3}, {}}};
  PlanOptions options;
  options.max_batch = 300;
  Result<Plan> plan = Plan::create(model, options);
  const std::size_t before = num_allocations;
  Result<Session> session = Session::create(*plan, {pool->executor(), 3});
  const std::size_t created = num_allocations;
  bool scored = session.ok();
  for (int i = 0; i < 3; ++i) {
    scored = scored && session->score(Input::x(x, 300), {scores}).ok();
    scored = scored && session->score(Input::columns(columns, 300), {scores}).ok();
    scored = scored && session->set_user(Input::x({x.data(), 23}, 1)).ok();
    scored = scored && session->score(Input::x(items, 300).candidates(), {scores}).ok();
    scored = scored && session->set_user(Input::columns(user, 1)).ok();
    scored = scored && session->score(Input::columns(columns, 300).candidates(), {scores}).ok();
  }
  const std::size_t after = num_allocations;
  CHECK(scored);
  CHECK(created == before + 1);
  CHECK(after == created);
}

TEST_CASE("C interface: several cores in the caller's memory allocate nothing, else twice") {
  const AlignedBytes file = model_file(feature_description());
  mmoe_model* model = nullptr;
  mmoe_thread_pool* pool = nullptr;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), nullptr, &model) == MMOE_OK);
  REQUIRE(mmoe_thread_pool_create(3, &pool) == MMOE_OK);
  mmoe_session_options options = sized<mmoe_session_options>();
  options.executor = mmoe_thread_pool_executor(pool);
  options.num_workers = 3;
  const std::vector<float> x(300 * 31);
  std::vector<float> scores(300 * 2);
  std::vector<std::uint8_t> arena(1 << 20);
  mmoe_session *owning = nullptr, *placed = nullptr;
  const std::size_t before = num_allocations;
  const bool created_in = mmoe_session_create_in(model, &options, arena.data(), arena.size(), &placed) == MMOE_OK;
  const bool scored = created_in && score(placed, x_input(x.data(), x.size(), 300), scores) == MMOE_OK;
  mmoe_session_free(placed);
  const std::size_t after = num_allocations;
  const bool created = mmoe_session_create(model, &options, &owning) == MMOE_OK;
  const std::size_t after_owning = num_allocations;
  CHECK(scored);
  CHECK(after == before);
  CHECK(created);
  CHECK(after_owning == after + 2);  // the arena and the handle
  mmoe_session_free(owning);
  mmoe_thread_pool_free(pool);
  mmoe_model_free(model);
}

// Resident memory of this process that is no file's: what a copy would need.
std::size_t anonymous_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long total = 0, resident = 0, shared = 0;
  const int read = file ? std::fscanf(file, "%lu %lu %lu", &total, &resident, &shared) : 0;
  if (file) std::fclose(file);
  return read == 3 ? (resident - shared) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) : 0;
}

TEST_CASE("map: the weights of a model of 5 MB are not copied") {
  // The medium model of the benchmark: 512 inputs, 8 experts of 256 and 128, 3 tasks.
  const AlignedBytes file = model_file(mmoe_description({512, 8, {256, 128}, 3, {64}, 0, 0}), 0);
  REQUIRE(file.size() > 5'000'000);
  char path[] = "/tmp/mmoe_memory_test_XXXXXX";
  const int descriptor = mkstemp(path);
  REQUIRE(descriptor >= 0);
  REQUIRE(write(descriptor, file.data(), file.size()) == static_cast<ssize_t>(file.size()));
  close(descriptor);

  // The least of three: an emulator's memory for translated code is in the same account, and grows by 2 MB pages.
  std::size_t taken = SIZE_MAX;
  for (int i = 0; i < 3; ++i) {
    const std::size_t allocations_before = num_allocations;
    const std::size_t before = anonymous_bytes();
    Result<Model> model = Model::map(path);
    Result<Plan> plan = Plan::create(*model);
    const std::size_t after = anonymous_bytes();
    const std::size_t allocations_after = num_allocations;
    REQUIRE(model.ok());
    CHECK(allocations_after == allocations_before);
    taken = std::min(taken, after > before ? after - before : 0);
  }
  unlink(path);
  MESSAGE("loading and planning ", file.size(), " bytes took ", taken, " bytes of memory");
  CHECK(taken < 64 * 1024);
}

}  // namespace
}  // namespace mmoe::test
