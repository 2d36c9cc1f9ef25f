// Sums of products that are a gate's: softmax weights times experts.
#pragma once

#include <map>
#include <vector>

#include "converter/recognise/chains.h"

namespace mmoe::converter {

struct Mixture {
  size_t node = 0;
  Vector logits;                        ///< what the softmax reads; empty: constant weights
  std::vector<float> constant_weights;  ///< one per expert, if there are no logits
  std::vector<Vector> experts;          ///< in the order of the logits
};

/// What the vector of sums mixes. Throws ConvertError naming the node when it is no mixture.
Mixture find_mixture(const Chains& chains, const Expressions& expressions, const Vector& vector);

}  // namespace mmoe::converter
