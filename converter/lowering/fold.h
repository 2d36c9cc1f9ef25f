// Folding of what is linear into the weights beside it, in double precision.
#pragma once

#include <vector>

#include "converter/lowering/lowered.h"
#include "converter/model/model.h"

namespace mmoe::converter {

/// Removes the batch norms that weights can take in: one before the activation goes into its own layer, one after it
/// into the next layer. Of the norms that remain (behind the last layer; layer norms; Dice's) each layer then has at
/// most one: layers that hand their inputs on are put in where there are more.
void fold_batch_norms(Mlp& layers);

/// The norm that remains in a layer.
struct Normalisation {
  NormKind kind = NormKind::kNone;
  NormUse use = NormUse::kBeforeActivation;
  std::vector<float> scale, shift;  ///< one per output
  float epsilon = 0;
};
Normalisation normalisation_of(const DenseLayer& layer);

/// Throws ConvertError, naming the layer, when folding has taken a weight beyond the range of a float.
void require_finite(const DenseLayer& layer);

/// Norms of a gate's hidden layers and logits, and its temperature, folded.
void fold_gate(Gate& gate);

}  // namespace mmoe::converter
