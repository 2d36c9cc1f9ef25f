// How long a call takes.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace mmoe::tools {

/// Times of one call, in seconds.
struct Timing {
  double median = 0;
  double p99 = 0;
  double best = 0;
  std::size_t num_samples = 0;
  std::size_t calls_per_sample = 0;
};

struct TimingOptions {
  double seconds = 0.5;  ///< measuring, after the warm-up
  double warm_up_seconds = 0.1;
  double sample_seconds = 1e-4;  ///< calls shorter than this are timed several at a time
};

/// Calls `body` again and again.
Timing time_calls(const std::function<void()>& body, const TimingOptions& options = {});

/// The quantile of some samples, 0 <= q <= 1.
double quantile(std::vector<double> samples, double q);

/// Keeps this thread on one processor. False where the system does not allow it.
bool pin_to_cpu(int cpu);

}  // namespace mmoe::tools
