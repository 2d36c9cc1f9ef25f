#include "converter/check/expect.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "converter/check/difference.h"
#include "converter/error.h"
#include "mmoe/session.h"
#include "runtime/tools/rows/matrix.h"
#include "runtime/tools/rows/row_reader.h"
#include "runtime/tools/support/plan_limits.h"

namespace mmoe::converter {
namespace {

std::vector<std::string> task_names(const Model& model) {
  std::vector<std::string> names;
  for (size_t i = 0; i < model.num_tasks(); ++i) names.emplace_back(model.task_name(i));
  return names;
}

std::string refusal(const std::string& where, const std::string& task, float score, const std::string& scores_path,
                    float expected, double allowed, const Tolerance& tolerance) {
  std::ostringstream message;
  message.precision(9);
  message << where << ": task '" << task << "': the file gives " << score << ", " << scores_path << " says "
          << expected;
  message.precision(3);
  message << ": a difference of " << difference_of(score, expected) << ", allowed are " << allowed << " ("
          << tolerance.absolute << " + " << tolerance.relative << " x the size of the task's scores; --tolerance and "
          << "--relative-tolerance change the two)";
  return message.str();
}

// Per task, over the scores that are finite.
std::vector<double> root_mean_squares(const tools::Matrix& scores) {
  std::vector<double> sums(scores.columns), counts(scores.columns);
  for (size_t i = 0; i < scores.values.size(); ++i) {
    if (!std::isfinite(scores.values[i])) continue;
    sums[i % scores.columns] += double{scores.values[i]} * scores.values[i];
    counts[i % scores.columns] += 1;
  }
  for (size_t task = 0; task < sums.size(); ++task)
    sums[task] = counts[task] == 0 ? 0 : std::sqrt(sums[task] / counts[task]);
  return sums;
}

}  // namespace

double Tolerance::of(double expected, double typical) const {
  // Infinite scores are equal or not.
  return absolute + (std::isfinite(expected) ? relative * std::max(std::abs(expected), typical) : 0);
}

ExpectReport compare_with_expected(std::string_view file, const std::string& rows_path, const std::string& scores_path,
                                   const Tolerance& tolerance) {
  LoadOptions load;
  load.copy_if_misaligned = true;
  const Result<Model> model = Model::from_bytes(file.data(), file.size(), load);
  if (!model) throw ConvertError(std::string("the written file fails to load: ") + model.error().message());
  tools::RowReader reader(rows_path, tools::input_spec(*model));
  SessionOptions options;
  options.max_batch = tools::RowReaderOptions().batch_rows;
  tools::no_limits().apply_to(options);  // check_file() has kept them
  Result<Session> session = Session::create(*model, options);
  if (!session) throw ConvertError(session.error().message());

  const size_t num_tasks = model->num_tasks();
  const tools::Matrix expected = tools::read_matrix(scores_path, task_names(*model));
  const std::vector<double> typical = root_mean_squares(expected);
  ExpectReport report;
  report.largest_difference.resize(num_tasks);
  report.task_names = task_names(*model);
  std::vector<float> scores;
  while (const tools::RowBatch* batch = reader.next()) {
    scores.resize(batch->num_rows() * num_tasks);
    if (Status status = session->score(batch->input(), {scores}); !status) {
      throw ConvertError(rows_path + ": " + status.error().message());
    }
    if (report.num_rows + batch->num_rows() > expected.rows) {
      throw ConvertError(scores_path + ": " + std::to_string(expected.rows) + " rows, fewer than " + rows_path);
    }
    for (size_t i = 0; i < scores.size(); ++i) {
      const float wanted = expected.values[report.num_rows * num_tasks + i];
      const double difference = difference_of(scores[i], wanted);
      double& largest = report.largest_difference[i % num_tasks];
      largest = std::max(largest, difference);
      const double allowed = tolerance.of(wanted, typical[i % num_tasks]);
      if (difference <= allowed) continue;
      throw ConvertError(refusal(reader.where(i / num_tasks), std::string(model->task_name(i % num_tasks)), scores[i],
                                 scores_path, wanted, allowed, tolerance));
    }
    report.num_rows += batch->num_rows();
  }
  if (report.num_rows != expected.rows) {
    throw ConvertError(scores_path + ": " + std::to_string(expected.rows) + " rows, but " + rows_path + " has " +
                       std::to_string(report.num_rows));
  }
  report.notes = reader.notes();
  return report;
}

}  // namespace mmoe::converter
