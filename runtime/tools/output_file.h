// Where a tool writes its result: a file that appears only when it is complete, or standard output.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mmoe::tools {

/// A regular file is written under a temporary name beside it and renamed by commit(): an error, Ctrl-C or a
/// full disk leaves the old file or none, never half a file. At most kMaxFiles at a time. One thread.
class OutputFile {
 public:
  static constexpr std::size_t kMaxFiles = 2;

  /// "-" is standard output. What is there already and no regular file (a device, a pipe) is written directly.
  /// Throws ToolError naming the file.
  explicit OutputFile(const std::string& path);
  /// Removes what commit() has not completed.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Throws ToolError, or BrokenPipe.
  void write(std::string_view bytes);
  void flush();

  /// Flushes; then makes the file durable and gives it its name.
  void commit();

  /// Whether somebody may be reading while we write.
  bool is_live() const { return temporary_.empty(); }

 private:
  void open_temporary();
  [[noreturn]] void fail() const;

  std::string path_;
  std::string temporary_;
  int descriptor_;
  std::string buffer_;
};

/// Whether both paths lead to one file, be it there yet or not.
bool is_same_file(const std::string& a, const std::string& b);

}  // namespace mmoe::tools
