#include "converter/recognise/scalar_algebra.h"

#include <algorithm>
#include <cmath>

namespace mmoe::converter {
namespace {

constexpr size_t kMaxTerms = 32, kMaxDegree = 6, kMaxAtoms = 256;
// Constants are floats, and a few of them are multiplied: 8 units in the last place.
constexpr double kTolerance = 1e-6;

double constant_of(const Polynomial& polynomial) {
  const auto found = polynomial.find({});
  return found != polynomial.end() ? found->second : 0;
}

bool is_constant(const Polynomial& polynomial) {
  return polynomial.empty() || (polynomial.size() == 1 && polynomial.begin()->first.empty());
}

/// The coefficient of the first monomial that is not 1; 0 for a constant.
double leading(const Polynomial& polynomial) {
  for (const auto& [monomial, coefficient] : polynomial) {
    if (!monomial.empty()) return coefficient;
  }
  return 0;
}

}  // namespace

bool nearly_equal(double a, double b) { return std::fabs(a - b) <= kTolerance * std::max(std::fabs(a), std::fabs(b)); }

bool nearly_equal(const Polynomial& a, const Polynomial& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
           return x.first == y.first && nearly_equal(x.second, y.second);
         });
}

Polynomial ScalarAlgebra::constant(double value) {
  if (value == 0) return {};
  return {{{}, value}};
}

Polynomial ScalarAlgebra::add(const Polynomial& a, const Polynomial& b, double factor_of_b) {
  Polynomial sum = a;
  for (const auto& [monomial, coefficient] : b) {
    const double added = coefficient * factor_of_b;
    double& value = sum[monomial];
    const double before = value;
    value += added;
    // What rounding leaves of a difference is none.
    const bool cancels = std::fabs(value) <= kTolerance * std::max(std::fabs(before), std::fabs(added));
    if (cancels) sum.erase(monomial);
  }
  too_large_ = too_large_ || sum.size() > kMaxTerms;
  return sum;
}

Polynomial ScalarAlgebra::scale(const Polynomial& a, double factor) { return add({}, a, factor); }

Polynomial ScalarAlgebra::multiply(const Polynomial& a, const Polynomial& b) {
  Polynomial product;
  for (const auto& [left, x] : a) {
    for (const auto& [right, y] : b) {
      if (too_large_) return {};
      Monomial both;
      std::merge(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(both));
      too_large_ = both.size() > kMaxDegree;
      product = add(product, product_of_sigmoids(both).value_or(Polynomial{{both, 1.0}}), x * y);
    }
  }
  return product;
}

// sigmoid(q) sigmoid(q + c) = (sigmoid(q) - e^-c sigmoid(q + c)) / (1 - e^-c)
std::optional<Polynomial> ScalarAlgebra::product_of_sigmoids(const Monomial& monomial) {
  constexpr double kLeastDifference = 1e-3;  // below, the two terms cancel out
  const auto is_sigmoid = [&](uint32_t atom) { return atoms_[atom].kind == AtomKind::kSigmoid; };
  if (monomial.size() != 2 || !std::all_of(monomial.begin(), monomial.end(), is_sigmoid)) return std::nullopt;
  const Polynomial difference = add(Polynomial(atoms_[monomial[1]].argument), atoms_[monomial[0]].argument, -1);
  const double c = constant_of(difference), k = std::exp(-c);
  if (!is_constant(difference) || !(std::fabs(c) >= kLeastDifference && std::isfinite(k))) return std::nullopt;
  return add(Polynomial{{{monomial[0]}, 1 / (1 - k)}}, Polynomial{{{monomial[1]}, 1.0}}, -k / (1 - k));
}

Polynomial ScalarAlgebra::single(AtomKind kind, const Polynomial& argument) {
  for (uint32_t i = 0; i < atoms_.size(); ++i) {
    if (atoms_[i].kind == kind && nearly_equal(atoms_[i].argument, argument)) return {{{i}, 1.0}};
  }
  too_large_ = too_large_ || atoms_.size() >= kMaxAtoms;
  if (too_large_) return {};
  atoms_.push_back({kind, argument});
  return {{{static_cast<uint32_t>(atoms_.size() - 1)}, 1.0}};
}

// A clamp written as a maximum and a minimum: relu(c relu(q) + d) = relu(c q + d) for c > 0 and d <= 0, and
// relu(p - relu(q)) = relu(p) - relu(q) where p - q is a constant that is not less than 0.
std::optional<Polynomial> ScalarAlgebra::nested_relu(const Polynomial& argument) {
  const Monomial monomial = argument.rbegin()->first;
  const double factor = argument.rbegin()->second;
  if (monomial.size() != 1 || atoms_[monomial[0]].kind != AtomKind::kRelu) return std::nullopt;
  const Polynomial q = atoms_[monomial[0]].argument, rest = add(argument, {{monomial, factor}}, -1);
  if (factor > 0 && is_constant(rest) && constant_of(rest) <= 0) return relu(add(rest, q, factor));
  const Polynomial difference = add(rest, q, factor);
  if (factor < 0 && is_constant(difference) && constant_of(difference) >= 0) {
    return add(relu(rest), {{monomial, 1.0}}, factor);
  }
  return std::nullopt;
}

// relu(s q) = s relu(q) for s > 0, and relu(-q) = relu(q) - q: the leading coefficient is 1.
Polynomial ScalarAlgebra::relu(const Polynomial& argument) {
  const double lead = leading(argument);
  if (lead == 0) return constant(std::max(0.0, constant_of(argument)));
  if (std::optional<Polynomial> found = nested_relu(argument)) return std::move(*found);
  const Polynomial q = scale(argument, 1 / lead);
  const Polynomial positive = single(AtomKind::kRelu, q);
  return lead > 0 ? scale(positive, lead) : scale(add(positive, q, -1), -lead);
}

// 1 where the argument is more than 0 (or 0).
Polynomial ScalarAlgebra::step(bool or_equal, const Polynomial& argument) {
  const double lead = leading(argument);
  if (lead == 0) {
    const double value = constant_of(argument);
    return constant(value > 0 || (or_equal && value == 0) ? 1 : 0);
  }
  const bool turned = lead < 0;
  const Polynomial found =
      single(or_equal != turned ? AtomKind::kIsNotNegative : AtomKind::kIsPositive, scale(argument, 1 / lead));
  return turned ? add(constant(1), found, -1) : found;
}

// Frameworks give y in place of log(1 + exp(y)) where y is more than 20: the difference, exp(-20), is below the
// rounding of a float beside 20, as it is from 16 on.
bool ScalarAlgebra::is_guarded_softplus(const Polynomial& condition, const Polynomial& yes, const Polynomial& no) {
  for (const auto& [monomial, coefficient] : no) {
    if (monomial.size() != 1 || atoms_[monomial[0]].kind != AtomKind::kSoftplus || coefficient <= 0) continue;
    const Polynomial& y = atoms_[monomial[0]].argument;
    const Polynomial rest = add(no, {{monomial, coefficient}}, -1);
    const double lead = leading(y);
    if (lead <= 0 || !nearly_equal(yes, add(rest, y, coefficient))) continue;
    // condition: q > 0 with q = y / lead - threshold / lead
    const Polynomial threshold = add(scale(y, 1 / lead), condition, -1);
    if (is_constant(threshold) && constant_of(threshold) * lead >= 16) return true;
  }
  return false;
}

// no + (yes - no) [q > 0], where multiples of q [q > 0] are relu(q).
Polynomial ScalarAlgebra::select(const Polynomial& condition, const Polynomial& yes, const Polynomial& no) {
  if (is_constant(condition)) return constant_of(condition) != 0 ? yes : no;
  const auto& [monomial, coefficient] = *condition.rbegin();
  const AtomKind kind = monomial.size() == 1 ? atoms_[monomial[0]].kind : AtomKind::kVariable;
  const bool is_step = kind == AtomKind::kIsPositive || kind == AtomKind::kIsNotNegative;
  if (is_step && condition.size() == 2 && coefficient == -1) return select(add(constant(1), condition, -1), no, yes);
  if (!is_step || condition.size() != 1 || coefficient != 1) {
    too_large_ = true;  // the condition is no comparison
    return {};
  }
  const Polynomial q = atoms_[monomial[0]].argument;
  if (is_guarded_softplus(q, yes, no)) return no;
  const Polynomial difference = add(yes, no, -1);
  const auto lead = std::find_if(q.begin(), q.end(), [](const auto& term) { return !term.first.empty(); });
  const auto found = difference.find(lead->first);
  const double factor = found != difference.end() ? found->second : 0;
  const Polynomial rest = add(difference, q, -factor);
  return add(add(no, relu(q), factor), multiply(condition, rest));
}

// log(sigmoid(q)) = q - softplus(q), log(1 + exp(q)) = softplus(q)
Polynomial ScalarAlgebra::logarithm(const Polynomial& argument) {
  if (is_constant(argument)) {
    too_large_ = too_large_ || constant_of(argument) <= 0;
    return too_large_ ? Polynomial() : constant(std::log(constant_of(argument)));
  }
  const auto& last = *argument.rbegin();
  const bool atom = last.first.size() == 1 && nearly_equal(last.second, 1);
  if (atom && argument.size() == 1 && atoms_[last.first[0]].kind == AtomKind::kSigmoid) {
    const Polynomial q = atoms_[last.first[0]].argument;
    return add(q, apply(AtomKind::kSoftplus, q), -1);
  }
  if (atom && argument.size() == 2 && nearly_equal(constant_of(argument), 1) &&
      atoms_[last.first[0]].kind == AtomKind::kExp) {
    return apply(AtomKind::kSoftplus, Polynomial(atoms_[last.first[0]].argument));
  }
  return single(AtomKind::kLog, argument);
}

// 1 / (1 + exp(q)) = 1 - sigmoid(q)
Polynomial ScalarAlgebra::reciprocal(const Polynomial& argument) {
  if (is_constant(argument)) {
    too_large_ = too_large_ || argument.empty();
    return argument.empty() ? Polynomial() : constant(1 / constant_of(argument));
  }
  const auto& last = *argument.rbegin();
  const bool atom = last.first.size() == 1 && nearly_equal(last.second, 1);
  if (argument.size() == 2 && atom && nearly_equal(constant_of(argument), 1) &&
      atoms_[last.first[0]].kind == AtomKind::kExp) {
    return add(constant(1), apply(AtomKind::kSigmoid, Polynomial(atoms_[last.first[0]].argument)), -1);
  }
  // 1 / (a + b sigmoid(q)) = 1 / a + (1 / (a + b) - 1 / a) sigmoid(q + log((a + b) / a)), where it is never 0
  const double a = constant_of(argument), end = a + last.second;
  const bool sigmoid = last.first.size() == 1 && atoms_[last.first[0]].kind == AtomKind::kSigmoid;
  if (argument.size() == 2 && sigmoid && a != 0 && end / a > 0) {
    const Polynomial q = add(Polynomial(atoms_[last.first[0]].argument), constant(std::log(end / a)));
    return add(constant(1 / a), apply(AtomKind::kSigmoid, q), 1 / end - 1 / a);
  }
  return single(AtomKind::kReciprocal, argument);
}

Polynomial ScalarAlgebra::limit(const Polynomial& argument, double lower, double upper) {
  Polynomial result = argument;
  if (std::isfinite(lower)) result = add(constant(lower), relu(add(argument, constant(lower), -1)));
  if (std::isfinite(upper)) {
    result = add(result, relu(add(argument, constant(upper), -1)), -1);
    // lower <= upper: above the upper bound both relus grow.
    too_large_ = too_large_ || lower > upper;
  }
  return result;
}

Polynomial ScalarAlgebra::apply(AtomKind kind, const Polynomial& argument) {
  const bool turned = leading(argument) < 0;
  const Polynomial opposite = scale(argument, -1);
  switch (kind) {
    case AtomKind::kVariable: return argument;
    case AtomKind::kRelu: return relu(argument);
    case AtomKind::kIsPositive: return step(false, argument);
    case AtomKind::kIsNotNegative: return step(true, argument);
    case AtomKind::kLog: return logarithm(argument);
    case AtomKind::kReciprocal: return reciprocal(argument);
    case AtomKind::kErf: return turned ? scale(single(kind, opposite), -1) : single(kind, argument);
    case AtomKind::kSigmoid: return turned ? add(constant(1), single(kind, opposite), -1) : single(kind, argument);
    case AtomKind::kSoftplus: return turned ? add(single(kind, opposite), argument) : single(kind, argument);
    case AtomKind::kSqrt:
    case AtomKind::kExp: return single(kind, argument);
  }
  return {};
}

Polynomial ScalarAlgebra::call(FunctionKind kind, const std::vector<Polynomial>& arguments) {
  const Polynomial& first = arguments.front();
  const auto difference = [&] { return add(first, arguments[1], -1); };
  switch (kind) {
    case FunctionKind::kAbs: return add(scale(relu(first), 2), first, -1);
    case FunctionKind::kErf: return apply(AtomKind::kErf, first);
    case FunctionKind::kSqrt: return apply(AtomKind::kSqrt, first);
    case FunctionKind::kLog: return apply(AtomKind::kLog, first);
    case FunctionKind::kReciprocal: return apply(AtomKind::kReciprocal, first);
    case FunctionKind::kMaximum: return add(arguments[1], relu(difference()));
    case FunctionKind::kMinimum: return add(first, relu(difference()), -1);
    case FunctionKind::kGreater: return step(false, difference());
    case FunctionKind::kGreaterOrEqual: return step(true, difference());
    case FunctionKind::kIsNan: break;
    case FunctionKind::kSelect: return select(first, arguments[1], arguments[2]);
  }
  return {};
}

Polynomial ScalarAlgebra::activate(ActivationKind kind, double alpha, double beta, const Polynomial& x) {
  const auto sigmoid = [&](const Polynomial& q) { return apply(AtomKind::kSigmoid, q); };
  const auto tanh = [&](const Polynomial& q) { return add(scale(sigmoid(scale(q, 2)), 2), constant(-1)); };
  const auto softplus = [&](const Polynomial& q) { return apply(AtomKind::kSoftplus, q); };
  const auto exp = [&](const Polynomial& q) { return apply(AtomKind::kExp, q); };
  // x where x > 0, else slope (exp(x / width) - 1)
  const auto elu = [&](double slope, double width) {
    const Polynomial below = scale(add(exp(scale(x, 1 / width)), constant(-1)), slope);
    return select(step(false, x), x, below);
  };
  switch (kind) {
    case ActivationKind::kIdentity: return x;
    case ActivationKind::kRelu: return relu(x);
    case ActivationKind::kLeakyRelu: return add(scale(x, alpha), relu(x), 1 - alpha);
    case ActivationKind::kElu: return elu(alpha, 1);
    case ActivationKind::kCelu: return elu(alpha, alpha);
    case ActivationKind::kSelu: return scale(elu(1.6732632423543772, 1), 1.0507009873554805);
    case ActivationKind::kSigmoid: return sigmoid(x);
    case ActivationKind::kTanh: return tanh(x);
    case ActivationKind::kSilu: return multiply(x, sigmoid(x));
    case ActivationKind::kSwish: return multiply(x, sigmoid(scale(x, alpha)));
    case ActivationKind::kGelu:
      return multiply(scale(x, 0.5), add(constant(1), apply(AtomKind::kErf, scale(x, 0.70710678118654752))));
    case ActivationKind::kGeluTanh: {
      const Polynomial cube = multiply(multiply(x, x), x);
      return multiply(scale(x, 0.5), add(constant(1), tanh(scale(add(x, cube, 0.044715), 0.79788456080286536))));
    }
    case ActivationKind::kSoftplus: return scale(softplus(scale(x, alpha)), 1 / alpha);
    case ActivationKind::kMish: return multiply(x, tanh(softplus(x)));
    case ActivationKind::kHardSwish: return multiply(x, scale(limit(add(x, constant(3)), 0, 6), 1.0 / 6));
    case ActivationKind::kHardSigmoid: return limit(add(scale(x, alpha), constant(beta)), 0, 1);
    case ActivationKind::kClamp: return limit(x, alpha, beta);
    case ActivationKind::kSoftsign:
      return multiply(x, apply(AtomKind::kReciprocal, add(constant(1), call(FunctionKind::kAbs, {x}))));
    case ActivationKind::kLogSigmoid: return add(x, softplus(x), -1);
    case ActivationKind::kThreshold: return select(step(false, add(x, constant(-alpha))), x, constant(beta));
    case ActivationKind::kSquaredRelu: return multiply(relu(x), relu(x));
    case ActivationKind::kExp: return exp(x);
    case ActivationKind::kPRelu:
    case ActivationKind::kDice: break;
  }
  too_large_ = true;  // their slopes are not here
  return {};
}

}  // namespace mmoe::converter
