// How far a file's scores are from those of the same model in f32.
#pragma once

#include <cstddef>
#include <vector>

#include "converter/writer/contents.h"

namespace mmoe::converter {

/// Collects the differences of scores, which are finite or not alike.
class ScoreDifferences {
 public:
  explicit ScoreDifferences(size_t num_tasks) : largest_(num_tasks), sums_(num_tasks) {}

  /// [rows, tasks] of both.
  void add(const std::vector<float>& scores, const std::vector<float>& f32_scores);

  /// No file's name.
  ScoreChange result() const;

 private:
  std::vector<double> largest_, sums_;
  uint64_t num_rows_ = 0;
};

}  // namespace mmoe::converter
