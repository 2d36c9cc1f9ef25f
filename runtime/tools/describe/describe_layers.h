// The part of describe() from the trunk to the tasks.
#pragma once

#include "runtime/tools/describe/describe.h"
#include "runtime/tools/model/model_view.h"

namespace mmoe::tools {

/// Adds trunk, levels, towers and tasks.
void describe_layers(const ModelView& view, Json& out);

}  // namespace mmoe::tools
