// Operations on every element for itself: arithmetic.
#include <algorithm>
#include <cmath>
#include <map>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/recognise/dice.h"
#include "converter/recognise/functions.h"
#include "converter/recognise/graph_evaluator.h"
#include "converter/recognise/normalisations.h"
#include "converter/recognise/pooling.h"
#include "converter/recognise/scalar_functions.h"
#include "converter/recognise/selections.h"

namespace mmoe::converter {
namespace {

/// Calls `visit(output, a, b)` with positions of every element of the common shape.
template <typename Visit>
void for_each_pair(const std::vector<size_t>& shape, const TensorValue& a, const TensorValue& b, Visit visit) {
  std::vector<size_t> index(shape.size(), 0);
  const size_t count = count_elements(shape);
  for (size_t i = 0; i < count; ++i) {
    visit(i, broadcast_position(a.shape, index), broadcast_position(b.shape, index));
    next_index(shape, index);
  }
}

// ------------------------------------------------------------------------------------ rows and a constant

/// Whether the axis that is so far from the end has several elements.
bool differs_along(const TensorValue& constant, size_t from_end) {
  return constant.rank() >= from_end && constant.shape[constant.rank() - from_end] != 1;
}

Ref infinity_of(const NodeCall& call, float value) {
  Expression constant;
  constant.kind = ExpressionKind::kConstant;
  constant.node = call.index;
  constant.columns = 1;
  constant.bias = {value};
  return {call.expressions.add(std::move(constant)), 0};
}

/// gamma * x + beta of every element.
TensorValue scale_and_shift(const NodeCall& call, const TensorValue& rows, const TensorValue& constant,
                            const std::string& operation, bool rows_first) {
  const std::vector<size_t> shape = broadcast_shape(rows.shape, constant.shape);
  const size_t batch_axis = rows.batch_axis + (shape.size() - rows.rank());
  if (shape[batch_axis] != rows.shape[rows.batch_axis] || differs_along(constant, shape.size() - batch_axis))
    throw ConvertError("calculates with a constant that differs along the batch");
  if (operation == "Div" && !rows_first) {
    const TensorValue inverse = apply_function(call, FunctionKind::kReciprocal, {rows.refs}, rows);
    return scale_and_shift(call, inverse, constant, "Mul", true);
  }
  call.expressions.charge(count_elements(shape));
  std::vector<std::pair<size_t, float>> infinite;  // what minus infinity is added to
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  for_each_pair(shape, rows, constant, [&](size_t at, size_t in_rows, size_t in_constant) {
    float c = constant.floats[in_constant];
    if (std::isinf(c)) infinite.emplace_back(at, c), c = 0;
    if (operation == "Div" && c == 0) throw ConvertError("divides by zero");
    const bool scales = operation == "Mul" || operation == "Div";
    const float sign = operation == "Sub" && !rows_first ? -1.0f : 1.0f;
    affine.inputs.push_back(rows.refs[in_rows]);
    affine.norm.gamma.push_back(operation == "Mul" ? c : operation == "Div" ? 1 / c : sign);
    affine.norm.beta.push_back(scales ? 0.0f : operation == "Sub" && rows_first ? -c : c);
  });
  affine.columns = affine.inputs.size();
  affine.norm.mean.assign(affine.columns, 0.0f);
  affine.norm.variance.assign(affine.columns, 1.0f);
  affine.norm.epsilon = 0;
  TensorValue like;
  like.kind = TensorKind::kRows;
  like.shape = shape;
  like.batch_axis = batch_axis;
  TensorValue result = call.rows_of(std::move(affine), like);
  for (const auto& [at, value] : infinite) result.refs[at] = infinity_of(call, value);
  return result;
}

// ------------------------------------------------------------------------------------ rows and rows

/// The shape of two tensors of rows that are broadcast to one.
TensorValue common_like(const TensorValue& a, const TensorValue& b) {
  TensorValue like;
  like.kind = TensorKind::kRows;
  like.shape = broadcast_shape(a.shape, b.shape);
  like.batch_axis = a.batch_axis + (like.shape.size() - a.rank());
  if (like.batch_axis != b.batch_axis + (like.shape.size() - b.rank())) throw ConvertError("has the batch on two axes");
  if (a.shape[a.batch_axis] != b.shape[b.batch_axis]) throw ConvertError("has batches of different sizes");
  return like;
}

/// What a quotient is by what is divided: a norm, a mean, ...
std::optional<TensorValue> find_quotient(const NodeCall& call, const TensorValue& rows, const Vector& divisors) {
  for (const auto find : {find_layer_norm, find_unit_length, find_cosine, find_pooled_mean, find_softmax_sum,
                          find_softmax_of_top_k, find_softmax_of_exponentials}) {
    if (auto found = find(call, rows, divisors)) return found;
  }
  return std::nullopt;
}

/// x * (scale / d): the quotient x / d, scaled. Nothing where it is no quotient that has a name.
std::optional<TensorValue> multiply_by_reciprocals(const NodeCall& call, const Expression& products,
                                                   const TensorValue& like) {
  TensorValue rows = like;
  Vector divisors;
  std::vector<double> scales;
  const auto divisor_of = [&](Ref factor, double& scale) -> std::optional<Ref> {
    Scaled scaled = call.expressions.scaled(factor);
    Ref ref = scaled.of;
    // min(x, c), which keeps the divisor above 1 / c, is c - relu(c - x).
    const Expression& relu = call.expressions.of(ref);
    if (relu.kind == ExpressionKind::kActivation && relu.activation.kind == ActivationKind::kRelu) {
      const Scaled below = call.expressions.scaled(relu.inputs[ref.column]);
      if (scaled.scale != -1 || below.scale != -1 || scaled.shift != below.shift || scaled.shift < 1e6)
        return std::nullopt;
      scaled = {1, 0, below.of};
      ref = below.of;
    }
    const Expression& inverse = call.expressions.of(ref);
    const bool found = inverse.kind == ExpressionKind::kFunction && inverse.function == FunctionKind::kReciprocal;
    if (!found || scaled.shift != 0) return std::nullopt;
    scale = scaled.scale;
    return inverse.inputs[ref.column];
  };
  for (const std::vector<Term>& terms : products.terms) {
    const Term& term = terms.front();
    double scale = 1;
    std::optional<Ref> divisor = divisor_of(term.b, scale);
    rows.refs.push_back(divisor ? term.a : term.b);
    if (!divisor) divisor = divisor_of(term.a, scale);
    if (!divisor) return std::nullopt;
    divisors.push_back(*divisor);
    scales.push_back(scale);
  }
  if (divisors.empty()) return std::nullopt;
  std::optional<TensorValue> quotient = find_quotient(call, rows, divisors);
  const bool plain = std::all_of(scales.begin(), scales.end(), [](double scale) { return scale == 1; });
  if (!quotient || plain) return quotient;
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  affine.inputs = quotient->refs;
  affine.columns = scales.size();
  affine.norm = {std::vector<float>(scales.begin(), scales.end()), std::vector<float>(scales.size(), 0.0f),
                 std::vector<float>(scales.size(), 0.0f), std::vector<float>(scales.size(), 1.0f), 0};
  return call.rows_of(std::move(affine), *quotient);
}

TensorValue combine_rows(const NodeCall& call, const TensorValue& a, const TensorValue& b) {
  const std::string& operation = call.node.operation;
  const TensorValue like = common_like(a, b);
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  for_each_pair(like.shape, a, b, [&](size_t, size_t in_a, size_t in_b) {
    const Ref first = a.refs[in_a], second = b.refs[in_b];
    if (operation == "Mul") {
      sum.terms.push_back({{1, first, true, second}});
    } else {
      sum.terms.push_back({{1, first, false, {}}, {operation == "Sub" ? -1.0f : 1.0f, second, false, {}}});
    }
  });
  call.expressions.charge(2 * sum.terms.size());
  sum.columns = sum.terms.size();
  if (operation == "Mul") {
    if (auto quotient = multiply_by_reciprocals(call, sum, like)) return *quotient;
  }
  if (auto selected = select_by_mask(call, sum, like)) return *selected;
  if (auto norm = operation == "Add" ? find_spread_layer_norm(call, sum, like) : std::nullopt) return *norm;
  if (auto dice = operation == "Add" ? find_dice(call, sum, like) : std::nullopt) return *dice;
  return simplify(call, call.rows_of(std::move(sum), like));
}

/// By a norm's deviation, by the sum of a softmax, or by a function.
TensorValue divide_rows(const NodeCall& call, const TensorValue& a, const TensorValue& b) {
  TensorValue like = common_like(a, b);
  Vector divisors;
  for_each_pair(like.shape, a, b, [&](size_t, size_t in_a, size_t in_b) {
    like.refs.push_back(a.refs[in_a]);
    divisors.push_back(b.refs[in_b]);
  });
  if (auto quotient = find_quotient(call, like, divisors)) return *quotient;
  TensorValue divisor = like;
  divisor.refs = divisors;
  const TensorValue inverse = apply_function(call, FunctionKind::kReciprocal, {divisor.refs}, divisor);
  Expression product;
  product.kind = ExpressionKind::kSum;
  for (size_t i = 0; i < like.refs.size(); ++i) product.terms.push_back({{1, like.refs[i], true, inverse.refs[i]}});
  product.columns = product.terms.size();
  return simplify(call, call.rows_of(std::move(product), like));
}

/// A constant; minus infinity may be added, as masks of softmaxes are. Whole numbers go with numbers that are whole by
/// what they are made of (rows() takes no ids).
TensorValue constant_of(const NodeCall& call, size_t which) {
  const TensorValue& value = call.input(which);
  if (value.kind == TensorKind::kIntegers && call.node.operation != "Div") {
    TensorValue floats = value;
    floats.kind = TensorKind::kFloats;
    floats.integers.clear();
    for (const int64_t number : call.integers(which)) {
      if (std::abs(number) > 1 << 24) throw ConvertError("calculates with whole numbers beyond 2^24");
      floats.floats.push_back(static_cast<float>(number));
    }
    return floats;
  }
  const auto fits = [](float x) { return std::isfinite(x) || (std::isinf(x) && x < 0); };
  const bool mask = call.node.operation == "Add" && value.kind == TensorKind::kFloats &&
                    std::all_of(value.floats.begin(), value.floats.end(), fits);
  return mask ? value : call.floats(which);
}

TensorValue combine(const NodeCall& call, size_t first, size_t second) {
  const TensorValue &a = call.input(first), &b = call.input(second);
  if (a.is_rows() && b.is_rows()) {
    const bool divides = call.node.operation == "Div";
    return (divides ? divide_rows : combine_rows)(call, call.rows(first), call.rows(second));
  }
  return a.is_rows() ? scale_and_shift(call, call.rows(first), constant_of(call, second), call.node.operation, true)
                     : scale_and_shift(call, call.rows(second), constant_of(call, first), call.node.operation, false);
}

/// (x - offset) * scale of every column, as skl2onnx has scikit-learn's scalers.
NodeResults scale_columns(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  const auto numbers = [&](const char* name, float otherwise) {
    const auto found = call.node.attributes.find(name);
    std::vector<float> given = found != call.node.attributes.end() ? found->second.reals : std::vector<float>();
    if (given.empty()) given = {otherwise};
    return given;
  };
  const std::vector<float> offset = numbers("offset", 0), scale = numbers("scale", 1);
  const size_t width = value.rank() == 2 && value.batch_axis == 0 ? value.shape[1] : 0;
  const auto fits = [&](const std::vector<float>& given) { return given.size() == 1 || given.size() == width; };
  if (width == 0 || value.refs.size() != width || !fits(offset) || !fits(scale))
    throw ConvertError("has numbers that do not fit");
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  affine.inputs = value.refs;
  affine.columns = width;
  for (size_t i = 0; i < width; ++i) {
    affine.norm.gamma.push_back(scale[scale.size() == 1 ? 0 : i]);
    affine.norm.mean.push_back(offset[offset.size() == 1 ? 0 : i]);
  }
  affine.norm.beta.assign(width, 0.0f);
  affine.norm.variance.assign(width, 1.0f);
  affine.norm.epsilon = 0;
  return one(call.rows_of(std::move(affine), value));
}

NodeResults combine_inputs(const NodeCall& call) { return one(combine(call, 0, 1)); }

/// Of any number of rows.
NodeResults sum(const NodeCall& call) {
  TensorValue result = call.rows(0);
  for (size_t i = 1; i < call.num_inputs(); ++i) result = combine_rows(call, result, call.rows(i));
  return one(std::move(result));
}

}  // namespace

NodeFunction find_elementwise_operation(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {{"Add", combine_inputs},
                                                             {"Sub", combine_inputs},
                                                             {"Mul", combine_inputs},
                                                             {"Div", combine_inputs},
                                                             {"Sum", sum},
                                                             {"ai.onnx.ml.Scaler", scale_columns}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
