#include "runtime/tools/verify/golden_replay.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mmoe/kernel_sets.h"
#include "mmoe/session.h"
#include "runtime/tools/model/model_view.h"
#include "runtime/tools/support/command_line.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

Session make_session(const Model& model, const char* kernel_set, std::size_t batch, const PlanLimits& limits) {
  SessionOptions options;
  limits.apply_to(options);
  options.kernel_set = kernel_set;
  options.max_batch = batch;
  Result<Session> session = Session::create(model, options);
  if (session) return std::move(*session);
  if (session.error().code() == ErrorCode::kUnsupported) throw UsageError(session.error().message());
  throw ToolError(plan_message(session.error()));
}

// A file may have a row in 8 bytes, and each of them may cost what one row may. Whoever raises that limit has asked for
// it.
void check_work(const Model& model, const Plan& plan, const PlanLimits& limits) {
  constexpr std::uint64_t kAlways = std::uint64_t{1} << 30, kPerByte = 4096;  // the converter's rows: some 100 per byte
  if (limits.max_multiply_adds != 0) return;
  const std::uint64_t rows = model.golden_rows().num_rows, each = plan.multiply_adds_per_row();
  const std::uint64_t limit = std::max<std::uint64_t>(kAlways, kPerByte * model.size_bytes());
  if (each == 0 || rows <= limit / each) return;
  throw ToolError(with_thousands(rows) + " golden rows of " + with_thousands(each) +
                  " multiply-adds each are more work than is allowed for a file of " + human_bytes(model.size_bytes()) +
                  ": pass --max-multiply-adds " + std::to_string(each) + " if you trust the file");
}

}  // namespace

Replay replay_golden_rows(const Model& model, const char* kernel_set, std::size_t batch, const PlanLimits& limits) {
  Session session = make_session(model, kernel_set, batch, limits);
  check_work(model, session.plan(), limits);
  std::vector<float> scores(batch * model.num_tasks());
  const Result<GoldenReport> report = replay_golden(session, scores);
  if (!report) throw ToolError(report.error().message());
  return {session.plan().kernel_set(), batch, *report};
}

F32Comparison compare_with_f32(const Model& model) {
  const schema::Model& root = ModelView(model).root();
  const schema::GoldenRows* golden = root.golden();
  const schema::ScoreChange* change = root.score_change();
  F32Comparison result;
  if (golden == nullptr || change == nullptr || size_of(golden->f32_scores()) == 0) return result;
  result.present = true;
  for (Index i = 0; i < golden->scores()->size(); ++i) {
    const float score = golden->scores()->Get(i), f32_score = golden->f32_scores()->Get(i);
    const double difference = std::abs(double{score} - double{f32_score});
    const double allowed = change->largest()->Get(i % root.tasks()->size());
    if (!(difference <= allowed)) ++result.num_wrong;
    result.largest_difference = std::max(result.largest_difference, difference);
  }
  return result;
}

std::vector<std::string> available_kernel_sets() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < num_kernel_sets(); ++i) {
    const KernelSetInfo set = kernel_set(i);
    if (set.available) names.emplace_back(set.name);
  }
  return names;
}

}  // namespace mmoe::tools
