// Scores the rows with known scores that the model file carries, in static memory, and prints the scores.
#include <mmoe/session.h>

#include "print.h"
#include "semihosting.h"

extern "C" const std::uint8_t model_begin[], model_end[];
extern "C" std::uint32_t stack_used(void);

namespace {

// As much as Plan::arena_bytes() says; the program prints it.
alignas(64) std::uint8_t arena[8 * 1024];

constexpr std::size_t kMaxTasks = 8, kMaxFeatures = 64;

// One row of raw values and category ids, as a sensor or a user interface would give them.
mmoe::Status score_row(mmoe::Session& session, const mmoe::Model& model, const mmoe::GoldenRows& rows, std::size_t row,
                       float* scores) {
  const float* values = rows.values + row * rows.num_values;
  const std::int32_t* ids = rows.ids + row * rows.num_ids;
  if (model.num_features() == 0) return session.score(values, 1, scores);
  mmoe::FeatureColumn columns[kMaxFeatures];
  for (std::size_t i = 0; i < model.num_features(); ++i) {
    const mmoe::FeatureInfo feature = model.feature(i);
    columns[i].ids = ids;
    columns[i].values = values;
    ids += feature.length;
    if (feature.kind == mmoe::FeatureKind::kDense) values += feature.width;
  }
  return session.score_features(columns, model.num_features(), 1, scores);
}

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
  if (model->num_tasks() > kMaxTasks || model->num_features() > kMaxFeatures) return 1;

  std::size_t num_wrong = 0;
  for (std::size_t row = 0; row < rows.num_rows; ++row) {
    float scores[kMaxTasks];
    if (auto status = score_row(*session, *model, rows, row, scores); !status) return fail(status.error());
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
