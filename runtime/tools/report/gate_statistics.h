// How one gate spreads its weight over its experts, from one row after the other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mmoe::tools {

class GateStatistics {
 public:
  explicit GateStatistics(std::size_t num_experts);

  /// weights: [num_experts] of one row, as Output::gate_weights has them.
  void add(const float* weights);

  // REQUIRES: at least one row. `expert`: its position in the gate.

  double mean(std::size_t expert) const;
  /// What the share `share` of the rows has at most, to 0.001; exactly 0 or 1 where it is that, or beyond.
  double quantile(std::size_t expert, double share) const;
  /// Share of the rows whose largest weight it has; of equal ones the first position.
  double first_choice(std::size_t expert) const;
  /// Rows in which it has one of the two largest weights, and not 0.
  std::uint64_t rows_among_two(std::size_t expert) const { return among_two_[expert]; }
  /// Share of the rows in each of `num_bins` equal parts of 0 to 1; what is beyond counts as the ends. REQUIRES:
  /// num_bins divides kFineBins.
  std::vector<double> histogram(std::size_t expert, std::size_t num_bins) const;
  /// Mean over the rows of -sum w ln w, in nats, of absolute weights; those that do not sum to 1 are divided by their
  /// sum first.
  double mean_entropy() const;

  static constexpr std::size_t kFineBins = 1000;

 private:
  std::uint64_t num_rows_ = 0;
  std::vector<double> sums_;
  std::vector<std::array<std::uint64_t, kFineBins>> bins_;
  std::vector<std::uint64_t> zeros_, ones_;  // rows with exactly that weight, which top-k gates give to many
  std::vector<std::uint64_t> first_choices_;
  std::vector<std::uint64_t> among_two_;
  double entropies_ = 0;
};

}  // namespace mmoe::tools
