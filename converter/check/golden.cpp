#include "converter/check/golden.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>

#include "converter/check/session_input.h"
#include "converter/error.h"
#include "mmoe/kernel_sets.h"
#include "mmoe/session.h"

namespace mmoe::converter {
namespace {

template <class T>
T& require(Result<T>& result, const char* what) {
  if (!result) throw ConvertError(std::string("the written file fails to ") + what + ": " + result.error().message());
  return *result;
}

/// Of the whole conversion; a plan for one row is what a device makes at least.
void check_limits(const Model& model, const tools::PlanLimits& limits) {
  PlanOptions options;
  options.max_batch = 1;
  limits.apply_to(options);
  const Result<Plan> plan = Plan::create(model, options);
  if (plan) return;
  throw ConvertError("the model is not written: " + tools::plan_message(plan.error()) +
                     ". The tools that load the file have the same limit, and need the same option");
}

std::vector<float> score(const Model& model, const Golden& golden, const char* kernel_set) {
  SessionOptions options;
  options.max_batch = golden.num_rows;
  options.kernel_set = kernel_set;
  tools::no_limits().apply_to(options);  // check_limits() has
  Result<Session> session = Session::create(model, options);
  require(session, "create a session");
  std::vector<float> scores(golden.num_rows * model.num_tasks());
  const Status status = session->score(input_of(model, golden.num_rows, golden.values, golden.ids), {scores});
  if (!status) throw ConvertError(std::string("the written file fails to score: ") + status.error().message());
  return scores;
}

std::string where(const Model& model, size_t index) {
  return "golden row " + std::to_string(index / model.num_tasks() + 1) + ", task '" +
         std::string(model.task_name(index % model.num_tasks())) + "'";
}

void compare_with_evaluation(const Model& model, const std::vector<float>& scores, const Evaluated& expected,
                             CheckReport& report) {
  report.num_scores = scores.size();
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) {
      throw ConvertError(where(model, i) + ": the score of a finite row is not finite; the weights overflow a float");
    }
    if (!std::isfinite(expected.bounds[i])) continue;
    ++report.num_compared;
    const double difference = std::abs(scores[i] - expected.scores[i]);
    // Written so that a NaN score fails.
    if (!(difference <= expected.bounds[i])) {
      std::ostringstream message;
      message << where(model, i) << ": the file gives " << scores[i] << ", the description " << expected.scores[i]
              << "; they differ by " << difference << ", at most " << expected.bounds[i] << " can be rounding";
      throw ConvertError(message.str());
    }
    report.largest_difference = std::max(report.largest_difference, difference);
    if (expected.bounds[i] > 0) {
      report.largest_share_of_bound = std::max(report.largest_share_of_bound, difference / expected.bounds[i]);
    }
  }
}

void compare_bits(const Model& model, const std::vector<float>& scores, const std::vector<float>& reference,
                  const char* kernel_set) {
  for (size_t i = 0; i < scores.size(); ++i) {
    if (std::memcmp(&scores[i], &reference[i], sizeof(float)) == 0) continue;
    if (std::isnan(scores[i]) && std::isnan(reference[i])) continue;
    throw ConvertError(where(model, i) + ": kernel set " + kernel_set + " does not give the scalar set's bits");
  }
}

}  // namespace

Golden make_golden(const TrainedModel& model, const RawRows& rows) {
  Golden golden;
  golden.num_rows = rows.num_rows;
  golden.values = rows.values;
  golden.ids = rows.ids;
  golden.scores.resize(rows.num_rows * model.output_names().size());
  return golden;
}

Golden make_stored_golden(const Golden& f32, size_t num_tasks, const std::string& rows_file, bool with_rows) {
  Golden golden = f32;
  golden.f32_scores = f32.scores;
  golden.change.largest.resize(num_tasks);
  golden.change.mean.resize(num_tasks);
  golden.change.rows_file = rows_file;
  if (!with_rows) return golden;
  golden.change.num_labels.resize(num_tasks);
  golden.change.f32_quality.resize(num_tasks);
  golden.change.quality.resize(num_tasks);
  return golden;
}

CheckReport check_file(std::string_view file, const Evaluated& expected, Golden& golden,
                       const tools::PlanLimits& limits) {
  LoadOptions options;
  options.copy_if_misaligned = true;
  options.verify_checksums = true;
  Result<Model> loaded = Model::from_bytes(file.data(), file.size(), options);
  const Model& model = require(loaded, "load");
  check_limits(model, limits);
  CheckReport report;
  report.num_rows = golden.num_rows;
  if (golden.num_rows == 0) return report;
  golden.scores = score(model, golden, "scalar");
  compare_with_evaluation(model, golden.scores, expected, report);
  for (std::size_t i = 0; i < num_kernel_sets(); ++i) {
    const KernelSetInfo set = kernel_set(i);
    if (!set.available || !set.exact || std::strcmp(set.name, "scalar") == 0) continue;
    compare_bits(model, score(model, golden, set.name), golden.scores, set.name);
    report.exact_kernel_sets.emplace_back(set.name);
  }
  return report;
}

}  // namespace mmoe::converter
