// Where a tool writes its result: a file that appears only when it is complete, or standard output.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/tools/support/temporary_file.h"

namespace mmoe::tools {

/// A regular file is written under a temporary name beside it (temporary_file.h) and renamed by commit(): an error,
/// Ctrl-C, a limit or a full disk leaves the old file or none, never half a file. A symbolic link is followed, also one
/// whose target is not there yet. The file that is replaced hands on its permissions, and its owner and group where
/// this user may give them; a new one gets what the umask leaves. One thread.
class OutputFile {
 public:
  enum class Access : std::uint8_t {
    kSequential,  ///< write() alone
    kRandom       ///< write_at() too, and path() before commit(): what cannot seek gets a copy at the end
  };

  /// "-" is standard output. What is there already and no regular file (a device, a pipe, /dev/stdout) is written
  /// directly. Throws ToolError naming the file, also when it is one that this process has read (input_files.h).
  explicit OutputFile(const std::string& path, Access access = Access::kSequential);
  /// Removes what commit() has not completed.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Appends to what write() has written. Throws ToolError, or BrokenPipe.
  void write(std::string_view bytes);
  /// Writes at a place of its own, over what write() has put there; what lies between and is never written is zeros.
  /// REQUIRES: Access::kRandom.
  void write_at(std::uint64_t offset, std::string_view bytes);
  void flush();

  /// Flushes; then makes the file durable and gives it its name. The last call.
  void commit();

  /// Whether somebody may be reading while we write.
  bool is_live() const { return temporary_ == nullptr; }

  /// Where the bytes lie until commit(), to be read back after flush(). Empty for a live output.
  std::string path() const { return temporary_ ? temporary_->path() : std::string(); }

 private:
  void open_temporary(const std::string& target, mode_t mode);
  void write_whole(int descriptor, std::string_view bytes);
  void copy_to_live();
  void hand_on_owner_and_mode();
  void check_written();
  [[noreturn]] void fail(int error) const;

  std::string name_;  ///< as messages call it
  std::string target_;
  int live_ = -1;  ///< what is written directly, or gets a copy at the end
  std::unique_ptr<TemporaryFile> temporary_;
  std::uint64_t end_ = 0;  ///< of what write() has handed to the system
  std::string buffer_;
};

}  // namespace mmoe::tools
