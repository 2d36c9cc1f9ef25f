// What the operations of gates that select their k largest have in common.
#pragma once

#include <optional>
#include <vector>

#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {

/// Whether the vector is all of one expression of this kind, in order.
bool is_all_of(const Expressions& expressions, const Vector& vector, ExpressionKind kind);

uint32_t add_selection(const NodeCall& call, ExpressionKind kind, const Vector& inputs, size_t columns, size_t top_k,
                       TopKMode mode = TopKMode::kSoftmaxOfTopK);

/// Of a constant, also one that is rows; nothing when its elements differ.
std::optional<float> only_value(const NodeCall& call, size_t which);

/// What a gate's vector becomes when `updates` are put to the places of its k largest among `fill`; nothing when it is
/// no gate's. `ones`: the updates are that.
std::optional<Vector> scattered(const NodeCall& call, const Expression& index, float fill, const Vector& updates,
                                bool ones);

Vector take(const Vector& refs, const std::vector<size_t>& positions);

/// Calls `visit(positions)` with the positions of every vector along the axis.
template <typename Visit>
void for_each_vector(const std::vector<size_t>& shape, size_t axis, Visit visit) {
  size_t inner = 1;
  for (size_t i = axis + 1; i < shape.size(); ++i) inner *= shape[i];
  const size_t size = shape[axis], count = count_elements(shape);
  if (size == 0) return;
  for (size_t at = 0; at < count; at += size * inner) {
    for (size_t k = 0; k < inner; ++k) {
      std::vector<size_t> positions;
      for (size_t i = 0; i < size; ++i) positions.push_back(at + i * inner + k);
      visit(positions);
    }
  }
}

/// Rows of a table of ones and zeros, or places of a gate's k largest.
NodeResults one_hot(const NodeCall& call);
/// The place of the largest.
NodeResults arg_max(const NodeCall& call);

/// exp() of it is 0 beside that of any logit of a trained gate.
constexpr float kMinusInfinity = -1e4f;

}  // namespace mmoe::converter
