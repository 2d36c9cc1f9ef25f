// Polynomials of a number that is kept within bounds, as the smooth step of DSelect-k.
#pragma once

#include <optional>
#include <vector>

#include "converter/recognise/scalar_algebra.h"

namespace mmoe::converter {

/// The sum of coefficients[i] c^i, c being the number kept between the bounds.
struct KeptPolynomial {
  double lower = 0, upper = 0;
  std::vector<double> coefficients;
};

/// A function of the algebra's variable that is constant before one number and behind another, and a polynomial that
/// leads from one to the other between them; nothing for others.
std::optional<KeptPolynomial> match_kept_polynomial(const ScalarAlgebra& algebra, const Polynomial& function);

}  // namespace mmoe::converter
