// `levels`: pools of experts and the gates that mix them.
#pragma once

#include <string>
#include <vector>

#include "converter/description/streams.h"
#include "converter/model/model.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/tensor_index.h"

namespace mmoe::converter {

/// Binds level number `index` (from 0), which reads `streams`, and moves them past it. Experts are numbered pool
/// by pool, within a pool task by task; gates group by group, within a group task by task. `notes` receives what
/// is not wrong but looks like a mistake.
Level bind_level(const JsonReader& object, size_t index, TensorIndex& tensors, Streams& streams,
                 std::vector<std::string>& notes);

}  // namespace mmoe::converter
