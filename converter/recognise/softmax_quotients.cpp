// Quotients by the sum of a softmax, and of exponentials, which are a softmax.
#include <cmath>
#include <limits>
#include <map>

#include "converter/recognise/norm_parts.h"
#include "converter/recognise/normalisations.h"
#include "converter/recognise/pooling.h"

namespace mmoe::converter {

std::optional<TensorValue> find_softmax_sum(const NodeCall& call, const TensorValue& rows, const Vector& divisors) {
  const Expressions& expressions = call.expressions;
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  affine.inputs = rows.refs;
  affine.columns = rows.refs.size();
  for (const Ref divisor : divisors) {
    const Scaled sum = expressions.scaled(divisor);
    const std::vector<Term>* terms = terms_of_sum(expressions, sum.of);
    if (terms == nullptr || terms->empty()) return std::nullopt;
    const Expression& softmax = expressions.of(terms->front().a);
    const bool sums_to_one = softmax.kind == ExpressionKind::kSoftmax &&
                             (softmax.top_k == 0 || softmax.top_k_mode == TopKMode::kSoftmaxOfTopK);
    if (!sums_to_one || softmax.columns != terms->size()) return std::nullopt;
    std::vector<bool> seen(softmax.columns, false);
    for (const Term& term : *terms) {
      const bool same =
          term.a.expression == terms->front().a.expression && term.coefficient == terms->front().coefficient;
      if (term.product || !same || seen[term.a.column]) return std::nullopt;
      seen[term.a.column] = true;
    }
    const double total = sum.scale * terms->front().coefficient + sum.shift;
    if (total == 0) return std::nullopt;
    affine.norm.gamma.push_back(static_cast<float>(1 / total));
  }
  affine.norm.beta.assign(affine.columns, 0.0f);
  affine.norm.mean.assign(affine.columns, 0.0f);
  affine.norm.variance.assign(affine.columns, 1.0f);
  affine.norm.epsilon = 0;
  return call.rows_of(std::move(affine), rows);
}

namespace {

/// exp(logit) mask
struct MaskedExponential {
  Ref logit, mask;
};

std::optional<MaskedExponential> masked_exponential(const Expressions& expressions, Ref ref) {
  const Term* product = single_product(expressions, ref);
  if (product == nullptr) return std::nullopt;
  for (const bool swapped : {false, true}) {
    const Ref power = swapped ? product->b : product->a, mask = swapped ? product->a : product->b;
    const Expression& exponential = expressions.of(power);
    const bool found = exponential.kind == ExpressionKind::kActivation &&
                       exponential.activation.kind == ActivationKind::kExp && is_truth(expressions, mask);
    if (found) return MaskedExponential{exponential.inputs[power.column], mask};
  }
  return std::nullopt;
}

/// A number that is the same in every row, as a layer of something that is there.
Ref constant_beside(const NodeCall& call, Ref beside, double number) {
  Expression dense;
  dense.kind = ExpressionKind::kDense;
  dense.node = call.index;
  dense.columns = 1;
  dense.inputs = {beside};
  dense.weight = std::make_shared<const Matrix>(Matrix{1, 1, {0}});
  dense.bias = {static_cast<float>(number)};
  return {call.expressions.add(std::move(dense)), 0};
}

/// exp(x_i) m_i / (constant + their sum): columns of a softmax to which the constant is one more number, its logarithm.
uint32_t add_softmax_of(const NodeCall& call, const std::vector<MaskedExponential>& all, double constant) {
  Expression outside;
  outside.kind = ExpressionKind::kConstant;
  outside.node = call.index;
  outside.columns = all.size();
  outside.bias.assign(all.size(), -std::numeric_limits<float>::infinity());
  const Vector nothing = call.expressions.all(call.expressions.add(std::move(outside)));
  Expression select;
  select.kind = ExpressionKind::kFunction;
  select.function = FunctionKind::kSelect;
  select.node = call.index;
  select.columns = all.size();
  for (const MaskedExponential& own : all) select.inputs.push_back(own.mask);
  for (const MaskedExponential& own : all) select.inputs.push_back(own.logit);
  select.inputs.insert(select.inputs.end(), nothing.begin(), nothing.end());
  Expression softmax;
  softmax.kind = ExpressionKind::kSoftmax;
  softmax.node = call.index;
  softmax.inputs = call.expressions.all(call.expressions.add(std::move(select)));
  if (constant > 0) softmax.inputs.push_back(constant_beside(call, all.front().logit, std::log(constant)));
  softmax.columns = softmax.inputs.size();
  return call.expressions.add(std::move(softmax));
}

}  // namespace

std::optional<TensorValue> find_softmax_of_exponentials(const NodeCall& call, const TensorValue& rows,
                                                        const Vector& divisors) {
  const Expressions& expressions = call.expressions;
  TensorValue result = rows;
  std::map<Ref, uint32_t> made;  // by the divisor
  for (size_t i = 0; i < divisors.size(); ++i) {
    const Scaled sum = expressions.scaled(divisors[i]);
    const std::vector<Term>* terms = terms_of_sum(expressions, sum.of);
    if (terms == nullptr || terms->size() < 2 || sum.scale != 1 || sum.shift < 0) return std::nullopt;
    std::vector<MaskedExponential> all;
    size_t column = terms->size();
    for (const Term& term : *terms) {
      const auto own = masked_exponential(expressions, term.a);
      if (term.product || term.coefficient != 1 || !own) return std::nullopt;
      if (term.a == rows.refs[i]) column = all.size();
      all.push_back(*own);
    }
    if (column == all.size()) return std::nullopt;
    const auto [at, fresh] = made.emplace(divisors[i], 0);
    if (fresh) at->second = add_softmax_of(call, all, sum.shift);
    result.refs[i] = {at->second, static_cast<uint32_t>(column)};
  }
  return result;
}

}  // namespace mmoe::converter
