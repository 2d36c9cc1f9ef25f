// A file's bytes, read-only, without copying them.
#pragma once

#include <cstddef>

#include "mmoe/error.h"

namespace mmoe::internal {

struct FileMapping {
  const void* data;
  std::size_t size;
};

/// Error kIo names the path; kNotAModel for an empty file, which cannot be mapped.
Result<FileMapping> map_file(const char* path);
void unmap_file(const FileMapping& mapping);

}  // namespace mmoe::internal
