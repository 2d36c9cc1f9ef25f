// Elementary functions over one SIMD register, in the exact sequence of operations that the numerics contract
// fixes. reference.cpp states the same sequences in scalar code.
#pragma once

#include "kernels/constants.h"
#include "kernels/generic/traits.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

template <class Arch>
inline Reg<Arch> multiply_add(const Reg<Arch>& x, const Reg<Arch>& y, const Reg<Arch>& z) {
  return Traits<Arch>::multiply_add(x, y, z);
}

template <class Arch>
inline Reg<Arch> divide(const Reg<Arch>& x, const Reg<Arch>& y) {
  return Traits<Arch>::divide(x, y);
}

/// e^x for x <= 0; 0 below the smallest normal result; NaN for NaN. About 1 ulp.
template <class Arch>
inline Reg<Arch> exp_nonpositive(const Reg<Arch>& x) {
  using B = Reg<Arch>;
  const B n = multiply_add<Arch>(x, B(kLog2E), B(kRoundMagic)) - B(kRoundMagic);
  B r = multiply_add<Arch>(n, B(-kLn2High), x);
  r = multiply_add<Arch>(n, B(-kLn2Low), r);
  B p = B(kExpPoly[0]);
  p = multiply_add<Arch>(p, r, B(kExpPoly[1]));
  p = multiply_add<Arch>(p, r, B(kExpPoly[2]));
  p = multiply_add<Arch>(p, r, B(kExpPoly[3]));
  p = multiply_add<Arch>(p, r, B(kExpPoly[4]));
  p = multiply_add<Arch>(p, r, B(kExpPoly[5]));
  p = multiply_add<Arch>(p, r * r, r) + B(1.0f);
  // Out-of-range n only meets results that the last line replaces, but must convert without undefined bits.
  const B bounded = select(x < B(kExpMin), B(kExpMinN), n);
  return select(x < B(kExpMin), B(0.0f), ldexp(p, Traits<Arch>::to_int(bounded)));
}

template <class Arch>
inline Reg<Arch> negative_abs(const Reg<Arch>& x) {
  return select(x < Reg<Arch>(0.0f), x, -x);
}

/// 1 / (1 + e^-x), by e^-|x| so that neither side overflows.
template <class Arch>
inline Reg<Arch> sigmoid(const Reg<Arch>& x) {
  using B = Reg<Arch>;
  const B z = exp_nonpositive<Arch>(negative_abs<Arch>(x));
  return divide<Arch>(select(x < B(0.0f), z, B(1.0f)), B(1.0f) + z);
}

/// An odd polynomial below 0.625, (1 - e^-2|x|) / (1 + e^-2|x|) above.
template <class Arch>
inline Reg<Arch> tanh(const Reg<Arch>& x) {
  using B = Reg<Arch>;
  const B square = x * x;
  B p = B(kTanhPoly[0]);
  p = multiply_add<Arch>(p, square, B(kTanhPoly[1]));
  p = multiply_add<Arch>(p, square, B(kTanhPoly[2]));
  p = multiply_add<Arch>(p, square, B(kTanhPoly[3]));
  p = multiply_add<Arch>(p, square, B(kTanhPoly[4]));
  const B small = multiply_add<Arch>(p * square, x, x);
  const B negative = negative_abs<Arch>(x);
  const B z = exp_nonpositive<Arch>(negative + negative);
  const B large = divide<Arch>(B(1.0f) - z, B(1.0f) + z);
  const B with_sign = select(x < B(0.0f), -large, large);
  return select(B(-kTanhSmall) < negative, small, with_sign);
}

/// e^x; infinite where e^-x is below the smallest normal number.
template <class Arch>
inline Reg<Arch> exp(const Reg<Arch>& x) {
  using B = Reg<Arch>;
  const B z = exp_nonpositive<Arch>(negative_abs<Arch>(x));
  return select(x < B(0.0f), z, divide<Arch>(B(1.0f), z));
}

/// x tanh(log(1 + e^x)), by e^-|x|.
template <class Arch>
inline Reg<Arch> mish(const Reg<Arch>& x) {
  using B = Reg<Arch>;
  const B z = exp_nonpositive<Arch>(negative_abs<Arch>(x));
  const B twice = z + z;
  const B above = select(x < B(0.0f), z * (z + B(2.0f)), B(1.0f) + twice);
  return x * divide<Arch>(above, above + select(x < B(0.0f), B(2.0f), twice * z));
}

template <class Arch>
inline Reg<Arch> clamp(const Reg<Arch>& x, const Reg<Arch>& lower, const Reg<Arch>& upper) {
  const Reg<Arch> y = select(x < lower, lower, x);
  return select(upper < y, upper, y);
}

template <class Arch>
inline Reg<Arch> hard_sigmoid(const Reg<Arch>& x, const Reg<Arch>& slope, const Reg<Arch>& offset) {
  using B = Reg<Arch>;
  return clamp<Arch>(multiply_add<Arch>(slope, x, offset), B(0.0f), B(1.0f));
}

/// alpha * (e^(x / alpha) - 1) below zero, x elsewhere.
template <class Arch>
inline Reg<Arch> celu(const Reg<Arch>& x, const Reg<Arch>& alpha) {
  using B = Reg<Arch>;
  const B below = select(x < B(0.0f), x, B(0.0f));
  const B curve = alpha * (exp_nonpositive<Arch>(divide<Arch>(below, alpha)) - B(1.0f));
  return select(x < B(0.0f), curve, x);
}

/// alpha * (e^x - 1) below zero, x elsewhere.
template <class Arch>
inline Reg<Arch> elu(const Reg<Arch>& x, const Reg<Arch>& alpha) {
  using B = Reg<Arch>;
  const B below = select(x < B(0.0f), x, B(0.0f));
  const B curve = alpha * (exp_nonpositive<Arch>(below) - B(1.0f));
  return select(x < B(0.0f), curve, x);
}

/// x times the normal distribution function: the tail below zero, what it leaves above.
template <class Arch>
inline Reg<Arch> gelu(const Reg<Arch>& x) {
  using B = Reg<Arch>;
  const B size = -negative_abs<Arch>(x);
  const B t = divide<Arch>(B(1.0f), multiply_add<Arch>(size, B(kTailScale), B(1.0f)));
  B p = B(kTailPoly[0]);
  for (int i = 1; i < 6; ++i) p = multiply_add<Arch>(p, t, B(kTailPoly[i]));
  const B tail = x * (p * t * exp_nonpositive<Arch>(x * x * B(-0.5f)));
  return select(x < B(0.0f), tail, x - tail);
}

template <class Arch>
inline Reg<Arch> gelu_tanh(const Reg<Arch>& x) {
  using B = Reg<Arch>;
  return x * sigmoid<Arch>(x * multiply_add<Arch>(x * x, B(kGeluCubic), B(kGeluLinear)));
}

/// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
template <class Arch>
inline Reg<Arch> softplus(const Reg<Arch>& x) {
  using B = Reg<Arch>;
  const B z = exp_nonpositive<Arch>(negative_abs<Arch>(x));
  const B s = divide<Arch>(z, z + B(2.0f));
  const B square = s * s;
  B p = B(kLogPoly[0]);
  for (int i = 1; i < 5; ++i) p = multiply_add<Arch>(p, square, B(kLogPoly[i]));
  return multiply_add<Arch>(s + s, p, select(x < B(0.0f), B(0.0f), x));
}

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
