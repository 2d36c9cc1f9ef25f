// Gates whose weights are masked: by what is not among the k largest, and divided by the sum of the rest.
#include <algorithm>
#include <cmath>
#include <map>

#include "converter/recognise/selection_parts.h"
#include "converter/recognise/selections.h"

namespace mmoe::converter {

void select_top_k(const Expressions& expressions, Expression& softmax) {
  if (!is_all_of(expressions, softmax.inputs, ExpressionKind::kTopKMasked)) return;
  const Expression& masked = expressions.of(softmax.inputs.front());
  softmax.top_k = masked.top_k < masked.columns ? masked.top_k : 0;
  softmax.inputs = Vector(masked.inputs);
}

std::optional<TensorValue> mask_by_top_k(const NodeCall& call) {
  const Expressions& expressions = call.expressions;
  const TensorValue& condition = call.input(0);
  if (!condition.is_rows() || condition.refs.empty()) return std::nullopt;
  const Expression& first = expressions.of(condition.refs.front());
  const bool by_mask = first.kind == ExpressionKind::kTopKMask;
  const bool kept = by_mask || (first.kind == ExpressionKind::kFunction && first.function != FunctionKind::kGreater);
  const size_t rows = kept ? 1 : 2, other = kept ? 2 : 1;
  const std::optional<float> fill = only_value(call, other);
  const TensorValue& logits = call.input(rows);
  const bool zero = fill && *fill == 0;  // of a softmax's columns
  if (!fill || (*fill > kMinusInfinity && !zero) || logits.shape != condition.shape || !logits.is_rows())
    return std::nullopt;
  TensorValue result = logits;
  std::map<Vector, Vector> masked;  // by the vector of logits
  for (size_t i = 0; i < condition.refs.size(); ++i) {
    const Ref at = condition.refs[i];
    const Expression& test = expressions.of(at);
    Vector vector;
    size_t k = 0;
    if (by_mask && test.kind == ExpressionKind::kTopKMask) {
      vector = test.inputs;
      k = test.top_k;
    } else if (!by_mask && test.kind == ExpressionKind::kFunction &&
               test.function == (kept ? FunctionKind::kGreaterOrEqual : FunctionKind::kGreater)) {
      // the k-th largest > logit, or logit >= the k-th largest
      const Ref left = test.inputs[at.column], right = test.inputs[test.columns + at.column];
      const Ref kth = kept ? right : left, logit = kept ? left : right;
      const Expression& value = expressions.of(kth);
      if (value.kind != ExpressionKind::kTopKValue || kth.column + 1 != value.columns || logit != logits.refs[i])
        return std::nullopt;
      vector = value.inputs;
      k = value.top_k;
    } else {
      return std::nullopt;
    }
    const auto place = std::find(vector.begin(), vector.end(), logits.refs[i]);
    if (place == vector.end()) return std::nullopt;
    const auto column = place - vector.begin();
    auto found = masked.find(vector);
    if (found == masked.end()) {
      const bool softmax =
          is_all_of(expressions, vector, ExpressionKind::kSoftmax) && expressions.of(vector.front()).top_k == 0;
      if (zero && !softmax) return std::nullopt;
      const Vector of = zero ? expressions.of(vector.front()).inputs : vector;
      const size_t most = zero && k == of.size() ? 0 : k;
      const ExpressionKind kind = zero ? ExpressionKind::kSoftmax : ExpressionKind::kTopKMasked;
      const Vector made =
          call.expressions.all(add_selection(call, kind, of, of.size(), most, TopKMode::kTopKOfSoftmax));
      found = masked.emplace(std::move(vector), made).first;
    }
    result.refs[i] = found->second[static_cast<size_t>(column)];
  }
  return result;
}

std::optional<TensorValue> select_by_mask(const NodeCall& call, const Expression& products, const TensorValue& like) {
  const Expressions& expressions = call.expressions;
  TensorValue result = like;
  result.refs.clear();
  std::map<std::pair<uint32_t, uint32_t>, Vector> selected;  // by softmax and mask
  for (const std::vector<Term>& terms : products.terms) {
    const Term& term = terms.front();
    if (terms.size() != 1 || !term.product) return std::nullopt;
    const bool mask_first = expressions.of(term.a).kind == ExpressionKind::kTopKMask;
    const Ref mask_at = mask_first ? term.a : term.b, weight = mask_first ? term.b : term.a;
    const Expression &mask = expressions.of(mask_at), &softmax = expressions.of(weight);
    const bool gate = mask.kind == ExpressionKind::kTopKMask && softmax.kind == ExpressionKind::kSoftmax &&
                      softmax.top_k == 0 && mask_at.column == weight.column &&
                      (mask.inputs == softmax.inputs || mask.inputs == expressions.all(weight.expression));
    if (!gate) return std::nullopt;
    Vector& made = selected[{weight.expression, mask_at.expression}];
    if (made.empty()) {
      const Vector logits = softmax.inputs;
      const size_t k = mask.top_k < mask.columns ? mask.top_k : 0;
      made = call.expressions.all(
          add_selection(call, ExpressionKind::kSoftmax, logits, logits.size(), k, TopKMode::kTopKOfSoftmax));
    }
    result.refs.push_back(made[weight.column]);
  }
  return result.refs.empty() ? std::nullopt : std::make_optional(std::move(result));
}

std::optional<TensorValue> find_softmax_of_top_k(const NodeCall& call, const TensorValue& rows,
                                                 const Vector& divisors) {
  const Expressions& expressions = call.expressions;
  TensorValue result = rows;
  std::map<uint32_t, Vector> made;  // by the expression that is divided
  for (size_t i = 0; i < divisors.size(); ++i) {
    const Ref weight = rows.refs[i];
    const Scaled sum = expressions.scaled(divisors[i]);
    if (sum.scale != 1 || std::fabs(sum.shift) > 1e-8 || expressions.of(sum.of).kind != ExpressionKind::kSum)
      return std::nullopt;
    Vector summed;
    for (const Term& term : expressions.of(sum.of).terms[sum.of.column]) {
      if (term.product || term.coefficient != 1) return std::nullopt;
      summed.push_back(term.a);
    }
    if (summed != expressions.all(weight.expression)) return std::nullopt;
    const Expression& selected = expressions.of(weight);
    Vector& softmax = made[weight.expression];
    if (softmax.empty() && selected.kind == ExpressionKind::kSoftmax && selected.top_k != 0) {
      const Vector logits = selected.inputs;
      softmax =
          call.expressions.all(add_selection(call, ExpressionKind::kSoftmax, logits, logits.size(), selected.top_k));
    } else if (softmax.empty() && selected.kind == ExpressionKind::kTopKValue &&
               is_all_of(expressions, selected.inputs, ExpressionKind::kSoftmax) &&
               expressions.of(selected.inputs.front()).top_k == 0) {
      const Vector logits = expressions.of(selected.inputs.front()).inputs;
      const size_t k = selected.columns;
      const Vector largest = call.expressions.all(add_selection(call, ExpressionKind::kTopKValue, logits, k, k));
      softmax = call.expressions.all(add_selection(call, ExpressionKind::kSoftmax, largest, k, 0));
    }
    if (softmax.empty()) return std::nullopt;
    result.refs[i] = softmax[weight.column];
  }
  return result;
}

}  // namespace mmoe::converter
