// From raw feature values to x.
#pragma once

#include <cstddef>

#include "mmoe/error.h"
#include "plan/program.h"

namespace mmoe::internal {

/// Fills the program's input buffer with rows [first_row, first_row + num_rows) of the columns.
/// Errors name the feature, by its index, and the row.
Status encode_features(const Program& program, const FeatureColumn* columns, std::size_t first_row,
                       std::size_t num_rows);

}  // namespace mmoe::internal
