#include "converter/check/score_rows.h"

#include <utility>

#include "converter/check/labelled_rows.h"
#include "converter/error.h"
#include "runtime/tools/support/plan_limits.h"

namespace mmoe::converter {
namespace {

Model load(std::string_view file) {
  LoadOptions options;
  options.copy_if_misaligned = true;
  Result<Model> model = Model::from_bytes(file.data(), file.size(), options);
  if (!model) throw ConvertError(std::string("the written file fails to load: ") + model.error().message());
  return std::move(*model);
}

Session make_session(const Model& model, size_t max_batch) {
  SessionOptions options;
  options.max_batch = max_batch;
  tools::no_limits().apply_to(options);  // check_file() keeps them
  Result<Session> session = Session::create(model, options);
  if (!session) throw ConvertError(session.error().message());
  return std::move(*session);
}

// Labels and both scores of the rows of one task.
struct StoredScores {
  LabelledScores f32;
  std::vector<float> scores;
};

void add_labels(const LabelledRows& rows, size_t num_tasks, const std::vector<float>& scores,
                const std::vector<float>& f32_scores, std::vector<StoredScores>& kept) {
  for (size_t i = 0; i < rows.labels().size(); ++i) {
    const size_t which = i % kept.size(), at = i / kept.size() * num_tasks + rows.tasks()[which].task;
    if (kept[which].f32.add(rows.labels()[i], f32_scores[at])) kept[which].scores.push_back(scores[at]);
  }
}

}  // namespace

LoadedFile::LoadedFile(std::string_view file, size_t max_batch)
    : model(load(file)), session(make_session(model, max_batch)) {}

void add_rows(std::string_view file, std::string_view f32_file, const std::string& rows_path,
              const std::vector<std::string>& labels, ScoreDifferences& differences) {
  const size_t max_batch = tools::RowReaderOptions().batch_rows;
  LoadedFile stored(file, max_batch), f32(f32_file, max_batch);
  LabelledRows rows(stored.model, rows_path, labels);
  std::vector<StoredScores> kept(rows.tasks().size());
  std::vector<float> scores, f32_scores;
  while (const tools::RowBatch* batch = rows.next()) {
    scores.resize(batch->num_rows() * stored.model.num_tasks());
    f32_scores.resize(scores.size());
    for (const Status& status :
         {stored.session.score(batch->input(), {scores}), f32.session.score(batch->input(), {f32_scores})}) {
      if (!status) throw ConvertError(rows_path + ": " + status.error().message());
    }
    differences.add(scores, f32_scores);
    add_labels(rows, stored.model.num_tasks(), scores, f32_scores, kept);
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    const tools::TaskLabels& task = rows.tasks()[i];
    const StoredScores& its = kept[i];
    tools::check_labels(task, its.f32.labels, rows_path);
    differences.set_quality(task.task, task.binary, its.scores.size(),
                            quality_of(task, its.f32.labels, its.f32.f32_scores),
                            quality_of(task, its.f32.labels, its.scores));
  }
}

}  // namespace mmoe::converter
