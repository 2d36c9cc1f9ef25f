// From raw feature values to x.
#pragma once

#include <cstddef>

#include "mmoe/error.h"
#include "plan/program.h"

namespace mmoe::internal {

/// Consecutive features of the model, with a column for each.
struct FeatureColumns {
  const FeatureColumn* columns;
  std::size_t first;  ///< the model's feature that columns[0] belongs to
  std::size_t count;
};

/// Fills the features' columns of the program's input buffer with rows [first_row, first_row + num_rows).
/// Errors name the feature, by its index in the model, and the row.
Status encode_features(const Program& program, const FeatureColumns& features, std::size_t first_row,
                       std::size_t num_rows);

/// Error kInvalidArgument where a column lacks what its feature's kind needs.
Status check_columns(const Program& program, const FeatureColumns& features);

}  // namespace mmoe::internal
