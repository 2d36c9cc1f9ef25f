// Numbers that a graph makes of comparisons of ids: what is chosen by one, and functions of how many hold.
//
// A model file has no such function. What it has are the numbers 1 and 0 themselves, in x: beside a kept sequence, or
// as rows of a table. A choice is then a sum of two products, and a function of how many of n hold takes n + 1 values,
// which a layer of relu gives exactly where they are whole.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "converter/recognise/chains.h"

namespace mmoe::converter {

class IdFunction;

class IdNumbers {
 public:
  IdNumbers(Chains& chains, Expressions& expressions) : chains_(chains), expressions_(expressions) {}

  /// (id == number) for an id that is no sequence's: a column of a table, of which all rows but one are 0.
  Ref equals(Ref id, int64_t number, Ref at);

  /// What conditions choose, as sums of products; nothing where the vector is no such choice.
  std::optional<Vector> chosen(const Vector& vector);
  /// Functions of one id, as rows of a table that is looked up by it; nothing where the vector is none.
  std::optional<Vector> function_of_id(const Vector& vector);
  /// Functions of how many ids of some are, or are not, a number, as layers; nothing where the vector is none.
  std::optional<Vector> function_of_count(const Vector& vector);

 private:
  /// A number that depends on how many ids of some are, or are not, one number.
  struct Counted {
    Vector comparisons;          // kIdEquals
    double each = 1, alone = 0;  // the sum is each * (how many are equal) + alone
    Ref sum;
  };
  /// A table of an id, with a column for each number that it is compared with.
  struct Indicator {
    uint32_t row = 0;  // an expression
    std::map<int64_t, uint32_t> columns;
  };

  const Indicator& indicator_of(Ref id, Ref at);
  void learn_numbers();
  bool add_choice(std::vector<Term>& terms, Ref value, Ref weight) const;
  Vector opposites(const Vector& conditions);
  std::optional<Ref> sum_below(Ref ref) const;
  std::optional<Counted> counted(Ref ref) const;
  bool add_comparison(Ref ref, double factor, Counted& counted) const;
  std::optional<double> value_at(Ref ref, Ref variable, double value, size_t depth) const;
  std::vector<double> values_of(Ref ref, const Counted& counted) const;
  std::optional<size_t> rows_of(const IdFunction& function);
  uint32_t add_layer(const Vector& inputs, Matrix weight, std::vector<float> bias, size_t node);

  Chains& chains_;
  Expressions& expressions_;
  std::map<Ref, std::set<int64_t>> numbers_;  // that each id is compared with
  std::map<Ref, size_t> rows_;                // of the smallest table that it is looked up in
  bool learnt_ = false;
  std::map<Ref, Indicator> indicators_;
};

}  // namespace mmoe::converter
