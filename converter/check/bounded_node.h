// Operations of nodes over numbers with bounds. Every product and every sum of kernels/combine.h is one rounding: a sum
// of n terms is wrong by what its terms are and by gamma(n) times the sum of their absolute values.
#pragma once

#include <vector>

#include "converter/check/bounded.h"

namespace mmoe::converter {

/// What a node that is no MLP gives. REQUIRES: the inputs' widths are as Node says.
Numbers run_operation(const Node& node, const std::vector<Numbers>& inputs);

}  // namespace mmoe::converter
