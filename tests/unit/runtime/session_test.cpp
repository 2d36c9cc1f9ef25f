// A model that moves, logits, and golden rows as a function of the library.
#include <cmath>
#include <cstring>
#include <string>

#include <doctest/doctest.h>

#include "mmoe/golden.h"
#include "mmoe/rows.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

TEST_CASE("Session: the model may be moved while it is planned and scored") {
  const AlignedBytes file = model_file(ple_description());
  Result<Model> loaded = Model::from_bytes(file.data(), file.size());
  const std::vector<float> x(loaded->input_dim(), 0.5f);
  std::vector<float> expected(loaded->num_tasks()), found(expected.size());
  REQUIRE(Session::create(*loaded)->score(Input::x(x, 1), {expected}).ok());
  const Result<Plan> plan = Plan::create(*loaded);
  Result<Session> session = Session::create(*plan);
  const GateInfo gate = plan->gate(0);
  const Model moved = std::move(*loaded);
  std::memset(static_cast<void*>(&*loaded), 0xA5, sizeof(std::uintptr_t));  // the old place is somebody else's now
  REQUIRE(session->score(Input::x(x, 1), {found}).ok());
  CHECK(found == expected);
  CHECK(plan->gate(0).name == gate.name);
  CHECK(plan->logits(0).count == 1);
  REQUIRE(Session::create(*plan)->score(Input::x(x, 1), {found}).ok());
  CHECK(found == expected);
}

TEST_CASE("logits: a sigmoid of them is the score, in every batch; rows that are not finite have NaN") {
  const AlignedBytes file = model_file(ple_description());
  const Model model = load(file);
  constexpr std::size_t kRows = 150;
  Random random(4);
  std::vector<float> x = random.floats(kRows * model.input_dim());
  x[17 * model.input_dim()] = NAN;
  for (const std::size_t max_batch : {1, 40, 150}) {
    SessionOptions options;
    options.max_batch = max_batch;
    Result<Session> session = Session::create(model, options);
    const Plan& plan = session->plan();
    REQUIRE(plan.num_logits() == model.num_tasks());
    std::vector<float> scores(kRows * plan.num_tasks()), logits(kRows * plan.num_logits());
    Output output{scores};
    output.logits = logits;
    REQUIRE(session->score(Input::x(x, kRows), output).ok());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const std::size_t row = i / plan.num_tasks(), task = i % plan.num_tasks();
      const float logit = logits[row * plan.num_logits() + plan.logits(task).first];
      if (row == 17) {
        CHECK(std::isnan(logit));
        continue;
      }
      // Some roundings of a float, of a function whose slope is at most 1/4.
      CHECK(std::fabs(1 / (1 + std::exp(-double{logit})) - double{scores[i]}) < 16 * 0x1p-24);
    }
    output.logits = {logits.data(), logits.size() - 1};
    CHECK(session->score(Input::x(x, kRows), output).error().code() == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("logits: of a softmax all classes, of a product none, of a subset its towers alone") {
  const AlignedBytes file = model_file(mixed_description());
  const Model model = load(file);
  const Result<Plan> plan = Plan::create(model);
  REQUIRE(plan->num_logits() == 1 + 1 + 4 + 2);
  CHECK(plan->logits(2).first == 2);
  CHECK(plan->logits(2).count == 4);
  CHECK(plan->logits(3).count == 0);
  const std::uint32_t task = 2;
  SessionOptions options;
  options.tasks = &task;
  options.num_tasks = 1;
  const Result<Plan> alone = Plan::create(model, options);
  CHECK(alone->num_logits() == 4);
  CHECK(alone->logits(0).first == 0);
}

TEST_CASE("replay_golden: the stored scores, in any part size; a wrong one is named") {
  for (const converter::TrainedModel& description : {mmoe_description({}), feature_description()}) {
    const AlignedBytes file = model_file(description, 9);
    const Model model = load(file);
    Result<Session> session = Session::create(model);
    std::vector<float> room(5 * model.num_tasks());
    for (const Span<float> scores : {Span<float>(), Span<float>(room), Span<float>(room.data(), model.num_tasks())}) {
      const Result<GoldenReport> report = replay_golden(*session, scores);
      REQUIRE(report.ok());
      CHECK(report->num_rows == 9);
      CHECK(report->num_scores == 9 * model.num_tasks());
      CHECK(report->num_wrong == 0);
    }
    CHECK(replay_golden(*session, {room.data(), 1}).error().code() == ErrorCode::kInvalidArgument);
    SessionOptions options;
    options.top_k = 1;
    Result<Session> pruned = Session::create(model, options);
    CHECK(replay_golden(*pruned).error().code() == ErrorCode::kInvalidArgument);
    const std::uint32_t second = 1;
    options = {};
    options.tasks = &second;
    options.num_tasks = 1;
    Result<Session> partial = Session::create(model, options);
    CHECK(replay_golden(*partial)->num_scores == 9);
    const_cast<float*>(model.golden_rows().scores)[7 * model.num_tasks() + 1] += 0.25f;
    const Result<GoldenReport> wrong = replay_golden(*session);
    REQUIRE(wrong.ok());
    CHECK(wrong->num_wrong == 1);
    CHECK(wrong->row == 7);
    CHECK(wrong->task == 1);
  }
  const AlignedBytes without = model_file(mmoe_description({}), 0);
  const Model model = load(without);
  Result<Session> session = Session::create(model);
  CHECK(replay_golden(*session).error().code() == ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace mmoe::test
