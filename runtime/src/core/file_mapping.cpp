#include "core/file_mapping.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/make_error.h"

namespace mmoe::internal {
namespace {

Error io_error(const char* path) { return make_error(ErrorCode::kIo, path, ": ", std::strerror(errno)); }

Result<FileMapping> map_descriptor(int descriptor, const char* path) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return io_error(path);
  if (!S_ISREG(status.st_mode)) return make_error(ErrorCode::kIo, path, ": not a regular file");
  if (status.st_size == 0) return make_error(ErrorCode::kNotAModel, path, ": the file is empty");
  const std::size_t size = static_cast<std::size_t>(status.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) return io_error(path);
  return FileMapping{data, size};
}

}  // namespace

Result<FileMapping> map_file(const char* path) {
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe must not block
  if (descriptor < 0) return io_error(path);
  Result<FileMapping> mapping = map_descriptor(descriptor, path);
  close(descriptor);  // the mapping stays
  return mapping;
}

void unmap_file(const FileMapping& mapping) { munmap(const_cast<void*>(mapping.data), mapping.size); }

}  // namespace mmoe::internal
