#include "converter/recognise/scalar_functions.h"

#include <algorithm>
#include <cmath>
#include <queue>

#include "converter/recognise/kept_polynomial.h"
#include "converter/recognise/match_function.h"
#include "converter/recognise/number_functions.h"

namespace mmoe::converter {
namespace {

// What a written activation reads of its own nodes at most; and of how many scalars before it one may be the function.
constexpr size_t kMaxNodes = 48, kMaxVariables = 6, kMaxTermsOfSum = 8;

bool is_part_of_function(const Expression& expression, uint32_t column) {
  switch (expression.kind) {
    case ExpressionKind::kConstant:
    case ExpressionKind::kAffine:
    case ExpressionKind::kFunction: return true;
    case ExpressionKind::kActivation:
      return expression.activation.kind != ActivationKind::kDice &&
             expression.activation.kind != ActivationKind::kPRelu;
    case ExpressionKind::kSum: return expression.terms[column].size() <= kMaxTermsOfSum;
    default: return false;
  }
}

std::vector<Ref> arguments_of(const Expression& expression, uint32_t column) {
  std::vector<Ref> arguments;
  if (expression.kind == ExpressionKind::kSum) {
    for (const Term& term : expression.terms[column]) {
      arguments.push_back(term.a);
      if (term.product) arguments.push_back(term.b);
    }
  } else if (expression.kind != ExpressionKind::kConstant) {
    for (size_t at = column; at < expression.inputs.size(); at += expression.columns)
      arguments.push_back(expression.inputs[at]);
  }
  return arguments;
}

/// The scalars that a scalar is calculated of, each after all that read it; and those of them that everything goes
/// through. Expressions are numbered in the order in which they are calculated, so the largest number is always next.
struct Walk {
  std::vector<Ref> order;
  std::vector<size_t> variables;  // positions in `order`

  Walk(const Expressions& expressions, Ref start) {
    std::priority_queue<Ref> waiting;
    waiting.push(start);
    while (!waiting.empty() && order.size() < kMaxNodes && variables.size() < kMaxVariables) {
      const Ref next = waiting.top();
      while (!waiting.empty() && waiting.top() == next) waiting.pop();
      const Expression& expression = expressions.of(next);
      const bool constant = expression.kind == ExpressionKind::kConstant;
      if (waiting.empty() && !order.empty() && !constant) variables.push_back(order.size());
      order.push_back(next);
      if (!is_part_of_function(expression, next.column)) return;
      for (const Ref argument : arguments_of(expression, next.column)) waiting.push(argument);
    }
  }
};

class FunctionOf {
 public:
  FunctionOf(const Expressions& expressions, const Walk& walk, size_t variable)
      : expressions_(expressions), walk_(walk), values_(variable + 1) {
    values_[variable] = algebra_.variable();
    for (size_t i = variable; i-- > 0 && !algebra_.too_large();) values_[i] = value_of(walk.order[i]);
  }

  std::optional<ScalarFunction> match() { return match_function(algebra_, values_.front()); }
  std::optional<KeptPolynomial> match_kept() { return match_kept_polynomial(algebra_, values_.front()); }
  std::optional<FunctionOfNumber> match_number() { return converter::match_number(algebra_, values_.front()); }

 private:
  const Polynomial& at(Ref ref) const {
    const auto found = std::find(walk_.order.begin(), walk_.order.end(), ref);
    return values_[static_cast<size_t>(found - walk_.order.begin())];
  }

  Polynomial affine(const BatchNorm& norm, Ref input, size_t column) {
    const double scale = double{norm.gamma[column]} / std::sqrt(double{norm.variance[column]} + norm.epsilon);
    const double shift = norm.beta[column] - scale * norm.mean[column];
    return algebra_.add(algebra_.scale(at(input), scale), ScalarAlgebra::constant(shift));
  }

  Polynomial value_of(Ref ref) {
    const Expression& expression = expressions_.of(ref);
    switch (expression.kind) {
      case ExpressionKind::kConstant: return ScalarAlgebra::constant(double{expression.bias[ref.column]});
      case ExpressionKind::kAffine: return affine(expression.norm, expression.inputs[ref.column], ref.column);
      case ExpressionKind::kActivation: {
        const Activation& activation = expression.activation;
        return algebra_.activate(activation.kind, activation.alpha, activation.beta, at(expression.inputs[ref.column]));
      }
      case ExpressionKind::kFunction: {
        std::vector<Polynomial> arguments;
        for (const Ref argument : arguments_of(expression, ref.column)) arguments.push_back(at(argument));
        return algebra_.call(expression.function, arguments);
      }
      default: break;
    }
    Polynomial sum;
    for (const Term& term : expression.terms[ref.column]) {
      sum = algebra_.add(sum, term.product ? algebra_.multiply(at(term.a), at(term.b)) : at(term.a), term.coefficient);
    }
    return sum;
  }

  const Expressions& expressions_;
  const Walk& walk_;
  ScalarAlgebra algebra_;
  std::vector<Polynomial> values_;  // of walk_.order
};

/// Everything of a walk but where its scalars lie: walks with the same are of the same function.
std::vector<double> signature(const Expressions& expressions, const Walk& walk) {
  std::vector<double> result;
  const auto place = [&](Ref ref) {
    return static_cast<double>(std::find(walk.order.begin(), walk.order.end(), ref) - walk.order.begin());
  };
  for (const Ref ref : walk.order) {
    const Expression& expression = expressions.of(ref);
    result.push_back(static_cast<double>(expression.kind));
    if (!is_part_of_function(expression, ref.column)) continue;
    if (expression.kind == ExpressionKind::kConstant) result.push_back(double{expression.bias[ref.column]});
    if (expression.kind == ExpressionKind::kFunction) result.push_back(static_cast<double>(expression.function));
    if (expression.kind == ExpressionKind::kActivation) {
      const Activation& activation = expression.activation;
      result.insert(result.end(), {static_cast<double>(activation.kind), activation.alpha, activation.beta});
    }
    if (expression.kind == ExpressionKind::kAffine) {
      const BatchNorm& norm = expression.norm;
      result.insert(result.end(), {norm.gamma[ref.column], norm.beta[ref.column], norm.mean[ref.column],
                                   norm.variance[ref.column], norm.epsilon});
    }
    if (expression.kind == ExpressionKind::kSum) {
      for (const Term& term : expression.terms[ref.column])
        result.insert(result.end(), {term.coefficient, term.product ? 1.0 : 0.0});
    }
    for (const Ref argument : arguments_of(expression, ref.column)) result.push_back(place(argument));
  }
  return result;
}

struct Found {
  ScalarFunction function;
  Ref variable;
};

/// A scalar as functions of others, the nearest first.
using FoundAll = std::vector<Found>;

class Finder {
 public:
  explicit Finder(const Expressions& expressions) : expressions_(expressions) {}

  FoundAll find(Ref ref) {
    const Walk walk(expressions_, ref);
    FoundAll found;
    if (walk.variables.empty()) return found;
    const auto [known, fresh] = known_.emplace(signature(expressions_, walk), Matches());
    if (fresh) known->second = match(walk);
    for (const auto& [function, variable] : known->second) found.push_back({function, walk.order[variable]});
    return found;
  }

 private:
  using Matches = std::vector<std::pair<ScalarFunction, size_t>>;  // and their variables' places in the walk

  /// Of the scalars of which it is a function that the runtime has.
  Matches match(const Walk& walk) const {
    Matches matches;
    for (const size_t variable : walk.variables) {
      if (auto function = FunctionOf(expressions_, walk, variable).match()) matches.emplace_back(*function, variable);
    }
    return matches;
  }

  const Expressions& expressions_;
  std::map<std::vector<double>, Matches> known_;
};

TensorValue add_affine(const NodeCall& call, const TensorValue& like, const std::vector<double>& scales,
                       const std::vector<double>& shifts) {
  const auto all = [](const std::vector<double>& values, double wanted) {
    return std::all_of(values.begin(), values.end(), [wanted](double value) { return value == wanted; });
  };
  if (all(scales, 1) && all(shifts, 0)) return like;
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  affine.inputs = like.refs;
  affine.columns = like.refs.size();
  affine.norm = {std::vector<float>(scales.begin(), scales.end()), std::vector<float>(shifts.begin(), shifts.end()),
                 std::vector<float>(affine.columns, 0.0f), std::vector<float>(affine.columns, 1.0f), 0};
  return call.rows_of(std::move(affine), like);
}

/// c, c^2, c^3, ... of every element, as many as there are powers.
std::vector<TensorValue> powers_of(const NodeCall& call, const TensorValue& kept, size_t count) {
  std::vector<TensorValue> powers = {kept};
  while (powers.size() < count) {
    Expression product;
    product.kind = ExpressionKind::kSum;
    product.columns = kept.refs.size();
    for (size_t i = 0; i < product.columns; ++i)
      product.terms.push_back({{1, powers.back().refs[i], true, kept.refs[i]}});
    powers.push_back(call.rows_of(std::move(product), kept));
  }
  return powers;
}

/// The same polynomial of another scalar each, which is kept within bounds.
struct KeptScalars {
  KeptPolynomial polynomial;
  Vector of;
};

/// Of the scalars that lie `which` steps on, through which everything goes. A bias makes those before it differ.
std::optional<KeptScalars> kept_scalars(const Expressions& expressions, const Vector& scalars, size_t which) {
  std::optional<KeptScalars> all;
  for (const Ref ref : scalars) {
    const Walk walk(expressions, ref);
    if (walk.variables.size() <= which) return std::nullopt;
    const size_t variable = walk.variables[which];
    const auto own = FunctionOf(expressions, walk, variable).match_kept();
    const bool alike = own && (!all || (own->lower == all->polynomial.lower && own->upper == all->polynomial.upper &&
                                        own->coefficients == all->polynomial.coefficients));
    if (!alike) return std::nullopt;
    if (!all) all = KeptScalars{*own, {}};
    all->of.push_back(walk.order[variable]);
  }
  return all;
}

/// coefficients[1] c + coefficients[2] c^2 + ... and coefficients[0], of every element.
TensorValue sum_of_powers(const NodeCall& call, const TensorValue& kept, const std::vector<double>& coefficients) {
  const size_t columns = kept.refs.size();
  call.expressions.charge(columns * coefficients.size() * 2);
  const std::vector<TensorValue> powers = powers_of(call, kept, coefficients.size() - 1);
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  sum.columns = columns;
  sum.terms.resize(columns);
  for (size_t i = 0; i < columns; ++i) {
    for (size_t power = 1; power < coefficients.size(); ++power) {
      const auto coefficient = static_cast<float>(coefficients[power]);
      if (coefficient != 0) sum.terms[i].push_back({coefficient, powers[power - 1].refs[i], false, {}});
    }
  }
  const TensorValue summed = call.rows_of(std::move(sum), kept);
  return add_affine(call, summed, std::vector<double>(columns, 1.0), std::vector<double>(columns, coefficients[0]));
}

/// Where scalars are polynomials of others that are kept within bounds: sums of products.
std::optional<TensorValue> as_kept_polynomial(const NodeCall& call, const TensorValue& rows) {
  if (rows.refs.empty()) return std::nullopt;
  const Expression& choice = call.expressions.of(rows.refs.front());
  const bool may_be = choice.kind == ExpressionKind::kSum ||  // by products with comparisons
                      (choice.kind == ExpressionKind::kFunction && choice.function == FunctionKind::kSelect);
  std::optional<KeptScalars> found;
  for (size_t which = 0; may_be && !found && which < kMaxVariables; ++which)
    found = kept_scalars(call.expressions, rows.refs, which);
  if (!found) return std::nullopt;
  Expression clamp;
  clamp.kind = ExpressionKind::kActivation;
  clamp.inputs = found->of;
  clamp.columns = found->of.size();
  clamp.activation.kind = ActivationKind::kClamp;
  clamp.activation.alpha = static_cast<float>(found->polynomial.lower);
  clamp.activation.beta = static_cast<float>(found->polynomial.upper);
  return sum_of_powers(call, call.rows_of(std::move(clamp), rows), found->polynomial.coefficients);
}

bool same_activation(const ScalarFunction& a, const ScalarFunction& b) {
  return a.kind == b.kind && a.alpha == b.alpha && a.beta == b.beta;
}

}  // namespace

TensorValue simplify(const NodeCall& call, TensorValue rows) {
  Finder finder(call.expressions);
  std::vector<FoundAll> all;
  size_t most = kMaxVariables;
  for (const Ref ref : rows.refs) {
    all.push_back(finder.find(ref));
    most = std::min(most, all.back().size());
    if (most == 0) break;
  }
  // Of the farthest scalars of which all are the same activation: what lies between is no layer of its own. Bounds of a
  // clamp behind a bias differ from number to number, those of the clamp before it do not.
  const auto alike = [&](size_t which) {
    return std::all_of(all.begin(), all.end(), [&](const FoundAll& own) {
      return same_activation(all.front()[which].function, own[which].function);
    });
  };
  while (most > 0 && !all.empty() && !alike(most - 1)) --most;
  if (most == 0 || all.empty()) return as_kept_polynomial(call, rows).value_or(rows);
  std::vector<double> input_scales, input_shifts, output_scales, output_shifts;
  const ScalarFunction activation = all.front()[most - 1].function;
  TensorValue result = rows;
  for (size_t i = 0; i < all.size(); ++i) {
    const ScalarFunction& function = all[i][most - 1].function;
    result.refs[i] = all[i][most - 1].variable;
    input_scales.push_back(function.input_scale);
    input_shifts.push_back(function.input_shift);
    output_scales.push_back(function.output_scale);
    output_shifts.push_back(function.output_shift);
  }
  if (activation.kind == ActivationKind::kIdentity) return add_affine(call, result, output_scales, output_shifts);
  result = add_affine(call, result, input_scales, input_shifts);
  Expression activated;
  activated.kind = ExpressionKind::kActivation;
  activated.inputs = result.refs;
  activated.columns = result.refs.size();
  activated.activation.kind = activation.kind;
  activated.activation.alpha = activation.alpha;
  activated.activation.beta = activation.beta;
  result = call.rows_of(std::move(activated), result);
  return add_affine(call, result, output_scales, output_shifts);
}

std::optional<FunctionOfNumber> function_of_number(const Expressions& expressions, Ref ref) {
  const Walk walk(expressions, ref);
  if (walk.variables.empty()) return std::nullopt;
  const Ref last = walk.order[walk.variables.back()];
  const Expression& source = expressions.of(last);
  const bool number = source.kind == ExpressionKind::kNumber || source.kind == ExpressionKind::kInput;
  if (!number || walk.variables.back() == 0) return std::nullopt;
  if (source.kind == ExpressionKind::kNumber && source.scalings[last.column].function != NumberFunction::kIdentity)
    return std::nullopt;
  std::optional<FunctionOfNumber> found = FunctionOf(expressions, walk, walk.variables.back()).match_number();
  if (!found) return std::nullopt;
  found->input = source.kind == ExpressionKind::kInput ? last : source.inputs[last.column];
  if (source.kind == ExpressionKind::kNumber) found->scaling.missing = source.scalings[last.column].missing;
  // A bound would take in what the graph may make something else of.
  const bool bounded = std::isfinite(found->scaling.lower) || std::isfinite(found->scaling.upper);
  return bounded && expressions.is_asked_infinite(found->input) ? std::nullopt : found;
}

}  // namespace mmoe::converter
