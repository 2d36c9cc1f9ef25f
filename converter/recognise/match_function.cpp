#include "converter/recognise/match_function.h"

#include <algorithm>
#include <cmath>

namespace mmoe::converter {
namespace {

const Monomial kOne, kX = {0};

double coefficient(const Polynomial& polynomial, const Monomial& monomial) {
  const auto found = polynomial.find(monomial);
  return found != polynomial.end() ? found->second : 0;
}

bool is_linear(const Polynomial& polynomial) {
  return std::all_of(polynomial.begin(), polynomial.end(),
                     [](const auto& term) { return term.first == kOne || term.first == kX; });
}

ScalarFunction function_of(ActivationKind kind, double alpha = 0, double beta = 0) {
  ScalarFunction result;
  result.kind = kind;
  result.alpha = static_cast<float>(alpha);
  result.beta = static_cast<float>(beta);
  return result;
}

class Matcher {
 public:
  Matcher(ScalarAlgebra& algebra, const Polynomial& function)
      : algebra_(algebra),
        function_(function),
        constant_(coefficient(function, kOne)),
        slope_(coefficient(function, kX)) {}

  std::optional<ScalarFunction> run() {
    if (is_linear(function_)) return linear();
    if (auto found = piecewise_linear()) return found;
    if (auto found = one_atom()) return found;
    return written_out();
  }

 private:
  const Atom& atom(const Monomial& monomial) const { return algebra_.atom(monomial.front()); }

  std::optional<ScalarFunction> linear() const {
    if (slope_ == 0) return std::nullopt;  // constant
    ScalarFunction result = function_of(ActivationKind::kIdentity);
    result.output_scale = slope_;
    result.output_shift = constant_;
    return result;
  }

  /// slope x + constant + the sum of weight relu(x - knot), with one or two knots, or one with a jump.
  std::optional<ScalarFunction> piecewise_linear() const {
    std::vector<std::pair<double, double>> knots;  // and weights
    std::optional<std::pair<double, double>> jump;
    for (const auto& [monomial, weight] : function_) {
      if (monomial == kOne || monomial == kX) continue;
      if (monomial.size() != 1 || !is_linear(atom(monomial).argument)) return std::nullopt;
      const double knot = -coefficient(atom(monomial).argument, kOne);  // the leading coefficient is 1
      if (atom(monomial).kind == AtomKind::kRelu) {
        knots.emplace_back(knot, weight);
      } else if (atom(monomial).kind == AtomKind::kIsPositive && !jump) {
        jump = {knot, weight};
      } else {
        return std::nullopt;
      }
    }
    if (jump) return threshold(knots, *jump);
    if (knots.size() == 1) return one_knot(knots[0].first, knots[0].second);
    return knots.size() == 2 ? clamp(knots) : std::nullopt;
  }

  std::optional<ScalarFunction> one_knot(double knot, double weight) const {
    const double right = slope_ + weight;
    ScalarFunction result = function_of(ActivationKind::kRelu);
    result.input_shift = -knot;
    result.output_scale = weight;
    result.output_shift = constant_;
    if (slope_ == 0) return result;
    result.output_shift += slope_ * knot;
    if (nearly_equal(slope_, -weight)) {  // 0 on the right: the function of -(x - knot)
      result.input_scale = -1;
      result.input_shift = knot;
      return result;
    }
    result.kind = ActivationKind::kLeakyRelu;
    result.alpha = static_cast<float>(slope_ / right);
    result.output_scale = right;
    return result;
  }

  std::optional<ScalarFunction> clamp(std::vector<std::pair<double, double>> knots) const {
    std::sort(knots.begin(), knots.end());
    const double weight = knots[0].second;
    if (slope_ != 0 || !nearly_equal(weight, -knots[1].second)) return std::nullopt;
    ScalarFunction result = function_of(ActivationKind::kClamp, knots[0].first, knots[1].first);
    result.output_scale = weight;
    result.output_shift = constant_ - weight * knots[0].first;
    return result;
  }

  /// x > t ? x : v is v + relu(x - t) + (t - v) [x > t].
  std::optional<ScalarFunction> threshold(const std::vector<std::pair<double, double>>& knots,
                                          std::pair<double, double> jump) const {
    if (slope_ != 0 || knots.size() != 1 || !nearly_equal(knots[0].first, jump.first)) return std::nullopt;
    const double weight = knots[0].second, value = jump.first - jump.second / weight;
    ScalarFunction result = function_of(ActivationKind::kThreshold, jump.first, value);
    result.output_scale = weight;
    result.output_shift = constant_ - weight * value;
    return result;
  }

  /// A multiple of one function of a linear argument, and a constant.
  std::optional<ScalarFunction> one_atom() const {
    if (slope_ != 0) return std::nullopt;
    const auto& [monomial, weight] = *function_.rbegin();
    const size_t terms = function_.size() - function_.count(kOne);
    if (terms != 1 || monomial.size() != 1 || !is_linear(atom(monomial).argument)) return std::nullopt;
    ScalarFunction result = function_of(ActivationKind::kSigmoid);
    result.input_scale = coefficient(atom(monomial).argument, kX);
    result.input_shift = coefficient(atom(monomial).argument, kOne);
    result.output_scale = weight;
    result.output_shift = constant_;
    switch (atom(monomial).kind) {
      case AtomKind::kSigmoid: break;
      case AtomKind::kExp: result.kind = ActivationKind::kExp; break;
      case AtomKind::kSoftplus:
        result.kind = ActivationKind::kSoftplus;
        result.alpha = 1;
        break;
      default: return std::nullopt;
    }
    if (result.kind == ActivationKind::kSigmoid && nearly_equal(constant_, -weight / 2)) {
      result.kind = ActivationKind::kTanh;  // tanh(x) = 2 sigmoid(2 x) - 1
      result.input_scale /= 2;
      result.input_shift /= 2;
      result.output_scale /= 2;
      result.output_shift = 0;
    }
    return result;
  }

  /// The functions that are sums or products of several.
  std::optional<ScalarFunction> written_out() {
    for (const ActivationKind kind :
         {ActivationKind::kSilu, ActivationKind::kGelu, ActivationKind::kGeluTanh, ActivationKind::kMish,
          ActivationKind::kHardSwish, ActivationKind::kSoftsign, ActivationKind::kLogSigmoid,
          ActivationKind::kSquaredRelu, ActivationKind::kSelu}) {
      if (auto found = compare(kind, 0)) return found;
    }
    const std::vector<double> alphas = numbers();
    for (const ActivationKind kind : {ActivationKind::kElu, ActivationKind::kCelu, ActivationKind::kSwish}) {
      for (const double alpha : alphas) {
        if (alpha == 0 || (alpha < 0 && kind != ActivationKind::kElu)) continue;
        if (auto found = compare(kind, alpha)) return found;
      }
    }
    return std::nullopt;
  }

  /// Numbers in the function that may be an activation's parameter.
  std::vector<double> numbers() const {
    std::vector<double> found;
    for (const auto& [monomial, weight] : function_) {
      found.insert(found.end(), {weight, -weight});
      for (const uint32_t factor : monomial) {
        const double inner = coefficient(algebra_.atom(factor).argument, kX);
        if (inner != 0) found.insert(found.end(), {inner, 1 / inner});
      }
    }
    return found;
  }

  /// The same as the activation but for a factor and a shift.
  std::optional<ScalarFunction> compare(ActivationKind kind, double alpha) {
    const Polynomial wanted = algebra_.activate(kind, alpha, 0, algebra_.variable());
    if (algebra_.too_large() || wanted.empty()) return std::nullopt;
    const auto& [monomial, weight] = *wanted.rbegin();
    const double factor = coefficient(function_, monomial) / weight;
    if (factor == 0) return std::nullopt;
    const double shift = constant_ - factor * coefficient(wanted, kOne);
    const Polynomial scaled = algebra_.add(algebra_.scale(wanted, factor), ScalarAlgebra::constant(shift));
    if (!nearly_equal(scaled, function_)) return std::nullopt;
    ScalarFunction result = function_of(kind, alpha);
    result.output_scale = factor;
    result.output_shift = std::fabs(shift) <= 1e-6 * std::fabs(factor) ? 0 : shift;
    return result;
  }

  ScalarAlgebra& algebra_;
  const Polynomial& function_;
  const double constant_, slope_;
};

}  // namespace

std::optional<ScalarFunction> match_function(ScalarAlgebra& algebra, const Polynomial& function) {
  if (algebra.too_large() || function.empty()) return std::nullopt;
  return Matcher(algebra, function).run();
}

}  // namespace mmoe::converter
