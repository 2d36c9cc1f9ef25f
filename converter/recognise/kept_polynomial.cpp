#include "converter/recognise/kept_polynomial.h"

#include <algorithm>
#include <cmath>

namespace mmoe::converter {
namespace {

constexpr size_t kMostPowers = 6;
// Of numbers that are calculated from a few floats, and cancel out.
constexpr double kCancelled = 1e-5;

using Coefficients = std::vector<double>;  // of 1, x, x^2, ...

void multiply_by(double shift, bool by_variable, Coefficients& polynomial) {
  Coefficients product(polynomial.size() + 1, 0.0);
  for (size_t i = 0; i < polynomial.size(); ++i) {
    product[i] += shift * polynomial[i];
    if (by_variable) product[i + 1] += polynomial[i];
  }
  polynomial = std::move(product);
}

double polynomial_at(const Coefficients& polynomial, double x) {
  double value = 0;
  for (size_t i = polynomial.size(); i-- > 0;) value = value * x + polynomial[i];
  return value;
}

class Pieces {
 public:
  Pieces(const ScalarAlgebra& algebra, const Polynomial& function) : algebra_(algebra), function_(function) {}

  /// False where there are other atoms than steps and relus of the variable, or other than two knots.
  bool find_knots() {
    for (const auto& [monomial, factor] : function_) {
      static_cast<void>(factor);
      for (const uint32_t atom : monomial) {
        if (atom != 0 && !add_knot(algebra_.atom(atom))) return false;
      }
    }
    std::sort(knots_.begin(), knots_.end());
    return knots_.size() == 2;
  }

  double knot(size_t which) const { return knots_[which]; }

  /// Between the knots; 0 is before both, 2 behind both.
  Coefficients piece(size_t region) const {
    Coefficients sum(kMostPowers + 1, 0.0);
    for (const auto& [monomial, factor] : function_) {
      Coefficients product = {factor};
      for (const uint32_t number : monomial) {
        const Atom& atom = algebra_.atom(number);
        const double shift = number == 0 ? 0 : constant(atom.argument);
        const bool there = number == 0 || region > place_of(-shift);
        const bool step = atom.kind == AtomKind::kIsPositive || atom.kind == AtomKind::kIsNotNegative;
        if (!there) product.assign(1, 0.0);
        if (there && !step) multiply_by(shift, true, product);
      }
      for (size_t i = 0; i < product.size() && i <= kMostPowers; ++i) sum[i] += product[i];
    }
    return sum;
  }

 private:
  static double constant(const Polynomial& argument) {
    const auto found = argument.find({});
    return found != argument.end() ? found->second : 0;
  }

  size_t place_of(double knot) const { return std::fabs(knot - knots_[0]) <= std::fabs(knot - knots_[1]) ? 0 : 1; }

  bool add_knot(const Atom& atom) {
    const bool piecewise =
        atom.kind == AtomKind::kRelu || atom.kind == AtomKind::kIsPositive || atom.kind == AtomKind::kIsNotNegative;
    const auto linear = atom.argument.find({0});
    const bool of_variable =
        linear != atom.argument.end() && linear->second == 1 && atom.argument.size() == 1 + atom.argument.count({});
    if (!piecewise || !of_variable) return false;
    const double knot = -constant(atom.argument);
    const auto same = [&](double other) { return other == knot || nearly_equal(other, knot); };
    if (std::none_of(knots_.begin(), knots_.end(), same)) knots_.push_back(knot);
    return true;
  }

  const ScalarAlgebra& algebra_;
  const Polynomial& function_;
  std::vector<double> knots_;
};

bool is_flat(const Coefficients& polynomial, double size) {
  return std::all_of(polynomial.begin() + 1, polynomial.end(),
                     [size](double x) { return std::fabs(x) <= kCancelled * size; });
}

}  // namespace

std::optional<KeptPolynomial> match_kept_polynomial(const ScalarAlgebra& algebra, const Polynomial& function) {
  Pieces pieces(algebra, function);
  if (algebra.too_large() || !pieces.find_knots()) return std::nullopt;
  const Coefficients before = pieces.piece(0), between = pieces.piece(1), behind = pieces.piece(2);
  double size = 0;
  for (const auto& entry : function) size = std::max(size, std::fabs(entry.second));
  const auto meets = [&](const Coefficients& end, double knot) {
    return is_flat(end, size) && std::fabs(polynomial_at(between, knot) - end[0]) <= kCancelled * size;
  };
  if (!meets(before, pieces.knot(0)) || !meets(behind, pieces.knot(1))) return std::nullopt;
  KeptPolynomial found{pieces.knot(0), pieces.knot(1), between};
  while (found.coefficients.size() > 2 && std::fabs(found.coefficients.back()) <= kCancelled * kCancelled * size)
    found.coefficients.pop_back();
  return found;
}

}  // namespace mmoe::converter
