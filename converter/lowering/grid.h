// Weights that are whole numbers times a scale, although a file has them as floats: what was quantised in training.
#pragma once

#include <cstddef>
#include <optional>

#include "converter/model/model.h"

namespace mmoe::converter {

constexpr int kLowestI8 = -128;    ///< with f32 inputs
constexpr int kLowestW8A8 = -127;  ///< kernels change the sign of a weight

/// A scale of which each of `weights` is a multiple by a whole number from `lowest` to 127, to the rounding of floats.
/// 0 where all are zeros; nothing where there is none. Of several it is the largest. Where the weights are such
/// products, each rounded to a float, they are so of this scale.
std::optional<float> grid_scale(const float* weights, size_t count, int lowest);

/// Whether every output's weights have one.
bool is_on_grid(const Matrix& weight, int lowest);

}  // namespace mmoe::converter
