// Puts what is the same for all candidates of a request at the front of what the first layers read.
#pragma once

#include <cstddef>
#include <vector>

#include "converter/description/model.h"

namespace mmoe::converter {

/// Permutes the columns of every layer that reads x: those of item-side features go behind all others, and each group
/// keeps its order. The list of features stays as it is. Returns each feature's first column among the permuted ones.
std::vector<size_t> put_shared_columns_first(TrainedModel& model);

/// Columns of user-side and context features; 0 where no feature is item-side. Without features, as the description
/// says.
size_t shared_dim(const TrainedModel& model);

}  // namespace mmoe::converter
