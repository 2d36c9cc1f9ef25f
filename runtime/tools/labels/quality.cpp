#include "runtime/tools/labels/quality.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

namespace mmoe::tools {

double auc(const std::vector<float>& labels, const std::vector<float>& scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  double rank_sum = 0, positives = 0;
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    double positives_here = 0;
    for (; last < order.size() && scores[order[last]] == scores[order[first]]; ++last) {
      positives_here += static_cast<double>(labels[order[last]]);
    }
    positives += positives_here;
    rank_sum += static_cast<double>(first + 1 + last) / 2 * positives_here;
  }
  const double negatives = static_cast<double>(labels.size()) - positives;
  if (positives == 0 || negatives == 0) return std::numeric_limits<double>::quiet_NaN();
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

double mean_squared_error(const std::vector<float>& labels, const std::vector<float>& scores) {
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double difference = static_cast<double>(labels[i]) - static_cast<double>(scores[i]);
    sum += difference * difference;
  }
  return sum / static_cast<double>(labels.size());
}

double r_squared(const std::vector<float>& labels, const std::vector<float>& scores) {
  const auto count = static_cast<double>(labels.size());
  double mean = 0, squares = 0;
  for (const float label : labels) mean += static_cast<double>(label) / count;
  for (const float label : labels) squares += std::pow(static_cast<double>(label) - mean, 2);
  if (squares == 0) return std::numeric_limits<double>::quiet_NaN();
  return 1 - mean_squared_error(labels, scores) * count / squares;
}

double quality(bool binary, const std::vector<float>& labels, const std::vector<float>& scores) {
  return binary ? auc(labels, scores) : r_squared(labels, scores);
}

}  // namespace mmoe::tools
