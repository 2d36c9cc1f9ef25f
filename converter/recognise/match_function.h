// Which activation a polynomial is.
#pragma once

#include <optional>

#include "converter/recognise/scalar_algebra.h"
#include "converter/recognise/scalar_functions.h"

namespace mmoe::converter {

/// Nothing when it is none that the runtime has. With an identity activation it is linear.
std::optional<ScalarFunction> match_function(ScalarAlgebra& algebra, const Polynomial& function);

}  // namespace mmoe::converter
