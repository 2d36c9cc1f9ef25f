#include "kernels/number_functions.h"

#include <cmath>
#include <cstdint>

namespace mmoe::kernels {
namespace {

constexpr double kNan = __builtin_nan("");
constexpr double kInfinity = __builtin_huge_val();
constexpr double kLargest = 0x1.fffffep127;  // float
constexpr double kLn2 = 0.693147180559945309417;
constexpr double kLn10 = 2.302585092994045684018;
constexpr double kLog2E = 1.442695040888963407360;
// ln 2 in two parts, the first of 32 bits, so that its product with a whole number of 10 bits is exact.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kSqrtHalf = 0.707106781186547524401;
constexpr double kSqrt2 = 1.414213562373095048802;

template <class To, class From>
To bits_of(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}

template <int kSize>
double polynomial(const double (&coefficients)[kSize], double x) {
  double sum = coefficients[0];
  for (int i = 1; i < kSize; ++i) sum = sum * x + coefficients[i];
  return sum;
}

// 2 artanh(s) = 2 s (1 + s^2 / 3 + s^4 / 5 + ...). For |s| <= 0.1716, as below, the terms behind the tenth are 2^-55 of
// the sum.
constexpr double kArtanh[] = {1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11,
                              1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0};

double twice_artanh(double s) { return 2 * s * polynomial(kArtanh, s * s); }

// log(x), relative error below 2^-49. x = 2^n m with m from sqrt(1/2) to sqrt(2), log(m) = 2 artanh((m - 1) / (m + 1)).
// In units of 2^-53: the quotient has an error of 2, the series one of 2.2, both of a number of at most 0.35; n ln 2
// one of 2 of at most twice the result; the sum one of 1.
double log_of(double x) {
  if (!(x > 0)) return x == 0 ? -kInfinity : kNan;
  if (!(x < kInfinity)) return x;
  const auto bits = bits_of<std::uint64_t>(x);  // no float is subnormal as a double
  int n = static_cast<int>(bits >> 52) - 1023;
  double m = bits_of<double>((bits & ((std::uint64_t{1} << 52) - 1)) | std::uint64_t{1023} << 52);
  if (m > kSqrt2) {
    m *= 0.5;
    ++n;
  }
  return n * kLn2 + twice_artanh((m - 1) / (m + 1));
}

// log(1 + x): near 0 from x itself, since 1 + x would lose its last bits; else 1 + x is rounded by 2^-53 of at least
// 0.7, whose logarithm is at least 0.34.
double log1p_of(double x) {
  const double sum = 1 + x;
  return sum > kSqrtHalf && sum < kSqrt2 ? twice_artanh(x / (2 + x)) : log_of(sum);
}

constexpr double kExp[] = {
    1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
    1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       1.0 / 2,      1.0,         1.0};

// e^x, relative error below 2^-50 beside what an error of x makes of it: e^x = 2^n e^r, |r| <= 0.35, and the terms of
// e^r behind the fourteenth are less than 2^-57.
double exp_of(double x) {
  if (!(x > -104)) return x == x ? 0 : x;  // half of the smallest float is e^-103.97
  if (x > 89) return kInfinity;            // the largest is e^88.73
  const int n = static_cast<int>(x * kLog2E + (x < 0 ? -0.5 : 0.5));
  const double r = (x - n * kLn2High) - n * kLn2Low;
  return polynomial(kExp, r) * bits_of<double>(static_cast<std::uint64_t>(n + 1023) << 52);
}

// Floats from 2^24 on are whole and even.
bool is_whole(float x) { return !(std::fabs(x) < 0x1p24f) || static_cast<float>(static_cast<std::int32_t>(x)) == x; }
bool is_odd(float x) { return std::fabs(x) < 0x1p24f && static_cast<std::int32_t>(x) % 2 != 0; }

// The product is exact enough: of an exponent of at most 104 in magnitude, 2^-48.9 is 2^-42.
double power(double x, float exponent) {
  if (x == 0) return exponent > 0 ? 0 : kInfinity;
  const double factor = static_cast<double>(exponent);
  if (!(x < 0)) return exp_of(factor * log_of(x));
  if (!is_whole(exponent)) return kNan;
  const double size = exp_of(factor * log_of(-x));
  return is_odd(exponent) ? -size : size;
}

// Rounded to nearest; what exceeds a float is infinite.
float rounded(double x) {
  constexpr float kTooLarge = __builtin_huge_valf();
  return x > kLargest ? kTooLarge : x < -kLargest ? -kTooLarge : static_cast<float>(x);
}

double apply_to(NumberFunction function, float exponent, double x) {
  switch (function) {
    case NumberFunction::kIdentity: break;
    case NumberFunction::kIsMissing: return 0;
    case NumberFunction::kSqrt: break;  // by apply()
    case NumberFunction::kLog: return log_of(x);
    case NumberFunction::kLog1p: return log1p_of(x);
    case NumberFunction::kLog10: return log_of(x) / kLn10;
    case NumberFunction::kAbs: return x < 0 ? -x : x;
    case NumberFunction::kPower: return power(x, exponent);
    case NumberFunction::kSignedLog1p: return x < 0 ? -log1p_of(-x) : log1p_of(x);
  }
  return x;
}

}  // namespace

float apply(NumberFunction function, float exponent, float x) {
  if (x != x) return function == NumberFunction::kIsMissing ? 1 : x;
  if (function == NumberFunction::kSqrt) return x < 0 ? __builtin_nanf("") : std::sqrt(x);
  return rounded(apply_to(function, exponent, static_cast<double>(x)));
}

}  // namespace mmoe::kernels
