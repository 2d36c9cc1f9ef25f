#include "converter/recognise/sum_operations.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "converter/model/limits.h"

namespace mmoe::converter {
namespace {

/// How many pieces of expressions the vector is joined from.
size_t num_runs(const Vector& vector) {
  size_t runs = vector.empty() ? 0 : 1;
  for (size_t i = 1; i < vector.size(); ++i) {
    const Ref next{vector[i - 1].expression, vector[i - 1].column + 1};
    if (vector[i] != next) ++runs;
  }
  return runs;
}

bool is_repeated(const Vector& vector) {
  return std::all_of(vector.begin(), vector.end(), [&](Ref ref) { return ref == vector.front(); });
}

/// The vectors' elements, all of the first one first.
Vector one_by_one(const std::vector<Vector>& vectors) {
  Vector result;
  for (const Vector& vector : vectors) result.insert(result.end(), vector.begin(), vector.end());
  return result;
}

/// The first elements of all vectors, then the second ones.
Vector interleaved(const std::vector<Vector>& vectors) {
  Vector result;
  for (size_t i = 0; i < vectors.front().size(); ++i) {
    for (const Vector& vector : vectors) result.push_back(vector[i]);
  }
  return result;
}

/// Without neighbours that are the same: the fewest columns of which each stands for as many.
Vector narrowed(const Vector& vector) {
  for (size_t width = 1; width < vector.size(); ++width) {
    if (vector.size() % width != 0) continue;
    const size_t times = vector.size() / width;
    bool same = true;
    for (size_t i = 0; same && i < vector.size(); ++i) same = vector[i] == vector[i / times * times];
    if (!same) continue;
    Vector result;
    for (size_t i = 0; i < vector.size(); i += times) result.push_back(vector[i]);
    return result;
  }
  return vector;
}

/// Operands are narrower where each of their numbers is that of neighbours; not all of them, if the result is `whole`.
Operation by_element(NodeKind kind, const std::vector<Vector>& operands, double scale, bool whole = false) {
  Operation operation;
  operation.kind = kind;
  operation.scale = scale;
  for (const Vector& operand : operands) {
    const bool first = operation.inputs.empty();
    operation.inputs.push_back(first && whole ? operand : narrowed(operand));
    operation.input_width = std::max(operation.input_width, operation.inputs.back().size());
  }
  const auto fits = [&](const Vector& input) { return operation.input_width % input.size() == 0; };
  if (!std::all_of(operation.inputs.begin(), operation.inputs.end(), fits)) {
    operation.inputs = operands;
    operation.input_width = operands.front().size();
  }
  return operation;
}

Operation on_groups(NodeKind kind, std::vector<Vector> inputs, size_t group, double scale) {
  Operation operation;
  operation.kind = kind;
  operation.inputs = std::move(inputs);
  operation.input_width = operation.inputs.front().size();
  operation.group = group;
  operation.scale = scale;
  return operation;
}

}  // namespace

std::vector<double> shape_of_sum(const Expressions& expressions, Ref sum) {
  std::vector<double> shape;
  for (const mmoe::converter::Term& term : expressions.of(sum).terms[sum.column]) {
    shape.insert(shape.end(), {double{term.coefficient}, term.product ? 1.0 : 0.0});
  }
  return shape;
}

// ------------------------------------------------------------------------------------ terms

/// Sums of the graph that nothing else needs, all alike.
bool SumOperations::same_sums(const Vector& vector) const {
  return std::none_of(vector.begin(), vector.end(), kept_) && are_alike(vector);
}

bool SumOperations::are_alike(const Vector& vector) const {
  const auto is_sum = [&](Ref ref) { return expressions_.of(ref).kind == ExpressionKind::kSum; };
  if (!std::all_of(vector.begin(), vector.end(), is_sum)) return false;
  const std::vector<double> shape = shape_of_sum(expressions_, vector.front());
  return std::all_of(vector.begin(), vector.end(), [&](Ref ref) { return shape_of_sum(expressions_, ref) == shape; });
}

SumOperations::Terms SumOperations::terms_of(const Vector& sums) const {
  Terms terms;
  const std::vector<mmoe::converter::Term>& first = expressions_.of(sums.front()).terms[sums.front().column];
  terms.constant.assign(sums.size(), 0.0);
  terms.node = expressions_.of(sums.front()).node;
  for (size_t t = 0; t < first.size(); ++t) {
    Term term;
    term.coefficient = first[t].coefficient;
    term.factors.resize(first[t].product ? 2 : 1);
    for (const Ref sum : sums) {
      const mmoe::converter::Term& own = expressions_.of(sum).terms[sum.column][t];
      term.factors[0].push_back(own.a);
      if (own.product) term.factors[1].push_back(own.b);
    }
    terms.list.push_back(std::move(term));
  }
  return terms;
}

/// Takes an affine map off that is the same for all elements (without `shift`: that only scales). One of a layer's
/// outputs is that layer's.
bool SumOperations::take_scale(Vector& vector, double& scale, std::vector<double>* shift) const {
  const Scaled first = expressions_.scaled(vector.front());
  if (first.of == vector.front() || expressions_.of(first.of).kind == ExpressionKind::kDense) return false;
  Vector inner;
  std::vector<double> shifts;
  for (const Ref ref : vector) {
    const Scaled scaled = expressions_.scaled(ref);
    const bool alike = scaled.scale == first.scale && (shift != nullptr || scaled.shift == 0) &&
                       expressions_.of(scaled.of).kind != ExpressionKind::kDense;
    if (!alike) return false;
    inner.push_back(scaled.of);
    shifts.push_back(scaled.shift);
  }
  if (shift != nullptr) {
    for (size_t i = 0; i < shifts.size(); ++i) (*shift)[i] += scale * shifts[i];
  }
  vector = std::move(inner);
  scale *= first.scale;
  return true;
}

/// Factors that are products themselves give their own.
void SumOperations::expand_factors(Term& term) const {
  for (size_t i = 0; i < term.factors.size();) {
    take_scale(term.factors[i], term.coefficient, nullptr);
    const Vector& factor = term.factors[i];
    const bool nested = term.factors.size() < kMaxNodeInputs && same_sums(factor);
    const Terms inner = nested ? terms_of(factor) : Terms();
    if (!nested || inner.list.size() != 1 || inner.list.front().factors.size() != 2) {
      ++i;
      continue;
    }
    const Term& product = inner.list.front();
    term.coefficient *= product.coefficient;
    term.factors[i] = product.factors[0];
    term.factors.insert(term.factors.begin() + static_cast<std::ptrdiff_t>(i) + 1, product.factors[1]);
  }
}

/// The terms of a short sum, or nothing and a constant, in the place of the term that is one; else the term.
void SumOperations::add_expanded(Term term, size_t depth, Terms& terms) const {
  if (std::none_of(term.factors[0].begin(), term.factors[0].end(), kept_))
    take_scale(term.factors[0], term.coefficient, &terms.constant);
  const Vector& vector = term.factors.front();
  const auto is_constant = [&](Ref ref) { return expressions_.of(ref).kind == ExpressionKind::kConstant; };
  if (std::all_of(vector.begin(), vector.end(), is_constant)) {
    for (size_t i = 0; i < vector.size(); ++i) {
      terms.constant[i] += term.coefficient * double{expressions_.of(vector[i]).bias[vector[i].column]};
    }
    return;
  }
  const Terms inner = same_sums(vector) && depth < kMaxNodeInputs ? terms_of(vector) : Terms();
  const bool fits = terms.list.size() + inner.list.size() <= kMaxNodeInputs;
  if (inner.list.empty() || !fits || !inner.adds_vectors()) {
    terms.list.push_back(std::move(term));
    return;
  }
  for (const Term& each : inner.list)
    add_expanded({each.coefficient * term.coefficient, each.factors}, depth + 1, terms);
}

/// Vectors that are sums become their terms, and factors that are products their factors.
SumOperations::Terms SumOperations::expanded(const Terms& given) const {
  Terms terms;
  terms.constant = given.constant;
  terms.node = given.node;
  const bool vectors = given.adds_vectors();
  for (const Term& term : given.list) {
    if (vectors) {
      add_expanded(term, 0, terms);
    } else {
      terms.list.push_back(term);
      if (term.factors.size() > 1) expand_factors(terms.list.back());
    }
  }
  if (terms.list.size() < 2) return terms;
  // Terms that are all products of two, as a dot product's.
  std::vector<Term> products = terms.list;
  for (Term& term : products) {
    if (term.factors.size() == 1) expand_factors(term);
    if (term.factors.size() != 2) return terms;
  }
  terms.list = std::move(products);
  return terms;
}

// ------------------------------------------------------------------------------------ operations

/// A product of more than two factors as one of two, of which one is made.
SumOperations::Term SumOperations::of_two(Term term, size_t node) {
  while (term.factors.size() > 2) {
    Term last;
    last.factors = {term.factors[term.factors.size() - 2], term.factors.back()};
    term.factors.pop_back();
    term.factors.back() = make({std::move(last)}, node);
  }
  return term;
}

/// New sums of these terms.
Vector SumOperations::make(std::vector<Term> terms, size_t node) {
  for (Term& term : terms) term = of_two(std::move(term), node);
  const size_t width = terms.front().factors.front().size();
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  sum.node = node;
  sum.columns = width;
  expressions_.charge(width * terms.size());
  for (size_t i = 0; i < width; ++i) {
    sum.terms.emplace_back();
    for (const Term& term : terms) {
      const bool product = term.factors.size() > 1;
      sum.terms.back().push_back(
          {static_cast<float>(term.coefficient), term.factors[0][i], product, product ? term.factors[1][i] : Ref()});
    }
  }
  return expressions_.all(expressions_.add(std::move(sum)));
}

/// Of `vector`, elements that are one product of a number with itself: these numbers.
std::optional<Vector> SumOperations::roots_of(const Vector& vector) const {
  if (!same_sums(vector)) return std::nullopt;
  const Terms terms = terms_of(vector);
  const bool square = terms.list.size() == 1 && terms.list[0].coefficient == 1 && terms.list[0].factors.size() == 2 &&
                      terms.list[0].factors[0] == terms.list[0].factors[1];
  return square ? std::optional(terms.list[0].factors[0]) : std::nullopt;
}

/// c ((sum of v)^2 - sum of v^2), element by element of the groups v.
std::optional<Operation> SumOperations::bi_interaction(Terms terms) const {
  for (Term& term : terms.list) {
    if (term.factors.size() != 1) return std::nullopt;
    take_scale(term.factors[0], term.coefficient, nullptr);
  }
  if (terms.list.size() != 2 || terms.list[0].coefficient != -terms.list[1].coefficient) return std::nullopt;
  std::optional<Vector> sums = roots_of(terms.list[0].factors[0]);
  if (!sums) std::swap(terms.list[0], terms.list[1]), sums = roots_of(terms.list[0].factors[0]);
  const Vector& of_squares = terms.list[1].factors[0];
  if (!sums || !are_alike(*sums) || !same_sums(of_squares)) return std::nullopt;
  const Terms summed = expanded(terms_of(*sums)), squares = expanded(terms_of(of_squares));
  std::vector<Vector> groups, squared;
  for (const Term& term : summed.list) {
    if (term.factors.size() != 1 || term.coefficient != 1) return std::nullopt;
    groups.push_back(term.factors[0]);
  }
  for (const Term& term : squares.list) {
    const bool square = term.factors.size() == 2 && term.factors[0] == term.factors[1] && term.coefficient == 1;
    if (!square) return std::nullopt;
    squared.push_back(term.factors[0]);
  }
  const auto is_zero = [](double x) { return x == 0; };
  const bool shifted = !std::all_of(summed.constant.begin(), summed.constant.end(), is_zero) ||
                       !std::all_of(squares.constant.begin(), squares.constant.end(), is_zero);
  if (shifted || groups.size() < 2 || groups.size() != squared.size()) return std::nullopt;
  std::vector<Vector> sorted = groups;
  std::sort(sorted.begin(), sorted.end());
  std::sort(squared.begin(), squared.end());
  if (sorted != squared) return std::nullopt;
  return on_groups(NodeKind::kBiInteraction, {one_by_one(groups)}, groups.front().size(), terms.list[0].coefficient);
}

/// The dot products of all pairs of some vectors, in the order of one of the two nodes.
std::optional<Operation> SumOperations::pairs(const Terms& terms, const Vector& sums) const {
  size_t groups = 2;
  while (groups * (groups - 1) / 2 < sums.size()) ++groups;
  if (groups < 3 || groups * (groups - 1) / 2 != sums.size()) return std::nullopt;
  const size_t width = terms.list.size();
  const auto vector_of = [&](size_t sum, bool second) {
    Vector vector;
    for (const Term& term : terms.list) vector.push_back(term.factors[second ? 1 : 0][sum]);
    return vector;
  };
  for (const NodeKind kind : {NodeKind::kLowerPairs, NodeKind::kUpperPairs}) {
    for (const bool swapped : {false, true}) {
      std::vector<Vector> found(groups);
      bool fits = true;
      const auto is = [&](size_t group, Vector vector) {
        if (found[group].empty()) found[group] = vector;
        fits = fits && found[group] == vector;
      };
      size_t at = 0;
      const auto pair = [&](size_t i, size_t j) {
        is(i, vector_of(at, swapped));
        is(j, vector_of(at, !swapped));
        ++at;
      };
      for (size_t i = 0; fits && i < groups; ++i) {
        for (size_t j = 0; fits && kind == NodeKind::kLowerPairs && j < i; ++j) pair(i, j);
        for (size_t j = i + 1; fits && kind == NodeKind::kUpperPairs && j < groups; ++j) pair(i, j);
      }
      if (fits) return on_groups(kind, {one_by_one(found)}, width, terms.list.front().coefficient);
    }
  }
  return std::nullopt;
}

/// A sum of products of two factors each.
std::optional<Operation> SumOperations::products(const Terms& terms, const Vector& sums) {
  const double scale = terms.list.front().coefficient;
  std::vector<Vector> a, b;
  for (const Term& term : terms.list) {
    if (term.coefficient != scale) return std::nullopt;
    a.push_back(term.factors[0]);
    b.push_back(term.factors[1]);
  }
  const size_t width = sums.size(), length = terms.list.size();
  if (width == 1) return on_groups(NodeKind::kDot, {one_by_one(a), one_by_one(b)}, length, scale);
  if (auto found = pairs(terms, sums)) return found;
  // A number for each group weighs it.
  const bool weighed = std::all_of(a.begin(), a.end(), is_repeated) || std::all_of(b.begin(), b.end(), is_repeated);
  const size_t by_groups = num_runs(one_by_one(a)) + num_runs(one_by_one(b));
  const size_t within = num_runs(interleaved(a)) + num_runs(interleaved(b));
  if (!weighed && within <= by_groups)
    return on_groups(NodeKind::kDot, {interleaved(a), interleaved(b)}, length, scale);
  const Vector made = make({Term{1, {one_by_one(a), one_by_one(b)}}}, terms.node);
  return on_groups(NodeKind::kSumOfGroups, {made}, width, scale);
}

/// A sum of vectors, or of numbers of one.
std::optional<Operation> SumOperations::sum(const Terms& terms) {
  std::vector<Vector> operands;
  const double scale = terms.list.front().coefficient;
  bool alike = true, narrow = false;
  for (const Term& term : terms.list) {
    alike = alike && term.coefficient == scale && term.factors.size() == 1;
    narrow = narrow || narrowed(term.factors.front()).size() != term.factors.front().size();
    operands.push_back(term.factors.front());
  }
  const size_t width = operands.front().size(), length = operands.size();
  if (alike && width == 1 && (num_runs(one_by_one(operands)) < length || length > kMaxNodeInputs))
    return on_groups(NodeKind::kSumWithinGroups, {one_by_one(operands)}, length, scale);
  if (alike && width > 1) {
    const size_t by_groups = num_runs(one_by_one(operands)), within = num_runs(interleaved(operands));
    if (within < by_groups) return on_groups(NodeKind::kSumWithinGroups, {interleaved(operands)}, length, scale);
    const bool mean = scale != 1 && length > 2;
    if (((by_groups < length || mean) && !narrow) || length > kMaxNodeInputs)
      return on_groups(NodeKind::kSumOfGroups, {one_by_one(operands)}, width, scale);
  }
  if (length > kMaxNodeInputs) return std::nullopt;
  for (size_t t = 0; t < length; ++t) {
    const Term& term = terms.list[t];
    if (term.factors.size() != 1 || term.coefficient != 1) operands[t] = make({term}, terms.node);
  }
  return by_element(NodeKind::kSum, operands, 1, terms.is_shifted());
}

/// Whether it is a sum of different vectors, not one over groups or within them.
bool SumOperations::Terms::adds_vectors() const {
  std::vector<Vector> vectors;
  for (const Term& term : list) {
    if (term.factors.size() != 1) return false;
    vectors.push_back(term.factors[0]);
  }
  const size_t by_groups = num_runs(one_by_one(vectors));
  return by_groups >= vectors.size() && num_runs(interleaved(vectors)) >= by_groups;
}

bool SumOperations::Terms::is_shifted() const {
  return std::any_of(constant.begin(), constant.end(), [](double x) { return x != 0; });
}

std::optional<Operation> SumOperations::without_constant(const Terms& terms, const Vector& sums) {
  const Term& first = terms.list.front();
  const bool plain = first.factors.size() == 1 && first.coefficient == 1;
  if (terms.list.size() == 1 && !plain) return by_element(NodeKind::kProduct, first.factors, first.coefficient);
  const auto is_pair = [](const Term& term) { return term.factors.size() == 2; };
  if (std::all_of(terms.list.begin(), terms.list.end(), is_pair)) {
    if (auto found = products(terms, sums)) return found;
  }
  return sum(terms);
}

std::optional<Operation> SumOperations::find(const Vector& sums) {
  const Terms given = terms_of(sums);
  if (auto found = bi_interaction(given)) return found;
  const Terms terms = expanded(given);
  if (terms.list.empty()) return std::nullopt;
  std::optional<Operation> found = without_constant(terms, sums);
  if (!found || !terms.is_shifted()) return found;
  if (found->kind != NodeKind::kSum) found = by_element(NodeKind::kSum, {make(terms.list, terms.node)}, 1, true);
  found->constant.assign(terms.constant.begin(), terms.constant.end());
  return found;
}

}  // namespace mmoe::converter
