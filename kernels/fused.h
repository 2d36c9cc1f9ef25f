// x * y + z, rounded once, on one number: with the instruction where there is one, else exactly by double.
#pragma once

namespace mmoe::kernels {

/// The product is exact in double. The sum is rounded to odd (Boldo and Melquiond 2008): what it loses shows in its
/// last bit, and 53 bits are more than 24 + 1, so that rounding it to float is as if rounding once. NaN and infinity
/// leave no error that is larger or smaller than 0.
inline float fused_by_double(float x, float y, float z) {
  const double product = static_cast<double>(x) * static_cast<double>(y);
  double sum = product + static_cast<double>(z);
  const double part = sum - product;
  const double error = (product - (sum - part)) + (static_cast<double>(z) - part);
  if (error > 0 || error < 0) {
    long long bits;
    __builtin_memcpy(&bits, &sum, sizeof bits);
    if ((bits & 1) == 0) bits += (error > 0) == (sum > 0) ? 1 : -1;
    __builtin_memcpy(&sum, &bits, sizeof bits);
  }
  return static_cast<float>(sum);
}

inline float fused(float x, float y, float z) {
#ifdef __FP_FAST_FMAF
  return __builtin_fmaf(x, y, z);
#else
  return fused_by_double(x, y, z);
#endif
}

}  // namespace mmoe::kernels
