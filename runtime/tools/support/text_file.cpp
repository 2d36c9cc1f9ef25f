#include "runtime/tools/support/text_file.h"

#include <filesystem>

#include "runtime/tools/support/byte_source.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

namespace fs = std::filesystem;

void check_has_an_end(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error) throw ToolError(path + ": cannot be read: " + error.message());
  if (fs::is_directory(status)) throw ToolError(path + ": is a directory; expected a file");
  if (!fs::is_regular_file(status) && !fs::is_fifo(status)) throw ToolError(path + ": is a device; expected a file");
}

}  // namespace

std::string read_text_file(const std::string& path) {
  check_has_an_end(path);
  ByteSource source(path);
  std::string text;
  for (std::string_view part = source.next(); !part.empty(); part = source.next()) {
    text += part;
    if (text.size() > kMaxTextBytes) throw ToolError(path + ": more than " + human_bytes(kMaxTextBytes) + " of text");
  }
  return text;
}

}  // namespace mmoe::tools
