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
  for (size_t task = 0; task < largest_.size(); ++task) {
    change.largest.push_back(round_up(largest_[task]));
    change.mean.push_back(num_rows_ == 0 ? 0 : static_cast<float>(sums_[task] / static_cast<double>(num_rows_)));
  }
  return change;
}

}  // namespace mmoe::converter
