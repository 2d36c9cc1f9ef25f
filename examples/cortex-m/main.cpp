// Scores the rows with known scores that the model file carries, in static memory, and prints the scores.
#include <mmoe/session.h>

#include "print.h"
#include "semihosting.h"

extern "C" const std::uint8_t model_begin[], model_end[];
extern "C" std::uint32_t stack_used(void);

namespace {

// As much as Plan::arena_bytes() says; the program prints it.
alignas(64) std::uint8_t arena[8 * 1024];

constexpr std::size_t kMaxTasks = 8;

int fail(const mmoe::Error& error) {
  print("error: ", error.message(), "\n");
  return 1;
}

}  // namespace

int main() {
  const auto model = mmoe::Model::from_bytes(model_begin, static_cast<std::size_t>(model_end - model_begin));
  if (!model) return fail(model.error());
  const auto plan = mmoe::Plan::create(*model);
  if (!plan) return fail(plan.error());
  auto session = mmoe::Session::create(*plan, arena, sizeof arena);
  if (!session) return fail(session.error());
  const mmoe::GoldenRows rows = model->golden_rows();
  if (model->num_tasks() > kMaxTasks) return 1;

  std::size_t num_wrong = 0;
  for (std::size_t row = 0; row < rows.num_rows; ++row) {
    float scores[kMaxTasks];
    // One row of raw values and category ids, as the file has them.
    const mmoe::Status status = session->score(mmoe::Input::golden(rows, row, 1), {scores});
    if (!status) return fail(status.error());
    for (std::size_t task = 0; task < model->num_tasks(); ++task) {
      print(task == 0 ? "" : " ", Decimal{scores[task]});
      num_wrong += scores[task] != rows.scores[row * model->num_tasks() + task];
    }
    print("\n");
  }
  print(plan->kernel_set(), " kernels, arena ", plan->arena_bytes(), " bytes, stack ", stack_used(), " bytes\n");
  print(rows.num_rows, " rows, ", num_wrong, " scores are not those of the file\n");
  return rows.num_rows != 0 && num_wrong == 0 ? 0 : 1;
}
