// The bytes of a file, or of standard input.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mmoe::tools {

/// A stream of bytes whose first ones can be looked at before they are read. One thread.
class ByteSource {
 public:
  /// "-" is standard input. Throws ToolError naming the file.
  explicit ByteSource(const std::string& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// The path, or "standard input": how messages begin.
  const std::string& name() const { return name_; }

  /// What comes next, at least `size` bytes of it unless the source ends before; does not consume it.
  std::string_view peek(std::size_t size);
  void skip(std::size_t size);

  /// Reads and consumes what is there, waiting only if there is nothing. Empty at the end. The bytes stay
  /// until the next call.
  std::string_view next();

  /// Reads exactly `size` bytes, or fewer at the end; returns how many.
  std::size_t read(void* to, std::size_t size);

 private:
  bool refill();

  std::string name_;
  int descriptor_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  ///< what is not consumed yet: buffer_[begin_, end_)
  std::size_t end_ = 0;
};

}  // namespace mmoe::tools
