// How far a file's scores are from those of the same model in f32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "converter/writer/contents.h"

namespace mmoe::converter {

/// Collects the differences of scores, which are finite or not alike.
class ScoreDifferences {
 public:
  explicit ScoreDifferences(size_t num_tasks);

  /// [rows, tasks] of both.
  void add(const std::vector<float>& scores, const std::vector<float>& f32_scores);

  /// The AUC or R squared of a task on `num_labels` rows.
  void set_quality(size_t task, bool is_auc, size_t num_labels, double f32, double stored);

  /// No file's name.
  ScoreChange result() const;

 private:
  std::vector<double> largest_, sums_;
  std::vector<uint32_t> num_labels_;
  std::vector<float> f32_quality_, quality_;
  std::vector<bool> is_auc_;
  uint64_t num_rows_ = 0;
};

}  // namespace mmoe::converter
