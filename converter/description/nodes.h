// `nodes`: MLPs, and operations on streams, beside the levels.
#pragma once

#include <string>
#include <vector>

#include "converter/description/streams.h"
#include "converter/model/model.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/tensor_index.h"

namespace mmoe::converter {

/// Appends the nodes of `list`, which stand behind `level` levels, and adds them to what later parts can read. A node
/// whose name has {task} is one for each task, or for those of its `tasks`; the nodes of `task_by_task` come task by
/// task.
void bind_nodes(const JsonReader& list, size_t level, TensorIndex& tensors, Streams& streams, std::vector<Node>& nodes);

}  // namespace mmoe::converter
