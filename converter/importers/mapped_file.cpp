#include "converter/importers/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "converter/error.h"
#include "converter/importers/descriptor.h"
#include "runtime/tools/support/input_files.h"

namespace mmoe::converter {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw ConvertError(path.string() + ": " + what);
}

std::string reason() { return std::generic_category().message(errno); }

/// Before opening: opening a pipe that nobody writes to would wait for ever.
void require_regular_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (error) fail(path, "cannot be read: " + error.message());
  if (std::filesystem::is_directory(status)) fail(path, "is a directory; expected a file");
  if (!std::filesystem::is_regular_file(status)) fail(path, "is not a regular file");
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path, Whose whose) {
  require_regular_file(path);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) fail(path, "cannot be opened: " + reason());
  map(file.get(), path);
  if (whose == Whose::kUsers) tools::note_input(path);
}

MappedFile::MappedFile(int descriptor, const std::filesystem::path& path) {
  map(descriptor, path);
  tools::note_input(path);
}

void MappedFile::map(int descriptor, const std::filesystem::path& path) {
  struct stat info = {};
  if (::fstat(descriptor, &info) != 0) fail(path, "cannot be read: " + reason());
  if (!S_ISREG(info.st_mode)) fail(path, "is not a regular file");  // it was replaced meanwhile
  if (info.st_size == 0) fail(path, "is empty; was it written or downloaded completely?");
  size_ = static_cast<size_t>(info.st_size);
  void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (mapping == MAP_FAILED) fail(path, "cannot be mapped: " + reason());
  data_ = static_cast<const char*>(mapping);
}

MappedFile::~MappedFile() {
  // munmap wants a pointer to non-const although it writes nothing.
  ::munmap(const_cast<char*>(data_), size_);
}

}  // namespace mmoe::converter
