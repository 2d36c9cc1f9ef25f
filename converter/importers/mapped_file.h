// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace mmoe::converter {

/// Owns the mapping. Another program that shortens the file meanwhile makes access to its tail a bus error,
/// as with any mapping.
class MappedFile {
 public:
  /// Of the user, then remembered as an input (runtime/tools/support/input_files.h); or one that this process has made.
  enum class Whose { kUsers, kOwn };

  /// Throws ConvertError, naming `path` and the reason, when it is not a readable, non-empty regular file.
  explicit MappedFile(const std::filesystem::path& path, Whose whose = Whose::kUsers);
  /// Of an open file, which stays the caller's and may be closed afterwards. `path` is for messages.
  MappedFile(int descriptor, const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {data_, size_}; }

 private:
  void map(int descriptor, const std::filesystem::path& path);

  const char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace mmoe::converter
