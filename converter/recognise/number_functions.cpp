#include "converter/recognise/number_functions.h"

#include <cmath>
#include <limits>

namespace mmoe::converter {
namespace {

constexpr float kNoBound = std::numeric_limits<float>::infinity();

double constant_term(const Polynomial& polynomial) {
  const auto found = polynomial.find({});
  return found != polynomial.end() ? found->second : 0;
}

/// Of its only atom of this kind, which nothing is multiplied by but a number.
std::optional<uint32_t> only_atom(const ScalarAlgebra& algebra, const Polynomial& function, AtomKind kind) {
  std::optional<uint32_t> found;
  for (const auto& [monomial, factor] : function) {
    static_cast<void>(factor);
    if (monomial.empty()) continue;
    if (found || monomial.size() != 1 || algebra.atom(monomial[0]).kind != kind) return std::nullopt;
    found = monomial[0];
  }
  return found;
}

/// Bounds between which the polynomial is its variable.
std::optional<std::pair<float, float>> bounds_of(ScalarAlgebra& algebra, const Polynomial& argument) {
  float lower = -kNoBound, upper = kNoBound;
  for (const auto& [monomial, factor] : argument) {
    if (monomial.size() != 1 || algebra.atom(monomial[0]).kind != AtomKind::kRelu) continue;
    const double knot = -constant_term(algebra.atom(monomial[0]).argument);
    (factor > 0 ? lower : upper) = static_cast<float>(knot);
  }
  if (!(lower <= upper)) return std::nullopt;
  const Polynomial clamped = algebra.activate(ActivationKind::kClamp, lower, upper, algebra.variable());
  return !algebra.too_large() && nearly_equal(clamped, argument) ? std::optional(std::pair(lower, upper))
                                                                 : std::nullopt;
}

/// A function of the variable, kept within bounds, times a number and plus one.
std::optional<FunctionOfNumber> of_kept(ScalarAlgebra& algebra, const Polynomial& function, AtomKind kind,
                                        NumberFunction number_function, double added) {
  const std::optional<uint32_t> atom = only_atom(algebra, function, kind);
  if (!atom) return std::nullopt;
  const Polynomial argument = algebra.add(Polynomial(algebra.atom(*atom).argument), ScalarAlgebra::constant(-added));
  const auto bounds = bounds_of(algebra, argument);
  if (!bounds) return std::nullopt;
  FunctionOfNumber found;
  found.scaling.function = number_function;
  found.scaling.lower = bounds->first;
  found.scaling.upper = bounds->second;
  found.scale = function.at({*atom});
  found.shift = constant_term(function);
  return found;
}

/// `wanted` times a number, and plus one.
std::optional<FunctionOfNumber> multiple_of(ScalarAlgebra& algebra, const Polynomial& wanted,
                                            const Polynomial& function) {
  if (algebra.too_large() || wanted.empty()) return std::nullopt;
  const auto& [monomial, weight] = *wanted.rbegin();
  const auto own = function.find(monomial);
  if (own == function.end()) return std::nullopt;
  FunctionOfNumber found;
  found.scale = own->second / weight;
  found.shift = constant_term(function) - found.scale * constant_term(wanted);
  const Polynomial same = algebra.add(algebra.scale(wanted, found.scale), ScalarAlgebra::constant(found.shift));
  if (std::fabs(found.shift) <= 1e-6 * std::fabs(found.scale)) found.shift = 0;
  return nearly_equal(same, function) ? std::optional(found) : std::nullopt;
}

/// sign(x), and sign(x) log(1 + |x|).
std::optional<FunctionOfNumber> of_sign(ScalarAlgebra& algebra, const Polynomial& function) {
  const Polynomial x = algebra.variable(), zero;
  const Polynomial sign =
      algebra.add(algebra.call(FunctionKind::kGreater, {x, zero}), algebra.call(FunctionKind::kGreater, {zero, x}), -1);
  if (auto found = multiple_of(algebra, sign, function)) {
    found->scaling.function = NumberFunction::kPoints;
    found->scaling.points = {{-1, -1}, {0, -1}, {0, 1}, {1, 1}};
    return found;
  }
  const Polynomial size = algebra.add(ScalarAlgebra::constant(1), algebra.call(FunctionKind::kAbs, {x}));
  auto found = multiple_of(algebra, algebra.multiply(sign, algebra.call(FunctionKind::kLog, {size})), function);
  if (found) found->scaling.function = NumberFunction::kSignedLog1p;
  return found;
}

}  // namespace

std::optional<FunctionOfNumber> match_number(ScalarAlgebra& algebra, const Polynomial& function) {
  if (algebra.too_large() || function.empty()) return std::nullopt;
  if (auto found = of_kept(algebra, function, AtomKind::kLog, NumberFunction::kLog1p, 1)) return found;
  if (auto found = of_kept(algebra, function, AtomKind::kLog, NumberFunction::kLog, 0)) return found;
  if (auto found = of_kept(algebra, function, AtomKind::kSqrt, NumberFunction::kSqrt, 0)) return found;
  return of_sign(algebra, function);
}

}  // namespace mmoe::converter
