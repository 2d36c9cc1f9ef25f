// Where a model file's bytes go while it is made.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mmoe::converter {

/// A file that grows, and of which written parts can be replaced and read. Errors are thrown.
class ByteSink {
 public:
  virtual ~ByteSink() = default;

  /// Behind everything that has been written.
  virtual void append(const void* data, size_t bytes) = 0;

  /// In place of what has been written there. REQUIRES: offset + bytes is not beyond the end.
  virtual void replace(uint64_t offset, const void* data, size_t bytes) = 0;

  /// Everything that has been written; valid until the next call of another method.
  virtual std::string_view view() = 0;
};

/// A file in memory.
class MemorySink : public ByteSink {
 public:
  void append(const void* data, size_t bytes) override {
    const auto* begin = static_cast<const uint8_t*>(data);
    file_.insert(file_.end(), begin, begin + bytes);
  }

  void replace(uint64_t offset, const void* data, size_t bytes) override {
    std::copy_n(static_cast<const uint8_t*>(data), bytes, file_.begin() + static_cast<std::ptrdiff_t>(offset));
  }

  std::string_view view() override { return {reinterpret_cast<const char*>(file_.data()), file_.size()}; }

  std::vector<uint8_t> take() { return std::move(file_); }

 private:
  std::vector<uint8_t> file_;
};

}  // namespace mmoe::converter
