// Places that a graph calculates: which element of an axis a number of the row says, and which row of the batch.
#pragma once

#include <map>

#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {

/// For numbers, ids of inputs or whole by what they are made of, whether each is a place.
class PlaceTruths {
 public:
  /// `ids`: of inputs. REQUIRES: is_place() for all that of() gets.
  PlaceTruths(const NodeCall& call, size_t size, bool ids) : call_(call), size_(size), ids_(ids) {}

  static bool is_place(const Expressions& expressions, Ref ref, bool ids);
  /// For every place a number that is 1 or 0.
  const Vector& of(Ref number);

 private:
  Vector equals_id(Ref id) const;
  Vector equals_number(Ref number) const;

  const NodeCall& call_;
  const size_t size_;
  const bool ids_;
  std::map<Ref, Vector> known_;
};

/// GatherND of rows, by a place within the row each.
NodeResults take_by_tuples(const NodeCall& call);

/// What an operation does to numbers that count the rows of the batch; null where it may not have any.
NodeFunction find_row_place_operation(const std::string& operation);

}  // namespace mmoe::converter
