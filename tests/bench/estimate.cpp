#include "tests/bench/estimate.h"

#include <algorithm>
#include <cmath>

namespace mmoe::bench {

double Estimate::predicted(const Cell& cell) const {
  const double call = cell.flops / flop_per_second_;
  // A slice is at least one call, with another one before that is not timed.
  const double rounds = cell.rounds * (std::max(cell.slice_seconds, call) + call);
  // Packing, generating code and trying the ways to assemble a model, of which peers have up to a dozen.
  const double preparation = 0.05 + 10 * call;
  return static_cast<double>(cell.engines.size()) * (rounds + preparation);
}

void Estimate::take(const Cell& cell, double seconds) {
  left_ = std::max(0.0, left_ - predicted(cell));
  done_ += predicted(cell);
  taken_ += seconds;
}

std::string duration_text(double seconds) {
  if (seconds < 90) return std::to_string(std::lround(std::max(1.0, seconds))) + " s";
  return std::to_string(std::lround(seconds / 60)) + " min";
}

}  // namespace mmoe::bench
