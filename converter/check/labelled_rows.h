// The user's rows, with the labels of tasks that stand beside them.
#pragma once

#include <string>
#include <vector>

#include "mmoe/model.h"
#include "runtime/tools/labels/labels.h"
#include "runtime/tools/rows/row_reader.h"

namespace mmoe::converter {

/// Reads rows (CSV or .npy, as mmoe-score does). All errors are ToolErrors.
class LabelledRows {
 public:
  /// `labels`: as tools::find_labels() takes them. The model must stay as long.
  LabelledRows(const Model& model, const std::string& path, const std::vector<std::string>& labels,
               size_t batch_rows = tools::RowReaderOptions().batch_rows);

  /// The next rows, or null at the end; valid until the next call.
  const tools::RowBatch* next();
  /// Theirs: [rows, tasks().size()]; NaN where a row has none.
  const std::vector<float>& labels() const { return labels_; }
  /// The tasks that have labels.
  const std::vector<tools::TaskLabels>& tasks() const { return tasks_; }

 private:
  tools::RowReader reader_;
  std::vector<tools::TaskLabels> tasks_;
  std::vector<float> labels_;
};

/// The labels of one task, and the scores of their rows in f32.
struct LabelledScores {
  std::vector<float> labels, f32_scores;

  /// A row without a label, or whose score in f32 is not finite, is left out: false.
  bool add(float label, float f32_score);
};

/// The AUC or R squared of rows with labels; NaN where a score is not finite.
double quality_of(const tools::TaskLabels& task, const std::vector<float>& labels, const std::vector<float>& scores);

}  // namespace mmoe::converter
