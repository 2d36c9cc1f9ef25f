#include "converter/program/byte_progress.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

namespace mmoe::converter {
namespace {

constexpr std::chrono::milliseconds kDelay{1000};
constexpr std::chrono::milliseconds kInterval{500};

}  // namespace

ByteProgress::ByteProgress(std::string done)
    : done_(std::move(done)), terminal_(isatty(STDERR_FILENO) != 0), start_(Clock::now()), next_(start_ + kDelay) {}

void ByteProgress::add(uint64_t bytes) {
  bytes_ += bytes;
  if (!terminal_) return;
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now + kInterval;
  shown_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const auto count = static_cast<double>(bytes_);
  std::fprintf(stderr, "\r\x1b[K%.1f GB %s, %.0f MB/s", count / 1e9, done_.c_str(), count / 1e6 / seconds);
}

void ByteProgress::clear() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
  shown_ = false;
}

}  // namespace mmoe::converter
