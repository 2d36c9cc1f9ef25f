#include "converter/importers/scratch_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "converter/error.h"

namespace mmoe::converter {
namespace {

/// Nothing but this process's descriptor leads to the file. Below 0: it cannot be made there.
int open_nameless(const std::string& folder) {
#ifdef O_TMPFILE
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
#endif
  std::string path = folder + "/mmoe-convert.XXXXXX";
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(path.c_str());
  return named;
}

}  // namespace

ScratchFile::ScratchFile(uint64_t expected_bytes) {
  const char* const given = std::getenv("TMPDIR");
  const std::string folders[] = {given == nullptr ? "" : given, "/var/tmp", "/tmp"};
  for (const std::string& folder : folders) {
    if (expected_bytes <= kLargestInMemory || fd_ >= 0 || folder.empty()) continue;
    fd_ = open_nameless(folder);
    folder_ = fd_ >= 0 ? folder : "";
  }
  if (fd_ < 0) fd_ = ::memfd_create("mmoe-weights", MFD_CLOEXEC);
  if (fd_ < 0) fail("cannot be made");
}

ScratchFile::~ScratchFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
  if (fd_ >= 0) ::close(fd_);
}

ScratchFile::ScratchFile(ScratchFile&& other) noexcept
    : folder_(std::move(other.folder_)),
      fd_(std::exchange(other.fd_, -1)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

void ScratchFile::fail(const char* what) const {
  const std::string reason = std::generic_category().message(errno);
  throw ConvertError("a temporary copy of the weights " + (folder_.empty() ? "in memory " : "in " + folder_ + " ") +
                     what + ": " + reason + "; set TMPDIR to a folder with room for it");
}

void ScratchFile::append(const void* data, size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(fd_, at, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot be written");
    at += written;
    bytes -= static_cast<size_t>(written);
  }
}

void ScratchFile::replace(uint64_t offset, const void* data, size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::pwrite(fd_, at, bytes, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot be written");
    at += written;
    offset += static_cast<uint64_t>(written);
    bytes -= static_cast<size_t>(written);
  }
}

std::string_view ScratchFile::map() {
  struct stat info = {};
  if (data_ != nullptr) return {data_, size_};
  if (::fstat(fd_, &info) != 0) fail("cannot be read");
  if (info.st_size == 0) return {};
  size_ = static_cast<size_t>(info.st_size);
  void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd_, 0);
  if (mapping == MAP_FAILED) fail("cannot be mapped");
  data_ = static_cast<const char*>(mapping);
  return {data_, size_};
}

}  // namespace mmoe::converter
