// A file that is written beside its target and takes its name only when it is complete.
#pragma once

#include <sys/types.h>
#include <string>

namespace mmoe::tools {

/// Its name, FILE.mmoe-0123456789abcdef.tmp, cannot be guessed, and it is made by this process or not at all; it is
/// locked (flock) as long as it is open. What a killed run left for the same target is removed: files of such a name,
/// owned by this user, that nobody holds a lock on. SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGXCPU remove it on their
/// way.
class TemporaryFile {
 public:
  /// At most so many at a time are removed by a signal.
  static constexpr std::size_t kMaxGuarded = 8;

  /// Makes it for reading and writing. `mode` as for open(): the umask is taken off. Throws std::system_error.
  TemporaryFile(const std::string& target, mode_t mode);
  /// Removes it, unless it has been renamed.
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int descriptor() const { return descriptor_; }
  /// Where it lies; empty after rename().
  const std::string& path() const { return path_; }

  /// Makes its bytes durable, gives it the target's name, and makes that durable. Throws std::system_error.
  void rename();

 private:
  bool create(mode_t mode);

  std::string target_;
  std::string path_;
  int descriptor_ = -1;
};

/// The folder that a path's last name is in: "." where the path has none.
std::string folder_of(const std::string& path);

/// The descriptor itself, or a copy above standard error: what a program prints must not find its way into a file.
/// Keeps errno where `descriptor` is negative.
int above_standard(int descriptor);

}  // namespace mmoe::tools
