#include <cmath>
#include <cstring>
#include <initializer_list>
#include <limits>

#include <doctest/doctest.h>

#include "mmoe/session.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/kernel_sets.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

Session make_session(const Model& model, const SessionOptions& options) {
  Result<Session> session = Session::create(model, options);
  if (!session) FAIL(std::string(session.error().message()));
  return std::move(*session);
}

void require_ok(const Status& status) {
  if (!status) FAIL(std::string(status.error().message()));
}

// Scores of x in calls of `batch` rows.
std::vector<float> score(const Model& model, const std::vector<float>& x, std::size_t batch,
                         SessionOptions options = {}) {
  const std::size_t rows = x.size() / model.input_dim();
  options.max_batch = batch;
  Session session = make_session(model, options);
  std::vector<float> scores(rows * session.plan().num_tasks());
  for (std::size_t row = 0; row < rows; row += batch) {
    const std::size_t count = std::min(batch, rows - row);
    const std::size_t dim = model.input_dim(), tasks = session.plan().num_tasks();
    require_ok(session.score(Input::x({x.data() + row * dim, count * dim}, count),
                             {{scores.data() + row * tasks, count * tasks}}));
  }
  return scores;
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void check_batches(std::initializer_list<std::size_t> batches) {
  Random random(1);
  for (const NamedModel& named : all_models()) {
    CAPTURE(named.name);
    const AlignedBytes file = model_file(named.description);
    const Model model = load(file);
    const std::vector<float> x = random.floats(131 * model.input_dim());
    SessionOptions scalar;  // the fastest set of an old machine is not exact
    scalar.kernel_set = "scalar";
    const std::vector<float> expected = score(model, x, 131, scalar);
    for (const float value : expected) REQUIRE(std::isfinite(value));
    for (const char* kernel_set : exact_kernel_sets()) {
      SessionOptions options;
      options.kernel_set = kernel_set;
      for (const std::size_t batch : batches) {
        INFO(std::string(kernel_set), ", batch ", batch);
        CHECK(same(score(model, x, batch, options), expected));
      }
    }
  }
}

TEST_CASE("score: the same bits in every batch size and on every exact kernel set") { check_batches({1, 7, 131}); }

// Where instructions are emulated, this and the like of it below take minutes.
TEST_CASE("score: the same for batches that tiles and blocks divide and do not (not emulated)") {
  check_batches({2, 48, 49, 64});
}

// model_file() converts, and conversion compares with the double-precision evaluation and between kernel sets.
void convert_random_models(std::uint64_t first_seed, std::uint64_t last_seed) {
  for (std::uint64_t seed = first_seed; seed <= last_seed; ++seed) {
    for (const NamedModel& named : all_models(seed)) {
      CAPTURE(named.name);
      CAPTURE(seed);
      CHECK_NOTHROW(model_file(named.description, 40));
    }
  }
}

TEST_CASE("score: a converter check passes for random models of every architecture") { convert_random_models(2, 3); }

TEST_CASE("score: the same for more of them (not emulated)") { convert_random_models(4, 11); }

TEST_CASE("score: a task alone, and tasks in another order, have the same bits") {
  Random random(3);
  for (const NamedModel& named : all_models()) {
    CAPTURE(named.name);
    const AlignedBytes file = model_file(named.description);
    const Model model = load(file);
    const std::size_t num_tasks = model.num_tasks();
    const std::vector<float> x = random.floats(50 * model.input_dim());
    const std::vector<float> all = score(model, x, 50);
    std::vector<std::uint32_t> reversed;
    for (std::uint32_t task = 0; task < num_tasks; ++task) {
      reversed.insert(reversed.begin(), task);
      SessionOptions options;
      options.tasks = &task;
      options.num_tasks = 1;
      const std::vector<float> alone = score(model, x, 50, options);
      for (std::size_t row = 0; row < 50; ++row) CHECK(alone[row] == all[row * num_tasks + task]);
    }
    SessionOptions options;
    options.tasks = reversed.data();
    options.num_tasks = num_tasks;
    const std::vector<float> backwards = score(model, x, 50, options);
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(backwards[i / num_tasks * num_tasks + num_tasks - 1 - i % num_tasks] == all[i]);
    }
  }
}

TEST_CASE("score: a task alone runs only what it needs") {
  const AlignedBytes file = model_file(ple_description());
  const Model model = load(file);
  const std::uint32_t task = 0;
  PlanOptions options;
  const Result<Plan> all = Plan::create(model, options);
  options.tasks = &task;
  options.num_tasks = 1;
  const Result<Plan> one = Plan::create(model, options);
  CHECK(one->num_steps() < all->num_steps());
  CHECK(one->arena_bytes() < all->arena_bytes());
}

TEST_CASE("score: a task whose tower reads x runs nothing but the tower") {
  const AlignedBytes file = model_file(parts_description(0));
  const Model model = load(file);
  const std::uint32_t task = 2;
  PlanOptions options;
  options.tasks = &task;
  options.num_tasks = 1;
  const Result<Plan> plan = Plan::create(model, options);
  REQUIRE(plan.ok());
  CHECK(plan->num_steps() == 3);  // two layers and a link
  CHECK(plan->num_gates() == 0);
}

TEST_CASE("score: a task runs the nodes that it needs, and no level where they need none") {
  const AlignedBytes file = model_file(node_description(0));
  const Model model = load(file);
  const std::uint32_t task = 2;
  PlanOptions options;
  options.tasks = &task;
  options.num_tasks = 1;
  const Result<Plan> plan = Plan::create(model, options);
  REQUIRE(plan.ok());
  // A copy and four layers of three MLPs; a copy of x and the operation, for the product and for the sum; the tower's
  // copy, two layers and the link.
  CHECK(plan->num_steps() == 13);
  CHECK(plan->num_gates() == 0);
}

TEST_CASE("score: top-k chosen for a session equals top-k in the file") {
  Random random(4);
  MmoeSizes sizes{20, 8, {16, 12}, 2, {8}, 0, 0};
  const AlignedBytes dense_file = model_file(mmoe_description(sizes));
  sizes.top_k = 3;
  const AlignedBytes sparse_file = model_file(mmoe_description(sizes));
  const Model dense = load(dense_file);
  const Model sparse = load(sparse_file);
  const std::vector<float> x = random.floats(100 * 20);
  SessionOptions options;
  options.top_k = 3;
  options.skip_experts = SkipExperts::kAlways;
  CHECK(same(score(dense, x, 100, options), score(sparse, x, 100)));
  options.top_k = 100;  // more than there are: all
  CHECK(same(score(sparse, x, 100, options), score(dense, x, 100)));
}

TEST_CASE("score: min_gate_weight skips experts; with none to skip it changes no bit") {
  Random random(8);
  const AlignedBytes file = model_file(mmoe_description({20, 8, {16, 12}, 2, {8}, 0, 0}));
  const Model model = load(file);
  const std::vector<float> x = random.floats(100 * 20);
  const std::vector<float> all = score(model, x, 100);
  SessionOptions options;
  options.skip_experts = SkipExperts::kAlways;
  options.min_gate_weight = 1e-30f;
  options.renormalise = false;
  CHECK(same(score(model, x, 100, options), all));
  // With a threshold that only one expert can reach, renormalised, every row gets just its largest expert.
  options.min_gate_weight = 1.0f;
  options.renormalise = true;
  SessionOptions top_1;
  top_1.top_k = 1;
  CHECK(same(score(model, x, 100, options), score(model, x, 100, top_1)));
  options.min_gate_weight = 0.15f;
  options.kernel_set = "scalar";  // the fastest set of an old machine is not exact
  const std::vector<float> some = score(model, x, 100, options);
  CHECK_FALSE(same(some, all));
  for (const std::size_t batch : {1, 7}) CHECK(same(score(model, x, batch, options), some));
  for (const char* kernel_set : exact_kernel_sets()) {
    options.kernel_set = kernel_set;
    CHECK(same(score(model, x, 64, options), some));
  }
  for (const float bad : {-0.1f, 1.1f, std::numeric_limits<float>::quiet_NaN()}) {
    PlanOptions refused;
    refused.min_gate_weight = bad;
    CHECK(Plan::create(model, refused).error().code() == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("score: an expert that no row selects is not computed") {
  converter::TrainedModel description = mmoe_description({20, 4, {16}, 1, {8}, 2, 0});
  description.levels[0].gates[0].logits->bias = {0, -1000, 0, 0};
  const AlignedBytes file = model_file(description);
  const Model model = load(file);
  Random random(5);
  const std::vector<float> x = random.floats(60 * 20);
  const std::vector<float> expected = score(model, x, 60);
  // With the second expert's weights turned to NaN, computing it at all would show only if it were also mixed; so
  // its outputs, left over from other runs, are NaN too, and still must not be read.
  const std::size_t segment =
      static_cast<std::size_t>(schema::GetSizePrefixedModel(file.data())->segments()->Get(0)->offset());
  float* weights = reinterpret_cast<float*>(file.data() + segment);
  for (std::size_t i = 0; i < 20 * 16; ++i) weights[20 * 16 + i] = std::numeric_limits<float>::quiet_NaN();
  SessionOptions options;
  options.skip_experts = SkipExperts::kAlways;
  CHECK(same(score(model, x, 60, options), expected));
}

TEST_CASE("score: experts skipped or not, the bits are the same") {
  Random random(9);
  for (const NamedModel& named : all_models()) {
    const AlignedBytes file = model_file(named.description);
    const Model model = load(file);
    const std::vector<float> x = random.floats(50 * model.input_dim());
    for (const std::size_t top_k : {0, 1, 2}) {
      SessionOptions options;
      options.top_k = top_k;
      options.skip_experts = SkipExperts::kNever;
      const std::vector<float> expected = score(model, x, 50, options);
      for (const SkipExperts skip : {SkipExperts::kAlways, SkipExperts::kWhereFaster}) {
        options.skip_experts = skip;
        CAPTURE(named.name);
        for (const std::size_t batch : {1, 16}) CHECK(same(score(model, x, batch, options), expected));
      }
    }
  }
}

TEST_CASE("Plan: skips wide experts of which a row uses few, computes narrow ones and those nearly all in use") {
  const auto num_steps = [](const MmoeSizes& sizes, std::size_t top_k, SkipExperts skip) {
    const AlignedBytes file = model_file(mmoe_description(sizes));
    const Model model = load(file);
    PlanOptions options;
    options.max_batch = 64;
    options.top_k = top_k;
    options.skip_experts = skip;
    return Plan::create(model, options)->num_steps();
  };
  const auto skips = [&](const MmoeSizes& sizes, std::size_t top_k) {
    const std::size_t always = num_steps(sizes, top_k, SkipExperts::kAlways);
    const std::size_t never = num_steps(sizes, top_k, SkipExperts::kNever);
    const std::size_t chosen = num_steps(sizes, top_k, SkipExperts::kWhereFaster);
    REQUIRE(always != never);
    CHECK((chosen == always || chosen == never));
    return chosen == always;
  };
  CHECK(skips({200, 8, {256, 128}, 1, {8}, 0, 0}, 2));
  CHECK_FALSE(skips({200, 8, {256, 128}, 2, {8}, 0, 0}, 7));
  CHECK_FALSE(skips({100, 8, {16}, 2, {8}, 0, 0}, 4));
}

TEST_CASE("score: rows with strides") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  Random random(6);
  const std::vector<float> x = random.floats(60 * 25);
  std::vector<float> packed;
  for (std::size_t row = 0; row < 60; ++row) packed.insert(packed.end(), &x[row * 25], &x[row * 25] + 20);
  const std::vector<float> expected = score(model, packed, 60);
  Session session = make_session(model, {});
  std::vector<float> scores(60 * 5, 9.0f);
  require_ok(session.score(Input::x(x, 60, 25), {scores, 5}));
  for (std::size_t row = 0; row < 60; ++row) {
    CHECK(scores[row * 5] == expected[row * 2]);
    CHECK(scores[row * 5 + 1] == expected[row * 2 + 1]);
    CHECK(scores[row * 5 + 2] == 9.0f);
  }
  const auto message = [](const Status& status) {
    CHECK(status.error().code() == ErrorCode::kInvalidArgument);
    return std::string(status.error().message());
  };
  CHECK(message(session.score(Input::x(x, 60, 19), {scores, 5})) == "x: stride 19, but a row has 20");
  CHECK(message(session.score(Input::x(x, 60, 25), {scores, 1})) == "scores: stride 1, but a row has 2");
  // The last row needs no more than its own columns.
  REQUIRE(session.score(Input::x({x.data(), 59 * 25 + 20}, 60, 25), {{scores.data(), 59 * 5 + 2}, 5}).ok());
  CHECK(message(session.score(Input::x({x.data(), 59 * 25 + 19}, 60, 25), {scores, 5})) ==
        "x: length 1494, needs 1495 (rows: 60, per row: 20)");
  CHECK(message(session.score(Input::x(x, 60, 25), {{scores.data(), 59 * 5 + 1}, 5})) ==
        "scores: length 296, needs 297 (rows: 60, per row: 2)");
  CHECK(message(session.score(Input::x(x, SIZE_MAX), {scores})).find("x: length 1500, needs ") == 0);
  CHECK(message(session.score(Input::x({}, 1), {scores})) == "x: length 0, needs 20 (rows: 1, per row: 20)");
  CHECK(message(session.score(Input::x({nullptr, 20}, 1), {scores})) == "x: length 0, needs 20 (rows: 1, per row: 20)");
  CHECK(message(session.score(Input::x({x.data(), 20}, 1), {})) == "scores: length 0, needs 2 (rows: 1, per row: 2)");
  CHECK(session.score(Input::x({}, 0), {}).ok());
}

TEST_CASE("score: a row that is not finite has NaN scores and leaves the others alone, or is an error") {
  Random random(7);
  for (const NamedModel& named : all_models()) {
    CAPTURE(named.name);
    const AlignedBytes file = model_file(named.description);
    const Model model = load(file);
    std::vector<float> x = random.floats(70 * model.input_dim());
    const std::vector<float> expected = score(model, x, 70);
    const std::size_t num_tasks = model.num_tasks();
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
      std::vector<float> poisoned = x;
      poisoned[53 * model.input_dim() + 2] = bad;
      const std::vector<float> found = score(model, poisoned, 70);
      for (std::size_t i = 0; i < found.size(); ++i) {
        if (i / num_tasks == 53) {
          CHECK(std::isnan(found[i]));
        } else {
          CHECK(found[i] == expected[i]);
        }
      }
      SessionOptions options;
      options.non_finite = NonFinite::kError;
      Session session = make_session(model, options);
      std::vector<float> scores(expected.size());
      const Status status = session.score(Input::x(poisoned, 70), {scores});
      CHECK(status.error().code() == ErrorCode::kNonFinite);
      CHECK(std::string(status.error().message()).find("row 53") != std::string::npos);
    }
  }
}

// A sum of numbers that are finite can be larger than any.
TEST_CASE("score: finite inputs that overflow leave the others alone, or are an error") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  Random random(7);
  std::vector<float> x = random.floats(40 * model.input_dim());
  const std::vector<float> expected = score(model, x, 40);
  for (std::size_t i = 0; i < model.input_dim(); ++i) x[31 * model.input_dim() + i] = i % 2 == 0 ? 3e38f : -3e38f;
  const std::vector<float> found = score(model, x, 40);
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK((i / model.num_tasks() == 31 ? !std::isfinite(found[i]) : found[i] == expected[i]));
  }
  SessionOptions options;
  options.non_finite = NonFinite::kError;
  for (const std::size_t max_batch : {std::size_t{1}, std::size_t{40}}) {
    options.max_batch = max_batch;
    Session session = make_session(model, options);
    std::vector<float> scores(expected.size());
    const Status status = session.score(Input::x(x, 40), {scores});
    CHECK(status.error().code() == ErrorCode::kNonFinite);
    CHECK(std::string(status.error().message()).find("row 31: a score") == 0);
    CHECK(session.score(Input::x({x.data(), 31 * (x.size() / 40)}, 31), {scores}).ok());
  }
}

TEST_CASE("Plan: refuses what it cannot do") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  PlanOptions options;
  options.kernel_set = "mmx";
  CHECK(Plan::create(model, options).error().code() == ErrorCode::kUnsupported);
  CHECK(std::string(Plan::create(model, options).error().message()).find("scalar") != std::string::npos);
  options = {};
  options.max_batch = 0;
  CHECK(Plan::create(model, options).error().code() == ErrorCode::kInvalidArgument);
  const std::uint32_t twice[] = {1, 1};
  const std::uint32_t beyond[] = {2};
  options = {};
  options.tasks = twice;
  options.num_tasks = 2;
  CHECK(Plan::create(model, options).error().code() == ErrorCode::kInvalidArgument);
  options.tasks = beyond;
  options.num_tasks = 1;
  CHECK(Plan::create(model, options).error().code() == ErrorCode::kInvalidArgument);
  options.tasks = nullptr;
  CHECK(Plan::create(model, options).error().code() == ErrorCode::kInvalidArgument);
  options.tasks = beyond;
  options.num_tasks = 0;
  CHECK(Plan::create(model, options).error().code() == ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace mmoe::test
