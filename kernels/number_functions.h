// What a raw number may become before it is scaled: logarithms, roots, powers.
//
// The C library's functions differ in their last bits between machines. These are additions, multiplications and
// divisions of double, in one order and never fused, and the result is rounded to float once. So they have the same
// bits on every machine, with and without a fused multiply-add, and in every kernel set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mmoe::kernels {

/// Numbered like NumberFunction of the model file, which runtime/src/model/same_numbers.cpp makes sure of.
enum class NumberFunction : std::uint8_t {
  kIdentity,
  kLog,
  kLog1p,
  kLog10,
  kSqrt,
  kAbs,
  kPower,
  kSignedLog1p,
  kIsMissing,
  kYeoJohnson,
  kBoxCox,
  kPoints,
  kNormalPoints
};

/// What kPoints and kNormalPoints go by: [2, count], ascending numbers, then a result for each. REQUIRES: count > 1.
struct Points {
  const double* data;
  std::size_t count;
};

/// The float next to function(x), or, where that is nearly halfway between two floats, either: at most half a unit in
/// the last place, and 2^-40 of the result, from it. NaN stays NaN. Outside of the domain: log and log10 of 0 are
/// -infinity, of less NaN; so is log1p at -1; sqrt of less than 0 is NaN. kPower: x^exponent; of 0 it is 0, or infinity
/// for a negative exponent; of less than 0 it is NaN unless the exponent is a whole number. kSignedLog1p: log1p of |x|
/// with the sign of x. kIsMissing: 1 of NaN, else 0. kBoxCox: (x^exponent - 1) / exponent, the logarithm where that is
/// 0; of less than 0 it is NaN. kYeoJohnson: the same of 1 + x, for x below 0 minus that of 1 - x and 2 - exponent.
/// REQUIRES: exponent is finite, of kPower not 0; the function goes by no points.
float apply(NumberFunction function, float exponent, float x);

/// On the line between the points on both sides of x; before the first and behind the last what they give. Where
/// several have the number x: the mean of what the first and the last of them give; of the first (last) number of all
/// what the first (last) point gives. NaN stays NaN. `normal`: of the result the quantile of the normal distribution,
/// within 5.199337582605575 of 0 (scikit-learn's QuantileTransformer).
float interpolate(const Points& points, bool normal, float x);

}  // namespace mmoe::kernels
