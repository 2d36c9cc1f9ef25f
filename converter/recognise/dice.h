// Dice (Zhou et al., KDD 2018), which exporters write out: x p + (1 - p) slope x, p = sigmoid of a batch norm of x.
#pragma once

#include <optional>

#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {

/// The sums, of a new node, where each is that of its own number.
std::optional<TensorValue> find_dice(const NodeCall& call, const Expression& sums, const TensorValue& like);

}  // namespace mmoe::converter
