#include "converter/check/score_change.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "converter/check/difference.h"

namespace mmoe::converter {
namespace {

// Not below the number: largest differences are bounds.
float round_up(double value) {
  const auto rounded = static_cast<float>(value);
  return rounded < value ? std::nextafter(rounded, std::numeric_limits<float>::infinity()) : rounded;
}

}  // namespace

ScoreDifferences::ScoreDifferences(size_t num_tasks)
    : largest_(num_tasks),
      sums_(num_tasks),
      num_labels_(num_tasks),
      f32_quality_(num_tasks),
      quality_(num_tasks),
      is_auc_(num_tasks) {}

void ScoreDifferences::set_quality(size_t task, bool is_auc, size_t num_labels, double f32, double stored) {
  is_auc_[task] = is_auc;
  num_labels_[task] = static_cast<uint32_t>(std::min<size_t>(num_labels, std::numeric_limits<uint32_t>::max()));
  f32_quality_[task] = static_cast<float>(f32);
  quality_[task] = static_cast<float>(stored);
}

void ScoreDifferences::add(const std::vector<float>& scores, const std::vector<float>& f32_scores) {
  const size_t num_tasks = largest_.size();
  for (size_t i = 0; i < scores.size(); ++i) {
    const double difference = difference_of(scores[i], f32_scores[i]);
    largest_[i % num_tasks] = std::max(largest_[i % num_tasks], difference);
    sums_[i % num_tasks] += difference;
  }
  num_rows_ += scores.size() / num_tasks;
}

ScoreChange ScoreDifferences::result() const {
  ScoreChange change;
  change.num_rows = num_rows_;
  change.num_labels = num_labels_;
  change.f32_quality = f32_quality_;
  change.quality = quality_;
  change.is_auc = is_auc_;
  for (size_t task = 0; task < largest_.size(); ++task) {
    change.largest.push_back(round_up(largest_[task]));
    change.mean.push_back(num_rows_ == 0 ? 0 : static_cast<float>(sums_[task] / static_cast<double>(num_rows_)));
  }
  return change;
}

}  // namespace mmoe::converter
