// What a raw number may become before it is scaled: logarithms, roots, powers.
//
// The C library's functions differ in their last bits between machines. These are additions, multiplications and
// divisions of double, in one order and never fused, and the result is rounded to float once. So they have the same
// bits on every machine, with and without a fused multiply-add, and in every kernel set.
#pragma once

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
  kIsMissing
};

/// The float next to function(x), or, where that is nearly halfway between two floats, either: at most half a unit in
/// the last place, and 2^-40 of the result, from it. NaN stays NaN. Outside of the domain: log and log10 of 0 are
/// -infinity, of less NaN; so is log1p at -1; sqrt of less than 0 is NaN. kPower: x^exponent; of 0 it is 0, or infinity
/// for a negative exponent; of less than 0 it is NaN unless the exponent is a whole number. kSignedLog1p: log1p of |x|
/// with the sign of x. kIsMissing: 1 of NaN, else 0. REQUIRES: exponent is finite, and not 0.
float apply(NumberFunction function, float exponent, float x);

}  // namespace mmoe::kernels
