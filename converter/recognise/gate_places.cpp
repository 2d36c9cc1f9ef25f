// The places of a gate's k largest as vectors of ones and zeros.
#include <algorithm>
#include <map>

#include "converter/error.h"
#include "converter/recognise/selection_parts.h"
#include "converter/recognise/selections.h"

namespace mmoe::converter {

std::optional<TensorValue> compare_places(const NodeCall& call, const Expression& equal, const TensorValue& like) {
  TensorValue result = like;
  for (size_t i = 0; i < equal.columns; ++i) {
    const Ref index = equal.inputs[i];
    const Expression& places = call.expressions.of(index);
    const int64_t place = equal.shifts[i];
    if (places.kind != ExpressionKind::kTopKIndex || place < 0 || static_cast<size_t>(place) >= places.inputs.size())
      return std::nullopt;
    const Vector of = places.inputs;
    const auto column = static_cast<uint32_t>(place);
    if (places.columns == 1) {
      result.refs.push_back({add_selection(call, ExpressionKind::kTopKMask, of, of.size(), 1), column});
      continue;
    }
    Expression units;  // of which the index takes one
    units.kind = ExpressionKind::kConstant;
    units.node = call.index;
    units.columns = of.size();
    units.bias.assign(of.size(), 0.0f);
    units.bias[column] = 1;
    Expression taken;
    taken.kind = ExpressionKind::kTopKTaken;
    taken.node = call.index;
    taken.columns = 1;
    taken.truths = true;
    taken.inputs = call.expressions.all(call.expressions.add(std::move(units)));
    taken.inputs.push_back(index);
    result.refs.push_back({call.expressions.add(std::move(taken)), 0});
  }
  return result;
}

namespace {

/// The place that a truth of compare_places() is of; nothing for another number.
struct TakenPlace {
  Ref index;
  size_t place = 0;
};

std::optional<TakenPlace> taken_place(const Expressions& expressions, Ref ref) {
  const Expression& taken = expressions.of(ref);
  if (taken.kind != ExpressionKind::kTopKTaken || !taken.truths) return std::nullopt;
  const size_t size = taken.inputs.size() - 1;
  for (size_t place = 0; place < size; ++place) {
    const Ref unit = taken.inputs[place];
    if (expressions.of(unit).bias[unit.column] == 1) return TakenPlace{taken.inputs.back(), place};
  }
  return std::nullopt;
}

/// A sum over all places of one index, with the weights that the places have.
struct ScatteredSum {
  Vector index, weights;  // without weights: the mask
  size_t place = 0;
};

std::optional<ScatteredSum> scattered_sum(const Expressions& expressions, const std::vector<Term>& terms) {
  ScatteredSum sum;
  for (const Term& outer : terms) {
    const Expression& inner = expressions.of(outer.a);
    const bool within = !outer.product && inner.kind == ExpressionKind::kSum && inner.terms[outer.a.column].size() == 1;
    const Term& term = within ? inner.terms[outer.a.column].front() : outer;
    const bool first = !term.product || taken_place(expressions, term.a).has_value();
    const std::optional<TakenPlace> taken = taken_place(expressions, first ? term.a : term.b);
    if (!taken || term.coefficient != 1 || outer.coefficient != 1) return std::nullopt;
    if (sum.index.empty()) sum.place = taken->place;
    if (taken->place != sum.place) return std::nullopt;
    sum.index.push_back(taken->index);
    if (term.product) sum.weights.push_back(first ? term.b : term.a);
  }
  const bool all = is_all_of(expressions, sum.index, ExpressionKind::kTopKIndex);
  return all && (sum.weights.empty() || sum.weights.size() == sum.index.size()) ? std::make_optional(std::move(sum))
                                                                                : std::nullopt;
}

}  // namespace

namespace {

/// How many places a one-hot vector has.
size_t depth_of(const NodeCall& call) {
  const TensorValue &given = call.input(1), &values = call.input(2);
  const std::vector<double> numbers = values.kind == TensorKind::kIntegers
                                          ? std::vector<double>(values.integers.begin(), values.integers.end())
                                          : std::vector<double>(values.floats.begin(), values.floats.end());
  if (!call.input(0).is_rows() || !call.input(0).ids || given.is_rows() || numbers != std::vector<double>{0, 1})
    throw ConvertError("is not 1 at an id's place and 0 elsewhere");
  const double depth = given.kind == TensorKind::kIntegers ? static_cast<double>(call.integers(1).at(0))
                                                           : double{call.floats(1).floats.at(0)};
  if (!(depth >= 1 && depth <= 65536)) throw ConvertError("has a depth that is not from 1 to 65536");
  return static_cast<size_t>(depth);
}

std::shared_ptr<const Matrix> unit_table(size_t size) {
  Matrix table{size, size, std::vector<float>(size * size, 0.0f)};
  for (size_t i = 0; i < size; ++i) table.data[i * size + i] = 1;
  return std::make_shared<const Matrix>(std::move(table));
}

/// A row of the table; or of a gate's k largest whether each place is the one.
Vector one_hot_of(const NodeCall& call, Ref id, const std::shared_ptr<const Matrix>& table) {
  const Expression& source = call.expressions.of(id);
  if (source.kind != ExpressionKind::kTopKIndex) {
    Expression row;
    row.kind = ExpressionKind::kEmbedding;
    row.node = call.index;
    row.inputs = {id};
    row.weight = table;
    row.columns = table->rows;
    row.truths = true;
    row.zero_beyond = true;
    return call.expressions.all(call.expressions.add(std::move(row)));
  }
  if (source.inputs.size() != table->rows) throw ConvertError("has another depth than the gate");
  Expression equal;
  equal.columns = table->rows;
  equal.inputs.assign(equal.columns, id);
  for (size_t i = 0; i < equal.columns; ++i) equal.shifts.push_back(static_cast<int64_t>(i));
  return compare_places(call, equal, TensorValue())->refs;
}

/// The last axis becomes axis `to`.
TensorValue move_last_axis(const TensorValue& value, size_t to, size_t batch_axis) {
  std::vector<size_t> shape(value.shape.begin(), value.shape.end() - 1), sources, index(value.rank(), 0);
  const auto place = static_cast<std::ptrdiff_t>(to);
  shape.insert(shape.begin() + place, value.shape.back());
  for (size_t i = 0; i < value.refs.size(); ++i, next_index(shape, index)) {
    std::vector<size_t> from = index;
    std::rotate(from.begin() + place, from.begin() + place + 1, from.end());
    sources.push_back(broadcast_position(value.shape, from));
  }
  return pick(value, shape, sources, batch_axis);
}

}  // namespace

NodeResults one_hot(const NodeCall& call) {
  const size_t size = depth_of(call);
  const TensorValue& ids = call.input(0);
  const size_t axis = resolve_axis(call.integer("axis", -1), ids.rank() + 1);
  if (axis <= ids.batch_axis && axis != ids.rank()) throw ConvertError("puts its axis before the batch");
  TensorValue result = ids;
  result.ids = false;
  result.shape.push_back(size);
  result.refs.clear();
  call.expressions.charge(count_elements(result.shape) + size * size);
  const std::shared_ptr<const Matrix> table = unit_table(size);
  for (const Ref id : ids.refs) {
    const Vector columns = one_hot_of(call, id, table);
    result.refs.insert(result.refs.end(), columns.begin(), columns.end());
  }
  return one(axis == ids.rank() ? std::move(result) : move_last_axis(result, axis, ids.batch_axis));
}

NodeResults arg_max(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  const size_t axis = resolve_axis(call.integer("axis", 0), value.rank());
  if (axis == value.batch_axis) throw ConvertError("selects rows of the batch");
  if (call.integer("select_last_index", 0) != 0) throw ConvertError("takes the last of several largest");
  TensorValue result = value;
  result.ids = true;
  result.shape[axis] = 1;
  result.refs.clear();
  for_each_vector(value.shape, axis, [&](const auto& positions) {
    result.refs.push_back({add_selection(call, ExpressionKind::kTopKIndex, take(value.refs, positions), 1, 1), 0});
  });
  if (call.integer("keepdims", 1) != 0) return one(std::move(result));
  result.shape.erase(result.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  if (result.batch_axis > axis) --result.batch_axis;
  return one(std::move(result));
}

std::optional<TensorValue> find_scattered(const NodeCall& call, const Expression& sums, const TensorValue& like) {
  TensorValue result = like;
  std::map<std::pair<Vector, Vector>, Vector> made;
  for (const std::vector<Term>& terms : sums.terms) {
    const std::optional<ScatteredSum> sum = scattered_sum(call.expressions, terms);
    if (!sum) return std::nullopt;
    Vector& gate = made[{sum->index, sum->weights}];
    if (gate.empty()) {
      auto found = scattered(call, call.expressions.of(sum->index.front()), 0, sum->weights, sum->weights.empty());
      if (!found) return std::nullopt;
      gate = std::move(*found);
    }
    result.refs.push_back(gate[sum->place]);
  }
  return result.refs.empty() ? std::nullopt : std::make_optional(std::move(result));
}

}  // namespace mmoe::converter
