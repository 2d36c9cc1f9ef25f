// The comparison's results for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/measure.h"

namespace mmoe::bench {

enum class Statistic {
  kMedian,
  kLeast  ///< what is left of the truth on a machine that others use meanwhile
};

/// Microseconds per call of every engine and, per cell, how many times longer than ours the best assembled engine
/// and the faster of the frameworks take; then the geometric means of both. Of each engine's rounds the given
/// statistic counts.
std::string report_text(const std::vector<Cell>& cells, Statistic statistic);

/// One line per cell and engine: model, batch, engine, median_us, best_us, gflop_per_second, ratio_to_ours,
/// largest_difference, calls_per_slice, assembled_as.
std::string report_csv(const std::vector<Cell>& cells);

}  // namespace mmoe::bench
