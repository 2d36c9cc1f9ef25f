// Comparison of a kernel set with the scalar reference: bits where the contract says bits.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "kernels/activations.h"
#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "tests/unit/random.h"

namespace mmoe::test {

inline bool same_bits(float a, float b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

/// "LeakyRelu"
inline const char* name_of(kernels::Activation activation) {
#define MMOE_NAME(name) #name,
  static constexpr const char* kNames[] = {MMOE_ACTIVATIONS(MMOE_NAME, MMOE_NAME)};
#undef MMOE_NAME
  return kNames[static_cast<std::size_t>(activation)];
}

/// The set avx2vnni with its one instruction replaced (emulated/avx_vnni.h), and those for AVX-512 by AVX2
/// (emulated/without_avx512.py).
const kernels::KernelTable* emulated_avx2vnni();
const kernels::KernelTable* emulated_avx512();
const kernels::KernelTable* emulated_avx512vnni();

/// Every kernel set that this machine can run, and emulated ones.
inline std::vector<const kernels::KernelTable*> all_kernels() {
  std::vector<const kernels::KernelTable*> tables;
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    tables.push_back(table);
  }
#ifdef MMOE_EMULATES_AVX2VNNI
  if (kernels::select_kernels("avx2")) tables.push_back(emulated_avx2vnni());
#endif
#ifdef MMOE_EMULATES_AVX512
  if (kernels::select_kernels("avx2")) {
    tables.push_back(emulated_avx512());
    tables.push_back(emulated_avx512vnni());
  }
#endif
  return tables;
}

/// All but the reference itself.
inline std::vector<const kernels::KernelTable*> tested_kernels() {
  std::vector<const kernels::KernelTable*> tables;
  for (const kernels::KernelTable* table : all_kernels()) {
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

/// One assertion for many elements, which shows the worst of them.
class WorstElement {
 public:
  /// `excess`: how far the element is beyond what is allowed; at most 0 is right, and NaN is as wrong as can be.
  void take(std::size_t index, double found, double expected, double excess) {
    if (excess <= 0) return;
    ++num_wrong_;
    if (std::isnan(excess)) excess = std::numeric_limits<double>::infinity();
    if (excess <= excess_) return;
    index_ = index;
    found_ = found;
    expected_ = expected;
    excess_ = excess;
  }

  void check(const std::string& what) const {
    INFO(what, ": ", num_wrong_, " elements are wrong; the worst, ", index_, ", is ", found_, ", expected ", expected_);
    CHECK(num_wrong_ == 0);
  }

 private:
  std::size_t num_wrong_ = 0, index_ = 0;
  double found_ = 0, expected_ = 0, excess_ = 0;
};

/// Checks that two buffers agree: to the bit where the set has fma, else within `tolerance`, absolutely. The
/// failure message shows the worst element.
inline void check_equal(const kernels::KernelTable& table, const std::vector<float>& found,
                        const std::vector<float>& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  WorstElement worst;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (same_bits(found[i], expected[i]) || flushed(table, found[i], expected[i])) continue;
    const double difference = std::abs(double{found[i]} - double{expected[i]});
    if (!table.fma && difference <= tolerance) continue;
    // Zeros of two signs differ by no more than 0.
    worst.take(i, double{found[i]}, double{expected[i]}, difference == 0 ? 0x1p-149 : difference);
  }
  worst.check("kernel set " + std::string(table.name));
}

}  // namespace mmoe::test
