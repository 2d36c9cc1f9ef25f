// What planning and scoring take of a thread's stack. Bare-metal tasks and pools of many threads have little.
#include <pthread.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "mmoe/session.h"
#include "tests/unit/kernel_sets.h"
#include "tests/unit/models.h"
#include "tests/unit/sanitizers.h"

// The library as it is shipped: unoptimised code and sanitizers keep every temporary in memory.
#if defined(NDEBUG) && !defined(MMOE_ADDRESS_SANITIZER) && !defined(MMOE_THREAD_SANITIZER)

namespace mmoe::test {
namespace {

constexpr std::size_t kStackBytes = 256 * 1024;
constexpr std::uint8_t kPaint = 0xA5;

// Bytes of a painted stack that a function on a thread of its own writes to.
std::size_t stack_of(void* (*function)(void*), void* argument) {
  void* stack = nullptr;
  REQUIRE(posix_memalign(&stack, 4096, kStackBytes) == 0);
  std::memset(stack, kPaint, kStackBytes);
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstack(&attributes, stack, kStackBytes) == 0);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, &attributes, function, argument) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  const std::uint8_t* bytes = static_cast<const std::uint8_t*>(stack);
  std::size_t untouched = 0;
  while (untouched < kStackBytes && bytes[untouched] == kPaint) ++untouched;
  std::free(stack);
  return kStackBytes - untouched;
}

struct Work {
  const Model* model;
  SessionOptions options;
  std::size_t num_rows;
  std::vector<float> x, scores;
  std::vector<GateInfo> gates;
  std::vector<std::uint8_t> arena;
  bool ok = false;

  Work(const Model& its_model, const SessionOptions& its_options)
      : model(&its_model), options(its_options), num_rows(options.max_batch) {
    const Result<Plan> plan = Plan::create(*model, options);
    REQUIRE(plan.ok());
    x.assign(num_rows * model->input_dim(), 0.25f);
    scores.resize(num_rows * plan->num_tasks());
    gates.resize(plan->num_gates());
    arena.resize(plan->arena_bytes());
  }
};

// Results go to the heap, so that what is measured is the library's calls and not where a program puts its objects.
template <class T>
using Held = std::unique_ptr<Result<T>>;

void* nothing(void*) { return nullptr; }

void* plan(void* argument) {
  Work& work = *static_cast<Work*>(argument);
  const Held<Plan> plan(new Result<Plan>(Plan::create(*work.model, work.options)));
  work.ok = plan->ok();
  return nullptr;
}

void* list_gates(void* argument) {
  Work& work = *static_cast<Work*>(argument);
  const Held<Plan> plan(new Result<Plan>(Plan::create(*work.model, work.options)));
  work.ok = plan->ok();
  if (work.ok) (**plan).list_gates(work.gates.data());
  return nullptr;
}

void* plan_and_score(void* argument) {
  Work& work = *static_cast<Work*>(argument);
  const Held<Plan> plan(new Result<Plan>(Plan::create(*work.model, work.options)));
  if (!plan->ok()) return nullptr;
  const Held<Session> session(new Result<Session>(Session::create(**plan, work.arena.data(), work.arena.size())));
  if (!session->ok()) return nullptr;
  const std::unique_ptr<Status> status(new Status((**session).score(Input::x(work.x, work.num_rows), {work.scores})));
  work.ok = status->ok();
  return nullptr;
}

// Beyond what a thread takes by itself. Once before: the dynamic linker's work on first calls is on the stack too.
std::size_t stack_of_work(void* (*function)(void*), Work& work) {
  function(&work);
  REQUIRE(work.ok);
  const std::size_t by_itself = stack_of(nothing, nullptr);
  return stack_of(function, &work) - by_itself;
}

void check_stack(const Model& model, const std::string& name) {
  constexpr struct {
    const char* name;
    void* (*function)(void*);
  } kKinds[] = {{"plan", plan}, {"gates", list_gates}, {"plan and score", plan_and_score}};
  std::string text;
  for (const auto& kind : kKinds) {
    std::size_t most = 0;
    for (const std::string kernel_set : available_kernel_sets()) {
      for (const std::size_t batch : {1, 64}) {
        SessionOptions options;
        options.kernel_set = kernel_set.c_str();
        options.max_batch = batch;
        options.skip_experts = SkipExperts::kAlways;
        Work work(model, options);
        const std::size_t bytes = stack_of_work(kind.function, work);
        CAPTURE(kernel_set);
        CHECK(bytes < 4096);
        most = bytes > most ? bytes : most;
      }
    }
    text += std::string(", ") + kind.name + " " + std::to_string(most);
  }
  MESSAGE(name, ", bytes of stack", text);
}

TEST_CASE("stack: planning and scoring take less than 4 kB, whatever the model") {
  for (const NamedModel& named : all_models()) {
    const AlignedBytes file = model_file(named.description);
    check_stack(load(file), named.name);
  }
}

TEST_CASE("stack: no more with numbers smaller than f32") {
  MmoeSizes sizes;  // wide enough for the largest tiles of every kernel set
  sizes.inputs = 70;
  sizes.experts = 8;
  sizes.expert_widths = {96, 64};
  sizes.tasks = 2;
  sizes.tower_widths = {40};
  sizes.top_k = 2;
  for (const converter::NumberOptions& numbers : all_numbers()) {
    const AlignedBytes file = model_file(mmoe_description(sizes), 0, numbers);
    check_stack(load(file), "weights of type " + std::to_string(static_cast<int>(numbers.weights)));
  }
}

TEST_CASE("stack: as little for as many experts, gates and tasks as a file may have") {
  MmoeSizes sizes;
  sizes.inputs = 3;
  sizes.experts = 256;
  sizes.expert_widths = {4, 2};
  sizes.tasks = 64;
  sizes.tower_widths = {2};
  sizes.top_k = 2;
  const AlignedBytes file = model_file(mmoe_description(sizes), 0);
  check_stack(load(file), "256 experts, 64 gates, 64 tasks");
}

}  // namespace
}  // namespace mmoe::test

#endif
