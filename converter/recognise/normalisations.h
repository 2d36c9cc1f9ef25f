// Softmax and norms: functions of a whole vector, as one node or written out.
#pragma once

#include <optional>

#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {

/// Numbers divided by the length of the vector that they are of (L2 normalisation), which must be kept above 0: half of
/// the columns of a layer norm of the vector and its negative.
std::optional<TensorValue> find_unit_length(const NodeCall& call, const TensorValue& rows, const Vector& divisors);

/// Dot products divided by the lengths of both vectors: those of the vectors divided by their own lengths.
std::optional<TensorValue> find_cosine(const NodeCall& call, const TensorValue& rows, const Vector& divisors);

/// `centred` divided by `divisors`, element by element, where that is a vector's layer norm: its deviations from its
/// mean by the root of their mean square plus a constant.
std::optional<TensorValue> find_layer_norm(const NodeCall& call, const TensorValue& centred, const Vector& divisors);

/// Sums of x w and b - m w, where w is c / d, and (x - m) / d a layer norm: that norm, times c, plus b.
std::optional<TensorValue> find_spread_layer_norm(const NodeCall& call, const Expression& sums,
                                                  const TensorValue& like);

/// Products exp(x) m divided by their sum and a constant, where m is 1 or 0 in every row: a softmax of what m leaves
/// in.
std::optional<TensorValue> find_softmax_of_exponentials(const NodeCall& call, const TensorValue& rows,
                                                        const Vector& divisors);

/// `rows` divided by `divisors` where these are the sum of all of a softmax, which is 1, plus a constant.
std::optional<TensorValue> find_softmax_sum(const NodeCall& call, const TensorValue& rows, const Vector& divisors);

}  // namespace mmoe::converter
