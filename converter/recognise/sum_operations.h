// Vectors of sums and products as the operations of nodes: element by element, on groups of columns, on pairs of
// groups.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "converter/recognise/expressions.h"

namespace mmoe::converter {

/// What a node computes of vectors, as Node has it. It may give fewer numbers than were asked for: each then stands for
/// as many neighbours.
struct Operation {
  NodeKind kind = NodeKind::kSum;
  std::vector<Vector> inputs;
  size_t input_width = 0;
  size_t group = 0;
  double scale = 1;
  std::vector<float> constant;  ///< kSum: is added; empty: none
};

/// Whether sums are alike: the same number of terms, with the same coefficients, of which the same are products.
std::vector<double> shape_of_sum(const Expressions& expressions, Ref sum);

/// Finds operations. New sums are made where one takes several nodes; these are then operands.
class SumOperations {
 public:
  /// Whether a scalar is to be an operand as it stands: it is there already, or others need it too.
  using Kept = std::function<bool(Ref)>;

  SumOperations(Expressions& expressions, Kept kept) : expressions_(expressions), kept_(std::move(kept)) {}

  /// Of sums that are alike. Nothing where it takes more than one node has.
  std::optional<Operation> find(const Vector& sums);

 private:
  /// A term of each of the vector's sums: its coefficient times the product of the factors.
  struct Term {
    double coefficient = 1;
    std::vector<Vector> factors;
  };
  /// All of them, and what is added to each element.
  struct Terms {
    std::vector<Term> list;
    std::vector<double> constant;
    size_t node = 0;

    bool is_shifted() const;
    bool adds_vectors() const;
  };

  bool are_alike(const Vector& vector) const;
  bool same_sums(const Vector& vector) const;
  Terms terms_of(const Vector& sums) const;
  bool take_scale(Vector& vector, double& scale, std::vector<double>* shift) const;
  void expand_factors(Term& term) const;
  void add_expanded(Term term, size_t depth, Terms& terms) const;
  Terms expanded(const Terms& given) const;
  std::optional<Vector> roots_of(const Vector& vector) const;

  Term of_two(Term term, size_t node);
  Vector make(std::vector<Term> terms, size_t node);

  std::optional<Operation> bi_interaction(Terms terms) const;
  std::optional<Operation> pairs(const Terms& terms, const Vector& sums) const;
  std::optional<Operation> products(const Terms& terms, const Vector& sums);
  std::optional<Operation> sum(const Terms& terms);
  std::optional<Operation> without_constant(const Terms& terms, const Vector& sums);

  Expressions& expressions_;
  Kept kept_;
};

}  // namespace mmoe::converter
