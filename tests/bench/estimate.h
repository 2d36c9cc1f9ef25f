// How long the comparison takes, said before it begins and after every cell.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/measure.h"

namespace mmoe::bench {

class Estimate {
 public:
  /// `flop_per_second`: what an engine of this machine reaches, about. `cells`: those to measure.
  Estimate(double flop_per_second, const std::vector<Cell>& cells) : flop_per_second_(flop_per_second) {
    for (const Cell& cell : cells) left_ += predicted(cell);
  }

  /// The cell has been measured and took so long: what is left is scaled by it.
  void take(const Cell& cell, double seconds);

  double seconds_left() const { return left_ * factor(); }

 private:
  double predicted(const Cell& cell) const;
  double factor() const { return done_ > 0 ? taken_ / done_ : 1.0; }

  double flop_per_second_;
  double left_ = 0, done_ = 0;  // predicted
  double taken_ = 0;            // by what is done
};

/// "40 s", "12 min"
std::string duration_text(double seconds);

}  // namespace mmoe::bench
