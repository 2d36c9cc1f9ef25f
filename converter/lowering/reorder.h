// Puts what is the same for all candidates of a request at the front of what the first layers read.
#pragma once

#include <cstddef>
#include <vector>

#include "converter/model/model.h"

namespace mmoe::converter {

/// Permutes the columns of x: those of item-side features go behind all others, and each group keeps its order. Every
/// layer that reads x, or parts of it, then reads its columns in ascending order, and parts of outputs behind them; one
/// whose parts are all of x reads x.
/// The list of features stays as it is. Returns each feature's first column among the permuted ones.
std::vector<size_t> put_shared_columns_first(TrainedModel& model);

/// Columns of user-side and context features; 0 where no feature is item-side. Without features, as the description
/// says.
size_t shared_dim(const TrainedModel& model);

/// Permutes the groups that a bi-interaction sums: those of the first `shared_dim` columns of x go in front, where each
/// group is of these columns or of none. REQUIRES: the columns are permuted.
void put_shared_groups_first(TrainedModel& model, size_t shared_dim);

/// How many of the columns that a stream of x has are among the first `shared_dim` of x. REQUIRES: they are permuted.
size_t shared_inputs(const StreamRef& input, size_t shared_dim);

}  // namespace mmoe::converter
