// The comparison's results for people.
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

/// One cell in one line, by medians.
std::string cell_text(const Cell& cell);

}  // namespace mmoe::bench
