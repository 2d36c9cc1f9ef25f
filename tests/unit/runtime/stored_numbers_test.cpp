// Models with weights and tables in few bits: the same scores on every kernel set, in every batch, for every task.
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "mmoe/kernel_sets.h"
#include "mmoe/session.h"
#include "tests/unit/kernel_sets.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

constexpr std::size_t kRows = 37;

std::vector<float> scores_of(const Model& model, const SessionOptions& options, std::size_t num_tasks) {
  Result<Session> session = Session::create(model, options);
  REQUIRE(session.ok());
  std::vector<float> scores(kRows * num_tasks);
  REQUIRE(session->score(Input::golden(model.golden_rows(), 0, kRows), {scores}).ok());
  return scores;
}

void check_bits(const std::vector<float>& found, const std::vector<float>& expected) {
  REQUIRE(found.size() == expected.size());
  CHECK(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)) == 0);
}

void check_sets_and_batches(const Model& model) {
  const std::vector<float> golden(model.golden_rows().scores, model.golden_rows().scores + kRows * model.num_tasks());
  for (std::size_t i = 0; i < num_kernel_sets(); ++i) {
    if (!kernel_set(i).available || !kernel_set(i).exact) continue;
    for (const std::size_t batch : {1, 5, 64}) {
      SessionOptions options;
      options.kernel_set = kernel_set(i).name;
      options.max_batch = batch;
      options.skip_experts = batch == 5 ? SkipExperts::kAlways : SkipExperts::kWhereFaster;
      check_bits(scores_of(model, options, model.num_tasks()), golden);
    }
  }
}

void check_tasks_alone(const Model& model) {
  const std::vector<float> all = scores_of(model, {}, model.num_tasks());
  for (std::uint32_t task = 0; task < model.num_tasks(); ++task) {
    SessionOptions options;
    options.tasks = &task;
    options.num_tasks = 1;
    std::vector<float> expected;
    for (std::size_t row = 0; row < kRows; ++row) expected.push_back(all[row * model.num_tasks() + task]);
    check_bits(scores_of(model, options, 1), expected);
  }
}

TEST_CASE("stored numbers: the same bits on every exact kernel set, in every batch, for tasks alone") {
  for (const NamedModel& named : all_models()) {
    for (const converter::NumberOptions& numbers : all_numbers()) {
      INFO(named.name, ", weights ", static_cast<int>(numbers.weights), ", tables ", static_cast<int>(numbers.tables));
      const AlignedBytes file = model_file(named.description, kRows, numbers);
      const Model model = load(file);
      check_sets_and_batches(model);
      check_tasks_alone(model);
    }
  }
}

}  // namespace
}  // namespace mmoe::test
