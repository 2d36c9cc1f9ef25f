// Numbers with a bound on the rounding error that the runtime's float in their place may carry, and the layers and
// gates of a model over them.
//
// The bounds are running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, ch. 3): beside
// each number of the exact model goes a bound on its distance from the float that the runtime has in its place.
// u = 2^-24 is the unit roundoff of float, gamma(n) = n u / (1 - n u) bounds the product of n factors (1 + d),
// |d| <= u. Double's own rounding is 2^-29 of that, and disappears in the margins of the constants.
//
// Dense layer, y = s * (sum w_i x_i + b - mean) + beta. The runtime's weights are s w_i (batch norm, temperature,
// and a norm after the previous activation are folded in), rounded a few times: kFoldRoundings. Each term passes
// at most n + 1 roundings of the accumulation, with or without fma. With inputs wrong by e_i,
//   |error| <= |s| sum |w_i| e_i + gamma(n + 1 + kFoldRoundings) * M,
//   M = |s| (sum |w_i| (m_i + e_i) + |b| + |mean|) + |beta|,
// where m_i >= |x_i| is the sum of the absolute terms of x_i: a norm after an activation, x = s' a + t', moves
// t' into the next layer's bias, where its rounding counts although s' a and t' may cancel in x.
//
// Weights as a file stores them are exact numbers, so the same bound holds for f16 and bf16. With i8 the sum of whole
// numbers times x is multiplied by the output's scale and the bias is added behind it: two roundings in place of the
// bias's n. w8a8: bounded_w8a8.cpp. Elements of stored tables are computed in float, as the runtime does, and exact.
//
// Activations: the largest slope on [z - e, z + e] times e, plus the kernel's own rounding. Softmax: with logits
// wrong by e_i each weight keeps its value times exp(+-(e_i + max e)), because numerator and denominator each
// change by a factor exp(+-e). Mix: |g x| changes by at most |g| e_x + e_g |x| + e_g e_x, plus its accumulation.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "converter/model/model.h"

namespace mmoe::converter {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kUnit = 1.0 / (1 << 24);
constexpr double kExpRoundings = 4;  // the kernels' e^x, "about 1 ulp", doubled
constexpr double kTiny = 0x1p-125;   // flushed subnormals; e^x below the smallest normal
constexpr double kMaxExponent = 88;  // e^-88 is flushed to 0

/// A value of the exact model, and how far the runtime may be from it.
struct Number {
  double value = 0;
  double error = 0;
  double magnitude = 0;  ///< sum of the absolute terms that lowering may regroup; at least |value|
};

using Numbers = std::vector<Number>;

/// A number that is one term. Infinities and NaN, and what a float cannot hold, have an infinite error.
Number plain(double value, double error);

/// The relative error of n roundings.
double rounding(double n);

/// W x + b of a layer as the file has it, with the type w8a8.
Numbers run_w8a8(const DenseLayer& layer, const Numbers& x);

/// A linear layer, its norms and its activation.
Numbers run_layer(const DenseLayer& layer, const Numbers& x, double temperature = 1);
Numbers run_layers(const Mlp& layers, Numbers x);

/// Over all of `x`, in place.
void layer_norm(const LayerNorm& norm, Numbers& x);

Number sigmoid(const Number& z);
Number clamp(const Number& x, double lower, double upper);
Number scale_and_shift(const Number& x, double scale, double shift);

/// Of all outputs of a layer, whatever the activation.
Numbers apply_activation(const Activation& activation, Numbers outputs);

/// Any activation but Dice, which needs the row. `output`: whose slope it takes.
Number activate(const Activation& activation, size_t output, const Number& z);

/// A task's score from the logits of all towers, or from the scores of the tasks before it.
Number score(const Link& link, const std::vector<Numbers>& logits, const Numbers& earlier);

Numbers softmax(const Numbers& logits);

/// One weight per expert that the gate lists; 0 for one that top-k leaves out.
Numbers gate_weights(const Gate& gate, const Numbers& input);

/// The gate's output stream from the level's experts.
Numbers mix(const Gate& gate, const Numbers& weights, const std::vector<Numbers>& experts);

}  // namespace mmoe::converter
