// Maxima of numbers for some of which a constant far below stands, as -1e9: of what is left, unless that is nothing.
#include <algorithm>
#include <cmath>
#include <map>

#include "converter/error.h"
#include "converter/recognise/pooling.h"

namespace mmoe::converter {
namespace {

/// A number of an embedding, or where its id is the padding a constant far below.
struct MaskedElement {
  Ref element, is_padding;
  int64_t padding = 0;
  float constant = 0;
};

/// What a constant far below stands for, except where a comparison of an id holds, or does not hold.
struct Masked {
  Ref number, comparison;    // a kIdEquals
  bool where_equal = false;  // the constant stands where it holds
  float constant = 0;
};

constexpr float kLeftOut = -1e4f;  // and what is below it stands for what a mask leaves out

std::optional<Masked> masked(const Expressions& expressions, Ref ref) {
  const Expression& select = expressions.of(ref);
  if (select.kind != ExpressionKind::kFunction || select.function != FunctionKind::kSelect) return std::nullopt;
  const Scaled condition = expressions.scaled(select.inputs[ref.column]);
  const bool opposite = condition.scale == -1 && condition.shift == 1;
  const bool itself = condition.scale == 1 && condition.shift == 0;
  if (expressions.of(condition.of).kind != ExpressionKind::kIdEquals || (!opposite && !itself)) return std::nullopt;
  const Ref first = select.inputs[select.columns + ref.column], second = select.inputs[2 * select.columns + ref.column];
  const bool constant_first = expressions.of(first).kind == ExpressionKind::kConstant;
  const Ref constant = constant_first ? first : second;
  if (expressions.of(constant).kind != ExpressionKind::kConstant) return std::nullopt;
  Masked found{constant_first ? second : first, condition.of, constant_first == itself,
               expressions.of(constant).bias[constant.column]};
  return std::isfinite(found.constant) && found.constant <= kLeftOut ? std::optional(found) : std::nullopt;
}

/// A number of an embedding, or the constant where its id is the padding.
std::optional<MaskedElement> masked_element(const Expressions& expressions, Ref ref) {
  const std::optional<Masked> own = masked(expressions, ref);
  if (!own || !own->where_equal) return std::nullopt;
  const Expression &equal = expressions.of(own->comparison), &row = expressions.of(own->number);
  const bool fits =
      row.kind == ExpressionKind::kEmbedding && row.inputs.front() == equal.inputs[own->comparison.column];
  if (!fits) return std::nullopt;
  const std::vector<float>& numbers = row.weight->data;
  if (!(*std::min_element(numbers.begin(), numbers.end()) > own->constant)) return std::nullopt;
  return MaskedElement{own->number, own->comparison, equal.shifts[own->comparison.column], own->constant};
}

/// 1 where all are the padding, else 0.
Ref all_padding(const NodeCall& call, const std::vector<MaskedElement>& elements) {
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  sum.node = call.index;
  sum.columns = 1;
  sum.terms.emplace_back();
  for (const MaskedElement& own : elements) sum.terms[0].push_back({1, own.is_padding, false, {}});
  const Ref count{call.expressions.add(std::move(sum)), 0};
  Expression above;
  above.kind = ExpressionKind::kAffine;
  above.node = call.index;
  above.columns = 1;
  above.inputs = {count};
  above.norm = {{1}, {1 - static_cast<float>(elements.size())}, {0}, {1}, 0};
  Expression last;
  last.kind = ExpressionKind::kActivation;
  last.node = call.index;
  last.columns = 1;
  last.inputs = {Ref{call.expressions.add(std::move(above)), 0}};
  last.activation.kind = ActivationKind::kRelu;
  return {call.expressions.add(std::move(last)), 0};
}

/// 1 where none of the comparisons holds, of which at most one does, else 0.
Ref none_of(const NodeCall& call, const Vector& comparisons) {
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  sum.node = call.index;
  sum.columns = 1;
  sum.terms.emplace_back();
  for (const Ref comparison : comparisons) sum.terms[0].push_back({1, comparison, false, {}});
  Expression opposite;
  opposite.kind = ExpressionKind::kAffine;
  opposite.node = call.index;
  opposite.columns = 1;
  opposite.inputs = {Ref{call.expressions.add(std::move(sum)), 0}};
  opposite.norm = {{-1}, {1}, {0}, {1}, 0};
  return {call.expressions.add(std::move(opposite)), 0};
}

/// The elements of one vector; nothing where they are not all of one column of a whole input.
std::optional<std::vector<MaskedElement>> masked_elements(const Expressions& expressions, const Vector& vector) {
  std::vector<MaskedElement> elements;
  Vector ids;
  for (const Ref ref : vector) {
    const auto own = masked_element(expressions, ref);
    if (!own) return std::nullopt;
    elements.push_back(*own);
    const MaskedElement& first = elements.front();
    const Expression& row = expressions.of(own->element);
    const bool alike = own->padding == first.padding && own->constant == first.constant &&
                       row.weight == expressions.of(first.element).weight &&
                       own->element.column == first.element.column;
    if (!alike) return std::nullopt;
    ids.push_back(row.inputs.front());
  }
  return is_whole_input(expressions, ids) ? std::optional(std::move(elements)) : std::nullopt;
}

}  // namespace

std::optional<TensorValue> find_masked_maximum(const NodeCall& call, const std::vector<Vector>& of_elements,
                                               const TensorValue& like) {
  std::vector<MaskedElement> first;
  std::vector<uint32_t> columns;
  for (const Vector& vector : of_elements) {
    const auto elements = masked_elements(call.expressions, vector);
    if (!elements) return std::nullopt;
    if (first.empty()) first = *elements;
    const auto same = [](const MaskedElement& a, const MaskedElement& b) { return a.is_padding == b.is_padding; };
    const bool alike = std::equal(first.begin(), first.end(), elements->begin(), elements->end(), same) &&
                       elements->front().constant == first.front().constant &&
                       elements->front().element.expression == first.front().element.expression;
    if (!alike) return std::nullopt;
    columns.push_back(elements->front().element.column);
  }
  if (first.empty()) return std::nullopt;
  const Expression& row = call.expressions.of(first.front().element);
  const int64_t padding = first.front().padding;
  if (padding < 0 || static_cast<size_t>(padding) >= row.weight->rows) return std::nullopt;
  Expression pooled;
  pooled.kind = ExpressionKind::kPooled;
  pooled.node = call.index;
  pooled.pooling = Pooling::kMax;
  pooled.inputs = call.expressions.all(row.inputs.front().expression);
  pooled.weight = row.weight;
  pooled.name = row.name;
  pooled.columns = row.weight->cols;
  pooled.padding_id = static_cast<uint32_t>(padding);
  const Ref empty = all_padding(call, first);
  const uint32_t at = call.expressions.add(std::move(pooled));
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  for (const uint32_t column : columns)
    sum.terms.push_back({{1, {at, column}, false, {}}, {first.front().constant, empty, false, {}}});
  sum.columns = columns.size();
  return call.rows_of(std::move(sum), like);
}

std::optional<TensorValue> find_chosen_maximum(const NodeCall& call, const std::vector<Vector>& of_elements,
                                               const TensorValue& like) {
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  for (const Vector& vector : of_elements) {
    sum.terms.emplace_back();
    std::map<int64_t, Ref> numbers;  // that the id is compared with
    Vector chosen;
    std::optional<Masked> first;
    for (const Ref ref : vector) {
      const auto own = masked(call.expressions, ref);
      if (!own || own->where_equal) return std::nullopt;
      if (!first) first = own;
      const Expression& equal = call.expressions.of(own->comparison);
      const Expression& other = call.expressions.of(first->comparison);
      const bool same = equal.inputs[own->comparison.column] == other.inputs[first->comparison.column] &&
                        own->constant == first->constant;
      if (!same || !numbers.emplace(equal.shifts[own->comparison.column], ref).second) return std::nullopt;
      sum.terms.back().push_back({1, own->comparison, true, own->number});
      chosen.push_back(own->comparison);
    }
    if (vector.size() < 2) return std::nullopt;
    sum.terms.back().push_back({first->constant, none_of(call, chosen), false, {}});
  }
  sum.columns = sum.terms.size();
  return call.rows_of(std::move(sum), like);
}

namespace {

/// Whether a mask may set it far below, by a choice or by what it adds.
bool may_be_far_below(const Expressions& expressions, Ref ref) {
  const Expression& of = expressions.of(ref);
  if (of.kind == ExpressionKind::kFunction && of.function == FunctionKind::kSelect) {
    return std::any_of(of.inputs.begin() + static_cast<std::ptrdiff_t>(of.columns), of.inputs.end(), [&](Ref side) {
      const Expression& constant = expressions.of(side);
      return constant.kind == ExpressionKind::kConstant && constant.bias[side.column] <= kLeftOut;
    });
  }
  if (of.kind != ExpressionKind::kSum) return false;
  const std::vector<Term>& terms = of.terms[ref.column];
  return std::any_of(terms.begin(), terms.end(), [&](const Term& term) {
    return !term.product && std::fabs(term.coefficient * expressions.scaled(term.a).scale) >= -double{kLeftOut};
  });
}

}  // namespace

void require_no_masked_maximum(const Expressions& expressions, const std::vector<Vector>& of_elements) {
  for (const Vector& vector : of_elements) {
    for (const Ref ref : vector) {
      if (!may_be_far_below(expressions, ref)) continue;
      throw ConvertError(
          "takes the largest of numbers that a mask sets far below, as by -1e9; such masks are read where they leave "
          "out ids that are padding, or all but what one id chooses");
    }
  }
}

}  // namespace mmoe::converter
