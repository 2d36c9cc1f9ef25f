// What an engine's numbers may do to scores: the limit of its difference from f32.
#pragma once

#include <array>
#include <cstddef>

#include "tests/bench/network.h"
#include "tests/bench/numbers.h"

namespace mmoe::bench {

/// Of every score's difference from the f32 one, by Numbers.
using Limits = std::array<float, kNumNumbers>;

/// Evaluates `rows` rows of x with every weight and every layer's input rounded in the plainest way that engines know,
/// which for 8 bits is one symmetric scale per layer, and compares with f32. The root mean square of the differences
/// tells how much this model makes of such errors. The limit is ten times as much:
///
/// - The errors of a score are sums of many roundings, nearly normal. Of the 4,096 scores of the largest batch, the
///   largest error is about four times the mean square's root.
/// - Engines round in some places with steps of twice this size: weights of 7 bits, where products of 8 bits would
///   saturate; 8 bits for both signs of the inputs of all rows.
///
/// What is left, a fourth, is for scores that are more sensitive than the average. Products that saturate, which AVX2
/// does silently, are an error and not rounding; they are mostly beyond this limit.
///
/// `f32` is the limit for engines that round nothing, and is added to the others.
Limits rounding_limits(const Network& network, const float* x, std::size_t rows, float f32);

}  // namespace mmoe::bench
