// Activations that are written out in several nodes, found by what they calculate.
#pragma once

#include <optional>

#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {

/// y = output_scale * activation(input_scale * x + input_shift) + output_shift
struct ScalarFunction {
  ActivationKind kind = ActivationKind::kIdentity;
  float alpha = 0, beta = 0;  ///< as ActivationKind says
  double input_scale = 1, input_shift = 0;
  double output_scale = 1, output_shift = 0;
};

/// `rows`, of a new node; where all its scalars calculate the same activation of one other scalar each, however many
/// nodes that takes, what is given reads those scalars directly by that activation.
TensorValue simplify(const NodeCall& call, TensorValue rows);

}  // namespace mmoe::converter
