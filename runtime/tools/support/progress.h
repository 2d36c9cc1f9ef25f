// A line on the terminal for runs that last: rows so far, and rows per second, or a text.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mmoe::tools {

/// Writes to standard error, and only if that is a terminal.
class Progress {
 public:
  Progress();

  /// What is being done. Shows itself as update() does.
  void show(const std::string& text);
  /// `rows` so far. Shows itself after a second and then twice a second.
  void update(std::uint64_t rows);
  /// The last line: `done` after the figures, as "scores written to out.csv".
  void finish(std::uint64_t rows, const std::string& done);
  /// Erases the line, so that a message can take its place.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool is_due(Clock::time_point now);
  std::string figures(std::uint64_t rows, Clock::time_point now) const;

  bool terminal_;
  bool shown_ = false;
  Clock::time_point start_;
  Clock::time_point next_;
};

}  // namespace mmoe::tools
