// What norms consist of where they are written out: sums, means and lengths of vectors.
#pragma once

#include <optional>
#include <vector>

#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {

/// Of a sum; null where the scalar is none.
const std::vector<Term>* terms_of_sum(const Expressions& expressions, Ref ref);

/// a b of a sum that is that product alone; null where it is another.
const Term* single_product(const Expressions& expressions, Ref ref);
/// The product that a term is, or that the sum is which it is of.
const Term* product_in(const Expressions& expressions, const Term& term);

/// What the mean is of, in the order in which it is summed; empty when the scalar, times `scale`, is no mean. A sum
/// that is divided is one too.
Vector mean_of(const Expressions& expressions, Ref ref, double scale = 1);
/// The vector of a mean of squares, in the same way.
Vector mean_of_squares(const Expressions& expressions, Ref ref, double scale);
/// The vector of a sum of squares. Empty: it is none.
Vector vector_of_squares(const Expressions& expressions, Ref sum);

/// A vector, what its elements are less their mean, and the constant that is added to their mean square.
struct Deviations {
  Vector vector, centred;
  double epsilon = 0;
};

/// Of sqrt(mean of (x - mean of x)^2 + epsilon).
std::optional<Deviations> deviations_of(const Expressions& expressions, Ref divisor);

uint32_t add_layer_norm(const NodeCall& call, const Vector& vector, LayerNorm norm);

/// A vector next to its negative has the mean 0: the layer norm of both divides by the root of its mean square. They
/// alternate, so that the sum is 0 again behind each pair, exactly; the vector's are the columns 0, 2, 4, ...
uint32_t add_scaled_length(const NodeCall& call, const Vector& vector, double scale, double epsilon);

}  // namespace mmoe::converter
