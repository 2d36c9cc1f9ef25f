// Exceptions of the command-line tools. Their messages are written for the person who runs the tool.
#pragma once

#include <stdexcept>

namespace mmoe::tools {

/// Bad input, or a file that cannot be read or written: names the file, the line and column where there is
/// one, what was found and what was expected.
class ToolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The command line asks for what does not exist: the program exits with kExitUsage (command_line.h).
class UsageError : public ToolError {
 public:
  using ToolError::ToolError;
};

/// The reader of our output has gone, as in `mmoe-score … | head`: no message is wanted.
class BrokenPipe : public std::exception {};

}  // namespace mmoe::tools
