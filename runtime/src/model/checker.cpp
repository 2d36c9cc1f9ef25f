#include "model/checker.h"

namespace mmoe::internal {

#ifndef MMOE_NO_MESSAGES

void append_text(Error& error, const char* text, const std::uint64_t* numbers) {
  const char* end = text;
  for (; *end != '\0'; ++end) {
    if (*end != '%') continue;
    error.append(text, static_cast<std::size_t>(end - text)).append(*numbers++);
    text = end + 1;
  }
  error.append(text, static_cast<std::size_t>(end - text));
}

static void append_path(const Path& path, Error& error) {
  if (path.parent) {
    append_path(*path.parent, error);
    error.append(".");
  }
  error.append(path.field);
  if (path.index != Path::kNoIndex) error.append("[").append(std::uint64_t{path.index}).append("]");
}

void Checker::set_error(const Path* path, ErrorCode code, const char* text, const std::uint64_t* numbers) const {
  error_ = Error(code);
  if (path) {
    append_path(*path, error_);
    error_.append(": ");
  }
  append_text(error_, text, numbers);
}

#endif

}  // namespace mmoe::internal
