// What a small file can ask for, since layers, lists and tables may be shared: refused by limits that models are far
// from.
#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "mmoe/session.h"
#include "tests/unit/models.h"
#include "tests/unit/shared_model.h"

namespace mmoe::test {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Refused by default, naming the option; made where that allows what is needed.
void check_refused(const SharedSizes& sizes, const char* option, std::uint64_t PlanOptions::*limit,
                   std::size_t max_batch = 1) {
  CAPTURE(std::string(option));
  const AlignedBytes file = SharedModel(sizes).file();
  const Model model = load(file);
  PlanOptions options;
  options.max_batch = max_batch;
  for (const auto other : {&PlanOptions::max_multiply_adds, &PlanOptions::max_steps, &PlanOptions::max_arena_bytes,
                           &PlanOptions::max_ids}) {
    if (other != limit) options.*other = UINT64_MAX;
  }
  const Result<Plan> refused = Plan::create(model, options);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == ErrorCode::kLimitExceeded);
  CHECK(std::string(refused.error().message()).find(option) == 0);
  options.*limit = UINT64_MAX;
  CHECK(Plan::create(model, options).ok());
}

TEST_CASE("limits: layers that are shared without end") {
  check_refused({4, 256, 8, 32, 64}, "max_multiply_adds", &PlanOptions::max_multiply_adds);
  check_refused({16, 256, 8, 32, 1}, "max_steps", &PlanOptions::max_steps);
  check_refused({2, 256, 64, 1, 1024}, "max_arena_bytes", &PlanOptions::max_arena_bytes, 128);
  check_refused({1, 2, 1, 1, 4, 0, 1u << 20}, "max_ids", &PlanOptions::max_ids);
  // Summing a table's one row is work.
  check_refused({1, 2, 1, 1, 64, 0, 1u << 20}, "max_multiply_adds", &PlanOptions::max_multiply_adds);
  // A choice among all experts, again and again, is work too.
  check_refused({16, 256, 64, 1, 1, 2}, "max_multiply_adds", &PlanOptions::max_multiply_adds);
}

TEST_CASE("limits: a file of a few kilobytes is refused or scores a row in milliseconds") {
  for (const SharedSizes& sizes :
       {SharedSizes{16, 256, 64, 32, 16}, SharedSizes{16, 128, 1, 1, 16}, SharedSizes{8, 256, 64, 1, 16},
        SharedSizes{16, 256, 64, 1, 1, 1}, SharedSizes{16, 16, 16, 12, 16}}) {
    const AlignedBytes file = SharedModel(sizes).file();
    const auto start = std::chrono::steady_clock::now();
    const Model model = load(file);
    Result<Session> session = Session::create(model);
    if (session.ok()) {
      const std::vector<float> x(model.input_dim(), 0.5f);
      float score;
      CHECK(session->score(Input::x(x, 1), {{&score, 1}}).ok());
    } else {
      CHECK(session.error().code() == ErrorCode::kLimitExceeded);
    }
    CHECK(seconds_since(start) < 2);  // some ms; the rest is for emulators, sanitizers and a busy machine
  }
}

TEST_CASE("limits: models are far from the defaults") {
  for (const NamedModel& named : all_models()) {
    CAPTURE(named.name);
    const AlignedBytes file = model_file(named.description);
    const Model model = load(file);
    PlanOptions options;
    options.max_batch = 128;
    options.max_multiply_adds = file.size();           // the default is 64 times this, or more
    options.max_steps = 256;                           // 4,096 or more
    options.max_arena_bytes = std::uint64_t{1} << 22;  // 2^26 or more
    CHECK(Plan::create(model, options).ok());
  }
}

TEST_CASE("limits: exactly enough is enough") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  const Plan plan = *Plan::create(model);
  PlanOptions options;
  const auto allows = [&](std::uint64_t PlanOptions::*limit, std::uint64_t value) {
    options = {};
    options.*limit = value;
    return Plan::create(model, options).ok();
  };
  CHECK(allows(&PlanOptions::max_multiply_adds, plan.multiply_adds_per_row()));
  CHECK_FALSE(allows(&PlanOptions::max_multiply_adds, plan.multiply_adds_per_row() - 1));
  CHECK(allows(&PlanOptions::max_steps, plan.num_steps()));
  CHECK_FALSE(allows(&PlanOptions::max_steps, plan.num_steps() - 1));
  CHECK(allows(&PlanOptions::max_arena_bytes, plan.arena_bytes()));
  CHECK_FALSE(allows(&PlanOptions::max_arena_bytes, plan.arena_bytes() - 1));
  CHECK(allows(&PlanOptions::max_ids, 3));  // of three sparse features
  CHECK_FALSE(allows(&PlanOptions::max_ids, 2));
}

// One product of 4 experts and 2 gates' logits, in panels of 16: 80 columns of 20 inputs. A softmax of 4 twice, mixes
// of 4 by 16 twice, towers of 16 by 8 (16 columns) and 8 by 1 (16 columns).
TEST_CASE("Plan: multiply-adds per row") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  CHECK(Plan::create(model)->multiply_adds_per_row() == 80 * 20 + 2 * 4 * 16 + 2 * 4 * 16 + 2 * (16 * 16 + 16 * 8));
  const std::uint32_t first = 0;
  PlanOptions options;
  options.tasks = &first;
  options.num_tasks = 1;
  CHECK(Plan::create(model, options)->multiply_adds_per_row() < Plan::create(model)->multiply_adds_per_row());
}

TEST_CASE("Plan: a pooled sequence is work in its full length") {
  const auto work = [](std::uint32_t length) {
    const AlignedBytes file = SharedModel({1, 2, 1, 1, 64, 0, length}).file();
    const Model model = load(file);
    return Plan::create(model)->multiply_adds_per_row();
  };
  CHECK(work(1000) == work(0) + 1000 * 64);
}

TEST_CASE("gates: naming all gates of a model takes as long as reading it") {
  const AlignedBytes file = SharedModel({8, 256, 64, 1, 16}).file();
  const Model model = load(file);
  PlanOptions options;
  options.max_multiply_adds = options.max_steps = options.max_arena_bytes = UINT64_MAX;
  const Plan plan = *Plan::create(model, options);
  REQUIRE(plan.num_gates() == 7 * 64 + 1);  // the tower reads one
  const auto start = std::chrono::steady_clock::now();
  std::vector<GateInfo> gates(plan.num_gates());
  plan.list_gates(gates.data());
  CHECK(seconds_since(start) < 1);  // a millisecond; the rest is for emulators, sanitizers and a busy machine
  std::size_t weights = 0;
  for (const GateInfo& gate : gates) {
    CHECK(gate.column == weights);
    CHECK(gate.tasks == 1);
    weights += gate.num_experts;
  }
  CHECK(weights == plan.num_gate_weights());
  for (const std::size_t i : {std::size_t{0}, gates.size() / 2, gates.size() - 1}) {
    CHECK(plan.gate(i).level == gates[i].level);
    CHECK(plan.gate(i).index == gates[i].index);
    CHECK(plan.gate(i).column == gates[i].column);
  }
}

}  // namespace
}  // namespace mmoe::test
