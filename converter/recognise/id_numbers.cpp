#include "converter/recognise/id_numbers.h"

#include <algorithm>
#include <cmath>

#include "converter/recognise/pooling.h"
#include "converter/recognise/scalar_values.h"

namespace mmoe::converter {
namespace {

constexpr size_t kMostIds = size_t{1} << 12, kMostFunctions = 24, kMostCounted = 1024;
// What is 0 times so much more than the values of other counts: a quotient by a number that was kept above 0.
constexpr double kGuard = 100;
// Stands for minus infinity: exp() of it is 0 beside that of any score.
constexpr float kFarBelow = -1e30f;

bool is_number(const Expression& expression, Ref ref, float number) {
  return expression.kind == ExpressionKind::kConstant && expression.bias[ref.column] == number;
}

}  // namespace

// ------------------------------------------------------------------------------------ one id

void IdNumbers::learn_numbers() {
  for (size_t i = 0; i < expressions_.size(); ++i) {
    const Expression& expression = expressions_[i];
    if (expression.kind == ExpressionKind::kIdEquals) {
      for (size_t k = 0; k < expression.columns; ++k) numbers_[expression.inputs[k]].insert(expression.shifts[k]);
    } else if (expression.kind == ExpressionKind::kEmbedding && !expression.zero_beyond) {
      const auto [at, fresh] = rows_.emplace(expression.inputs.front(), expression.weight->rows);
      if (!fresh) at->second = std::min(at->second, expression.weight->rows);
    }
  }
  learnt_ = true;
}

const IdNumbers::Indicator& IdNumbers::indicator_of(Ref id, Ref at) {
  const auto [known, fresh] = indicators_.emplace(id, Indicator());
  Indicator& indicator = known->second;
  if (!fresh) return indicator;
  if (!learnt_) learn_numbers();
  for (const int64_t number : numbers_.at(id)) {
    if (number < 0 || number >= static_cast<int64_t>(kMostIds))
      chains_.fail(at, "compares ids with a number that is not from 0 to 4095");
    const auto column = static_cast<uint32_t>(indicator.columns.size());
    indicator.columns.emplace(number, column);
  }
  const auto looked_up = rows_.find(id);
  std::optional<size_t> end = expressions_.end_of_id(id);
  if (looked_up != rows_.end()) end = std::min(end.value_or(looked_up->second), looked_up->second);
  Expression row;
  row.kind = ExpressionKind::kEmbedding;
  row.node = expressions_.of(at).node;
  row.inputs = {id};
  row.columns = indicator.columns.size();
  row.zero_beyond = !end;
  const size_t numbers = static_cast<size_t>(indicator.columns.rbegin()->first) + 1;
  Matrix table{end.value_or(numbers), row.columns, {}};
  expressions_.charge(table.rows * table.cols);
  table.data.assign(table.rows * table.cols, 0.0f);
  for (const auto& [number, column] : indicator.columns) {
    const auto to = static_cast<size_t>(number);
    if (to < table.rows) table.data[to * table.cols + column] = 1;
  }
  row.weight = std::make_shared<const Matrix>(std::move(table));
  indicator.row = expressions_.add(std::move(row));
  return indicator;
}

Ref IdNumbers::equals(Ref id, int64_t number, Ref at) {
  const Expression& source = expressions_.of(id);
  if (source.kind != ExpressionKind::kInput) chains_.fail(at, "compares ids that are no input of the model");
  const Indicator& indicator = indicator_of(id, at);
  return {indicator.row, indicator.columns.at(number)};
}

// ------------------------------------------------------------------------------------ a choice

/// weight * value; false where the value is one that no product has.
bool IdNumbers::add_choice(std::vector<Term>& terms, Ref value, Ref weight) const {
  const Expression& expression = expressions_.of(value);
  if (expression.kind != ExpressionKind::kConstant) {
    terms.push_back({1, weight, true, value});
    return true;
  }
  const float constant = expression.bias[value.column];
  if (std::isnan(constant) || constant > -kFarBelow) return false;
  terms.push_back({std::max(constant, kFarBelow), weight, false, {}});
  return true;
}

/// 1 - condition
Vector IdNumbers::opposites(const Vector& conditions) {
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  affine.node = expressions_.of(conditions.front()).node;
  affine.columns = conditions.size();
  affine.inputs = conditions;
  affine.norm = {std::vector<float>(affine.columns, -1), std::vector<float>(affine.columns, 1),
                 std::vector<float>(affine.columns, 0), std::vector<float>(affine.columns, 1), 0};
  return expressions_.all(expressions_.add(std::move(affine)));
}

/// condition ? a : b as condition a + (1 - condition) b. Each product is exact, since a condition is 1 or 0.
std::optional<Vector> IdNumbers::chosen(const Vector& vector) {
  Vector conditions;
  for (const Ref ref : vector) {
    const Expression& select = expressions_.of(ref);
    if (select.kind != ExpressionKind::kFunction || select.function != FunctionKind::kSelect) return std::nullopt;
    conditions.push_back(select.inputs[ref.column]);
  }
  const auto is_condition = [&](Ref ref) { return is_truth(expressions_, ref); };
  if (!std::all_of(conditions.begin(), conditions.end(), is_condition)) return std::nullopt;
  const Vector others = opposites(conditions);
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  sum.node = expressions_.of(vector.front()).node;
  sum.columns = vector.size();
  for (size_t i = 0; i < vector.size(); ++i) {
    const Expression& select = expressions_.of(vector[i]);
    const auto argument = [&](size_t which) { return select.inputs[which * select.columns + vector[i].column]; };
    sum.terms.emplace_back();
    std::vector<Term>& terms = sum.terms.back();
    const bool zero = is_number(expressions_.of(argument(2)), argument(2), 0);
    if (!add_choice(terms, argument(1), conditions[i])) return std::nullopt;
    if (!zero && !add_choice(terms, argument(2), others[i])) return std::nullopt;
  }
  expressions_.charge(2 * sum.columns);
  return expressions_.all(expressions_.add(std::move(sum)));
}

// ------------------------------------------------------------------------------------ functions of a count

/// A comparison times a factor.
bool IdNumbers::add_comparison(Ref ref, double factor, Counted& counted) const {
  const Scaled scaled = expressions_.scaled(ref);
  if (expressions_.of(scaled.of).kind != ExpressionKind::kIdEquals) return false;
  const double each = factor * scaled.scale;
  if (!counted.comparisons.empty() && each != counted.each) return false;
  counted.each = each;
  counted.alone += factor * scaled.shift;
  counted.comparisons.push_back(scaled.of);
  return counted.comparisons.size() <= kMostCounted;
}

std::optional<IdNumbers::Counted> IdNumbers::counted(Ref ref) const {
  const Expression& sum = expressions_.of(ref);
  Counted counted;
  counted.sum = ref;
  for (const Term& term : sum.terms[ref.column]) {
    if (term.product || !add_comparison(term.a, double{term.coefficient}, counted)) return std::nullopt;
  }
  return counted.comparisons.size() < 2 ? std::nullopt : std::make_optional(std::move(counted));
}

/// Down through functions, activations and affine maps of one number each.
std::optional<Ref> IdNumbers::sum_below(Ref ref) const {
  for (size_t step = 0; step < kMostFunctions; ++step) {
    const Expression& expression = expressions_.of(ref);
    if (expression.kind == ExpressionKind::kSum && expression.terms[ref.column].size() > 1) return ref;
    switch (expression.kind) {
      case ExpressionKind::kAffine:
      case ExpressionKind::kActivation: ref = expression.inputs[ref.column]; continue;
      case ExpressionKind::kFunction: break;
      default: return std::nullopt;
    }
    // Of several arguments one is not constant.
    std::optional<Ref> next;
    for (size_t at = ref.column; at < expression.inputs.size(); at += expression.columns) {
      const Ref argument = expression.inputs[at];
      if (expressions_.of(argument).kind == ExpressionKind::kConstant || next == argument) continue;
      if (next) return std::nullopt;
      next = argument;
    }
    if (!next) return std::nullopt;
    ref = *next;
  }
  return std::nullopt;
}

std::optional<double> IdNumbers::value_at(Ref ref, Ref variable, double value, size_t depth) const {
  if (ref == variable) return value;
  const Expression& expression = expressions_.of(ref);
  if (depth == 0) return std::nullopt;
  if (expression.kind == ExpressionKind::kConstant) return double{expression.bias[ref.column]};
  std::vector<double> arguments;
  for (size_t at = ref.column; at < expression.inputs.size(); at += expression.columns) {
    const std::optional<double> argument = value_at(expression.inputs[at], variable, value, depth - 1);
    if (!argument) return std::nullopt;
    arguments.push_back(*argument);
  }
  return value_of(expression, ref.column, arguments);
}

/// Where none, one, two, ... of the ids are not their number. Empty where the function is another.
std::vector<double> IdNumbers::values_of(Ref ref, const Counted& counted) const {
  std::vector<double> values;
  const size_t length = counted.comparisons.size();
  for (size_t others = 0; others <= length; ++others) {
    const double sum = counted.each * static_cast<double>(length - others) + counted.alone;
    const std::optional<double> value = value_at(ref, counted.sum, sum, kMostFunctions);
    if (!value) return {};
    values.push_back(*value);
  }
  // A quotient by no elements is of a sum of none, which is 0, whatever it is multiplied by.
  double most = 1;
  for (size_t n = 1; n < values.size(); ++n) most = std::max(most, std::fabs(values[n]));
  if (!(std::fabs(values[0]) <= kGuard * most)) values[0] = values[1];
  const bool finite = std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
  return finite ? values : std::vector<double>();
}

uint32_t IdNumbers::add_layer(const Vector& inputs, Matrix weight, std::vector<float> bias, size_t node) {
  Expression dense;
  dense.kind = ExpressionKind::kDense;
  dense.node = node;
  dense.columns = weight.rows;
  dense.inputs = inputs;
  dense.bias = std::move(bias);
  expressions_.charge(weight.data.size());
  dense.weight = std::make_shared<const Matrix>(std::move(weight));
  return expressions_.add(std::move(dense));
}

/// f(n) = f(L) + the sum over k from L - 1 down to 0 of (f(k) - f(k + 1)) clamp(k + 1 - n, 0, 1), L the most, for whole
/// n: each term is there or not, exactly, and what they sum up to stays between f(L) and f(n) where f falls.
std::optional<Vector> IdNumbers::function_of_count(const Vector& vector) {
  const std::optional<Ref> sum = sum_below(vector.front());
  const std::optional<Counted> count = sum ? counted(*sum) : std::nullopt;
  if (!count) return std::nullopt;
  const size_t length = count->comparisons.size(), node = expressions_.of(vector.front()).node;
  Matrix outer{vector.size(), length, {}};
  std::vector<float> begins;
  for (const Ref ref : vector) {
    const std::optional<Ref> own = sum_below(ref);
    const std::optional<Counted> other = own ? counted(*own) : std::nullopt;
    if (!other || other->comparisons != count->comparisons) return std::nullopt;
    const std::vector<double> values = values_of(ref, *other);
    if (values.empty()) return std::nullopt;
    begins.push_back(static_cast<float>(values[length]));
    for (size_t k = length; k-- > 0;) outer.data.push_back(static_cast<float>(values[k] - values[k + 1]));
  }
  const Vector not_equal = opposites(count->comparisons);
  const Matrix inner{length, length, std::vector<float>(length * length, -1.0f)};
  std::vector<float> ends;
  for (size_t k = length; k-- > 0;) ends.push_back(static_cast<float>(k + 1));
  Expression steps;
  steps.kind = ExpressionKind::kActivation;
  steps.node = node;
  steps.columns = length;
  steps.inputs = expressions_.all(add_layer(not_equal, inner, std::move(ends), node));
  steps.activation.kind = ActivationKind::kClamp;
  steps.activation.alpha = 0;
  steps.activation.beta = 1;
  const Vector hidden = expressions_.all(expressions_.add(std::move(steps)));
  return expressions_.all(add_layer(hidden, std::move(outer), std::move(begins), node));
}

}  // namespace mmoe::converter
