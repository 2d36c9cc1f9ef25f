#include "runtime/tools/support/progress.h"

#include <unistd.h>
#include <algorithm>
#include <cstdio>

#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

constexpr std::chrono::milliseconds kDelay{1000};
constexpr std::chrono::milliseconds kInterval{500};

}  // namespace

Progress::Progress() : terminal_(isatty(STDERR_FILENO) != 0), start_(Clock::now()), next_(start_ + kDelay) {}

std::string Progress::figures(std::uint64_t rows, Clock::time_point now) const {
  const double seconds = std::max(1e-9, std::chrono::duration<double>(now - start_).count());
  char time[32];
  std::snprintf(time, sizeof time, "%.1f s", seconds);
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(rows) / seconds);
  return counted(rows, "row") + " in " + time + ", " + with_thousands(rate) + " rows/s";
}

bool Progress::is_due(Clock::time_point now) {
  if (!terminal_ || now < next_) return false;
  next_ = now + kInterval;
  shown_ = true;
  return true;
}

void Progress::show(const std::string& text) {
  if (is_due(Clock::now())) std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
}

void Progress::update(std::uint64_t rows) {
  const Clock::time_point now = Clock::now();
  if (is_due(now)) std::fprintf(stderr, "\r\x1b[K%s", figures(rows, now).c_str());
}

void Progress::clear() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
  shown_ = false;
}

void Progress::finish(std::uint64_t rows, const std::string& done) {
  clear();
  if (terminal_) std::fprintf(stderr, "%s, %s\n", figures(rows, Clock::now()).c_str(), done.c_str());
}

}  // namespace mmoe::tools
