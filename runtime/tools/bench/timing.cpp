#include "runtime/tools/bench/timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#ifdef __linux__
#include <sched.h>
#endif

namespace mmoe::tools {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double time_batch(const std::function<void()>& body, std::size_t calls) {
  const Clock::time_point start = Clock::now();
  for (std::size_t i = 0; i < calls; ++i) body();
  return seconds_since(start) / static_cast<double>(calls);
}

}  // namespace

double quantile(std::vector<double> samples, double q) {
  std::sort(samples.begin(), samples.end());
  const double at = q * static_cast<double>(samples.size() - 1);
  return samples[static_cast<std::size_t>(std::lround(at))];
}

Timing time_calls(const std::function<void()>& body, const TimingOptions& options) {
  const Clock::time_point warm_up = Clock::now();
  double one_call = time_batch(body, 1);
  while (seconds_since(warm_up) < options.warm_up_seconds) one_call = std::min(one_call, time_batch(body, 1));
  Timing timing;
  timing.calls_per_sample = static_cast<std::size_t>(std::max(1.0, std::ceil(options.sample_seconds / one_call)));
  std::vector<double> samples;
  const Clock::time_point start = Clock::now();
  while (samples.size() < 5 || seconds_since(start) < options.seconds) {
    samples.push_back(time_batch(body, timing.calls_per_sample));
  }
  timing.num_samples = samples.size();
  timing.median = quantile(samples, 0.5);
  timing.p99 = quantile(samples, 0.99);
  timing.best = quantile(samples, 0);
  return timing;
}

bool pin_to_cpu(int cpu) {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
#else
  (void)cpu;
  return false;
#endif
}

}  // namespace mmoe::tools
