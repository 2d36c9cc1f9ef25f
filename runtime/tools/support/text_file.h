// A whole file of text, such as a description.
#pragma once

#include <string>

namespace mmoe::tools {

/// Its bytes, remembered as an input (input_files.h). A regular file or a pipe; what has no end (a device) and what has
/// more than kMaxTextBytes is refused. Throws ToolError naming the file.
std::string read_text_file(const std::string& path);

constexpr unsigned long long kMaxTextBytes = 1ull << 30;

}  // namespace mmoe::tools
