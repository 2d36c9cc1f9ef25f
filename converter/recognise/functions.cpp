#include "converter/recognise/functions.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <optional>

#include "converter/error.h"
#include "converter/recognise/operands.h"
#include "converter/recognise/pooling.h"
#include "converter/recognise/scalar_functions.h"
#include "converter/recognise/selections.h"

namespace mmoe::converter {
namespace {

NodeResults unary(const NodeCall& call, FunctionKind kind) {
  return one(apply_function(call, kind, {call.rows(0).refs}, call.rows(0)));
}

NodeResults binary(const NodeCall& call, FunctionKind kind) {
  const Operands operands(call);
  if (call.num_inputs() != 2) throw ConvertError("has " + std::to_string(call.num_inputs()) + " operands; expected 2");
  return one(apply_function(call, kind, {operands.refs(0), operands.refs(1)}, operands.like));
}

NodeResults absolute(const NodeCall& call) { return unary(call, FunctionKind::kAbs); }
NodeResults erf(const NodeCall& call) { return unary(call, FunctionKind::kErf); }
/// 1 - Erf, as TensorFlow's GELU has it. No operator of ONNX, but tf2onnx leaves it as it is.
NodeResults complement_of_erf(const NodeCall& call) {
  return one(affine_rows(call, apply_function(call, FunctionKind::kErf, {call.rows(0).refs}, call.rows(0)), -1, 1));
}
NodeResults square_root(const NodeCall& call) { return unary(call, FunctionKind::kSqrt); }
NodeResults reciprocal(const NodeCall& call) { return unary(call, FunctionKind::kReciprocal); }
NodeResults maximum(const NodeCall& call) { return binary(call, FunctionKind::kMaximum); }
NodeResults minimum(const NodeCall& call) { return binary(call, FunctionKind::kMinimum); }

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

/// Of a softmax's columns, which are no numbers where all that it is of is minus infinity.
bool are_softmax(const NodeCall& call) {
  const Vector& refs = call.rows(0).refs;
  return !refs.empty() && std::all_of(refs.begin(), refs.end(), [&](Ref ref) {
    const Expression& expression = call.expressions.of(ref);
    return expression.kind == ExpressionKind::kSoftmax && expression.top_k == 0;
  });
}

/// Of a number of the graph's inputs, which a feature takes, or of what it makes of that.
bool are_inputs(const NodeCall& call) {
  const Vector& refs = call.rows(0).refs;
  return !refs.empty() && std::all_of(refs.begin(), refs.end(), [&](Ref ref) {
    const Expression& source = call.expressions.of(ref);
    return source.kind == ExpressionKind::kNumber || (source.kind == ExpressionKind::kInput && !source.whole_numbers);
  });
}

NodeResults is_nan(const NodeCall& call) {
  if (!are_softmax(call) && !are_inputs(call))
    throw ConvertError("asks for what is no number behind something else than a softmax or an input");
  Expression nan;
  nan.kind = ExpressionKind::kFunction;
  nan.function = FunctionKind::kIsNan;
  nan.inputs = call.rows(0).refs;
  nan.columns = nan.inputs.size();
  return one(call.rows_of(std::move(nan), call.rows(0)));
}

/// A softmax gives none, and a file takes none.
NodeResults is_infinite(const NodeCall& call) {
  if (!are_softmax(call) && !are_inputs(call))
    throw ConvertError("asks for infinities behind something else than a softmax or an input");
  for (const Ref ref : call.rows(0).refs) {
    const Expression& source = call.expressions.of(ref);
    if (source.kind == ExpressionKind::kInput) call.expressions.ask_infinite(ref);
    if (source.kind == ExpressionKind::kNumber) call.expressions.ask_infinite(source.inputs[ref.column]);
  }
  Expression none;
  none.kind = ExpressionKind::kConstant;
  none.columns = call.rows(0).refs.size();
  none.bias.assign(none.columns, 0.0f);
  return one(call.rows_of(std::move(none), call.rows(0)));
}

/// Constants where inputs are no numbers: a feature has them. Nothing where it is not that.
std::optional<TensorValue> without_missing(const NodeCall& call, const Vector& conditions, const Vector& taken,
                                           const Vector& otherwise, const TensorValue& like) {
  Expression number;
  number.kind = ExpressionKind::kNumber;
  number.columns = conditions.size();
  for (size_t i = 0; i < conditions.size(); ++i) {
    const Expression &condition = call.expressions.of(conditions[i]), &constant = call.expressions.of(taken[i]);
    const Ref input = otherwise[i];
    const bool is_nan = condition.kind == ExpressionKind::kFunction && condition.function == FunctionKind::kIsNan &&
                        condition.inputs[conditions[i].column] == input &&
                        call.expressions.of(input).kind == ExpressionKind::kInput;
    if (!is_nan || constant.kind != ExpressionKind::kConstant) return std::nullopt;
    number.inputs.push_back(input);
    number.scalings.emplace_back();
    number.scalings.back().missing = constant.bias[taken[i].column];
  }
  return call.rows_of(std::move(number), like);
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

NodeResults negate(const NodeCall& call) { return one(affine_rows(call, call.rows(0), -1, 0)); }

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
  if (auto numbers = without_missing(call, conditions, taken, otherwise, operands.like))
    return one(std::move(*numbers));
  if (auto numbers = without_nan(call, conditions, taken, otherwise, operands.like)) return one(std::move(*numbers));
  const auto is_nan = [&](Ref ref) {
    const Expression& condition = call.expressions.of(ref);
    return condition.kind == ExpressionKind::kFunction && condition.function == FunctionKind::kIsNan;
  };
  if (std::any_of(conditions.begin(), conditions.end(), is_nan))
    throw ConvertError("replaces what is no number by something else than 0, or of an input a constant");
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

/// (x > 0) - (x < 0)
NodeResults sign(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  Expression zeros;
  zeros.kind = ExpressionKind::kConstant;
  zeros.node = call.index;
  zeros.columns = value.refs.size();
  zeros.bias.assign(zeros.columns, 0.0f);
  const Vector zero = call.expressions.all(call.expressions.add(std::move(zeros)));
  const TensorValue above = apply_function(call, FunctionKind::kGreater, {value.refs, zero}, value);
  const TensorValue below = apply_function(call, FunctionKind::kGreater, {zero, value.refs}, value);
  Expression difference;
  difference.kind = ExpressionKind::kSum;
  difference.columns = zero.size();
  for (size_t i = 0; i < zero.size(); ++i)
    difference.terms.push_back({{1, above.refs[i], false, {}}, {-1, below.refs[i], false, {}}});
  return one(call.rows_of(std::move(difference), value));
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
                                                             {"Sign", sign},
                                                             {"Max", maximum},
                                                             {"Min", minimum},
                                                             {"Log", logarithm},
                                                             {"Neg", negate},
                                                             {"Where", where},
                                                             {"Pow", power},
                                                             {"IsNaN", is_nan},
                                                             {"IsInf", is_infinite}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
