#include "runtime/tools/support/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include "runtime/tools/support/error.h"
#include "runtime/tools/support/input_files.h"

namespace mmoe::tools {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;

// A copy of its own: two outputs may share a pipe, and closing one must not close the other.
int open_stream(const std::string& path) {
  const int descriptor = descriptor_named(path);
  if (descriptor >= 0) return fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  return above_standard(open(path.c_str(), O_WRONLY | O_CLOEXEC));
}

}  // namespace

OutputFile::OutputFile(const std::string& path, Access access) : name_(path == "-" ? "standard output" : path) {
  if (path.empty()) throw ToolError("the name of an output is empty");
  struct stat status;
  const bool direct = descriptor_named(path) >= 0;
  const bool there = !direct && stat(path.c_str(), &status) == 0;
  if (!direct && !there && errno != ENOENT) fail(errno);
  if (!direct && (!there || S_ISREG(status.st_mode))) {
    target_ = follow_links(path);
    check_not_read(path);
    // Of a file that is there, nobody else should read before it has that file's permissions.
    open_temporary(target_, there ? S_IRUSR | S_IWUSR : 0666);
    return;
  }
  live_ = open_stream(path);
  if (live_ < 0) fail(errno);
  check_not_read(path);
  if (access == Access::kRandom) open_temporary(std::filesystem::temp_directory_path() / "output", S_IRUSR | S_IWUSR);
}

void OutputFile::open_temporary(const std::string& target, mode_t mode) {
  try {
    temporary_ = std::make_unique<TemporaryFile>(target, mode);
  } catch (const std::system_error& error) {
    const int number = error.code().value();
    if (number != EACCES && number != EPERM && number != EROFS) fail(number);
    throw ToolError(name_ + ": no file can be made in its folder, " + folder_of(target) + ": " + std::strerror(number));
  }
}

OutputFile::~OutputFile() {
  if (live_ >= 0) close(live_);
}

void OutputFile::fail(int error) const {
  std::string reason = std::strerror(error);
  if (error == EFBIG) reason += " (the limit that 'ulimit -f' shows, or the file system's)";
  throw ToolError(name_ + ": " + reason);
}

void OutputFile::write(std::string_view bytes) {
  buffer_ += bytes;
  if (buffer_.size() >= kBlockBytes) flush();
}

void OutputFile::flush() {
  if (buffer_.empty()) return;
  std::string bytes;
  bytes.swap(buffer_);  // what fails is not tried again
  if (temporary_) {
    write_at(end_, bytes);
  } else {
    write_whole(live_, bytes);
  }
  end_ += bytes.size();
}

void OutputFile::write_whole(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EPIPE) throw BrokenPipe();
    if (written < 0) fail(errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void OutputFile::write_at(std::uint64_t offset, std::string_view bytes) {
  flush();  // what was appended before must not come over it
  if (offset > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max()) - bytes.size()) fail(EFBIG);
  while (!bytes.empty()) {
    const ssize_t written = pwrite(temporary_->descriptor(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    offset += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void OutputFile::commit() {
  flush();
  if (live_ >= 0) {
    if (temporary_) copy_to_live();
    return check_written();
  }
  check_not_read(target_);  // what was read since it was opened
  hand_on_owner_and_mode();
  try {
    temporary_->rename();
  } catch (const std::system_error& error) {
    fail(error.code().value());
  }
}

void OutputFile::copy_to_live() {
  std::string block(kBlockBytes, '\0');
  for (off_t at = 0;;) {
    const ssize_t got = pread(temporary_->descriptor(), block.data(), block.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(errno);
    if (got == 0) return;
    write_whole(live_, std::string_view(block).substr(0, static_cast<std::size_t>(got)));
    at += got;
  }
}

// Network file systems tell only on close() what became of the bytes.
void OutputFile::check_written() {
  const int descriptor = std::exchange(live_, -1);
  if (close(descriptor) != 0 && errno != EINTR) fail(errno);
}

// Owner first: changing it may take permissions away.
void OutputFile::hand_on_owner_and_mode() {
  struct stat old, made;
  const int descriptor = temporary_->descriptor();
  if (stat(target_.c_str(), &old) != 0 || fstat(descriptor, &made) != 0 || !S_ISREG(old.st_mode)) return;
  const bool other_group = old.st_gid != made.st_gid;
  if ((old.st_uid != made.st_uid || other_group) && fchown(descriptor, old.st_uid, old.st_gid) != 0 && other_group) {
    // Only root gives files away; a group of one's own can be given.
    if (fchown(descriptor, static_cast<uid_t>(-1), old.st_gid) != 0 && errno != EPERM) fail(errno);
  }
  const bool changed = fchmod(descriptor, old.st_mode & 0777) == 0;
  if (!changed && errno != EPERM && errno != ENOTSUP) fail(errno);  // file systems without permissions
}

}  // namespace mmoe::tools
