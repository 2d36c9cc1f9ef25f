#include "converter/recognise/operands.h"

#include "converter/error.h"

namespace mmoe::converter {

Operands::Operands(const NodeCall& call) : call_(call) {
  bool found = false;
  size_t places = 1;
  for (size_t i = 0; i < call.num_inputs(); ++i) {
    like.shape = broadcast_shape(like.shape, call.input(i).shape);
  }
  for (size_t i = 0; i < call.num_inputs(); ++i) {
    if (!call.input(i).is_rows()) continue;
    const TensorValue& rows = call.rows(i);
    const size_t axis = rows.batch_axis + (like.shape.size() - rows.rank());
    if (found && axis != like.batch_axis) throw ConvertError("has the batch on two axes");
    if (found && places != rows.shape[rows.batch_axis]) throw ConvertError("has batches of different sizes");
    like.batch_axis = axis;
    places = rows.shape[rows.batch_axis];
    found = true;
  }
  if (!found) throw ConvertError("calculates with constants alone; onnxslim or onnxruntime's optimiser folds them");
  const size_t from_end = like.shape.size() - like.batch_axis;
  for (size_t i = 0; i < call.num_inputs(); ++i) {
    const TensorValue& value = call.input(i);
    const size_t size = value.rank() >= from_end ? value.shape[value.rank() - from_end] : 1;
    const bool repeated = value.per_row && value.batch_axis + from_end == value.rank() && size == places;
    const bool differs = !value.is_rows() && size != 1 && !repeated;
    if (differs) throw ConvertError("calculates with a constant that differs along the batch");
  }
  like.kind = TensorKind::kRows;
}

Vector Operands::refs(size_t which, bool infinite) const {
  const TensorValue& value = call_.input(which);
  if (value.kind == TensorKind::kIntegers) return whole_numbers(which);
  if (!value.is_rows() && !infinite) static_cast<void>(call_.floats(which));
  return spread(value, value.is_rows() ? value.refs : constant_rows(call_, value).refs);
}

/// Beside numbers that are whole by what they are made of.
Vector Operands::whole_numbers(size_t which) const {
  constexpr int64_t kExact = 1 << 24;  // as a float
  TensorValue floats = call_.input(which);
  floats.kind = TensorKind::kFloats;
  floats.integers.clear();
  for (const int64_t number : call_.integers(which)) {
    if (number < -kExact || number > kExact) throw ConvertError("calculates with whole numbers beyond 2^24");
    floats.floats.push_back(static_cast<float>(number));
  }
  return spread(floats, constant_rows(call_, floats).refs);
}

Vector Operands::truths(size_t which) const {
  const TensorValue& value = call_.input(which);
  if (value.is_rows()) return refs(which);
  const std::vector<int64_t> integers = call_.integers(which);
  TensorValue floats = value;
  floats.kind = TensorKind::kFloats;
  floats.integers.clear();
  for (const int64_t truth : integers) floats.floats.push_back(truth != 0 ? 1.0f : 0.0f);
  return spread(floats, constant_rows(call_, floats).refs);
}

Vector Operands::spread(const TensorValue& value, const Vector& source) const {
  Vector result;
  std::vector<size_t> index(like.shape.size(), 0);
  const size_t count = count_elements(like.shape);
  for (size_t i = 0; i < count; ++i) {
    result.push_back(source[broadcast_position(value.shape, index)]);
    next_index(like.shape, index);
  }
  return result;
}

TensorValue affine_rows(const NodeCall& call, const TensorValue& value, float scale, float shift) {
  const size_t columns = value.refs.size();
  Expression expression;
  expression.kind = ExpressionKind::kAffine;
  expression.inputs = value.refs;
  expression.columns = columns;
  expression.norm = {std::vector<float>(columns, scale), std::vector<float>(columns, shift),
                     std::vector<float>(columns, 0.0f), std::vector<float>(columns, 1.0f), 0};
  return call.rows_of(std::move(expression), value);
}

}  // namespace mmoe::converter
