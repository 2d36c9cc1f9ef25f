// A line on the terminal while a large file is read or written.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mmoe::converter {

/// "3.2 GB written, 850 MB/s" on standard error, where that is a terminal, after a second and then twice a second.
class ByteProgress {
 public:
  /// `done`: what has been done with the bytes.
  explicit ByteProgress(std::string done);
  ~ByteProgress() { clear(); }
  ByteProgress(const ByteProgress&) = delete;
  ByteProgress& operator=(const ByteProgress&) = delete;

  void add(uint64_t bytes);
  /// Erases the line, so that a message can take its place.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  std::string done_;
  bool terminal_;
  bool shown_ = false;
  uint64_t bytes_ = 0;
  Clock::time_point start_;
  Clock::time_point next_;
};

}  // namespace mmoe::converter
