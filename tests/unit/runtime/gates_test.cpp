// Gate weights of each row: those of the description, as used, in any batch, and without changing a score.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "converter/check/evaluate.h"
#include "kernels/kernels.h"
#include "mmoe/executor.h"
#include "mmoe/mmoe.h"
#include "mmoe/session.h"
#include "mmoe/thread_pool.h"
#include "tests/unit/feature_rows.h"
#include "tests/unit/kernel_sets.h"
#include "tests/unit/models.h"
#include "tests/unit/runtime/c_calls.h"

namespace mmoe::test {
namespace {

constexpr std::size_t kRows = 131;  // a block and three rows

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

Session make_session(const Model& model, const SessionOptions& options) {
  Result<Session> session = Session::create(model, options);
  if (!session) FAIL(std::string(session.error().message()));
  return std::move(*session);
}

struct Scored {
  std::vector<float> scores, weights;  // [rows, num_tasks], [rows, num_gate_weights]
};

// x in one call, of which a session of max_batch makes blocks.
Scored score(const Model& model, const std::vector<float>& x, SessionOptions options, std::size_t max_batch = kRows) {
  options.max_batch = max_batch;
  Session session = make_session(model, options);
  const std::size_t rows = x.size() / model.input_dim(), num_weights = session.plan().num_gate_weights();
  Scored scored{std::vector<float>(rows * session.plan().num_tasks()), std::vector<float>(rows * num_weights)};
  Output output{scored.scores};
  output.gate_weights = scored.weights;
  REQUIRE(session.score(Input::x(x, rows), output).ok());
  return scored;
}

std::vector<SessionOptions> many_options() {
  std::vector<SessionOptions> all;
  for (const std::size_t top_k : {0, 1, 2}) {
    for (const SkipExperts skip : {SkipExperts::kAlways, SkipExperts::kNever}) {
      all.emplace_back();
      all.back().top_k = top_k;
      all.back().skip_experts = skip;
    }
  }
  for (const bool renormalise : {true, false}) {
    all.emplace_back();
    all.back().min_gate_weight = 0.2f;
    all.back().renormalise = renormalise;
    all.back().skip_experts = SkipExperts::kAlways;
  }
  return all;
}

void check_gates(const std::vector<SessionOptions>& all_options, const std::vector<std::size_t>& batches) {
  Random random(1);
  for (const NamedModel& named : all_models()) {
    CAPTURE(named.name);
    const AlignedBytes file = model_file(named.description);
    const Model model = load(file);
    const std::vector<float> x = random.floats(kRows * model.input_dim());
    for (SessionOptions options : all_options) {
      options.kernel_set = "scalar";  // the fastest set of an old machine is not exact
      const Scored expected = score(model, x, options);
      options.max_batch = kRows;
      std::vector<float> without(kRows * model.num_tasks());
      REQUIRE(make_session(model, options).score(Input::x(x, kRows), {without}).ok());
      CHECK(same_bits(expected.scores, without));
      for (const char* kernel_set : exact_kernel_sets()) {
        options.kernel_set = kernel_set;
        for (const std::size_t batch : batches) {
          const Scored found = score(model, x, options, batch);
          CHECK(same_bits(found.scores, expected.scores));
          CHECK(same_bits(found.weights, expected.weights));
        }
      }
    }
  }
}

TEST_CASE("gates: scores are the same bits as without, weights in every batch and on every exact kernel set") {
  const std::vector<SessionOptions> many = many_options();
  check_gates({many.front(), many.back()}, {7, kRows});
}

// Minutes where instructions are emulated.
TEST_CASE("gates: the same with all options, row by row (not emulated)") { check_gates(many_options(), {1, kRows}); }

// A float's weight of a softmax over logits of some 10, of sums of up to 60 terms: 60 roundings of 2^-24 of 10 each.
constexpr double kTolerance = 60 * 10 * 0x1p-24;

TEST_CASE("gates: the weights of the description, by the places that the plan names") {
  Random random(2);
  for (const NamedModel& named : all_models()) {
    if (!named.description.features.empty()) continue;  // evaluate() would take raw rows
    CAPTURE(named.name);
    const AlignedBytes file = model_file(named.description);
    const Model model = load(file);
    const std::vector<float> x = random.floats(kRows * model.input_dim());
    const auto expected = converter::evaluate(named.description, {kRows, x, {}}, true).gate_weights;
    const Scored found = score(model, x, {});
    const Result<Plan> plan = Plan::create(model);
    std::size_t column = 0;
    for (std::size_t i = 0; i < plan->num_gates(); ++i) {
      const GateInfo gate = plan->gate(i);
      const converter::Gate& described = named.description.levels[gate.level].gates[gate.index];
      CHECK(gate.name == described.name);
      CHECK(gate.column == column);
      CHECK(std::equal(gate.experts, gate.experts + gate.num_experts, described.experts.begin(),
                       described.experts.end()));
      std::size_t among_all = gate.index;
      for (std::size_t l = 0; l < gate.level; ++l) among_all += named.description.levels[l].gates.size();
      double worst = 0;
      for (std::size_t row = 0; row < kRows; ++row) {
        for (std::size_t e = 0; e < gate.num_experts; ++e) {
          const float weight = found.weights[row * plan->num_gate_weights() + column + e];
          worst = std::max(worst, std::fabs(weight - expected[among_all][row * gate.num_experts + e]));
        }
      }
      CHECK(worst <= kTolerance);
      column += gate.num_experts;
    }
    CHECK(column == plan->num_gate_weights());
  }
}

TEST_CASE("gates: the bits of the reference kernel") {
  const converter::TrainedModel description = mmoe_description({});
  const AlignedBytes file = model_file(description);
  const Model model = load(file);
  Random random(3);
  const std::vector<float> x = random.floats(kRows * model.input_dim());
  SessionOptions scalar;
  scalar.kernel_set = "scalar";
  const Scored found = score(model, x, scalar);
  for (std::size_t g = 0; g < 2; ++g) {
    const converter::DenseLayer& layer = *description.levels[0].gates[g].logits;
    for (std::size_t row = 0; row < kRows; ++row) {
      float logits[16], weights[16];
      for (std::size_t e = 0; e < 4; ++e) {
        logits[e] = layer.bias.empty() ? 0.0f : layer.bias[e];
        for (std::size_t i = 0; i < 20; ++i) logits[e] = std::fma(x[row * 20 + i], layer.weight.at(e, i), logits[e]);
      }
      kernels::GateArgs args{};
      args.logits = logits;
      args.num_rows = 1;
      args.num_experts = 4;
      args.weights = weights;
      args.logits_stride = args.weights_stride = 16;
      kernels::select_kernels("scalar")->gate(args);
      CHECK(std::memcmp(weights, &found.weights[row * 8 + g * 4], 4 * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("gates: sums are 1, skipped experts 0, and without renormalising what is left is as it was") {
  const AlignedBytes file = model_file(mmoe_description({20, 8, {16, 12}, 2, {8}, 0, 0}));
  const Model model = load(file);
  Random random(4);
  const std::vector<float> x = random.floats(kRows * 20);
  const Scored all = score(model, x, {});
  for (const SessionOptions& options : many_options()) {
    CAPTURE(options.top_k);
    CAPTURE(options.min_gate_weight);
    const Scored found = score(model, x, options);
    for (std::size_t row = 0; row < 2 * kRows; ++row) {  // of either gate
      const float* weights = &found.weights[row * 8];
      const float* whole = &all.weights[row * 8];
      const auto num_skipped = std::count(weights, weights + 8, 0.0f);
      float sum = 0;
      for (std::size_t e = 0; e < 8; ++e) sum += weights[e];
      // 8 divisions and a sum of 8 at up to 1: less than 16 roundings.
      if (options.renormalise) CHECK(std::fabs(sum - 1.0f) <= 16 * 0x1p-24f);
      if (options.top_k != 0) CHECK(num_skipped == 8 - static_cast<int>(options.top_k));
      for (std::size_t e = 0; !options.renormalise && e < 8; ++e) {
        const bool largest = whole[e] == *std::max_element(whole, whole + 8);
        CHECK(weights[e] == (whole[e] >= 0.2f || largest ? whole[e] : 0.0f));
      }
    }
  }
}

TEST_CASE("gates: only those that the tasks need, with the bits that they have among all") {
  Random random(5);
  const AlignedBytes file = model_file(ple_description());
  const Model model = load(file);
  const std::vector<float> x = random.floats(kRows * model.input_dim());
  const Scored all = score(model, x, {});
  const Result<Plan> whole = Plan::create(model);
  for (std::uint32_t task = 0; task < model.num_tasks(); ++task) {
    SessionOptions options;
    options.tasks = &task;
    options.num_tasks = 1;
    const Result<Plan> plan = Plan::create(model, options);
    CHECK(plan->num_gates() < whole->num_gates());
    const Scored alone = score(model, x, options);
    for (std::size_t i = 0; i < plan->num_gates(); ++i) {
      const GateInfo gate = plan->gate(i);
      std::size_t same = 0;
      while (whole->gate(same).level != gate.level || whole->gate(same).index != gate.index) ++same;
      CHECK(gate.feeds(task));
      CHECK(whole->gate(same).tasks == gate.tasks);
      for (std::size_t row = 0; row < kRows; ++row) {
        CHECK(std::memcmp(&alone.weights[row * plan->num_gate_weights() + gate.column],
                          &all.weights[row * whole->num_gate_weights() + whole->gate(same).column],
                          gate.num_experts * sizeof(float)) == 0);
      }
    }
  }
}

TEST_CASE("gates: a product of scores has the gates of its factors") {
  converter::TrainedModel description = mmoe_description({});
  description.tasks.push_back({"both", converter::product_link({0, 1})});
  const AlignedBytes file = model_file(description);
  const Model model = load(file);
  const std::uint32_t product = 2;
  SessionOptions options;
  options.tasks = &product;
  options.num_tasks = 1;
  const Result<Plan> plan = Plan::create(model, options);
  REQUIRE(plan->num_gates() == 2);
  CHECK(plan->gate(0).tasks == 1);
  CHECK(plan->gate(1).tasks == 2);
}

TEST_CASE("gates: a product has the gates of those of its factors that are no task") {
  converter::TrainedModel description = mmoe_description({});
  description.tasks[1].output = false;
  description.tasks.push_back({"both", converter::product_link({0, 1})});
  const AlignedBytes file = model_file(description);
  const Model model = load(file);
  REQUIRE(model.num_tasks() == 2);
  CHECK(model.task_name(1) == "both");
  const Result<Plan> all = Plan::create(model, {});
  REQUIRE(all->num_gates() == 2);
  CHECK(all->gate(0).tasks == 1);
  CHECK(all->gate(1).tasks == 2);
  const std::uint32_t first = 0;
  SessionOptions options;
  options.tasks = &first;
  options.num_tasks = 1;
  CHECK(Plan::create(model, options)->num_gates() == 1);
}

TEST_CASE("gates: models without softmax gates have none, and may be asked all the same") {
  for (const converter::TrainedModel& description : {shared_bottom_description(), cross_stitch_description()}) {
    const AlignedBytes file = model_file(description);
    const Model model = load(file);
    Session session = make_session(model, {});
    CHECK(session.plan().num_gates() == 0);
    CHECK(session.plan().num_gate_weights() == 0);
    const std::vector<float> x(model.input_dim());
    std::vector<float> scores(model.num_tasks());
    float untouched = 9;
    Output output{scores};
    output.gate_weights = {&untouched, 1};
    REQUIRE(session.score(Input::x(x, 1), output).ok());
    CHECK(untouched == 9);
  }
}

TEST_CASE("gates: strides are kept, too short arrays refused, and nothing is written without being asked for") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  Random random(6);
  const std::vector<float> x = random.floats(kRows * 20);
  const Scored expected = score(model, x, {});
  Session session = make_session(model, {});
  std::vector<float> scores(kRows * 2), weights(kRows * 11, 9.0f);
  const auto score_with = [&](std::size_t size, std::size_t stride) {
    Output output{scores};
    output.gate_weights = {weights.data(), size};
    output.gate_weights_stride = stride;
    return session.score(Input::x(x, kRows), output);
  };
  CHECK(std::string(score_with(kRows * 8, 7).error().message()).find("gate_weights: stride 7") == 0);
  CHECK(std::string(score_with(kRows * 8 - 1, 0).error().message()) ==
        "gate_weights: length 1047, needs 1048 (rows: 131, per row: 8)");
  CHECK(score_with((kRows - 1) * 11 + 7, 11).error().code() == ErrorCode::kInvalidArgument);
  CHECK(std::count(weights.begin(), weights.end(), 9.0f) == kRows * 11);
  REQUIRE(score_with((kRows - 1) * 11 + 8, 11).ok());
  for (std::size_t row = 0; row < kRows; ++row) {
    CHECK(std::memcmp(&weights[row * 11], &expected.weights[row * 8], 8 * sizeof(float)) == 0);
    for (std::size_t i = 8; i < 11; ++i) CHECK(weights[row * 11 + i] == 9.0f);
  }
  std::fill(weights.begin(), weights.end(), 9.0f);
  REQUIRE(session.score(Input::x(x, kRows), {scores}).ok());
  CHECK(std::count(weights.begin(), weights.end(), 9.0f) == kRows * 11);
}

TEST_CASE("gates: a row that is not finite has NaN weights and leaves the others alone") {
  Random random(7);
  for (const NamedModel& named : all_models()) {
    CAPTURE(named.name);
    const AlignedBytes file = model_file(named.description);
    const Model model = load(file);
    const std::vector<float> x = random.floats(kRows * model.input_dim());
    for (const SessionOptions& options : many_options()) {
      const Scored expected = score(model, x, options);
      std::vector<float> poisoned = x;
      poisoned[129 * model.input_dim()] = -std::numeric_limits<float>::infinity();
      const Scored found = score(model, poisoned, options);
      const std::size_t width = found.weights.size() / kRows;
      for (std::size_t i = 0; i < found.weights.size(); ++i) {
        const bool bad = i / width == 129;
        CHECK((bad ? std::isnan(found.weights[i]) : found.weights[i] == expected.weights[i]));
      }
    }
  }
}

TEST_CASE("gates: one user's candidates have the weights of whole rows") {
  Random random(8);
  for (const std::size_t top_k : {0, 2}) {
    const AlignedBytes file = model_file(user_item_description(false, top_k));
    const Model model = load(file);
    const std::size_t dim = model.input_dim(), shared = model.user_dim();
    std::vector<float> x = random.floats(kRows * dim), items;
    for (std::size_t row = 0; row < kRows; ++row) {
      std::copy_n(x.begin(), shared, x.begin() + static_cast<std::ptrdiff_t>(row * dim));
      items.insert(items.end(), &x[row * dim + shared], &x[row * dim] + dim);
    }
    const Scored expected = score(model, x, {});
    SessionOptions options;
    options.max_batch = 50;
    Session session = make_session(model, options);
    std::vector<float> scores(expected.scores.size()), weights(expected.weights.size());
    Output output{scores};
    output.gate_weights = weights;
    REQUIRE(session.set_user(Input::x({x.data(), shared}, 1)).ok());
    REQUIRE(session.score(Input::x(items, kRows).candidates(), output).ok());
    CHECK(same_bits(weights, expected.weights));
    x[0] = std::numeric_limits<float>::quiet_NaN();
    REQUIRE(session.set_user(Input::x({x.data(), shared}, 1)).ok());
    REQUIRE(session.score(Input::x(items, kRows).candidates(), output).ok());
    CHECK(std::all_of(weights.begin(), weights.end(), [](float weight) { return std::isnan(weight); }));
  }
}

// Weights of every way to score, one after the other: rows, features, candidates, candidates' features.
std::vector<float> all_weights(Session& session, const std::vector<float>& x, const FeatureRows<FeatureColumn>& rows,
                               std::size_t batch) {
  const std::size_t width = session.plan().num_gate_weights();
  std::vector<float> all, weights(batch * width), scores(batch * 2);
  const auto note = [&](const Input& input) {
    std::fill(weights.begin(), weights.end(), -1.0f);
    Output output{scores};
    output.gate_weights = weights;
    REQUIRE(session.score(input, output).ok());
    all.insert(all.end(), weights.begin(), weights.end());
  };
  note(Input::x({x.data(), batch * 31}, batch));
  note(Input::columns(rows.first(batch), batch));
  REQUIRE(session.set_user(Input::x({x.data(), 23}, 1)).ok());
  note(Input::x({x.data() + 23, batch * 8}, batch).candidates());
  REQUIRE(session.set_user(Input::columns(rows.first(1), 1)).ok());
  note(Input::columns(rows.first(batch), batch).candidates());
  return all;
}

TEST_CASE("gates: on several cores each row's weights are in its own place") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  Random random(9);
  constexpr std::size_t kMany = 300;
  const std::vector<float> x = random.floats(kMany * 31);
  const FeatureRows<FeatureColumn> rows(kMany);
  const Result<ThreadPool> pool = ThreadPool::create(3);
  PlanOptions options;
  options.max_batch = 40;
  const Result<Plan> plan = Plan::create(model, options);
  for (const std::size_t batch : {std::size_t{1}, std::size_t{13}, kMany}) {
    Session single = std::move(*Session::create(*plan));
    const std::vector<float> expected = all_weights(single, x, rows, batch);
    CHECK(std::all_of(expected.begin(), expected.end(), [](float weight) { return weight >= 0 && weight <= 1; }));
    for (const std::size_t num_workers : {1, 2, 3}) {
      Session session = std::move(*Session::create(*plan, {pool->executor(), num_workers}));
      Session moved = std::move(session);
      CHECK(same_bits(all_weights(moved, x, rows, batch), expected));
    }
  }
}

// The C interface's weights of a session, and what it says of each gate.
void check_c_session(mmoe_session* session, const Plan& plan, const std::vector<float>& x, const Scored& expected) {
  const std::size_t width = mmoe_session_num_gate_weights(session);
  REQUIRE(width == plan.num_gate_weights());
  REQUIRE(mmoe_session_num_gates(session) == plan.num_gates());
  std::vector<float> scores(expected.scores.size()), weights(expected.weights.size());
  const mmoe_input input = x_input(x.data(), x.size(), kRows);
  mmoe_output output = scores_output(scores.data(), scores.size());
  output.gate_weights = weights.data();
  output.num_gate_weights = weights.size();
  REQUIRE(mmoe_session_score(session, &input, &output) == MMOE_OK);
  CHECK(same_bits(weights, expected.weights));
  CHECK(same_bits(scores, expected.scores));
  for (std::size_t i = 0; i < plan.num_gates(); ++i) {
    mmoe_gate_info gate = {};
    gate.struct_size = sizeof gate;
    REQUIRE(mmoe_session_gate(session, i, &gate) == MMOE_OK);
    const GateInfo info = plan.gate(i);
    CHECK(std::string_view(gate.name, gate.name_size) == info.name);
    CHECK(gate.level == info.level);
    CHECK(gate.index == info.index);
    CHECK(gate.column == info.column);
    CHECK(gate.num_experts == info.num_experts);
    CHECK(gate.experts == info.experts);
    CHECK(gate.tasks == info.tasks);
  }
  mmoe_gate_info gate = {};
  CHECK(mmoe_session_gate(session, 0, &gate) == MMOE_INVALID_ARGUMENT);  // struct_size is not set
  gate.struct_size = offsetof(mmoe_gate_info, num_experts);              // of an older caller
  CHECK(mmoe_session_gate(session, 0, &gate) == MMOE_OK);
  CHECK(gate.num_experts == 0);
  CHECK(mmoe_session_gate(session, plan.num_gates(), &gate) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_gate(session, 0, nullptr) == MMOE_INVALID_ARGUMENT);
  output.gate_weights_stride = width - 1;
  CHECK(mmoe_session_score(session, &input, &output) == MMOE_INVALID_ARGUMENT);
  output.gate_weights_stride = 0;
  --output.num_gate_weights;
  CHECK(mmoe_session_score(session, &input, &output) == MMOE_INVALID_ARGUMENT);
}

TEST_CASE("gates: the C interface says and gives the same, on one core and on several") {
  const AlignedBytes file = model_file(ple_description());
  const Model cpp_model = load(file);
  const Result<Plan> plan = Plan::create(cpp_model);
  Random random(10);
  const std::vector<float> x = random.floats(kRows * cpp_model.input_dim());
  const Scored expected = score(cpp_model, x, {});
  mmoe_model* model = nullptr;
  mmoe_thread_pool* pool = nullptr;
  mmoe_session *single = nullptr, *parallel = nullptr;
  mmoe_session_options options = {};
  options.struct_size = sizeof options;
  options.max_batch = kRows;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), nullptr, &model) == MMOE_OK);
  REQUIRE(mmoe_thread_pool_create(2, &pool) == MMOE_OK);
  REQUIRE(mmoe_session_create(model, nullptr, &single) == MMOE_OK);
  options.executor = mmoe_thread_pool_executor(pool);
  options.num_workers = 2;
  REQUIRE(mmoe_session_create(model, &options, &parallel) == MMOE_OK);
  check_c_session(single, *plan, x, expected);
  check_c_session(parallel, *plan, x, expected);
  mmoe_session_free(single);
  mmoe_session_free(parallel);
  mmoe_thread_pool_free(pool);
  mmoe_model_free(model);
}

}  // namespace
}  // namespace mmoe::test
