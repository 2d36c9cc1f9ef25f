#include "runtime/tools/report/gate_statistics.h"

#include <algorithm>
#include <cmath>

namespace mmoe::tools {
namespace {

double entropy_of(const float* weights, std::size_t size) {
  double sum = 0, entropy = 0;
  for (std::size_t i = 0; i < size; ++i) sum += std::fabs(static_cast<double>(weights[i]));
  for (std::size_t i = 0; i < size; ++i) {
    const double weight = std::fabs(static_cast<double>(weights[i])) / sum;
    if (weight > 0) entropy -= weight * std::log(weight);
  }
  return entropy;
}

// Positions of the largest and the second largest; equal when there is only one.
std::array<std::size_t, 2> largest_two(const float* weights, std::size_t size) {
  std::array<std::size_t, 2> two = {0, size > 1 ? std::size_t{1} : 0};
  if (weights[two[1]] > weights[two[0]]) std::swap(two[0], two[1]);
  for (std::size_t i = 2; i < size; ++i) {
    if (weights[i] > weights[two[0]]) {
      two = {i, two[0]};
    } else if (weights[i] > weights[two[1]]) {
      two[1] = i;
    }
  }
  return two;
}

}  // namespace

GateStatistics::GateStatistics(std::size_t num_experts)
    : sums_(num_experts),
      bins_(num_experts),
      zeros_(num_experts),
      ones_(num_experts),
      first_choices_(num_experts),
      among_two_(num_experts) {}

void GateStatistics::add(const float* weights) {
  ++num_rows_;
  for (std::size_t e = 0; e < sums_.size(); ++e) {
    const double weight = static_cast<double>(weights[e]);
    sums_[e] += weight;
    const double within = std::min(1.0, std::max(0.0, weight));  // gates without a softmax give others too
    ++bins_[e][std::min(kFineBins - 1, static_cast<std::size_t>(within * kFineBins))];
    if (weight <= 0) ++zeros_[e];
    if (weight >= 1) ++ones_[e];
  }
  const std::array<std::size_t, 2> two = largest_two(weights, sums_.size());
  ++first_choices_[two[0]];
  ++among_two_[two[0]];
  if (two[1] != two[0] && weights[two[1]] > 0) ++among_two_[two[1]];
  entropies_ += entropy_of(weights, sums_.size());
}

double GateStatistics::mean(std::size_t expert) const { return sums_[expert] / static_cast<double>(num_rows_); }

double GateStatistics::quantile(std::size_t expert, double share) const {
  const double wanted = share * static_cast<double>(num_rows_);
  const std::uint64_t zeros = zeros_[expert], ones = ones_[expert];
  if (zeros > 0 && wanted <= static_cast<double>(zeros)) return 0;
  auto seen = static_cast<double>(zeros);
  for (std::size_t bin = 0; bin < kFineBins; ++bin) {
    const std::uint64_t exact = (bin == 0 ? zeros : 0) + (bin + 1 == kFineBins ? ones : 0);
    const auto count = static_cast<double>(bins_[expert][bin] - exact);
    // Within a bin as if its rows were spread evenly.
    if (seen + count >= wanted && count > 0) {
      return (static_cast<double>(bin) + (wanted - seen) / count) / static_cast<double>(kFineBins);
    }
    seen += count;
  }
  return 1;
}

double GateStatistics::first_choice(std::size_t expert) const {
  return static_cast<double>(first_choices_[expert]) / static_cast<double>(num_rows_);
}

std::vector<double> GateStatistics::histogram(std::size_t expert, std::size_t num_bins) const {
  std::vector<double> shares(num_bins);
  for (std::size_t bin = 0; bin < kFineBins; ++bin) {
    shares[bin * num_bins / kFineBins] += static_cast<double>(bins_[expert][bin]) / static_cast<double>(num_rows_);
  }
  return shares;
}

double GateStatistics::mean_entropy() const { return entropies_ / static_cast<double>(num_rows_); }

}  // namespace mmoe::tools
