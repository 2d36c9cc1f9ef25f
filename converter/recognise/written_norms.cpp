// Norms that are written out in several operations.
#include <algorithm>
#include <cmath>
#include <map>

#include "converter/recognise/norm_parts.h"
#include "converter/recognise/normalisations.h"

namespace mmoe::converter {
namespace {

// A length that is divided by is kept above one up to the first, where a row's is never; the square of the second is
// added instead, which is less than the rounding of the square of any length of 1e-8 or more.
constexpr double kLeastLength = 1e-6, kNoLength = 1e-24;
// The same of the product of two lengths: that of two vectors of 1e-4 each may be kept from being 0.
constexpr double kLeastProduct = 1e-8;

}  // namespace

std::optional<TensorValue> find_layer_norm(const NodeCall& call, const TensorValue& centred, const Vector& divisors) {
  struct Norm {
    uint32_t expression;
    std::map<Ref, uint32_t> columns;  // of the deviations
  };
  std::map<Ref, Norm> norms;  // by their divisors
  TensorValue result = centred;
  for (size_t i = 0; i < divisors.size(); ++i) {
    auto known = norms.find(divisors[i]);
    if (known == norms.end()) {
      const std::optional<Deviations> deviations = deviations_of(call.expressions, divisors[i]);
      if (!deviations) return std::nullopt;
      const size_t width = deviations->vector.size();
      Norm norm;
      norm.expression =
          add_layer_norm(call, deviations->vector,
                         {std::vector<float>(width, 1.0f), std::vector<float>(width, 0.0f), deviations->epsilon});
      for (size_t k = 0; k < width; ++k) norm.columns.emplace(deviations->centred[k], static_cast<uint32_t>(k));
      known = norms.emplace(divisors[i], std::move(norm)).first;
    }
    const auto column = known->second.columns.find(centred.refs[i]);
    if (column == known->second.columns.end()) return std::nullopt;
    result.refs[i] = {known->second.expression, column->second};
  }
  return result;
}

namespace {

/// One sum's number of a layer norm.
struct SpreadNorm {
  Ref divisor, centred;
  double scale = 1, shift = 0;
};

/// x w + (b - m w)
std::optional<SpreadNorm> spread_norm(const Expressions& expressions, Ref first, Ref second) {
  const Scaled shifted = expressions.scaled(second);
  const Term *xw = single_product(expressions, first), *mw = single_product(expressions, shifted.of);
  if (xw == nullptr || mw == nullptr || shifted.scale != 1) return std::nullopt;
  for (const bool swapped : {false, true}) {
    const Ref x = swapped ? xw->b : xw->a, w = swapped ? xw->a : xw->b;
    if (w != mw->a && w != mw->b) continue;
    const Scaled weight = expressions.scaled(w), mean = expressions.scaled(w == mw->a ? mw->b : mw->a);
    const Expression& inverse = expressions.of(weight.of);
    const bool quotient = inverse.kind == ExpressionKind::kFunction && inverse.function == FunctionKind::kReciprocal;
    if (!quotient || weight.shift != 0 || mean.shift != 0) continue;
    const Ref divisor = inverse.inputs[weight.of.column];
    const std::optional<Deviations> deviations = deviations_of(expressions, divisor);
    if (!deviations) continue;
    if (mean_of(expressions, mean.of, -mean.scale) != deviations->vector) continue;
    const auto at = std::find(deviations->vector.begin(), deviations->vector.end(), x);
    if (at == deviations->vector.end()) continue;
    const Ref centred = deviations->centred[static_cast<size_t>(at - deviations->vector.begin())];
    return SpreadNorm{divisor, centred, weight.scale, shifted.shift};
  }
  return std::nullopt;
}

}  // namespace

std::optional<TensorValue> find_spread_layer_norm(const NodeCall& call, const Expression& sums,
                                                  const TensorValue& like) {
  TensorValue rows = like;
  Vector divisors;
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  for (const std::vector<Term>& terms : sums.terms) {
    std::optional<SpreadNorm> found = spread_norm(call.expressions, terms[0].a, terms[1].a);
    if (!found) found = spread_norm(call.expressions, terms[1].a, terms[0].a);
    if (!found) return std::nullopt;
    rows.refs.push_back(found->centred);
    divisors.push_back(found->divisor);
    affine.norm.gamma.push_back(static_cast<float>(found->scale));
    affine.norm.beta.push_back(static_cast<float>(found->shift));
  }
  const std::optional<TensorValue> norm = find_layer_norm(call, rows, divisors);
  if (!norm) return std::nullopt;
  affine.inputs = norm->refs;
  affine.columns = affine.inputs.size();
  affine.norm.mean.assign(affine.columns, 0.0f);
  affine.norm.variance.assign(affine.columns, 1.0f);
  affine.norm.epsilon = 0;
  return call.rows_of(std::move(affine), *norm);
}

namespace {

/// Of the root of a mean square and a constant.
struct RootMeanSquare {
  Vector vector;
  double epsilon = 0;
};

RootMeanSquare root_mean_square(const Expressions& expressions, Ref divisor) {
  const Expression& root = expressions.of(divisor);
  if (root.kind != ExpressionKind::kFunction || root.function != FunctionKind::kSqrt) return {};
  const Scaled mean = expressions.scaled(root.inputs[divisor.column]);
  if (mean.shift < 0 || mean.scale <= 0) return {};
  RootMeanSquare result;
  result.epsilon = mean.shift;
  result.vector = mean_of_squares(expressions, mean.of, mean.scale);
  return result;
}

/// The root of a number, kept from being 0 by `most` or less.
std::optional<Ref> kept_root(const Expressions& expressions, Ref divisor, double most) {
  Scaled scaled = expressions.scaled(divisor);
  const Expression& clamp = expressions.of(scaled.of);
  const bool clamped = clamp.kind == ExpressionKind::kActivation && clamp.activation.kind == ActivationKind::kClamp;
  double least = scaled.shift;
  if (clamped) {
    if (scaled.scale != 1 || scaled.shift != 0 || std::isfinite(clamp.activation.beta)) return std::nullopt;
    least = double{clamp.activation.alpha};
    scaled = expressions.scaled(clamp.inputs[scaled.of.column]);
  }
  // max(x, c) may be relu(x - c) + c.
  const Expression& relu = expressions.of(scaled.of);
  if (relu.kind == ExpressionKind::kActivation && relu.activation.kind == ActivationKind::kRelu && scaled.scale == 1) {
    const Scaled below = expressions.scaled(relu.inputs[scaled.of.column]);
    if (below.scale != 1 || below.shift != -least) return std::nullopt;
    scaled = {1, 0, below.of};
  }
  const Expression& root = expressions.of(scaled.of);
  const bool found = root.kind == ExpressionKind::kFunction && root.function == FunctionKind::kSqrt;
  if (!found || scaled.scale != 1 || least < 0 || least > most) return std::nullopt;
  return root.inputs[scaled.of.column];
}

/// Of sqrt(sum of x^2), kept from being 0.
Vector vector_of_length(const Expressions& expressions, Ref divisor) {
  const std::optional<Ref> squares = kept_root(expressions, divisor, kLeastLength);
  return squares ? vector_of_squares(expressions, *squares) : Vector();
}

uint32_t add_unit_length(const NodeCall& call, const Vector& vector) {
  return add_scaled_length(call, vector, 1 / std::sqrt(static_cast<double>(vector.size())), kNoLength);
}

}  // namespace

std::optional<TensorValue> find_unit_length(const NodeCall& call, const TensorValue& rows, const Vector& divisors) {
  TensorValue result = rows;
  std::map<Vector, uint32_t> made;
  for (size_t i = 0; i < divisors.size(); ++i) {
    Vector vector = vector_of_length(call.expressions, divisors[i]);
    const bool unit = !vector.empty();
    RootMeanSquare root;
    if (!unit) root = root_mean_square(call.expressions, divisors[i]), vector = root.vector;
    call.expressions.charge(vector.size());
    const auto at = std::find(vector.begin(), vector.end(), rows.refs[i]);
    if (at == vector.end()) return std::nullopt;
    const auto [known, fresh] = made.emplace(vector, 0);
    if (fresh) {
      known->second = unit ? add_unit_length(call, vector) : add_scaled_length(call, vector, 1, root.epsilon);
    }
    result.refs[i] = {known->second, static_cast<uint32_t>(2 * (at - vector.begin()))};
  }
  return result;
}

std::optional<TensorValue> find_cosine(const NodeCall& call, const TensorValue& rows, const Vector& divisors) {
  const Expressions& expressions = call.expressions;
  Expression dots;
  dots.kind = ExpressionKind::kSum;
  for (size_t i = 0; i < divisors.size(); ++i) {
    const std::optional<Ref> squares = kept_root(expressions, divisors[i], kLeastProduct);
    const std::vector<Term>* both = squares ? terms_of_sum(expressions, *squares) : nullptr;
    const std::vector<Term>* terms = terms_of_sum(expressions, rows.refs[i]);
    if (both == nullptr || both->size() != 1 || !both->front().product || terms == nullptr) return std::nullopt;
    const Vector a = vector_of_squares(expressions, both->front().a),
                 b = vector_of_squares(expressions, both->front().b);
    if (a.empty() || a.size() != b.size() || terms->size() != a.size()) return std::nullopt;
    std::vector<Term> products;
    for (size_t k = 0; k < a.size(); ++k) {
      const Term* product = product_in(expressions, (*terms)[k]);
      const bool same = product != nullptr &&
                        ((product->a == a[k] && product->b == b[k]) || (product->b == a[k] && product->a == b[k]));
      if (!same) return std::nullopt;
    }
    const uint32_t unit_a = add_unit_length(call, a), unit_b = add_unit_length(call, b);
    for (size_t k = 0; k < a.size(); ++k) {
      const auto column = static_cast<uint32_t>(2 * k);
      products.push_back({1, {unit_a, column}, true, {unit_b, column}});
    }
    dots.terms.push_back(std::move(products));
  }
  dots.columns = dots.terms.size();
  return call.rows_of(std::move(dots), rows);
}

}  // namespace mmoe::converter
