#include "converter/recognise/functions.h"

#include <algorithm>
#include <limits>
#include <map>

#include "converter/error.h"
#include "converter/recognise/pooling.h"
#include "converter/recognise/scalar_functions.h"
#include "converter/recognise/selections.h"

namespace mmoe::converter {
namespace {

/// Inputs of a node, of which at least one is of rows, broadcast to one shape.
class Operands {
 public:
  explicit Operands(const NodeCall& call) : call_(call) {
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
      const bool differs = !value.is_rows() && value.rank() >= from_end && value.shape[value.rank() - from_end] != 1;
      if (differs) throw ConvertError("calculates with a constant that differs along the batch");
    }
    like.kind = TensorKind::kRows;
  }

  TensorValue like;  // without refs

  /// `infinite`: a constant may be.
  Vector refs(size_t which, bool infinite = false) const {
    const TensorValue& value = call_.input(which);
    if (!value.is_rows() && !infinite) static_cast<void>(call_.floats(which));
    const Vector source = value.is_rows() ? value.refs : constant_rows(call_, value).refs;
    Vector result;
    std::vector<size_t> index(like.shape.size(), 0);
    const size_t count = count_elements(like.shape);
    for (size_t i = 0; i < count; ++i) {
      result.push_back(source[broadcast_position(value.shape, index)]);
      next_index(like.shape, index);
    }
    return result;
  }

 private:
  const NodeCall& call_;
};

TensorValue affine(const NodeCall& call, const TensorValue& value, float scale, float shift) {
  const size_t columns = value.refs.size();
  Expression expression;
  expression.kind = ExpressionKind::kAffine;
  expression.inputs = value.refs;
  expression.columns = columns;
  expression.norm = {std::vector<float>(columns, scale), std::vector<float>(columns, shift),
                     std::vector<float>(columns, 0.0f), std::vector<float>(columns, 1.0f), 0};
  return call.rows_of(std::move(expression), value);
}

NodeResults unary(const NodeCall& call, FunctionKind kind) {
  return one(apply_function(call, kind, {call.rows(0).refs}, call.rows(0)));
}

NodeResults binary(const NodeCall& call, FunctionKind kind, bool swapped = false) {
  const Operands operands(call);
  if (call.num_inputs() != 2) throw ConvertError("has " + std::to_string(call.num_inputs()) + " operands; expected 2");
  return one(
      apply_function(call, kind, {operands.refs(swapped ? 1 : 0), operands.refs(swapped ? 0 : 1)}, operands.like));
}

NodeResults absolute(const NodeCall& call) { return unary(call, FunctionKind::kAbs); }
NodeResults erf(const NodeCall& call) { return unary(call, FunctionKind::kErf); }
NodeResults square_root(const NodeCall& call) { return unary(call, FunctionKind::kSqrt); }
NodeResults reciprocal(const NodeCall& call) { return unary(call, FunctionKind::kReciprocal); }
NodeResults maximum(const NodeCall& call) { return binary(call, FunctionKind::kMaximum); }
NodeResults minimum(const NodeCall& call) { return binary(call, FunctionKind::kMinimum); }
/// Whether each id is a constant number; `negated`: is not.
NodeResults compare_with_padding(const NodeCall& call, bool negated) {
  const bool ids_first = call.input(0).is_rows();
  const TensorValue& ids = call.input(ids_first ? 0 : 1);
  const std::vector<int64_t> numbers = call.integers(ids_first ? 1 : 0);
  if (!ids.is_rows() || !ids.ids || numbers.size() != 1) {
    throw ConvertError("compares computed numbers; expected ids, compared with one whole number, the padding id");
  }
  Expression equal;
  equal.kind = ExpressionKind::kIdEquals;
  equal.inputs = ids.refs;
  equal.columns = ids.refs.size();
  equal.shifts.assign(equal.columns, numbers[0]);
  TensorValue like = ids;
  like.ids = false;
  TensorValue result = call.rows_of(std::move(equal), like);
  return one(negated ? affine(call, result, -1, 1) : std::move(result));
}

/// Ids are 0 or more: those greater than 0 are those that are not 0.
NodeResults greater(const NodeCall& call) {
  const bool ids = call.input(0).ids && call.input(1).kind == TensorKind::kIntegers;
  if (ids && call.integers(1) == std::vector<int64_t>{0}) return compare_with_padding(call, true);
  return binary(call, FunctionKind::kGreater);
}

NodeResults equal(const NodeCall& call) { return compare_with_padding(call, false); }
NodeResults greater_or_equal(const NodeCall& call) { return binary(call, FunctionKind::kGreaterOrEqual); }
NodeResults less(const NodeCall& call) { return binary(call, FunctionKind::kGreater, true); }
NodeResults less_or_equal(const NodeCall& call) { return binary(call, FunctionKind::kGreaterOrEqual, true); }

/// The logarithm of a softmax is a node of its own; of anything else a function.
NodeResults logarithm(const NodeCall& call) {
  TensorValue value = call.rows(0);
  const auto is_softmax = [&](Ref ref) {
    return call.expressions.of(ref).kind == ExpressionKind::kSoftmax && call.expressions.of(ref).top_k == 0;
  };
  if (value.refs.empty() || !std::all_of(value.refs.begin(), value.refs.end(), is_softmax)) {
    return unary(call, FunctionKind::kLog);
  }
  std::map<uint32_t, uint32_t> logarithms;
  for (Ref& ref : value.refs) {
    const auto [at, fresh] = logarithms.emplace(ref.expression, 0);
    if (fresh) {
      Expression copy = call.expressions.of(ref);
      copy.kind = ExpressionKind::kLogSoftmax;
      copy.node = call.index;
      at->second = call.expressions.add(std::move(copy));
    }
    ref.expression = at->second;
  }
  return one(std::move(value));
}

NodeResults negate(const NodeCall& call) { return one(affine(call, call.rows(0), -1, 0)); }
/// Of a comparison.
NodeResults logical_not(const NodeCall& call) { return one(affine(call, call.rows(0), -1, 1)); }

NodeResults where(const NodeCall& call) {
  if (auto masked = mask_by_top_k(call)) return one(std::move(*masked));
  const Operands operands(call);
  const bool masks = call.input(0).is_rows() &&
                     compares_ids(call.expressions, call.input(0).refs);  // of padding, which a softmax leaves out
  return one(apply_function(call, FunctionKind::kSelect,
                            {operands.refs(0), operands.refs(1, masks), operands.refs(2, masks)}, operands.like));
}

/// With a constant exponent of 1, 2, 3, 0.5, -0.5 or -1.
NodeResults power(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  const TensorValue& exponents = call.input(1);
  const bool whole = exponents.kind == TensorKind::kIntegers;
  if (exponents.size() != 1) throw ConvertError("has several exponents");
  const double exponent = whole ? static_cast<double>(call.integers(1)[0]) : double{call.floats(1).floats[0]};
  const auto times = [&](const TensorValue& factor) {
    Expression product;
    product.kind = ExpressionKind::kSum;
    for (size_t i = 0; i < value.refs.size(); ++i) product.terms.push_back({{1, value.refs[i], true, factor.refs[i]}});
    product.columns = product.terms.size();
    return simplify(call, call.rows_of(std::move(product), value));
  };
  if (exponent == 1) return one(value);
  if (exponent == 2) return one(times(value));
  if (exponent == 3) return one(times(times(value)));
  if (exponent == -1) return one(apply_function(call, FunctionKind::kReciprocal, {value.refs}, value));
  if (exponent != 0.5 && exponent != -0.5) {
    throw ConvertError("has the exponent " + std::to_string(exponent) + "; expected 1, 2, 3, 0.5, -0.5 or -1");
  }
  const TensorValue root = apply_function(call, FunctionKind::kSqrt, {value.refs}, value);
  return one(exponent > 0 ? root : apply_function(call, FunctionKind::kReciprocal, {root.refs}, root));
}

}  // namespace

TensorValue apply_function(const NodeCall& call, FunctionKind kind, const std::vector<Vector>& arguments,
                           const TensorValue& like) {
  Expression expression;
  expression.kind = ExpressionKind::kFunction;
  expression.function = kind;
  expression.columns = arguments.front().size();
  for (const Vector& argument : arguments) {
    expression.inputs.insert(expression.inputs.end(), argument.begin(), argument.end());
  }
  return simplify(call, call.rows_of(std::move(expression), like));
}

NodeFunction find_function(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {
      {"Abs", absolute},     {"Erf", erf},
      {"Sqrt", square_root}, {"Reciprocal", reciprocal},
      {"Max", maximum},      {"Min", minimum},
      {"Greater", greater},  {"GreaterOrEqual", greater_or_equal},
      {"Less", less},        {"LessOrEqual", less_or_equal},
      {"Log", logarithm},    {"Neg", negate},
      {"Not", logical_not},  {"Where", where},
      {"Pow", power},        {"Equal", equal}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
