// What elementwise operations of several inputs have in common.
#pragma once

#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {

/// Inputs of a node, of which at least one is of rows, broadcast to one shape.
class Operands {
 public:
  explicit Operands(const NodeCall& call);

  TensorValue like;  // without refs

  /// `infinite`: a constant may be.
  Vector refs(size_t which, bool infinite = false) const;
  /// Of comparisons of rows; constants are truth values.
  Vector truths(size_t which) const;

 private:
  Vector whole_numbers(size_t which) const;
  Vector spread(const TensorValue& value, const Vector& source) const;

  const NodeCall& call_;
};

/// scale x + shift of every element.
TensorValue affine_rows(const NodeCall& call, const TensorValue& value, float scale, float shift);

}  // namespace mmoe::converter
