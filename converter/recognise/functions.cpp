#include "converter/recognise/functions.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <optional>

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
      const size_t size = value.rank() >= from_end ? value.shape[value.rank() - from_end] : 1;
      const bool repeated = value.per_row && value.batch_axis + from_end == value.rank() && size == places;
      const bool differs = !value.is_rows() && size != 1 && !repeated;
      if (differs) throw ConvertError("calculates with a constant that differs along the batch");
    }
    like.kind = TensorKind::kRows;
  }

  TensorValue like;  // without refs

  /// `infinite`: a constant may be.
  Vector refs(size_t which, bool infinite = false) const {
    const TensorValue& value = call_.input(which);
    if (!value.is_rows() && !infinite) static_cast<void>(call_.floats(which));
    return spread(value, value.is_rows() ? value.refs : constant_rows(call_, value).refs);
  }

  /// Of comparisons of rows; constants are truth values.
  Vector truths(size_t which) const {
    const TensorValue& value = call_.input(which);
    if (value.is_rows()) return refs(which);
    const std::vector<int64_t> integers = call_.integers(which);
    TensorValue floats = value;
    floats.kind = TensorKind::kFloats;
    floats.integers.clear();
    for (const int64_t truth : integers) floats.floats.push_back(truth != 0 ? 1.0f : 0.0f);
    return spread(floats, constant_rows(call_, floats).refs);
  }

 private:
  Vector spread(const TensorValue& value, const Vector& source) const {
    Vector result;
    std::vector<size_t> index(like.shape.size(), 0);
    const size_t count = count_elements(like.shape);
    for (size_t i = 0; i < count; ++i) {
      result.push_back(source[broadcast_position(value.shape, index)]);
      next_index(like.shape, index);
    }
    return result;
  }

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
/// 1 - Erf, as TensorFlow's GELU has it. No operator of ONNX, but tf2onnx leaves it as it is.
NodeResults complement_of_erf(const NodeCall& call) {
  return one(affine(call, apply_function(call, FunctionKind::kErf, {call.rows(0).refs}, call.rows(0)), -1, 1));
}
NodeResults square_root(const NodeCall& call) { return unary(call, FunctionKind::kSqrt); }
NodeResults reciprocal(const NodeCall& call) { return unary(call, FunctionKind::kReciprocal); }
NodeResults maximum(const NodeCall& call) { return binary(call, FunctionKind::kMaximum); }
NodeResults minimum(const NodeCall& call) { return binary(call, FunctionKind::kMinimum); }
/// Whether each id is a constant number; `negated`: is not.
NodeResults compare_with_padding(const NodeCall& call, bool negated) {
  const bool ids_first = call.input(0).is_rows();
  const TensorValue &ids = call.input(ids_first ? 0 : 1), &constant = call.input(ids_first ? 1 : 0);
  if (!ids.is_rows() || !ids.ids || constant.is_rows())
    throw ConvertError("compares computed numbers; expected ids, compared with whole numbers");
  static_cast<void>(call.integers(ids_first ? 1 : 0));  // none of them depends on the batch
  TensorValue like = broadcast_frame(ids, constant);
  like.kind = TensorKind::kRows;
  like.ids = like.per_row = false;
  const size_t count = count_elements(like.shape);
  call.expressions.charge(count);
  Expression equal;
  equal.kind = ExpressionKind::kIdEquals;
  std::vector<size_t> index(like.rank(), 0);
  for (size_t i = 0; i < count; ++i, next_index(like.shape, index)) {
    equal.inputs.push_back(ids.refs[broadcast_position(ids.shape, index)]);
    equal.shifts.push_back(constant.integers[broadcast_position(constant.shape, index)]);
  }
  equal.columns = count;
  if (auto places = compare_places(call, equal, like)) return one(negated ? affine(call, *places, -1, 1) : *places);
  const TensorValue result = call.rows_of(std::move(equal), like);
  return one(negated ? affine(call, result, -1, 1) : result);
}

/// 1 - truth; of constants, constants.
TensorValue opposite(const NodeCall& call, const TensorValue& truths) {
  TensorValue result = affine(call, truths, -1, 1);
  for (size_t i = 0; i < truths.refs.size(); ++i) {
    const Expression& source = call.expressions.of(truths.refs[i]);
    if (source.kind != ExpressionKind::kConstant) continue;
    Expression constant;
    constant.kind = ExpressionKind::kConstant;
    constant.node = call.index;
    constant.columns = 1;
    constant.bias = {1 - source.bias[truths.refs[i].column]};
    result.refs[i] = {call.expressions.add(std::move(constant)), 0};
  }
  return result;
}

/// Of numbers that are 1 or 0: themselves, or 1 less each.
std::optional<NodeResults> compare_truths(const NodeCall& call) {
  const size_t rows = call.input(0).is_rows() ? 0 : 1;
  const TensorValue &truths = call.input(rows), &constant = call.input(1 - rows);
  if (!truths.is_rows() || truths.ids || constant.is_rows() || constant.size() != 1) return std::nullopt;
  const bool whole = constant.kind == TensorKind::kIntegers;
  const double number = whole ? static_cast<double>(call.integers(1 - rows)[0]) : double{constant.floats[0]};
  const bool all =
      std::all_of(truths.refs.begin(), truths.refs.end(), [&](Ref ref) { return is_truth(call.expressions, ref); });
  if (!all || (number != 0 && number != 1)) return std::nullopt;
  return one(number == 1 ? truths : opposite(call, truths));
}

/// Ids are 0 or more: those greater than 0 are those that are not 0.
NodeResults greater(const NodeCall& call) {
  const bool ids = call.input(0).ids && call.input(1).kind == TensorKind::kIntegers;
  if (ids && call.integers(1) == std::vector<int64_t>{0}) return compare_with_padding(call, true);
  return binary(call, FunctionKind::kGreater);
}

NodeResults equal(const NodeCall& call) {
  if (auto truths = compare_truths(call)) return std::move(*truths);
  return compare_with_padding(call, false);
}
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

/// Of two numbers that are 1 or 0.
Ref product_of(const NodeCall& call, Ref a, Ref b) {
  Expression product;
  product.kind = ExpressionKind::kSum;
  product.node = call.index;
  product.columns = 1;
  product.truths = true;
  product.terms = {{{1, a, true, b}}};
  return {call.expressions.add(std::move(product)), 0};
}

/// Of comparisons, and constants that decide some of them.
NodeResults logical(const NodeCall& call) {
  const bool both = call.node.operation == "And";
  const Operands operands(call);
  const Vector a = operands.truths(0), b = operands.truths(1);
  TensorValue result = operands.like;
  const auto constant_of = [&](Ref ref) -> std::optional<bool> {
    const Expression& expression = call.expressions.of(ref);
    return expression.kind == ExpressionKind::kConstant ? std::optional(expression.bias[ref.column] != 0)
                                                        : std::nullopt;
  };
  for (size_t i = 0; i < a.size(); ++i) {
    const std::optional<bool> first = constant_of(a[i]), second = constant_of(b[i]);
    if (first)
      result.refs.push_back(*first == both ? b[i] : a[i]);
    else if (second)
      result.refs.push_back(*second == both ? a[i] : b[i]);
    else if (a[i] == b[i])
      result.refs.push_back(a[i]);
    else if (both && is_truth(call.expressions, a[i]) && is_truth(call.expressions, b[i]))
      result.refs.push_back(product_of(call, a[i], b[i]));
    else
      throw ConvertError("joins comparisons of different ids");
  }
  return one(std::move(result));
}

/// Of a softmax's columns, which are no numbers where all that it is of is minus infinity.
bool are_softmax(const NodeCall& call) {
  const Vector& refs = call.rows(0).refs;
  return !refs.empty() && std::all_of(refs.begin(), refs.end(), [&](Ref ref) {
    const Expression& expression = call.expressions.of(ref);
    return expression.kind == ExpressionKind::kSoftmax && expression.top_k == 0;
  });
}

NodeResults is_nan(const NodeCall& call) {
  if (!are_softmax(call)) throw ConvertError("asks for what is no number behind something else than a softmax");
  Expression nan;
  nan.kind = ExpressionKind::kFunction;
  nan.function = FunctionKind::kIsNan;
  nan.inputs = call.rows(0).refs;
  nan.columns = nan.inputs.size();
  return one(call.rows_of(std::move(nan), call.rows(0)));
}

/// A softmax gives none.
NodeResults is_infinite(const NodeCall& call) {
  if (!are_softmax(call)) throw ConvertError("asks for infinities behind something else than a softmax");
  Expression none;
  none.kind = ExpressionKind::kConstant;
  none.columns = call.rows(0).refs.size();
  none.bias.assign(none.columns, 0.0f);
  return one(call.rows_of(std::move(none), call.rows(0)));
}

/// Zeros where the softmax gives no numbers: another softmax. Nothing where it is not that.
std::optional<TensorValue> without_nan(const NodeCall& call, const Vector& conditions, const Vector& taken,
                                       const Vector& otherwise, const TensorValue& like) {
  std::map<uint32_t, uint32_t> made;  // by the softmax
  TensorValue result = like;
  for (size_t i = 0; i < conditions.size(); ++i) {
    const Expression& condition = call.expressions.of(conditions[i]);
    const Expression& zero = call.expressions.of(taken[i]);
    const bool is_nan = condition.kind == ExpressionKind::kFunction && condition.function == FunctionKind::kIsNan &&
                        condition.inputs[conditions[i].column] == otherwise[i];
    if (!is_nan || zero.kind != ExpressionKind::kConstant || zero.bias[taken[i].column] != 0) return std::nullopt;
    const auto [at, fresh] = made.emplace(otherwise[i].expression, 0);
    if (fresh) {
      Expression softmax = call.expressions.of(otherwise[i]);
      softmax.zero_without_numbers = true;
      softmax.node = call.index;
      at->second = call.expressions.add(std::move(softmax));
    }
    result.refs.push_back({at->second, otherwise[i].column});
  }
  return result;
}

NodeResults negate(const NodeCall& call) { return one(affine(call, call.rows(0), -1, 0)); }
/// Of a comparison.
NodeResults logical_not(const NodeCall& call) { return one(opposite(call, call.rows(0))); }

NodeResults where(const NodeCall& call) {
  if (auto masked = mask_by_top_k(call)) return one(std::move(*masked));
  const Operands operands(call);
  const Vector conditions = operands.refs(0);
  const auto is_constant = [&](Ref ref) { return call.expressions.of(ref).kind == ExpressionKind::kConstant; };
  Vector compared;
  std::copy_if(conditions.begin(), conditions.end(), std::back_inserter(compared),
               [&](Ref ref) { return !is_constant(ref); });
  const bool masks = std::all_of(compared.begin(), compared.end(), [&](Ref ref) {
    return is_truth(call.expressions, ref);  // of padding, which a softmax leaves out
  });
  const Vector taken = operands.refs(1, masks), otherwise = operands.refs(2, masks);
  if (auto numbers = without_nan(call, conditions, taken, otherwise, operands.like)) return one(std::move(*numbers));
  const auto is_nan = [&](Ref ref) {
    const Expression& condition = call.expressions.of(ref);
    return condition.kind == ExpressionKind::kFunction && condition.function == FunctionKind::kIsNan;
  };
  if (std::any_of(conditions.begin(), conditions.end(), is_nan))
    throw ConvertError("replaces what is no number by something else than 0");
  TensorValue result = operands.like;
  result.refs = conditions;
  if (!compared.empty())
    result = apply_function(call, FunctionKind::kSelect, {conditions, taken, otherwise}, operands.like);
  if (compared.size() == conditions.size()) return one(std::move(result));
  for (size_t i = 0; i < conditions.size(); ++i) {
    if (!is_constant(conditions[i])) continue;
    const Expression& condition = call.expressions.of(conditions[i]);
    result.refs[i] = condition.bias[conditions[i].column] != 0 ? taken[i] : otherwise[i];
  }
  return one(std::move(result));
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
  static const std::map<std::string, NodeFunction> kTable = {{"Abs", absolute},
                                                             {"Erf", erf},
                                                             {"Erfc", complement_of_erf},
                                                             {"Sqrt", square_root},
                                                             {"Reciprocal", reciprocal},
                                                             {"Max", maximum},
                                                             {"Min", minimum},
                                                             {"Greater", greater},
                                                             {"GreaterOrEqual", greater_or_equal},
                                                             {"Less", less},
                                                             {"LessOrEqual", less_or_equal},
                                                             {"Log", logarithm},
                                                             {"Neg", negate},
                                                             {"Not", logical_not},
                                                             {"Where", where},
                                                             {"Pow", power},
                                                             {"Equal", equal},
                                                             {"Or", logical},
                                                             {"And", logical},
                                                             {"IsNaN", is_nan},
                                                             {"IsInf", is_infinite}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
