// Functions of raw numbers: the bound of their error, what they are at the edges, and their bits on every machine.
#include "kernels/number_functions.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include <doctest/doctest.h>

#include "tests/unit/random.h"

namespace mmoe::kernels {
namespace {

using F = NumberFunction;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();

double box_cox(double log, double exponent) { return exponent == 0 ? log : std::expm1(exponent * log) / exponent; }

double by_library(F function, double exponent, double x) {
  switch (function) {
    case F::kIdentity: break;
    case F::kLog: return std::log(x);
    case F::kLog1p: return std::log1p(x);
    case F::kLog10: return std::log10(x);
    case F::kSqrt: return std::sqrt(x);
    case F::kAbs: return std::fabs(x);
    case F::kPower: return std::pow(x, exponent);
    case F::kIsMissing: return 0;
    case F::kSignedLog1p: return std::copysign(std::log1p(std::fabs(x)), x);
    case F::kBoxCox: return box_cox(std::log(x), exponent);
    case F::kYeoJohnson: return x < 0 ? -box_cox(std::log1p(-x), 2 - exponent) : box_cox(std::log1p(x), exponent);
    case F::kPoints:
    case F::kNormalPoints: break;
  }
  return x;
}

// Any float that is not NaN or infinite, positive.
float any_float(test::Random& random) {
  const auto bits = static_cast<std::uint32_t>(random.next() >> 32) % 0x7f800000u;
  float number;
  std::memcpy(&number, &bits, sizeof number);
  return number;
}

// Half a unit in the last place of a float is at most 2^-24 of it, or 2^-150 where it is subnormal; 2^-40 is what the
// header allows beside it. The library's functions of double are wrong by 2^-52, which disappears in that.
void check_close(F function, float exponent, float x) {
  const double expected = by_library(function, double{exponent}, double{x});
  const float found = apply(function, exponent, x);
  if (std::fabs(expected) > double{kLargest} * (1 + 0x1p-26)) {
    CHECK(found == (expected > 0 ? kInfinity : -kInfinity));
    return;
  }
  const double difference = std::fabs(double{found} - expected);
  const double allowed = std::fabs(expected) * (0x1p-24 + 0x1p-40) + 0x1p-150;
  if (!(difference <= allowed)) {
    CAPTURE(static_cast<int>(function));
    CAPTURE(exponent);
    CAPTURE(x);
    CHECK(difference <= allowed);
  }
}

TEST_CASE("number functions: within half a unit in the last place of the C library's in double") {
  test::Random random(1);
  for (int i = 0; i < 20000; ++i) {
    const float x = any_float(random), near_one = random.uniform(0.5f, 2.0f), usual = random.uniform(0, 1000);
    for (const F function : {F::kLog, F::kLog10, F::kLog1p, F::kSqrt, F::kAbs, F::kSignedLog1p}) {
      for (const float value : {x, near_one, usual}) check_close(function, 1, value);
    }
    for (const float value : {-x, -near_one, -usual}) {
      check_close(F::kAbs, 1, value);
      check_close(F::kSignedLog1p, 1, value);
    }
    check_close(F::kLog1p, 1, -random.uniform(0, 1));
    for (const float exponent : {0.5f, -0.5f, 2.0f, 3.0f, -1.0f, 1.0f / 3, 0.1f, 7.3f, random.uniform(-20, 20)}) {
      for (const float value : {x, near_one, usual}) {
        if (value > 0) check_close(F::kPower, exponent, value);
      }
    }
    for (const float exponent : {1.0f, 2.0f, 3.0f, -1.0f, -4.0f, -7.0f}) check_close(F::kPower, exponent, -near_one);
  }
}

TEST_CASE("number functions: box_cox and yeo_johnson") {
  test::Random random(2);
  for (int i = 0; i < 20000; ++i) {
    const float x = any_float(random), near_one = random.uniform(0.5f, 2.0f), usual = random.uniform(0, 1000);
    for (const float exponent : {0.0f, 1e-6f, 0.5f, 1.0f, 2.0f, -0.7f, 3.1f, random.uniform(-5, 5)}) {
      for (const float value : {x, near_one, usual}) {
        check_close(F::kYeoJohnson, exponent, value);
        check_close(F::kYeoJohnson, exponent, -value);
        if (value > 0) check_close(F::kBoxCox, exponent, value);
      }
    }
  }
  for (const float exponent : {-1.0f, 0.0f, 0.5f, 1.0f, 2.0f}) {
    CHECK(apply(F::kYeoJohnson, exponent, 0) == 0);
    CHECK(apply(F::kBoxCox, exponent, 1) == 0);
    CHECK(std::isnan(apply(F::kBoxCox, exponent, -1)));
    CHECK(std::isnan(apply(F::kYeoJohnson, exponent, kNan)));
  }
  CHECK(apply(F::kYeoJohnson, 1, 3.5f) == 3.5f);
  CHECK(apply(F::kYeoJohnson, 1, -3.5f) == -3.5f);
  CHECK(apply(F::kBoxCox, 0.5f, 0) == -2);
  CHECK(apply(F::kBoxCox, 0, 0) == -kInfinity);
}

TEST_CASE("interpolate: between, at and beyond points, and at steps") {
  const double data[] = {-1, 0.5, 0.5, 0.5, 4, 4, 0, 0.25, 0.5, 0.75, 1, 2};
  const Points points{data, 6};
  const auto at = [&](float x) { return interpolate(points, false, x); };
  CHECK(at(-2) == 0);
  CHECK(at(-1) == 0);
  CHECK(at(-0.25f) == 0.125f);
  CHECK(at(0.5f) == 0.5f);  // the mean of the first and the last
  CHECK(at(std::nextafterf(0.5f, 1)) == doctest::Approx(0.75));
  CHECK(at(2.25f) == 0.875f);
  CHECK(at(4) == 2);  // at the end, the last one
  CHECK(at(5) == 2);
  CHECK(at(-kInfinity) == 0);
  CHECK(at(kInfinity) == 2);
  CHECK(std::isnan(at(kNan)));
  const double first[] = {1, 1, 2, 5, 6, 7};
  CHECK(interpolate({first, 3}, false, 1) == 5);
}

// The distribution function of what is found is the probability: erfc() is exact to its last bits where it is small.
TEST_CASE("interpolate: quantiles of the normal distribution") {
  const double data[] = {0, 1, 0, 1};
  test::Random random(3);
  for (int i = 0; i < 20000; ++i) {
    const float u = random.uniform(0, 1), p = i % 2 == 0 ? u : std::max(1e-6f, u * u * u * u * u);
    const double found = interpolate({data, 2}, true, p), bits = std::fabs(found) * 0x1p-24 + 0x1p-150;
    const auto probability = [](double x) { return 0.5 * std::erfc(-x * std::sqrt(0.5)); };
    CHECK(probability(found - bits * 1.01) <= double{p} * (1 + 1e-14));
    CHECK(probability(found + bits * 1.01) >= double{p} * (1 - 1e-14));
  }
  CHECK(interpolate({data, 2}, true, 0.5f) == 0);
  CHECK(interpolate({data, 2}, true, 0) == -5.199337582605575f);
  CHECK(interpolate({data, 2}, true, 1) == 5.199337582605575f);
  CHECK(interpolate({data, 2}, true, 1e-9f) == -5.199337582605575f);
}

TEST_CASE("number functions: whole results are exact") {
  for (int i = -37; i <= 38; ++i) {
    CHECK(apply(F::kLog10, 1, static_cast<float>(std::pow(10.0, i))) == doctest::Approx(i).epsilon(1e-7));
  }
  for (int i = 0; i <= 10; ++i)
    CHECK(apply(F::kLog10, 1, static_cast<float>(std::pow(10.0, i))) == static_cast<float>(i));
  for (int i = 1; i < 256; ++i) {
    const float x = static_cast<float>(i);
    CHECK(apply(F::kPower, 0.5f, x * x) == x);
    CHECK(apply(F::kPower, 2, x) == x * x);
    CHECK(apply(F::kPower, 3, -x) == -x * x * x);
    CHECK(apply(F::kPower, -1, x) == 1 / x);
    CHECK(apply(F::kSqrt, 1, x * x) == x);
  }
}

TEST_CASE("number functions: zeros, infinities, NaN and what is outside of a domain") {
  for (const F function : {F::kLog, F::kLog1p, F::kLog10, F::kSqrt, F::kAbs, F::kPower, F::kSignedLog1p}) {
    CHECK(std::isnan(apply(function, 2, kNan)));
    CHECK(apply(function, 2, kInfinity) == kInfinity);
    CHECK(apply(function, 2, 1e-30f) == doctest::Approx(by_library(function, 2, 1e-30f)));
  }
  for (const float x : {0.0f, -1.0f, kInfinity, kSmallest}) CHECK(apply(F::kIsMissing, 1, x) == 0);
  CHECK(apply(F::kIsMissing, 1, kNan) == 1);
  CHECK(apply(F::kLog, 1, 0) == -kInfinity);
  CHECK(apply(F::kLog, 1, -0.0f) == -kInfinity);
  CHECK(apply(F::kLog, 1, 1) == 0);
  CHECK(std::isnan(apply(F::kLog, 1, -kSmallest)));
  CHECK(std::isnan(apply(F::kLog, 1, -kInfinity)));
  CHECK(apply(F::kLog10, 1, 0) == -kInfinity);
  CHECK(std::isnan(apply(F::kLog10, 1, -1)));
  CHECK(apply(F::kLog1p, 1, 0) == 0);
  CHECK(apply(F::kLog1p, 1, kSmallest) == kSmallest);
  CHECK(apply(F::kLog1p, 1, -1) == -kInfinity);
  CHECK(std::isnan(apply(F::kLog1p, 1, -1.0000001f)));
  CHECK(std::isnan(apply(F::kSqrt, 1, -kSmallest)));
  CHECK(apply(F::kSqrt, 1, 0) == 0);
  CHECK(apply(F::kAbs, 1, -kInfinity) == kInfinity);
  CHECK(apply(F::kSignedLog1p, 1, -kInfinity) == -kInfinity);
  CHECK(apply(F::kSignedLog1p, 1, 0) == 0);
  CHECK(apply(F::kPower, 0.5f, 0) == 0);
  CHECK(apply(F::kPower, -0.5f, 0) == kInfinity);
  CHECK(std::isnan(apply(F::kPower, 0.5f, -1)));
  CHECK(apply(F::kPower, 3, -kInfinity) == -kInfinity);
  CHECK(apply(F::kPower, -3, kInfinity) == 0);
  CHECK(apply(F::kPower, 0x1p30f, -1) == 1);  // whole and even
  CHECK(apply(F::kPower, 2, kLargest) == kInfinity);
  CHECK(apply(F::kPower, 3, -kLargest) == -kInfinity);
  CHECK(apply(F::kPower, 2, 1e-30f) == 0);
  CHECK(apply(F::kPower, 1, kLargest) == kLargest);
  CHECK(apply(F::kPower, 1, kSmallest) == kSmallest);
}

// The sum of the results' bits, which the same sequence of operations gives on every machine.
TEST_CASE("number functions: the same bits on every machine") {
  test::Random random(2);
  std::uint64_t sum = 0;
  for (int i = 0; i < 5000; ++i) {
    const float x = any_float(random), usual = random.uniform(0, 50);
    for (const F function : {F::kLog, F::kLog1p, F::kLog10, F::kSqrt, F::kPower, F::kSignedLog1p}) {
      for (const float value : {x, usual}) {
        const float result = apply(function, 0.37f, value);
        std::uint32_t bits;
        std::memcpy(&bits, &result, sizeof bits);
        sum = sum * 0x100000001b3u + bits;
      }
    }
  }
  CHECK(sum == 1985810393157822023u);
}

}  // namespace
}  // namespace mmoe::kernels
