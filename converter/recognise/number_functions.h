// Functions of a number of the graph's inputs that no layer computes, but a feature: logarithms, roots, signs.
#pragma once

#include <optional>

#include "converter/recognise/scalar_algebra.h"

namespace mmoe::converter {

/// scale * x + shift, with x what a feature makes of the number `input`.
struct FunctionOfNumber {
  Ref input;
  Scaling scaling;
  double scale = 1, shift = 0;
};

/// The function as one of a feature's of the algebra's variable, `input` being left out; nothing where layers compute
/// it or where no feature does.
std::optional<FunctionOfNumber> match_number(ScalarAlgebra& algebra, const Polynomial& function);

/// The same of a scalar that depends on one number of the graph's inputs.
std::optional<FunctionOfNumber> function_of_number(const Expressions& expressions, Ref ref);

}  // namespace mmoe::converter
