// Puts what is the same for all candidates of a request at the front of x.
#pragma once

#include <cstddef>
#include <vector>

#include "converter/description/model.h"

namespace mmoe::converter {

/// Moves item-side features behind the others, stably, and permutes the columns of every layer that reads x
/// accordingly. Returns each feature's former position.
std::vector<size_t> put_shared_features_first(ModelDescription& model);

/// Columns of the features before the first item-side one; 0 where there is none. Without features, as the
/// description says.
size_t shared_dim(const ModelDescription& model);

}  // namespace mmoe::converter
