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
  if (x > 700) return kInfinity;           // the largest is e^88.73, which box_cox() divides
  const int n = static_cast<int>(x * kLog2E + (x < 0 ? -0.5 : 0.5));
  const double r = (x - n * kLn2High) - n * kLn2Low;
  return polynomial(kExp, r) * bits_of<double>(static_cast<std::uint64_t>(n + 1023) << 52);
}

// e^x - 1: near 0 by the same series without its last term; else e^x is at most 0.71, or at least 1.41.
double expm1_of(double x) {
  if (!(x > -0.35 && x < 0.35)) return exp_of(x) - 1;
  double sum = 0;
  for (int i = 0; i < 13; ++i) sum = sum * x + kExp[i];
  return sum * x;
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

// (x^exponent - 1) / exponent of a number's logarithm.
double box_cox(double log, double exponent) { return exponent == 0 ? log : expm1_of(exponent * log) / exponent; }

double yeo_johnson(double x, double exponent) {
  return x < 0 ? -box_cox(log1p_of(-x), 2 - exponent) : box_cox(log1p_of(x), exponent);
}

// The quantile of the normal distribution, relative error below 2^-48 for 1e-7 <= p <= 1 - 1e-7: algorithm AS 241 of
// Wichura (1988), PPND16, whose third range, p < e^-25, is beyond that. Coefficients of numerators, then denominators.
constexpr double kMiddle[][8] = {
    {2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
     1971.5909503065514427, 133.14166789178437745, 3.387132872796366608},
    {5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
     687.1870074920579083, 42.313330701600911252, 1}};
constexpr double kTail[][8] = {
    {7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734},
    {1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1}};

double normal_quantile(double p) {
  constexpr double kMost = 5.199337582605575;  // of 1 - 1e-7
  const double q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(kMiddle[0], r) / polynomial(kMiddle[1], r);
  }
  const double rest = q < 0 ? p : 1 - p;
  double size = kMost;
  if (rest >= 5e-8) {
    const double r = __builtin_sqrt(-log_of(rest)) - 1.6;  // std::sqrt() is a call where nothing is optimised
    size = polynomial(kTail[0], r) / polynomial(kTail[1], r);
  }
  if (!(size < kMost)) size = kMost;
  return q < 0 ? -size : size;
}

// How many of the numbers are below x, or equal to it where `equal`.
std::size_t count_below(const Points& points, double x, bool equal) {
  std::size_t first = 0, size = points.count;
  while (size > 0) {
    const std::size_t half = size / 2;
    const double number = points.data[first + half];
    const bool below = equal ? number <= x : number < x;
    if (below) first += half + 1;
    size = below ? size - half - 1 : half;
  }
  return first;
}

double on_line(const Points& points, double x) {
  const double* results = points.data + points.count;
  const std::size_t last = points.count - 1;
  const std::size_t below = count_below(points, x, false), up_to = count_below(points, x, true);
  if (below == 0) return results[0];
  if (up_to > last) return results[last];
  if (below < up_to) return (results[below] + results[up_to - 1]) * 0.5;
  const double* at = points.data + below - 1;
  const double slope = (results[below] - results[below - 1]) / (at[1] - at[0]);
  return slope * (x - at[0]) + results[below - 1];
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
    case NumberFunction::kYeoJohnson: return yeo_johnson(x, static_cast<double>(exponent));
    case NumberFunction::kBoxCox: return box_cox(log_of(x), static_cast<double>(exponent));
    case NumberFunction::kPoints:  // by interpolate()
    case NumberFunction::kNormalPoints: break;
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

float interpolate(const Points& points, bool normal, float x) {
  if (x != x) return x;
  const double result = on_line(points, static_cast<double>(x));
  return rounded(normal ? normal_quantile(result) : result);
}

}  // namespace mmoe::kernels
