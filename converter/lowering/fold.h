// Folding of what is linear into the weights beside it, in double precision.
#pragma once

#include "converter/description/model.h"

namespace mmoe::converter {

/// Removes every batch norm of the layers: one before the activation goes into its own layer; one after it
/// into the next layer, or, behind the last, becomes a diagonal layer of its own.
void fold_batch_norms(Mlp& layers);

/// Norms of a gate's hidden layers and logits, and its temperature, folded.
void fold_gate(Gate& gate);

}  // namespace mmoe::converter
