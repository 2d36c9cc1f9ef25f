// `experts` of one level: its pools.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "converter/description/streams.h"
#include "converter/model/model.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/tensor_index.h"

namespace mmoe::converter {

struct Pool {
  std::string name;
  bool per_task = false;
  std::vector<std::vector<size_t>> experts;  ///< indices into Level::experts: a list per task, or one list
};

/// Appends the experts of all pools to the level.
std::vector<Pool> bind_pools(const JsonReader& field, size_t level_index, TensorIndex& tensors, Streams& streams,
                             Level& level);

}  // namespace mmoe::converter
