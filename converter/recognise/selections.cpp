#include "converter/recognise/selections.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "converter/error.h"

namespace mmoe::converter {
namespace {

// exp() of it is 0 beside that of any logit of a trained gate.
constexpr float kMinusInfinity = -1e4f;

/// Whether the vector is all of one expression of this kind, in order.
bool is_whole(const Expressions& expressions, const Vector& vector, ExpressionKind kind) {
  if (vector.empty()) return false;
  const Expression& first = expressions.of(vector.front());
  return first.kind == kind && vector == expressions.all(vector.front().expression) && first.columns == vector.size();
}

uint32_t add(const NodeCall& call, ExpressionKind kind, const Vector& inputs, size_t columns, size_t top_k,
             TopKMode mode = TopKMode::kSoftmaxOfTopK) {
  Expression expression;
  expression.kind = kind;
  expression.node = call.index;
  expression.inputs = inputs;
  expression.columns = columns;
  expression.top_k = top_k;
  expression.top_k_mode = mode;
  return call.expressions.add(std::move(expression));
}

/// Calls `visit(positions)` with the positions of every vector along the axis.
template <typename Visit>
void for_each_vector(const std::vector<size_t>& shape, size_t axis, Visit visit) {
  size_t inner = 1;
  for (size_t i = axis + 1; i < shape.size(); ++i) inner *= shape[i];
  const size_t size = shape[axis], count = count_elements(shape);
  if (size == 0) return;
  for (size_t at = 0; at < count; at += size * inner) {
    for (size_t k = 0; k < inner; ++k) {
      std::vector<size_t> positions;
      for (size_t i = 0; i < size; ++i) positions.push_back(at + i * inner + k);
      visit(positions);
    }
  }
}

Vector take(const Vector& refs, const std::vector<size_t>& positions) {
  Vector vector;
  for (const size_t position : positions) vector.push_back(refs[position]);
  return vector;
}

void put(Vector& refs, const std::vector<size_t>& positions, const Vector& vector) {
  for (size_t i = 0; i < positions.size(); ++i) refs[positions[i]] = vector[i];
}

/// Of a constant, also one that is rows; nothing when its elements differ.
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
    put(values.refs, positions, call.expressions.all(add(call, ExpressionKind::kTopKValue, vector, k, k)));
    put(indices.refs, positions, call.expressions.all(add(call, ExpressionKind::kTopKIndex, vector, k, k)));
  });
  NodeResults results = one(std::move(values));
  results.push_back(std::move(indices));
  return results;
}

/// What a gate's vector becomes when `updates` are put to the places of its k largest among `fill`; nothing when it is
/// no gate's.
std::optional<Vector> scattered(const NodeCall& call, const Expression& index, float fill, const Vector& updates,
                                bool ones) {
  const Expressions& expressions = call.expressions;
  const Vector& logits = index.inputs;
  const size_t size = logits.size(), k = index.columns;
  const auto made = [&](ExpressionKind kind, const Vector& inputs, TopKMode mode = TopKMode::kSoftmaxOfTopK) {
    const bool all = kind == ExpressionKind::kSoftmax && k == size;
    return call.expressions.all(add(call, kind, inputs, size, all ? 0 : k, mode));
  };
  if (fill == 0 && ones) return made(ExpressionKind::kTopKMask, logits);
  const bool values = is_whole(expressions, updates, ExpressionKind::kTopKValue) &&
                      expressions.of(updates.front()).inputs == logits && updates.size() == k;
  if (values && fill <= kMinusInfinity) return made(ExpressionKind::kTopKMasked, logits);
  if (fill != 0) return std::nullopt;
  if (values && is_whole(expressions, logits, ExpressionKind::kSoftmax) && expressions.of(logits.front()).top_k == 0) {
    return made(ExpressionKind::kSoftmax, expressions.of(logits.front()).inputs, TopKMode::kTopKOfSoftmax);
  }
  if (!is_whole(expressions, updates, ExpressionKind::kSoftmax) || updates.size() != k) return std::nullopt;
  const Vector& selected = expressions.of(updates.front()).inputs;
  if (!is_whole(expressions, selected, ExpressionKind::kTopKValue)) return std::nullopt;
  const Vector& of = expressions.of(selected.front()).inputs;
  const bool same =
      of == logits || (is_whole(expressions, logits, ExpressionKind::kSoftmax) &&
                       expressions.of(logits.front()).inputs == of && expressions.of(logits.front()).top_k == 0);
  return same ? std::make_optional(made(ExpressionKind::kSoftmax, of)) : std::nullopt;
}

NodeResults scatter_elements(const NodeCall& call) {
  const TensorValue &data = call.input(0), &indices = call.input(1), &updates = call.input(2);
  const std::string expected = "; expected the k largest of a gate put to their places among zeros or minus infinities";
  const std::optional<float> fill = only_value(call, 0);
  if (!fill || !indices.is_rows() || call.has_attribute("reduction"))
    throw ConvertError("scatters into what is calculated" + expected);
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
    const Vector index = take(indices.refs, positions);
    const bool whole = is_whole(call.expressions, index, ExpressionKind::kTopKIndex) &&
                       call.expressions.of(index.front()).inputs.size() == data.shape[axis];
    if (!whole) throw ConvertError("scatters to places that are no gate's k largest");
    const auto made = scattered(call, call.expressions.of(index.front()), *fill,
                                ones ? Vector() : take(updates.refs, positions), ones);
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

/// Of vectors along one axis the elements at the places of the k largest of another.
NodeResults gather_elements(const NodeCall& call) {
  const TensorValue &data = call.rows(0), &indices = call.input(1);
  const size_t axis = resolve_axis(call.integer("axis", 0), data.rank());
  if (axis == data.batch_axis) throw ConvertError("takes elements of other rows of the batch");
  std::vector<size_t> taken = data.shape;
  if (indices.rank() == data.rank()) taken[axis] = indices.shape[axis];
  if (!indices.is_rows() || !indices.ids || indices.shape != taken || indices.batch_axis != data.batch_axis)
    throw ConvertError("takes elements by something else than the places of a gate's k largest");
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

void select_top_k(const Expressions& expressions, Expression& softmax) {
  if (!is_whole(expressions, softmax.inputs, ExpressionKind::kTopKMasked)) return;
  const Expression& masked = expressions.of(softmax.inputs.front());
  softmax.top_k = masked.top_k < masked.columns ? masked.top_k : 0;
  softmax.inputs = Vector(masked.inputs);
}

std::optional<TensorValue> mask_by_top_k(const NodeCall& call) {
  const Expressions& expressions = call.expressions;
  const TensorValue& condition = call.input(0);
  if (!condition.is_rows() || condition.refs.empty()) return std::nullopt;
  const Expression& first = expressions.of(condition.refs.front());
  const bool by_mask = first.kind == ExpressionKind::kTopKMask;
  const size_t rows = by_mask ? 1 : 2, other = by_mask ? 2 : 1;
  const std::optional<float> fill = only_value(call, other);
  const TensorValue& logits = call.input(rows);
  if (!fill || *fill > kMinusInfinity || logits.shape != condition.shape || !logits.is_rows()) return std::nullopt;
  TensorValue result = logits;
  std::map<Vector, Vector> masked;  // by the vector of logits
  for (size_t i = 0; i < condition.refs.size(); ++i) {
    const Ref at = condition.refs[i];
    const Expression& test = expressions.of(at);
    Vector vector;
    size_t k = 0;
    if (by_mask && test.kind == ExpressionKind::kTopKMask) {
      vector = test.inputs;
      k = test.top_k;
    } else if (!by_mask && test.kind == ExpressionKind::kFunction && test.function == FunctionKind::kGreater) {
      // the k-th largest > logit
      const Ref kth = test.inputs[at.column], logit = test.inputs[test.columns + at.column];
      const Expression& value = expressions.of(kth);
      if (value.kind != ExpressionKind::kTopKValue || kth.column + 1 != value.columns || logit != logits.refs[i])
        return std::nullopt;
      vector = value.inputs;
      k = value.top_k;
    } else {
      return std::nullopt;
    }
    const auto place = std::find(vector.begin(), vector.end(), logits.refs[i]);
    if (place == vector.end()) return std::nullopt;
    const auto column = place - vector.begin();
    auto found = masked.find(vector);
    if (found == masked.end()) {
      const Vector made = call.expressions.all(add(call, ExpressionKind::kTopKMasked, vector, vector.size(), k));
      found = masked.emplace(std::move(vector), made).first;
    }
    result.refs[i] = found->second[static_cast<size_t>(column)];
  }
  return result;
}

std::optional<TensorValue> select_by_mask(const NodeCall& call, const Expression& products, const TensorValue& like) {
  const Expressions& expressions = call.expressions;
  TensorValue result = like;
  result.refs.clear();
  std::map<std::pair<uint32_t, uint32_t>, Vector> selected;  // by softmax and mask
  for (const std::vector<Term>& terms : products.terms) {
    const Term& term = terms.front();
    if (terms.size() != 1 || !term.product) return std::nullopt;
    const bool mask_first = expressions.of(term.a).kind == ExpressionKind::kTopKMask;
    const Ref mask_at = mask_first ? term.a : term.b, weight = mask_first ? term.b : term.a;
    const Expression &mask = expressions.of(mask_at), &softmax = expressions.of(weight);
    const bool gate = mask.kind == ExpressionKind::kTopKMask && softmax.kind == ExpressionKind::kSoftmax &&
                      softmax.top_k == 0 && mask_at.column == weight.column &&
                      (mask.inputs == softmax.inputs || mask.inputs == expressions.all(weight.expression));
    if (!gate) return std::nullopt;
    Vector& made = selected[{weight.expression, mask_at.expression}];
    if (made.empty()) {
      const Vector logits = softmax.inputs;
      const size_t k = mask.top_k < mask.columns ? mask.top_k : 0;
      made =
          call.expressions.all(add(call, ExpressionKind::kSoftmax, logits, logits.size(), k, TopKMode::kTopKOfSoftmax));
    }
    result.refs.push_back(made[weight.column]);
  }
  return result.refs.empty() ? std::nullopt : std::make_optional(std::move(result));
}

std::optional<TensorValue> find_softmax_of_top_k(const NodeCall& call, const TensorValue& rows,
                                                 const Vector& divisors) {
  const Expressions& expressions = call.expressions;
  TensorValue result = rows;
  std::map<uint32_t, Vector> made;  // by the expression that is divided
  for (size_t i = 0; i < divisors.size(); ++i) {
    const Ref weight = rows.refs[i];
    const Scaled sum = expressions.scaled(divisors[i]);
    if (sum.scale != 1 || std::fabs(sum.shift) > 1e-8 || expressions.of(sum.of).kind != ExpressionKind::kSum)
      return std::nullopt;
    Vector summed;
    for (const Term& term : expressions.of(sum.of).terms[sum.of.column]) {
      if (term.product || term.coefficient != 1) return std::nullopt;
      summed.push_back(term.a);
    }
    if (summed != expressions.all(weight.expression)) return std::nullopt;
    const Expression& selected = expressions.of(weight);
    Vector& softmax = made[weight.expression];
    if (softmax.empty() && selected.kind == ExpressionKind::kSoftmax && selected.top_k != 0) {
      const Vector logits = selected.inputs;
      softmax = call.expressions.all(add(call, ExpressionKind::kSoftmax, logits, logits.size(), selected.top_k));
    } else if (softmax.empty() && selected.kind == ExpressionKind::kTopKValue &&
               is_whole(expressions, selected.inputs, ExpressionKind::kSoftmax) &&
               expressions.of(selected.inputs.front()).top_k == 0) {
      const Vector logits = expressions.of(selected.inputs.front()).inputs;
      const size_t k = selected.columns;
      const Vector largest = call.expressions.all(add(call, ExpressionKind::kTopKValue, logits, k, k));
      softmax = call.expressions.all(add(call, ExpressionKind::kSoftmax, largest, k, 0));
    }
    if (softmax.empty()) return std::nullopt;
    result.refs[i] = softmax[weight.column];
  }
  return result;
}

NodeFunction find_selection(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {
      {"TopK", top_k}, {"ScatterElements", scatter_elements}, {"GatherElements", gather_elements}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
