#include "converter/check/labelled_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/tools/labels/quality.h"

namespace mmoe::converter {
namespace {

tools::RowReaderOptions with_batch(size_t rows) {
  tools::RowReaderOptions options;
  options.batch_rows = rows;
  return options;
}

}  // namespace

LabelledRows::LabelledRows(const Model& model, const std::string& path, const std::vector<std::string>& labels,
                           size_t batch_rows)
    : reader_(path, tools::input_spec(model), with_batch(batch_rows)),
      tasks_(tools::find_labels(model, labels, reader_.spare_columns())) {
  std::vector<std::string> columns;
  for (const tools::TaskLabels& task : tasks_) columns.push_back(task.column);
  reader_.keep(columns);
}

const tools::RowBatch* LabelledRows::next() {
  const tools::RowBatch* batch = reader_.next();
  labels_.clear();
  for (size_t row = 0; batch != nullptr && row < batch->num_rows(); ++row) {
    for (size_t i = 0; i < tasks_.size(); ++i) {
      labels_.push_back(tools::parse_label(tasks_[i], batch->kept(row)[i], reader_.where(row)));
    }
  }
  return batch;
}

bool LabelledScores::add(float label, float f32_score) {
  if (std::isnan(label) || !std::isfinite(f32_score)) return false;
  labels.push_back(label);
  f32_scores.push_back(f32_score);
  return true;
}

double quality_of(const tools::TaskLabels& task, const std::vector<float>& labels, const std::vector<float>& scores) {
  const bool finite = std::all_of(scores.begin(), scores.end(), [](float score) { return std::isfinite(score); });
  return finite ? tools::quality(task.binary, labels, scores) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace mmoe::converter
