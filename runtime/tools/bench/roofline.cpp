// Compiled with contraction on (CMakeLists.txt), so that a * b + c is one instruction where there is one.
#include "runtime/tools/bench/roofline.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

namespace mmoe::tools {
namespace {

using Clock = std::chrono::steady_clock;

typedef float Vector16 __attribute__((vector_size(16)));
typedef float Vector32 __attribute__((vector_size(32)));
typedef float Vector64 __attribute__((vector_size(64)));

#define MMOE_INLINE inline __attribute__((always_inline))

// Ten chains hide the latency of today's cores (4 cycles, two a cycle: eight) and fit 16 registers.
constexpr std::size_t kChains = 10;

template <class Vector>
MMOE_INLINE float run_fma(std::size_t rounds) {
  Vector chains[kChains];
  for (std::size_t c = 0; c < kChains; ++c) chains[c] = Vector{} + static_cast<float>(c);
  const Vector factor = Vector{} + 0.999f;
  const Vector addend = Vector{} + 0.001f;
  for (std::size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (std::size_t c = 0; c < kChains; ++c) chains[c] = chains[c] * factor + addend;
  }
  Vector sum = chains[0];
  for (std::size_t c = 1; c < kChains; ++c) sum += chains[c];
  return sum[0];
}

// Eight sums, so that the additions are not what is measured. The data is aligned for floats only, and an attribute
// that says so for a vector is lost where that is a template's argument: hence memcpy, which is one load.
template <class Vector>
MMOE_INLINE float run_read(const float* data, std::size_t size) {
  constexpr std::size_t kLanes = sizeof(Vector) / sizeof(float);
  Vector sums[8] = {};
  for (std::size_t i = 0; i + 8 * kLanes <= size; i += 8 * kLanes) {
#pragma GCC unroll 8
    for (std::size_t s = 0; s < 8; ++s) {
      Vector value;
      std::memcpy(&value, data + i + s * kLanes, sizeof value);
      sums[s] += value;
    }
  }
  for (std::size_t s = 1; s < 8; ++s) sums[0] += sums[s];
  return sums[0][0];
}

struct Functions {
  float (*fma)(std::size_t rounds);
  float (*read)(const float* data, std::size_t size);
  std::size_t lanes;
};

float fma_baseline(std::size_t rounds) { return run_fma<Vector16>(rounds); }
float read_baseline(const float* data, std::size_t size) { return run_read<Vector16>(data, size); }

#if defined(__x86_64__)
__attribute__((target("avx,fma"))) float fma_avx(std::size_t rounds) { return run_fma<Vector32>(rounds); }
__attribute__((target("avx,fma"))) float read_avx(const float* data, std::size_t size) {
  return run_read<Vector32>(data, size);
}
__attribute__((target("avx512f,fma"))) float fma_avx512(std::size_t rounds) { return run_fma<Vector64>(rounds); }
__attribute__((target("avx512f,fma"))) float read_avx512(const float* data, std::size_t size) {
  return run_read<Vector64>(data, size);
}
#endif

Functions functions_for([[maybe_unused]] std::size_t lanes) {
#if defined(__x86_64__)
  if (lanes == 16) return {fma_avx512, read_avx512, 16};
  if (lanes == 8) return {fma_avx, read_avx, 8};
#endif
  return {fma_baseline, read_baseline, 4};
}

volatile float sink;  // what is computed must be wanted

template <class Body>
double best_seconds(std::size_t repeats, Body body) {
  double best = 1e30;
  for (std::size_t i = 0; i < repeats; ++i) {
    const Clock::time_point start = Clock::now();
    sink = body();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

}  // namespace

double peak_flops(std::size_t lanes) {
  const Functions functions = functions_for(lanes);
  constexpr std::size_t kRounds = 300000;
  const double seconds = best_seconds(20, [&] { return functions.fma(kRounds); });
  return static_cast<double>(kRounds * kChains * 2 * functions.lanes) / seconds;
}

double read_bandwidth(std::size_t lanes, std::size_t bytes) {
  const Functions functions = functions_for(lanes);
  const std::size_t size = std::max<std::size_t>(bytes / sizeof(float), 128) / 128 * 128;
  const std::vector<float> data(size, 1.0f);
  const std::size_t rounds = std::max<std::size_t>(1, (std::size_t{1} << 22) / size);
  const double seconds = best_seconds(20, [&] {
    float sum = 0;
    for (std::size_t i = 0; i < rounds; ++i) sum += functions.read(data.data(), size);
    return sum;
  });
  return static_cast<double>(rounds * size * sizeof(float)) / seconds;
}

}  // namespace mmoe::tools
