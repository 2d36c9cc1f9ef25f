// Operations that hand a value on, convert its type, or make one: casts, constants, shapes.
#include <algorithm>
#include <cmath>
#include <map>

#include "converter/error.h"
#include "converter/recognise/axes.h"
#include "converter/recognise/graph_evaluator.h"
#include "converter/recognise/pooling.h"

namespace mmoe::converter {
namespace {

NodeResults identity(const NodeCall& call) { return one(call.input(0)); }

/// As in inference. Since opset 12 training is an input, and without a ratio of 0 its results are random.
NodeResults dropout(const NodeCall& call) {
  const std::vector<int64_t> training = call.has(2) ? call.integers(2) : std::vector<int64_t>{0};
  const float ratio = call.has(1) ? call.floats(1).floats.at(0) : 0.5f;
  if (training.empty() || (training[0] != 0 && ratio != 0)) {
    throw ConvertError("is in training mode: its results are random; export with model.eval()");
  }
  return identity(call);
}

/// ONNX's numbers for types that Cast goes to.
bool is_float(int64_t type) { return type == 1 || type == 11; }
bool is_wide_integer(int64_t type) { return type == 6 || type == 7; }

std::string type_name(int64_t type) {
  static const std::map<int64_t, std::string> kNames = {
      {2, "uint8"}, {3, "int8"},     {4, "uint16"},  {5, "int16"},   {8, "string"},
      {9, "bool"},  {10, "float16"}, {12, "uint32"}, {13, "uint64"}, {16, "bfloat16"}};
  const auto found = kNames.find(type);
  return found != kNames.end() ? found->second : "type " + std::to_string(type);
}

/// Inputs may become whole numbers, to look rows up with, and whole inputs floats; nothing else is rounded.
void cast_rows(const NodeCall& call, int64_t to, TensorValue& value) {
  if (to == 10 || to == 16) {
    throw ConvertError("casts a result to " + type_name(to) +
                       ", which a model file cannot express: export the model in float32, without autocast");
  }
  const auto is_condition = [&](Ref ref) {
    const Expression& source = call.expressions.of(ref);
    const bool comparison = source.kind == ExpressionKind::kFunction &&
                            (source.function == FunctionKind::kIsNan || source.function == FunctionKind::kGreater ||
                             source.function == FunctionKind::kGreaterOrEqual);
    return comparison || is_truth(call.expressions, ref);
  };
  const auto all = [&](auto wanted) { return std::all_of(value.refs.begin(), value.refs.end(), wanted); };
  if (to == 9 && !value.ids && all(is_condition)) return;
  const bool whole = !value.ids && all([&](Ref ref) { return is_whole(call.expressions, ref); });
  if (whole && is_wide_integer(to)) return;  // they are whole already
  if (!is_float(to) && !is_wide_integer(to)) throw ConvertError("casts a result to " + type_name(to));
  const bool allowed = std::all_of(value.refs.begin(), value.refs.end(), [&](Ref ref) {
    const Expression& source = call.expressions.of(ref);
    return source.kind == ExpressionKind::kInput && (!is_float(to) || source.whole_numbers);
  });
  if (value.ids == is_float(to) && !allowed) {
    throw ConvertError(
        value.ids ? "uses as a number what was cast to a whole number before: only ids, which select rows of a "
                    "table, may be cast"
                  : "casts a result to whole numbers; only inputs of the model may become ids");
  }
  value.ids = !is_float(to);
}

/// Toward zero, as casts of numbers in range do.
int64_t cut(float number) {
  if (!(std::fabs(number) < 9007199254740992.0f)) throw ConvertError("makes a whole number of one beyond 2^53");
  return static_cast<int64_t>(number);
}

void cast_constant(int64_t to, TensorValue& value) {
  const bool integers = is_wide_integer(to) || to == 9;
  if (!is_float(to) && !integers) throw ConvertError("turns a constant into " + type_name(to));
  if (is_float(to) && value.kind == TensorKind::kIntegers) {
    for (const int64_t integer : value.integers) {
      if (depends_on_batch(integer)) throw ConvertError("calculates with the batch's size as a float");
      value.floats.push_back(static_cast<float>(integer));
    }
    value.integers.clear();
    value.kind = TensorKind::kFloats;
  } else if (integers && value.kind == TensorKind::kFloats) {
    for (const float number : value.floats) value.integers.push_back(to == 9 ? number != 0 : cut(number));
    value.floats.clear();
    value.kind = TensorKind::kIntegers;
  } else if (integers) {
    for (int64_t& integer : value.integers) {
      const bool symbol = depends_on_batch(integer);
      if (to == 9 && integer != kUnknownSize) integer = integer != 0;
      if (to == 6 && !symbol) integer = static_cast<int32_t>(std::clamp<int64_t>(integer, INT32_MIN, INT32_MAX));
    }
  }
}

NodeResults cast(const NodeCall& call) {
  TensorValue value = call.input(0);
  const int64_t to = call.integer("to", 0);
  value.is_rows() ? cast_rows(call, to, value) : cast_constant(to, value);
  return one(std::move(value));
}

/// To floats or to whole numbers, as another tensor has them.
NodeResults cast_like(const NodeCall& call) {
  TensorValue value = call.input(0);
  const TensorValue& like = call.input(1);
  const int64_t to = like.kind == TensorKind::kIntegers || like.ids ? 7 : 1;
  value.is_rows() ? cast_rows(call, to, value) : cast_constant(to, value);
  return one(std::move(value));
}

NodeResults constant(const NodeCall& call) {
  TensorValue value;
  const auto& attributes = call.node.attributes;
  if (const auto found = attributes.find("value"); found != attributes.end() && found->second.tensor) {
    const OnnxTensor& tensor = *found->second.tensor;
    value.kind = tensor.is_integer ? TensorKind::kIntegers : TensorKind::kFloats;
    value.shape.assign(tensor.shape.begin(), tensor.shape.end());
    value.floats = tensor.floats;
    value.integers = tensor.integers;
    value.name = call.node.outputs.empty() ? "" : call.node.outputs[0];
    value.dtype = tensor.dtype;
    if (value.size() != count_elements(value.shape)) throw ConvertError("is a constant without numbers");
  } else if (attributes.count("value_float") != 0) {
    value.floats = {call.real("value_float", 0)};
  } else if (attributes.count("value_int") != 0) {
    value.kind = TensorKind::kIntegers;
    value.integers = {call.integer("value_int", 0)};
  } else if (attributes.count("value_ints") != 0) {
    value.kind = TensorKind::kIntegers;
    value.integers = attributes.at("value_ints").integers;
    value.shape = {value.integers.size()};
  } else if (attributes.count("value_floats") != 0) {
    value.floats = attributes.at("value_floats").reals;
    value.shape = {value.floats.size()};
  } else {
    throw ConvertError("is a constant of an unknown kind");
  }
  require_plain(value.integers);
  return one(std::move(value));
}

int64_t size_of(const TensorValue& value, size_t axis) {
  const bool batch = value.has_batch() && axis == value.batch_axis;
  return batch ? batch_times(value.shape[axis]) : static_cast<int64_t>(value.shape[axis]);
}

/// Of the axes from `start` to before `end`, which count from the end if negative and are cut to what there is.
NodeResults shape_of(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const auto rank = static_cast<int64_t>(value.rank());
  const auto position = [rank](int64_t axis) { return std::clamp(axis < 0 ? axis + rank : axis, int64_t{0}, rank); };
  const int64_t end = position(call.integer("end", rank));
  TensorValue result;
  result.kind = TensorKind::kIntegers;
  for (int64_t axis = position(call.integer("start", 0)); axis < end; ++axis) {
    result.integers.push_back(size_of(value, static_cast<size_t>(axis)));
  }
  result.shape = {result.integers.size()};
  return one(std::move(result));
}

NodeResults number_of_elements(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const size_t count = count_elements(value.shape);
  TensorValue result;
  result.kind = TensorKind::kIntegers;
  result.integers = {value.has_batch() ? batch_times(count) : static_cast<int64_t>(count)};
  return one(std::move(result));
}

NodeResults constant_of_shape(const NodeCall& call) {
  TensorValue value;
  const auto found = call.node.attributes.find("value");
  const OnnxTensor* tensor = found != call.node.attributes.end() ? found->second.tensor.get() : nullptr;
  std::vector<int64_t> sizes = call.sizes(0);
  take_batch_axis(sizes, value);
  for (const int64_t size : sizes) {
    if (size < 0) throw ConvertError("makes a constant of a negative size");
    value.shape.push_back(static_cast<size_t>(size));
  }
  const size_t count = count_elements(value.shape);
  call.expressions.charge(count);
  const bool integer = tensor != nullptr && tensor->is_integer;
  value.kind = integer ? TensorKind::kIntegers : TensorKind::kFloats;
  if (integer) value.integers.assign(count, tensor->integers.empty() ? 0 : tensor->integers[0]);
  if (!integer) value.floats.assign(count, tensor != nullptr && !tensor->floats.empty() ? tensor->floats[0] : 0.0f);
  return one(std::move(value));
}

}  // namespace

NodeFunction find_value_operation(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {{"Identity", identity},
                                                             {"Dropout", dropout},
                                                             {"Cast", cast},
                                                             {"CastLike", cast_like},
                                                             {"Constant", constant},
                                                             {"Shape", shape_of},
                                                             {"Size", number_of_elements},
                                                             {"ConstantOfShape", constant_of_shape}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
