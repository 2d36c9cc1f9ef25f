// Top-k gates, in the ways in which they are written: the k largest logits, or weights, are put back to their places
// among zeros or minus infinities, or a mask is made of them.
#pragma once

#include <optional>

#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {

/// Whether each index of a gate's k largest is a number, as `equal` has it for ids: 1 or 0. Nothing for ids of inputs.
std::optional<TensorValue> compare_places(const NodeCall& call, const Expression& equal, const TensorValue& like);

/// Sums of weights at the places of a gate's k largest, each weight times whether its place is the sum's.
std::optional<TensorValue> find_scattered(const NodeCall& call, const Expression& sums, const TensorValue& like);

/// The first of the k largest are the largest of fewer.
Vector first_of_largest(const NodeCall& call, const Vector& vector);

/// A softmax over logits of which all but the k largest are minus infinity becomes one with top_k.
void select_top_k(const Expressions& expressions, Expression& softmax);

/// Where(mask, logits, minus infinity), with a mask of the k largest, or Where(logits < the k-th largest, minus
/// infinity, logits); nothing for other conditions.
std::optional<TensorValue> mask_by_top_k(const NodeCall& call);

/// The products of a softmax's columns and the mask of its k largest, or of its k largest logits.
std::optional<TensorValue> select_by_mask(const NodeCall& call, const Expression& products, const TensorValue& like);

/// The k largest of a softmax, divided by their sum: the softmax of the k largest logits.
std::optional<TensorValue> find_softmax_of_top_k(const NodeCall& call, const TensorValue& rows, const Vector& divisors);

}  // namespace mmoe::converter
