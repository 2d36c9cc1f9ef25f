// Opens the model file that a command line names.
#pragma once

#include <string>

#include "mmoe/model.h"

namespace mmoe::tools {

/// Maps the file, or throws ToolError with the runtime's message. The file counts as an input of the run
/// (support/input_files.h).
Model map_model(const std::string& path, const LoadOptions& options = {});

}  // namespace mmoe::tools
