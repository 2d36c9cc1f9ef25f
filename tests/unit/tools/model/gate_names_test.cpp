// What gates and the columns of their weights are called, and the weights that the tools read from a session.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "runtime/tools/model/gate_names.h"
#include "runtime/tools/rows/row_reader.h"
#include "runtime/tools/score/scorer.h"
#include "runtime/tools/support/error.h"
#include "tests/unit/models.h"
#include "tests/unit/tools/temporary_file.h"

namespace mmoe::tools {
namespace {

using mmoe::test::AlignedBytes;
using mmoe::test::load;
using mmoe::test::model_file;
using mmoe::test::Random;
using mmoe::test::random_layer;
using tools::test::TemporaryDirectory;
using Names = std::vector<std::string>;

Names names_of(const converter::TrainedModel& description, const std::vector<std::uint32_t>& tasks = {}) {
  const AlignedBytes file = model_file(description, 1);
  const Model model = load(file);
  PlanOptions options;
  options.tasks = tasks.empty() ? nullptr : tasks.data();
  options.num_tasks = tasks.size();
  return gate_names(*Plan::create(model, options));
}

TEST_CASE("a gate of one task has its name, another its place, behind the level where there are several") {
  converter::TrainedModel description = mmoe::test::mmoe_description({});
  CHECK(names_of(description) == Names{"task 0", "task 1"});
  CHECK(names_of(description, {1}) == Names{"task 1"});
  description.tasks[0].name = "gate1";
  CHECK(names_of(description) == Names{"gate1", "task 1"});
  CHECK(names_of(mmoe::test::mmoe_description({20, 4, {16}, 3, {8}, 0, 1})) == Names{"gate0"});
  const Names ple = names_of(mmoe::test::ple_description());
  CHECK(ple == Names{"level1.task 0", "level1.task 1", "level1.gate2", "level2.task 0", "level2.task 1"});
  CHECK(names_of(mmoe::test::ple_description(), {1}) == Names{"level1.task 1", "level1.gate2", "level2.task 1"});
}

TEST_CASE("gates that would share a name have their places") {
  converter::TrainedModel description = mmoe::test::ple_description();
  // Task 0 alone has what the first two gates of level 1 make, task 1 what the third does.
  description.levels[1].gates[1].experts = {2};
  Random random(1);
  description.levels[1].gates[1].logits = random_layer(18, 1, random, converter::ActivationKind::kIdentity);
  description.levels[1].gates[0].experts = {0, 1};
  CHECK(names_of(description) ==
        Names{"level1.gate0", "level1.gate1", "level1.task 1", "level2.task 0", "level2.task 1"});
  // A gate that feeds two tasks, at place 0, and a task that is called so.
  description = mmoe::test::mmoe_description({20, 4, {16}, 3, {8}, 0, 0});
  description.towers[1].input = 0;
  description.tasks[2].name = "gate0";
  CHECK(names_of(description) == Names{"gate0", "gate2"});
}

TEST_CASE("columns name the expert by its place in the level") {
  converter::TrainedModel description = mmoe::test::mmoe_description({});
  description.levels[0].gates[1].experts = {3, 1, 2, 0};
  const AlignedBytes file = model_file(description, 1);
  const Model model = load(file);
  CHECK(gate_columns(*Plan::create(model)) == Names{"task 0.expert0", "task 0.expert1", "task 0.expert2",
                                                    "task 0.expert3", "task 1.expert3", "task 1.expert1",
                                                    "task 1.expert2", "task 1.expert0"});
}

TEST_CASE("a model without gates is refused by its name") {
  const AlignedBytes file = model_file(mmoe::test::shared_bottom_description(), 1);
  const Model model = load(file);
  const Result<Plan> plan = Plan::create(model);
  CHECK_THROWS_WITH_AS(require_gates(*plan, "--gates"),
                       "--gates: no gate to show: Shared-Bottom mixes its experts by constants, the same for every "
                       "row ('mmoe-inspect MODEL' shows them)",
                       UsageError);
}

TEST_CASE("a scorer gives the weights of the rows that it has scored") {
  const AlignedBytes file = model_file(mmoe::test::mmoe_description({2, 3, {4}, 2, {}, 0, 0}), 1);
  const Model model = load(file);
  const TemporaryDirectory directory;
  const std::string path = directory.write("rows.csv", "x0,x1\n1,2\n-3,0.5\n0,0\n");
  ScorerOptions options;
  options.gates = true;
  options.top_k = 2;
  options.batch_rows = 2;
  RowReaderOptions rows;
  rows.batch_rows = options.batch_rows;
  RowReader reader(path, input_spec(model), rows);
  Scorer scorer(model, options);
  std::size_t num_rows = 0;
  while (const RowBatch* batch = reader.next()) {
    scorer.score(reader, *batch);
    for (std::size_t i = 0; i < 2 * batch->num_rows(); ++i, ++num_rows) {
      const float* weights = scorer.gate_weights() + 3 * i;
      CHECK(weights[0] + weights[1] + weights[2] == doctest::Approx(1));
      CHECK((weights[0] == 0) + (weights[1] == 0) + (weights[2] == 0) == 1);
    }
  }
  CHECK(num_rows == 6);
}

}  // namespace
}  // namespace mmoe::tools
