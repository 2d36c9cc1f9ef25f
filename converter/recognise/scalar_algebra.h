// Functions of one number x in a form that is the same however they are written: polynomials of x and of a few
// functions whose arguments are such polynomials.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "converter/model/model.h"
#include "converter/recognise/expressions.h"

namespace mmoe::converter {

/// The functions that are left when everything that can be written by others is: relu, for example, for maximum,
/// minimum, absolute value, clamp and leaky relu; sigmoid for tanh.
enum class AtomKind {
  kVariable,
  kRelu,
  kIsPositive,
  kIsNotNegative,
  kErf,
  kSqrt,
  kLog,
  kReciprocal,
  kExp,
  kSigmoid,
  kSoftplus
};

/// Factors of a product by their numbers in ScalarAlgebra, ascending; empty for 1.
using Monomial = std::vector<uint32_t>;
/// Coefficients of monomials; none is zero.
using Polynomial = std::map<Monomial, double>;

struct Atom {
  AtomKind kind = AtomKind::kVariable;
  Polynomial argument;
};

/// Numbers that are alike up to the rounding of a few floats.
bool nearly_equal(double a, double b);
bool nearly_equal(const Polynomial& a, const Polynomial& b);

/// Makes polynomials, and knows the functions in them. Where one would have more than 32 terms, or degree more than 6,
/// it is too_large() from then on, and what it gives means nothing.
class ScalarAlgebra {
 public:
  ScalarAlgebra() { atoms_.push_back({}); }

  bool too_large() const { return too_large_; }
  const Atom& atom(uint32_t number) const { return atoms_[number]; }

  Polynomial variable() const { return {{{0}, 1.0}}; }
  static Polynomial constant(double value);
  Polynomial add(const Polynomial& a, const Polynomial& b, double factor_of_b = 1);
  Polynomial multiply(const Polynomial& a, const Polynomial& b);
  Polynomial scale(const Polynomial& a, double factor);
  Polynomial apply(AtomKind kind, const Polynomial& argument);
  Polynomial activate(ActivationKind kind, double alpha, double beta, const Polynomial& argument);
  /// `arguments` as Expression's kFunction lists them.
  Polynomial call(FunctionKind kind, const std::vector<Polynomial>& arguments);

 private:
  std::optional<Polynomial> product_of_sigmoids(const Monomial& monomial);
  Polynomial single(AtomKind kind, const Polynomial& argument);
  Polynomial relu(const Polynomial& argument);
  std::optional<Polynomial> nested_relu(const Polynomial& argument);
  Polynomial step(bool or_equal, const Polynomial& argument);
  Polynomial select(const Polynomial& condition, const Polynomial& yes, const Polynomial& no);
  Polynomial logarithm(const Polynomial& argument);
  Polynomial reciprocal(const Polynomial& argument);
  Polynomial limit(const Polynomial& argument, double lower, double upper);
  bool is_guarded_softplus(const Polynomial& condition, const Polynomial& yes, const Polynomial& no);

  std::vector<Atom> atoms_;
  bool too_large_ = false;
};

}  // namespace mmoe::converter
