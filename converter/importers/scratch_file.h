// What a weights file has to be unpacked to before it can be read in parts: a file without a name, that goes with the
// process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mmoe::converter {

/// Up to kLargestInMemory expected bytes in memory, more in a file of the folder for temporary files (TMPDIR, else
/// /var/tmp, else /tmp; in memory where none of them can be written), so that the process's own memory does not grow
/// with it.
class ScratchFile {
 public:
  static constexpr uint64_t kLargestInMemory = uint64_t{1} << 20;

  /// Throws ConvertError when it cannot be made.
  explicit ScratchFile(uint64_t expected_bytes);
  ~ScratchFile();
  ScratchFile(ScratchFile&& other) noexcept;
  ScratchFile& operator=(ScratchFile&&) = delete;

  /// Throws ConvertError naming the folder when it is full.
  void append(const void* data, size_t bytes);

  /// In place of what has been appended there.
  void replace(uint64_t offset, const void* data, size_t bytes);

  /// Everything, mapped; nothing is appended afterwards. The text stays at its place as long as this lives, even moved.
  std::string_view map();

  int descriptor() const { return fd_; }

 private:
  [[noreturn]] void fail(const char* what) const;

  std::string folder_;  // "" where it is in memory
  int fd_ = -1;
  const char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace mmoe::converter
