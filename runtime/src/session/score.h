// Scoring the rows of a checked call by one worker.
#pragma once

#include <cstddef>

#include "mmoe/plan.h"
#include "session/call.h"
#include "session/run.h"

namespace mmoe::internal {

/// Prepares rows [first_row, first_row + num_rows) of the call, at most a block's: raw features become x.
Status load_rows(const Program& program, const Call& call, std::size_t first_row, std::size_t num_rows);

/// The same rows as the program's steps read them. REQUIRES: load_rows() was called for them.
RowBlock rows_of(const Program& program, const Call& call, std::size_t first_row, std::size_t num_rows);

/// Scores rows [first_row, first_row + num_rows), block after block. Errors name the row, counted in the call.
Status score_rows(const Plan& plan, Program& program, const Call& call, std::size_t first_row, std::size_t num_rows);

/// The error of a row of x whose columns, those of a part, are not all finite: it names the feature, or the column.
Error non_finite_input(const Program& program, Part part, const float* x, std::size_t row);

}  // namespace mmoe::internal
