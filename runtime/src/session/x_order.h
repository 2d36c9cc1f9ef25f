// The caller's order of columns and the program's.
//
// The caller gives features, and the columns of x, in the order of the model's list of features. A program computes on
// rows that have the user's columns first, so that their share of every first layer is a prefix of its sums. Among the
// user's columns alone, and among a candidate's alone, both orders are the same (model/verify makes sure of it): only
// whole rows can differ.
#pragma once

#include <cstddef>

#include "mmoe/model.h"
#include "plan/program.h"
#include "session/run.h"

namespace mmoe::internal {

/// Whether a feature belongs to a part of the input.
inline bool is_in_part(const Program& program, const FeatureStep& feature, Part part) {
  return part == Part::kWhole || (feature.column < program.shared_dim) == (part == Part::kUser);
}

/// The same rows in the program's order: themselves where that is the caller's, else a copy in the program's input
/// buffer, which the next call overwrites. REQUIRES: rows.count is at most the plan's block_rows().
RowBlock in_program_order(const Program& program, const RowBlock& rows);

}  // namespace mmoe::internal
