// What the command-line tools share: exit codes, and errors turned into them.
#pragma once

#include <functional>
#include <string>

#include "mmoe/error.h"
#include "mmoe/model.h"
#include "runtime/tools/support/error.h"

namespace CLI {
class App;
}

namespace mmoe::tools {

constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;  ///< bad input or a bad model
constexpr int kExitUsage = 2;    ///< the command line is wrong

/// The command line asks for what does not exist: exits with kExitUsage.
class UsageError : public ToolError {
 public:
  using ToolError::ToolError;
};

/// Parses the command line with `app`, to which --version is added, and runs `body`; what either throws
/// becomes a message on standard error and an exit code. A closed pipe exits with kExitFailure without one.
int run_tool(CLI::App& app, int argc, char** argv, const std::function<int()>& body);

/// Maps the file, or throws ToolError with the runtime's message.
Model map_model(const std::string& path, const LoadOptions& options = {});

}  // namespace mmoe::tools
