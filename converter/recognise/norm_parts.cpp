#include "converter/recognise/norm_parts.h"

#include <algorithm>
#include <cmath>

namespace mmoe::converter {

const std::vector<Term>* terms_of_sum(const Expressions& expressions, Ref ref) {
  const Expression& expression = expressions.of(ref);
  return expression.kind == ExpressionKind::kSum ? &expression.terms[ref.column] : nullptr;
}

const Term* single_product(const Expressions& expressions, Ref ref) {
  const std::vector<Term>* terms = terms_of_sum(expressions, ref);
  const bool product =
      terms != nullptr && terms->size() == 1 && terms->front().product && terms->front().coefficient == 1;
  return product ? &terms->front() : nullptr;
}

const Term* product_in(const Expressions& expressions, const Term& term) {
  if (term.coefficient != 1) return nullptr;
  return term.product ? &term : single_product(expressions, term.a);
}

namespace {

/// The terms of a mean, each of which counts 1 / their number of `scale` times the sum; null: it is none.
const std::vector<Term>* terms_of_mean(const Expressions& expressions, Ref ref, double scale) {
  const Scaled scaled = expressions.scaled(ref);
  const std::vector<Term>* terms = terms_of_sum(expressions, scaled.of);
  if (terms == nullptr || scaled.shift != 0) return nullptr;
  const double share = 1 / static_cast<double>(terms->size());
  // To the rounding of a float, in which the share is.
  const bool fits = std::all_of(terms->begin(), terms->end(), [&](const Term& term) {
    return std::fabs(double{term.coefficient} * scaled.scale * scale - share) <= 1.2e-7 * share;
  });
  return fits ? terms : nullptr;
}

}  // namespace

Vector mean_of(const Expressions& expressions, Ref ref, double scale) {
  const std::vector<Term>* terms = terms_of_mean(expressions, ref, scale);
  Vector vector;
  if (terms == nullptr) return vector;
  for (const Term& term : *terms) {
    if (term.product) return {};
    vector.push_back(term.a);
  }
  return vector;
}

Vector mean_of_squares(const Expressions& expressions, Ref ref, double scale) {
  const std::vector<Term>* terms = terms_of_mean(expressions, ref, scale);
  Vector vector;
  if (terms == nullptr) return vector;
  for (const Term& term : *terms) {
    const Term* product = term.product ? &term : single_product(expressions, term.a);
    if (product == nullptr || product->a != product->b) return {};
    vector.push_back(product->a);
  }
  return vector;
}

Vector vector_of_squares(const Expressions& expressions, Ref sum) {
  const std::vector<Term>* terms = terms_of_sum(expressions, sum);
  Vector vector;
  for (size_t i = 0; terms != nullptr && i < terms->size(); ++i) {
    const Term* square = product_in(expressions, (*terms)[i]);
    if (square == nullptr || square->a != square->b) return {};
    vector.push_back(square->a);
  }
  return vector;
}

namespace {

/// x_j of x_j - mean, where the mean is of `vector`, which is learnt from the first.
bool add_deviation(const Expressions& expressions, Ref centred, Deviations& deviations) {
  const std::vector<Term>* terms = terms_of_sum(expressions, centred);
  if (terms == nullptr || terms->size() != 2) return false;
  const Term &value = terms->front(), &mean = terms->back();
  if (value.product || mean.product || value.coefficient != 1 || mean.coefficient != -1) return false;
  if (deviations.centred.empty()) deviations.vector = mean_of(expressions, mean.a);
  const size_t at = deviations.centred.size();
  if (at >= deviations.vector.size() || deviations.vector[at] != value.a) return false;
  if (at > 0 && terms_of_sum(expressions, deviations.centred.front())->back().a != mean.a) return false;
  deviations.centred.push_back(centred);
  return true;
}

}  // namespace

std::optional<Deviations> deviations_of(const Expressions& expressions, Ref divisor) {
  const Expression& root = expressions.of(divisor);
  if (root.kind != ExpressionKind::kFunction || root.function != FunctionKind::kSqrt) return std::nullopt;
  const Scaled variance = expressions.scaled(root.inputs[divisor.column]);
  if (variance.shift < 0) return std::nullopt;
  Deviations deviations;
  deviations.epsilon = variance.shift;
  for (const Ref centred : mean_of_squares(expressions, variance.of, variance.scale)) {
    if (!add_deviation(expressions, centred, deviations)) return std::nullopt;
  }
  const bool whole = !deviations.vector.empty() && deviations.centred.size() == deviations.vector.size();
  return whole ? std::make_optional(std::move(deviations)) : std::nullopt;
}

uint32_t add_layer_norm(const NodeCall& call, const Vector& vector, LayerNorm norm) {
  Expression expression;
  expression.kind = ExpressionKind::kLayerNorm;
  expression.node = call.index;
  expression.inputs = vector;
  expression.columns = vector.size();
  expression.layer_norm = std::move(norm);
  return call.expressions.add(std::move(expression));
}

uint32_t add_scaled_length(const NodeCall& call, const Vector& vector, double scale, double epsilon) {
  const size_t size = vector.size();
  Expression negative;
  negative.kind = ExpressionKind::kAffine;
  negative.node = call.index;
  negative.inputs = vector;
  negative.columns = size;
  negative.norm = {std::vector<float>(size, -1), std::vector<float>(size, 0), std::vector<float>(size, 0),
                   std::vector<float>(size, 1), 0};
  const Vector negatives = call.expressions.all(call.expressions.add(std::move(negative)));
  Vector both;
  for (size_t i = 0; i < size; ++i) both.insert(both.end(), {vector[i], negatives[i]});
  const auto share = static_cast<float>(scale);
  return add_layer_norm(call, both, {std::vector<float>(2 * size, share), std::vector<float>(2 * size, 0), epsilon});
}

}  // namespace mmoe::converter
