// Runs a library that was not made for hostile files in a process of its own, so that a crash, an endless loop or a
// huge allocation of it is an error message and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace mmoe::converter {

/// What the child wrote, in memory that this process alone now holds.
class ChildOutput {
 public:
  /// Takes the file of `size` bytes over by mapping it. Throws ConvertError when it cannot be mapped.
  ChildOutput(int fd, size_t size);
  ~ChildOutput();
  ChildOutput(ChildOutput&& other) noexcept : data_(other.data_), size_(other.size_) { other.data_ = nullptr; }
  ChildOutput& operator=(ChildOutput&&) = delete;

  std::string_view bytes() const { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
};

/// Where the child writes; throws ConvertError beyond the limit.
class ChildSink {
 public:
  explicit ChildSink(int fd) : fd_(fd) {}
  void write(const void* data, size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }

 private:
  int fd_;
};

struct ChildLimits {
  uint64_t memory_bytes = 0;  ///< on top of what the process has; not under a sanitizer, which takes its own
  uint64_t output_bytes = 0;
  unsigned cpu_seconds = 0;
};

/// Calls `work` in a forked child and returns what it wrote. A ConvertError that it throws is thrown here; so is one
/// that says how the child died, beginning with `what` ("the HDF5 library").
ChildOutput run_in_child(const std::function<void(ChildSink&)>& work, const ChildLimits& limits,
                         std::string_view what);

}  // namespace mmoe::converter
