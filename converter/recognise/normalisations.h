// Softmax and norms: functions of a whole vector, as one node or written out.
#pragma once

#include <optional>

#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {

/// Numbers divided by the length of the vector that they are of (L2 normalisation), which must be kept above 0: half of
/// the columns of a layer norm of the vector and its negative.
std::optional<TensorValue> find_unit_length(const NodeCall& call, const TensorValue& rows, const Vector& divisors);

/// `centred` divided by `divisors`, element by element, where that is a vector's layer norm: its deviations from its
/// mean by the root of their mean square plus a constant.
std::optional<TensorValue> find_layer_norm(const NodeCall& call, const TensorValue& centred, const Vector& divisors);

/// `rows` divided by `divisors` where these are the sum of all of a softmax, which is 1, plus a constant.
std::optional<TensorValue> find_softmax_sum(const NodeCall& call, const TensorValue& rows, const Vector& divisors);

}  // namespace mmoe::converter
