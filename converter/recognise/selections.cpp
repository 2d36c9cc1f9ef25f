#include "converter/recognise/selections.h"

#include <algorithm>
#include <map>

#include "converter/error.h"
#include "converter/recognise/places.h"
#include "converter/recognise/selection_parts.h"

namespace mmoe::converter {

bool is_all_of(const Expressions& expressions, const Vector& vector, ExpressionKind kind) {
  if (vector.empty()) return false;
  const Expression& first = expressions.of(vector.front());
  return first.kind == kind && vector == expressions.all(vector.front().expression) && first.columns == vector.size();
}

uint32_t add_selection(const NodeCall& call, ExpressionKind kind, const Vector& inputs, size_t columns, size_t top_k,
                       TopKMode mode) {
  Expression expression;
  expression.kind = kind;
  expression.node = call.index;
  expression.inputs = inputs;
  expression.columns = columns;
  expression.top_k = top_k;
  expression.top_k_mode = mode;
  expression.truths = kind == ExpressionKind::kTopKMask;
  return call.expressions.add(std::move(expression));
}

Vector take(const Vector& refs, const std::vector<size_t>& positions) {
  Vector vector;
  for (const size_t position : positions) vector.push_back(refs[position]);
  return vector;
}

std::optional<float> only_value(const NodeCall& call, size_t which) {
  const TensorValue& value = call.input(which);
  std::vector<float> values = value.floats;
  for (const Ref ref : value.refs) {
    const Expression& expression = call.expressions.of(ref);
    if (expression.kind != ExpressionKind::kConstant) return std::nullopt;
    values.push_back(expression.bias[ref.column]);
  }
  const bool same =
      !values.empty() && std::all_of(values.begin(), values.end(), [&](float x) { return x == values[0]; });
  return same ? std::make_optional(values[0]) : std::nullopt;
}

Vector first_of_largest(const NodeCall& call, const Vector& vector) {
  if (vector.empty()) return vector;
  const Expression& first = call.expressions.of(vector.front());
  const bool largest = first.kind == ExpressionKind::kTopKValue || first.kind == ExpressionKind::kTopKIndex;
  if (!largest || vector.size() >= first.columns) return vector;
  for (size_t i = 0; i < vector.size(); ++i) {
    if (vector[i] != Ref{vector.front().expression, static_cast<uint32_t>(i)}) return vector;
  }
  const Vector of = first.inputs;
  return call.expressions.all(add_selection(call, first.kind, of, vector.size(), vector.size()));
}

std::optional<Vector> scattered(const NodeCall& call, const Expression& index, float fill, const Vector& updates,
                                bool ones) {
  const Expressions& expressions = call.expressions;
  const Vector& logits = index.inputs;
  const size_t size = logits.size(), k = index.columns;
  const auto made = [&](ExpressionKind kind, const Vector& inputs, TopKMode mode = TopKMode::kSoftmaxOfTopK) {
    const bool all = kind == ExpressionKind::kSoftmax && k == size;
    return call.expressions.all(add_selection(call, kind, inputs, size, all ? 0 : k, mode));
  };
  if (fill == 0 && ones) return made(ExpressionKind::kTopKMask, logits);
  const bool values = is_all_of(expressions, updates, ExpressionKind::kTopKValue) &&
                      expressions.of(updates.front()).inputs == logits && updates.size() == k;
  if (values && fill <= kMinusInfinity) return made(ExpressionKind::kTopKMasked, logits);
  if (fill != 0) return std::nullopt;
  if (values && is_all_of(expressions, logits, ExpressionKind::kSoftmax) && expressions.of(logits.front()).top_k == 0) {
    return made(ExpressionKind::kSoftmax, expressions.of(logits.front()).inputs, TopKMode::kTopKOfSoftmax);
  }
  if (!is_all_of(expressions, updates, ExpressionKind::kSoftmax) || updates.size() != k) return std::nullopt;
  const Vector& selected = expressions.of(updates.front()).inputs;
  if (!is_all_of(expressions, selected, ExpressionKind::kTopKValue)) return std::nullopt;
  const Vector& of = expressions.of(selected.front()).inputs;
  const bool same =
      of == logits || (is_all_of(expressions, logits, ExpressionKind::kSoftmax) &&
                       expressions.of(logits.front()).inputs == of && expressions.of(logits.front()).top_k == 0);
  return same ? std::make_optional(made(ExpressionKind::kSoftmax, of)) : std::nullopt;
}

namespace {

void put(Vector& refs, const std::vector<size_t>& positions, const Vector& vector) {
  for (size_t i = 0; i < positions.size(); ++i) refs[positions[i]] = vector[i];
}

/// Of the largest, along one axis; the second result is the indices.
NodeResults top_k(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  const size_t axis = resolve_axis(call.integer("axis", -1), value.rank());
  if (axis == value.batch_axis) throw ConvertError("selects rows of the batch");
  if (call.integer("largest", 1) == 0) throw ConvertError("selects the smallest; expected the largest, as a gate does");
  const std::vector<int64_t> given = call.opset < 10 ? std::vector<int64_t>{call.integer("k", 0)} : call.integers(1);
  const size_t size = value.shape[axis];
  if (given.size() != 1 || given[0] < 1 || static_cast<size_t>(given[0]) > size) {
    throw ConvertError("selects a number that is not from 1 to " + std::to_string(size));
  }
  const auto k = static_cast<size_t>(given[0]);
  TensorValue values = value;
  values.shape[axis] = k;
  values.refs.assign(count_elements(values.shape), Ref());
  std::vector<Vector> vectors;
  for_each_vector(value.shape, axis, [&](const auto& positions) { vectors.push_back(take(value.refs, positions)); });
  TensorValue indices = values;
  indices.ids = true;
  size_t next = 0;
  for_each_vector(values.shape, axis, [&](const auto& positions) {
    const Vector& vector = vectors[next++];
    put(values.refs, positions, call.expressions.all(add_selection(call, ExpressionKind::kTopKValue, vector, k, k)));
    put(indices.refs, positions, call.expressions.all(add_selection(call, ExpressionKind::kTopKIndex, vector, k, k)));
  });
  NodeResults results = one(std::move(values));
  results.push_back(std::move(indices));
  return results;
}

NodeResults scatter_elements(const NodeCall& call) {
  const TensorValue &data = call.input(0), &indices = call.input(1), &updates = call.input(2);
  const std::string expected = "; expected the k largest of a gate put to their places among zeros or minus infinities";
  const std::optional<float> fill = only_value(call, 0);
  const auto reduction = call.node.attributes.find("reduction");
  const bool replaces = reduction == call.node.attributes.end() || reduction->second.text == "none";
  if (!fill || !indices.is_rows() || !replaces) throw ConvertError("scatters into what is calculated" + expected);
  const size_t axis = resolve_axis(call.integer("axis", 0), indices.rank());
  if (axis == indices.batch_axis || data.rank() != indices.rank()) throw ConvertError("scatters along the batch");
  const bool ones = only_value(call, 2) == 1.0f;
  if (!ones && (!updates.is_rows() || updates.shape != indices.shape)) throw ConvertError("scatters a part" + expected);
  TensorValue result = indices;
  result.ids = false;
  result.shape[axis] = data.shape[axis];
  result.refs.assign(count_elements(result.shape), Ref());
  std::vector<Vector> vectors;
  for_each_vector(indices.shape, axis, [&](const auto& positions) {
    const Vector index = first_of_largest(call, take(indices.refs, positions));
    const bool whole = is_all_of(call.expressions, index, ExpressionKind::kTopKIndex) &&
                       call.expressions.of(index.front()).inputs.size() == data.shape[axis];
    if (!whole) throw ConvertError("scatters to places that are no gate's k largest");
    const auto made = scattered(call, call.expressions.of(index.front()), *fill,
                                ones ? Vector() : first_of_largest(call, take(updates.refs, positions)), ones);
    if (!made) throw ConvertError("scatters something else" + expected);
    vectors.push_back(*made);
  });
  size_t next = 0;
  for_each_vector(result.shape, axis, [&](const auto& positions) {
    if (next >= vectors.size()) throw ConvertError("scatters into a tensor of another shape");
    put(result.refs, positions, vectors[next++]);
  });
  return one(std::move(result));
}

/// The elements at the places that ids of inputs say, or whole numbers that are made of comparisons of ids: the sum of
/// each times whether it is that. Nothing for other places.
std::optional<TensorValue> take_by_numbers(const NodeCall& call, size_t axis) {
  const TensorValue &data = call.rows(0), &indices = call.input(1);
  const auto is_place = [&](Ref ref) { return PlaceTruths::is_place(call.expressions, ref, indices.ids); };
  if (!std::all_of(indices.refs.begin(), indices.refs.end(), is_place)) return std::nullopt;
  const size_t size = data.shape[axis];
  call.expressions.charge(count_elements({indices.refs.size(), size}));
  PlaceTruths places(call, size, indices.ids);
  std::vector<Vector> numbers;
  for_each_vector(data.shape, axis, [&](const auto& positions) { numbers.push_back(take(data.refs, positions)); });
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  sum.columns = indices.refs.size();
  sum.terms.resize(sum.columns);
  size_t next = 0;
  for_each_vector(indices.shape, axis, [&](const auto& positions) {
    const Vector& vector = numbers.at(next++);
    for (const size_t position : positions) {
      const Vector own = places.of(indices.refs[position]);
      for (size_t place = 0; place < size; ++place) sum.terms[position].push_back({1, own[place], true, vector[place]});
    }
  });
  TensorValue like = indices;
  like.ids = false;
  return call.rows_of(std::move(sum), like);
}

/// Of vectors along one axis the elements at the places of the k largest of another.
NodeResults gather_elements(const NodeCall& call) {
  const TensorValue &data = call.rows(0), &indices = call.input(1);
  const size_t axis = resolve_axis(call.integer("axis", 0), data.rank());
  if (axis == data.batch_axis) throw ConvertError("takes elements of other rows of the batch");
  std::vector<size_t> taken = data.shape;
  if (indices.rank() == data.rank()) taken[axis] = indices.shape[axis];
  const bool fits = indices.is_rows() && indices.shape == taken && indices.batch_axis == data.batch_axis;
  if (fits) {
    if (auto chosen = take_by_numbers(call, axis)) return one(std::move(*chosen));
  }
  if (!fits || !indices.ids)
    throw ConvertError("takes elements by something else than ids, or the places of a gate's k largest");
  std::vector<Vector> numbers;
  for_each_vector(data.shape, axis, [&](const auto& positions) { numbers.push_back(take(data.refs, positions)); });
  call.expressions.charge(indices.refs.size() * data.shape[axis]);
  Expression made;
  made.kind = ExpressionKind::kTopKTaken;
  made.columns = indices.refs.size();
  made.inputs.assign(made.columns * (data.shape[axis] + 1), Ref());
  size_t next = 0;
  for_each_vector(indices.shape, axis, [&](const auto& positions) {
    const Vector& vector = numbers.at(next++);
    for (const size_t position : positions) {
      const Ref index = indices.refs[position];
      const Expression& places = call.expressions.of(index);
      if (places.kind != ExpressionKind::kTopKIndex || places.inputs.size() != vector.size())
        throw ConvertError("takes elements by something else than the places of a gate's k largest");
      for (size_t i = 0; i < vector.size(); ++i) made.inputs[i * made.columns + position] = vector[i];
      made.inputs[vector.size() * made.columns + position] = index;
    }
  });
  TensorValue like = indices;
  like.ids = false;
  return one(call.rows_of(std::move(made), like));
}

}  // namespace

NodeFunction find_selection(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {{"TopK", top_k},
                                                             {"ScatterElements", scatter_elements},
                                                             {"GatherElements", gather_elements},
                                                             {"OneHot", one_hot},
                                                             {"ArgMax", arg_max}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
