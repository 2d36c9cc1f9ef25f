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

/// For each group of numbers the microseconds per call of every engine and, per cell, how many times as fast as ours in
/// f32 ours in this type is, and how many times longer than ours the best assembled engine and the fastest of the
/// frameworks take; then the geometric means. At last how far each engine's scores are from ours in f32. Of each
/// engine's rounds the given statistic counts.
std::string report_text(const std::vector<Cell>& cells, Statistic statistic);

/// One cell in one line, by medians.
std::string cell_text(const Cell& cell);

}  // namespace mmoe::bench
