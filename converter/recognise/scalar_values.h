// Numbers that steps of a graph make of numbers.
#pragma once

#include <optional>
#include <vector>

#include "converter/recognise/expressions.h"

namespace mmoe::converter {

/// What an affine map, a relu, a clamp or a function makes of its arguments in that column; nothing for others.
std::optional<double> value_of(const Expression& expression, uint32_t column, const std::vector<double>& arguments);

}  // namespace mmoe::converter
