// Functions that are parts of activations which are written out.
#pragma once

#include <vector>

#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {

/// The function of `arguments`, each with one scalar for every element of `like`: as an activation where it, with what
/// they are calculated of, is one.
TensorValue apply_function(const NodeCall& call, FunctionKind kind, const std::vector<Vector>& arguments,
                           const TensorValue& like);

}  // namespace mmoe::converter
