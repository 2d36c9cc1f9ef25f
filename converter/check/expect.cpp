#include "converter/check/expect.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "converter/error.h"
#include "mmoe/session.h"
#include "runtime/tools/matrix.h"
#include "runtime/tools/row_reader.h"

namespace mmoe::converter {
namespace {

std::vector<std::string> task_names(const Model& model) {
  std::vector<std::string> names;
  for (size_t i = 0; i < model.num_tasks(); ++i) names.emplace_back(model.task_name(i));
  return names;
}

Status score_batch(Session& session, const tools::RowBatch& batch, float* scores) {
  if (batch.x()) return session.score(batch.x(), batch.num_rows(), scores);
  const std::vector<FeatureColumn> columns = batch.columns();
  return session.score_features(columns.data(), columns.size(), batch.num_rows(), scores);
}

// Written so that a NaN on one side alone is a difference.
double difference_of(float a, float b) {
  if (std::isnan(a) && std::isnan(b)) return 0;
  const double difference = std::abs(double{a} - double{b});
  return std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
}

}  // namespace

ExpectReport compare_with_expected(std::string_view file, const std::string& rows_path,
                                   const std::string& scores_path, double tolerance) {
  LoadOptions load;
  load.copy_if_misaligned = true;
  const Result<Model> model = Model::from_bytes(file.data(), file.size(), load);
  if (!model) throw ConvertError(std::string("the written file fails to load: ") + model.error().message());
  tools::RowReader reader(rows_path, tools::input_spec(*model));
  SessionOptions options;
  options.max_batch = tools::RowReaderOptions().batch_rows;
  Result<Session> session = Session::create(*model, options);
  if (!session) throw ConvertError(session.error().message());

  const size_t num_tasks = model->num_tasks();
  const tools::Matrix expected = tools::read_matrix(scores_path, task_names(*model));
  ExpectReport report;
  report.largest_difference.resize(num_tasks);
  std::vector<float> scores;
  while (const tools::RowBatch* batch = reader.next()) {
    scores.resize(batch->num_rows() * num_tasks);
    if (Status status = score_batch(*session, *batch, scores.data()); !status) {
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
      if (difference <= tolerance) continue;
      std::ostringstream message;
      message.precision(9);
      message << reader.where(i / num_tasks) << ": task '" << model->task_name(i % num_tasks) << "': the file gives "
              << scores[i] << ", " << scores_path << " says " << wanted << "; allowed is a difference of "
              << tolerance;
      throw ConvertError(message.str());
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
