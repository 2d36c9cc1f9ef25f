// `gates` of one level.
#pragma once

#include <cstddef>
#include <vector>

#include "converter/description/pools.h"
#include "converter/description/streams.h"
#include "converter/model/model.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/tensor_index.h"

namespace mmoe::converter {

/// Appends the gates of all groups to the level; `level.experts` is complete. Returns the groups' streams.
std::vector<StreamGroup> bind_gates(const JsonReader& field, size_t level_index, const std::vector<Pool>& pools,
                                    TensorIndex& tensors, Streams& streams, Level& level);

}  // namespace mmoe::converter
