// From raw feature values to x.
#pragma once

#include <cstddef>

#include "mmoe/error.h"
#include "plan/program.h"

namespace mmoe::internal {

/// Fills the columns of the program's input buffer that belong to `part` with rows [first_row, first_row + num_rows).
/// columns: [num_features]. Errors name the feature, by its index in the model, and the row.
Status encode_features(const Program& program, const FeatureColumn* columns, Part part, std::size_t first_row,
                       std::size_t num_rows);

/// Error kInvalidArgument where a column of the part lacks what its feature's kind needs.
Status check_columns(const Program& program, const FeatureColumn* columns, Part part);

}  // namespace mmoe::internal
