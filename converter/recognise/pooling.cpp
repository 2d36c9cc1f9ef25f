#include "converter/recognise/pooling.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "converter/error.h"

namespace mmoe::converter {

// 1 - (id == number)
std::optional<IdMask> mask_of(const Expressions& expressions, Ref ref) {
  const Scaled scaled = expressions.scaled(ref);
  const Expression& equal = expressions.of(scaled.of);
  if (equal.kind != ExpressionKind::kIdEquals || scaled.scale != -1 || scaled.shift != 1) return std::nullopt;
  return IdMask{equal.inputs[scaled.of.column], equal.shifts[scaled.of.column]};
}

bool is_truth(const Expressions& expressions, Ref ref) {
  const Scaled scaled = expressions.scaled(ref);
  const Expression& of = expressions.of(scaled.of);
  const bool itself = scaled.scale == 1 && scaled.shift == 0;
  if (of.kind == ExpressionKind::kConstant) {
    const double value = scaled.scale * double{of.bias[scaled.of.column]} + scaled.shift;
    return value == 0 || value == 1;
  }
  const bool opposite = scaled.scale == -1 && scaled.shift == 1;
  const bool compared = of.kind == ExpressionKind::kFunction &&
                        (of.function == FunctionKind::kGreater || of.function == FunctionKind::kGreaterOrEqual);
  return (itself || opposite) && (of.truths || compared || of.kind == ExpressionKind::kIdEquals);
}

bool is_whole(const Expressions& expressions, Ref ref) {
  constexpr size_t kMostSteps = 16;
  const auto whole = [](double number) { return number == std::nearbyint(number); };
  for (size_t step = 0; step < kMostSteps; ++step) {
    if (is_truth(expressions, ref)) return true;
    const Scaled scaled = expressions.scaled(ref);
    if (!whole(scaled.scale) || !whole(scaled.shift)) return false;
    const Expression& of = expressions.of(scaled.of);
    if (of.kind == ExpressionKind::kEmbedding) return of.whole_numbers;
    if (of.kind == ExpressionKind::kInput) return of.whole_numbers && (step > 0 || scaled.of != ref);
    if (of.kind == ExpressionKind::kSum) {
      const std::vector<Term>& terms = of.terms[scaled.of.column];
      return std::all_of(terms.begin(), terms.end(), [&](const Term& term) {
        return !term.product && whole(double{term.coefficient}) && is_truth(expressions, term.a);
      });
    }
    const Activation& activation = of.activation;
    const bool kept =
        of.kind == ExpressionKind::kActivation && (activation.kind == ActivationKind::kRelu ||
                                                   (activation.kind == ActivationKind::kClamp &&
                                                    whole(double{activation.alpha}) && whole(double{activation.beta})));
    if (!kept) return false;
    ref = of.inputs[scaled.of.column];
  }
  return false;
}

bool compares_ids(const Expressions& expressions, const Vector& vector) {
  return std::all_of(vector.begin(), vector.end(), [&](Ref ref) {
    const Scaled scaled = expressions.scaled(ref);
    const bool equal = scaled.scale == 1 && scaled.shift == 0;
    const bool comparison = expressions.of(scaled.of).kind == ExpressionKind::kIdEquals;
    return comparison && (equal || mask_of(expressions, ref));
  });
}

namespace {

/// What the terms of a pooled sum have in common.
struct Pool {
  Vector ids;
  std::shared_ptr<const Matrix> table;
  std::string name;
  uint32_t column = 0;
  std::optional<int64_t> padding;
};

/// An embedding's number, alone or times a mask of its id. False when it does not belong to the others.
bool add(const Expressions& expressions, const Term& term, Pool& pool) {
  std::optional<IdMask> mask;
  Ref ref = term.a;
  const Expression* expression = &expressions.of(ref);
  const bool inner = !term.product && expression->kind == ExpressionKind::kSum;
  const std::vector<Term>* terms = inner ? &expression->terms[ref.column] : nullptr;
  if (inner && (terms->size() != 1 || !terms->front().product || terms->front().coefficient != 1)) return false;
  if (inner || term.product) {
    const Term& product = inner ? terms->front() : term;
    const bool mask_first = expressions.of(product.a).kind != ExpressionKind::kEmbedding;
    mask = mask_of(expressions, mask_first ? product.a : product.b);
    if (!mask) return false;
    ref = mask_first ? product.b : product.a;
    expression = &expressions.of(ref);
  }
  if (expression->kind != ExpressionKind::kEmbedding) return false;
  const Ref id = expression->inputs.front();
  if (mask && mask->id != id) return false;
  const std::optional<int64_t> padding = mask ? std::make_optional(mask->padding) : std::nullopt;
  if (pool.ids.empty()) pool = {{}, expression->weight, expression->name, ref.column, padding};
  if (expression->weight != pool.table || ref.column != pool.column || padding != pool.padding) return false;
  pool.ids.push_back(id);
  return true;
}

}  // namespace

bool is_whole_input(const Expressions& expressions, const Vector& ids) {
  return ids.size() > 1 && expressions.of(ids.front()).kind == ExpressionKind::kInput &&
         ids == expressions.all(ids.front().expression);
}

namespace {

/// The scalar that is kept from being less than 1, or to which next to nothing is added.
std::optional<Ref> guarded(const Expressions& expressions, Ref divisor) {
  Scaled scaled = expressions.scaled(divisor);
  const Expression* expression = &expressions.of(scaled.of);
  if (expression->kind == ExpressionKind::kActivation && scaled.scale == 1) {
    const Activation& activation = expression->activation;
    const Ref inner = expression->inputs[scaled.of.column];
    if (activation.kind == ActivationKind::kClamp && scaled.shift == 0 && activation.alpha > 0 &&
        activation.alpha <= 1 && std::isinf(activation.beta)) {
      return inner;
    }
    const Scaled below = expressions.scaled(inner);  // relu(n - 1) + 1
    if (activation.kind == ActivationKind::kRelu && scaled.shift == 1 && below.scale == 1 && below.shift == -1)
      return below.of;
  }
  const bool small = scaled.shift > 0 && scaled.shift <= 1e-6;
  return small && scaled.scale == 1 ? std::make_optional(scaled.of) : std::nullopt;
}

/// Whether the scalar is the number of ids that are not the padding.
bool counts(const Expressions& expressions, Ref ref, const Expression& pooled) {
  const Scaled scaled = expressions.scaled(ref);
  const Expression& sum = expressions.of(scaled.of);
  if (sum.kind != ExpressionKind::kSum || scaled.scale != 1 || scaled.shift != 0) return false;
  const std::vector<Term>& terms = sum.terms[scaled.of.column];
  if (terms.size() != pooled.inputs.size()) return false;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (terms[i].product || terms[i].coefficient != 1) return false;
    const std::optional<IdMask> mask = mask_of(expressions, terms[i].a);
    if (!mask || mask->id != pooled.inputs[i] || mask->padding != static_cast<int64_t>(*pooled.padding_id))
      return false;
  }
  return true;
}

}  // namespace

namespace {

std::optional<TensorValue> find_pooled(const NodeCall& call, const Expression& sums, const TensorValue& like,
                                       bool largest) {
  const Expressions& expressions = call.expressions;
  TensorValue result = like;
  result.refs.clear();
  std::map<Ref, uint32_t> made;  // by the first id
  for (const std::vector<Term>& terms : sums.terms) {
    Pool pool;
    for (const Term& term : terms) {
      if (term.coefficient != terms.front().coefficient || !add(expressions, term, pool)) return std::nullopt;
    }
    const float coefficient = terms.empty() ? 0 : terms.front().coefficient;
    const bool mean = coefficient != 1;
    const Pooling pooling = largest ? Pooling::kMax : mean ? Pooling::kMean : Pooling::kSum;
    if (!is_whole_input(expressions, pool.ids) || (mean && coefficient != 1 / static_cast<float>(terms.size())))
      return std::nullopt;
    // A mean over the whole length, of which some is left out, is neither.
    if ((mean || largest) && pool.padding) return std::nullopt;
    const bool in_table =
        !pool.padding || (*pool.padding >= 0 && static_cast<size_t>(*pool.padding) < pool.table->rows);
    if (!in_table) return std::nullopt;
    const auto [at, fresh] = made.emplace(pool.ids.front(), 0);
    if (fresh) {
      Expression pooled;
      pooled.kind = ExpressionKind::kPooled;
      pooled.node = call.index;
      pooled.inputs = pool.ids;
      pooled.weight = pool.table;
      pooled.name = pool.name;
      pooled.columns = pool.table->cols;
      pooled.pooling = pooling;
      if (pool.padding) pooled.padding_id = static_cast<uint32_t>(*pool.padding);
      at->second = call.expressions.add(std::move(pooled));
    }
    const Expression& pooled = expressions[at->second];
    const bool same = pooled.weight == pool.table && pooled.inputs == pool.ids && pooled.pooling == pooling &&
                      pooled.padding_id.has_value() == pool.padding.has_value();
    if (!same) return std::nullopt;
    result.refs.push_back({at->second, pool.column});
  }
  return result.refs.empty() ? std::nullopt : std::make_optional(std::move(result));
}

}  // namespace

std::optional<TensorValue> find_pooled_sum(const NodeCall& call, const Expression& sums, const TensorValue& like) {
  return find_pooled(call, sums, like, false);
}

std::optional<TensorValue> find_pooled_maximum(const NodeCall& call, const std::vector<Vector>& of_elements,
                                               const TensorValue& like) {
  Expression all;
  for (const Vector& vector : of_elements) {
    all.terms.emplace_back();
    for (const Ref ref : vector) all.terms.back().push_back({1, ref, false, {}});
  }
  return find_pooled(call, all, like, true);
}

std::optional<TensorValue> find_pooled_mean(const NodeCall& call, const TensorValue& sums, const Vector& divisors) {
  const Expressions& expressions = call.expressions;
  TensorValue result = sums;
  std::map<uint32_t, uint32_t> means;  // by the sum
  for (size_t i = 0; i < divisors.size(); ++i) {
    Ref& ref = result.refs[i];
    const Expression& pooled = expressions.of(ref);
    if (pooled.kind != ExpressionKind::kPooled || pooled.pooling != Pooling::kSum || !pooled.padding_id)
      return std::nullopt;
    const std::optional<Ref> count = guarded(expressions, divisors[i]);
    if (!count || !counts(expressions, *count, pooled)) return std::nullopt;
    const auto [at, fresh] = means.emplace(ref.expression, 0);
    if (fresh) {
      Expression mean = pooled;
      mean.pooling = Pooling::kMean;
      mean.node = call.index;
      at->second = call.expressions.add(std::move(mean));
    }
    ref.expression = at->second;
  }
  return result;
}

}  // namespace mmoe::converter
