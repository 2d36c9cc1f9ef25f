// Comparison of a kernel set with the scalar reference: bits where the contract says bits.
#pragma once

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "tests/unit/random.h"

namespace mmoe::test {

inline bool same_bits(float a, float b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

/// Every kernel set that this machine can run, but the reference itself.
inline std::vector<const kernels::KernelTable*> tested_kernels() {
  std::vector<const kernels::KernelTable*> tables;
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    if (std::string(table->name) != "scalar") tables.push_back(table);
  }
  return tables;
}

inline const kernels::KernelTable& reference() { return *kernels::select_kernels("scalar"); }

/// ARMv7 NEON and Cortex-M's MVE know no subnormals: 0 instead, of either sign. So is what a factor below 16 would have
/// made of one: GELU multiplies a share that may be subnormal by x, above -16 where the share is not 0.
inline bool flushed(const kernels::KernelTable& table, float found, float expected) {
  return table.flushes && found == 0 && std::abs(expected) < 0x1p-122f;
}

/// Makes an absolute tolerance one of max(1, |expected|), for a set without fma whose errors grow with the result.
inline void make_relative(const kernels::KernelTable& table, std::vector<float>& found, std::vector<float>& expected) {
  for (std::size_t i = 0; i < found.size() && !table.fma; ++i) {
    const float size = std::abs(expected[i]);
    if (!(size > 1) || std::isinf(size)) continue;
    found[i] /= size;
    expected[i] /= size;
  }
}

/// Checks that two buffers agree: to the bit where the set has fma, else within `tolerance`, absolutely. The
/// failure message shows the worst element.
inline void check_equal(const kernels::KernelTable& table, const std::vector<float>& found,
                        const std::vector<float>& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  std::size_t worst = 0;
  double largest = -1;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (same_bits(found[i], expected[i]) || flushed(table, found[i], expected[i])) continue;
    const double difference = std::abs(double{found[i]} - double{expected[i]});
    if (!table.fma && difference <= tolerance) continue;
    if (!(difference <= largest)) {
      worst = i;
      largest = difference;
    }
  }
  INFO("kernel set ", std::string(table.name), ": worst element ", worst, " is ", found[worst], ", expected ", expected[worst]);
  CHECK(largest == -1);
}

}  // namespace mmoe::test
