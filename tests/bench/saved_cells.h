// The results as a CSV file, which is also what an interrupted comparison goes on from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/bench/measure.h"

namespace mmoe::bench {

/// One line per cell and engine: model, batch, engine, numbers, median_us, best_us, gflop_per_second, ratio_to_ours,
/// largest_difference and limit (of scores, from ours in f32), calls_per_slice, rounds, slice_s, assembled_as,
/// not_timed. Ratios are to ours in f32. Where `not_timed` says what went
/// wrong, the numbers are empty.
std::string report_csv(const std::vector<Cell>& cells);

/// The cells of a file that report_csv() wrote. Empty if there is no such file; throws std::runtime_error for another
/// one.
std::vector<Cell> read_cells(const std::string& path);

/// The cell of this model and batch, if it was measured with these options and engines, in this order.
const Cell* find_cell(const std::vector<Cell>& cells, const Cell& wanted);

}  // namespace mmoe::bench
