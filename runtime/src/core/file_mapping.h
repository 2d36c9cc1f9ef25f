// A file's bytes, read-only, without copying them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mmoe/error.h"

namespace mmoe::internal {

struct FileMapping {
  const void* data;
  std::size_t size;
  void* file = nullptr;  ///< Windows: the open file, which others can then not write to
};

/// What a file begins with, as far as `private_bytes` asks for it.
constexpr std::size_t kStartBytes = 12;

/// Maps a file. Its first bytes are copied into memory of this process, so that what others write to the file later
/// does not change them: as many as private_bytes() says of the first kStartBytes, or all there are. It is asked of
/// files that have so many. Error kIo names the path; kNotAModel for an empty file, which cannot be mapped.
Result<FileMapping> map_file(const char* path, std::uint64_t (*private_bytes)(const unsigned char* start));
void unmap_file(const FileMapping& mapping);

}  // namespace mmoe::internal
