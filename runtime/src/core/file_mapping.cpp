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

Status read_at_start(int descriptor, const char* path, void* to, std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t count = pread(descriptor, static_cast<char*>(to) + done, size - done, static_cast<off_t>(done));
    if (count > 0) {
      done += static_cast<std::size_t>(count);
    } else if (count == 0) {
      return make_error(ErrorCode::kIo, path, ": became shorter while it was read");
    } else if (errno != EINTR) {
      return io_error(path);
    }
  }
  return {};
}

// Puts memory of this process in the place of the mapping's first bytes. A copy on write would not do: a file that is
// cut takes even pages that were written to.
Status keep_private(int descriptor, const char* path, void* data, std::size_t size) {
  void* memory = mmap(data, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (memory == MAP_FAILED) return make_error(ErrorCode::kOutOfMemory, path, ": no memory for ", size, " bytes");
  if (Status status = read_at_start(descriptor, path, memory, size); !status) return status;
  mprotect(memory, size, PROT_READ);
  return {};
}

Result<FileMapping> map_descriptor(int descriptor, const char* path,
                                   std::uint64_t (*private_bytes)(const unsigned char* start)) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return io_error(path);
  if (!S_ISREG(status.st_mode)) return make_error(ErrorCode::kIo, path, ": not a regular file");
  if (status.st_size == 0) return make_error(ErrorCode::kNotAModel, path, ": the file is empty");
  const std::uint64_t file_bytes = static_cast<std::uint64_t>(status.st_size);
  if (file_bytes > SIZE_MAX) {
    return make_error(ErrorCode::kUnsupported, path, ": ", file_bytes, " bytes, more than this machine can address");
  }
  const std::size_t size = static_cast<std::size_t>(file_bytes);
  std::uint64_t own = 0;
  if (size >= kStartBytes) {
    alignas(8) unsigned char start[kStartBytes];
    if (Status read = read_at_start(descriptor, path, start, sizeof start); !read) return read.error();
    own = private_bytes(start);
    const std::uint64_t page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    own = own < file_bytes - file_bytes % page ? (own + page - 1) / page * page : file_bytes;
  }
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) return io_error(path);
  if (own != 0) {
    Status kept = keep_private(descriptor, path, data, static_cast<std::size_t>(own));
    // It was read twice: a header that has grown in between would not be all in our memory.
    if (kept.ok() && own < file_bytes && private_bytes(static_cast<const unsigned char*>(data)) > own) {
      kept = make_error(ErrorCode::kIo, path, ": was written to while it was read");
    }
    if (!kept) {
      munmap(data, size);
      return kept.error();
    }
  }
  return FileMapping{data, size, nullptr};
}

}  // namespace

Result<FileMapping> map_file(const char* path, std::uint64_t (*private_bytes)(const unsigned char* start)) {
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe must not block
  if (descriptor < 0) return io_error(path);
  Result<FileMapping> mapping = map_descriptor(descriptor, path, private_bytes);
  close(descriptor);  // the mapping stays
  return mapping;
}

void unmap_file(const FileMapping& mapping) { munmap(const_cast<void*>(mapping.data), mapping.size); }

}  // namespace mmoe::internal
