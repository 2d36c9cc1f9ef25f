// Operations on every element for itself: arithmetic, activations, softmax and batch normalisation.
#include <algorithm>
#include <cmath>
#include <map>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/recognise/graph_evaluator.h"

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

/// gamma * x + beta of every element.
TensorValue scale_and_shift(const NodeCall& call, const TensorValue& rows, const TensorValue& constant, bool rows_first) {
  const std::string& operation = call.node.operation;
  const std::vector<size_t> shape = broadcast_shape(rows.shape, constant.shape);
  const size_t batch_axis = rows.batch_axis + (shape.size() - rows.rank());
  if (shape[batch_axis] != 1) throw ConvertError("calculates with a constant that differs along the batch");
  if (operation == "Div" && !rows_first) throw ConvertError("divides by what the model has calculated");
  call.expressions.charge(count_elements(shape));
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  for_each_pair(shape, rows, constant, [&](size_t, size_t in_rows, size_t in_constant) {
    const float c = constant.floats[in_constant];
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
  return call.rows_of(std::move(affine), like);
}

// ------------------------------------------------------------------------------------ rows and rows

/// What a sum may go on with: the terms of a sum, or the scalar itself.
std::vector<Term> terms_of(const Expressions& expressions, Ref ref, float sign) {
  const Expression& expression = expressions.of(ref);
  std::vector<Term> terms;
  if (expression.kind == ExpressionKind::kSum) {
    terms = expression.terms[ref.column];
  } else {
    terms.resize(1);
    terms[0].a = ref;
  }
  for (Term& term : terms) term.coefficient *= sign;
  return terms;
}

/// x and sigmoid(x), either way round.
bool is_silu(const Expressions& expressions, Ref x, Ref gate) {
  const Expression& expression = expressions.of(gate);
  return expression.kind == ExpressionKind::kActivation && expression.activation.kind == ActivationKind::kSigmoid &&
         expression.inputs[gate.column] == x;
}

TensorValue combine_rows(const NodeCall& call, const TensorValue& a, const TensorValue& b) {
  const std::string& operation = call.node.operation;
  if (operation == "Div") throw ConvertError("divides by what the model has calculated");
  TensorValue like;
  like.kind = TensorKind::kRows;
  like.shape = broadcast_shape(a.shape, b.shape);
  like.batch_axis = a.batch_axis + (like.shape.size() - a.rank());
  if (like.batch_axis != b.batch_axis + (like.shape.size() - b.rank())) throw ConvertError("has the batch on two axes");
  call.expressions.charge(count_elements(like.shape));
  Expression sum, silu;
  sum.kind = ExpressionKind::kSum;
  silu.kind = ExpressionKind::kActivation;
  silu.activation.kind = ActivationKind::kSilu;
  for_each_pair(like.shape, a, b, [&](size_t, size_t in_a, size_t in_b) {
    const Ref first = a.refs[in_a], second = b.refs[in_b];
    if (operation == "Mul") {
      if (is_silu(call.expressions, first, second)) silu.inputs.push_back(first);
      if (is_silu(call.expressions, second, first)) silu.inputs.push_back(second);
      Term term;
      term.a = first;
      term.product = true;
      term.b = second;
      sum.terms.push_back({term});
    } else {
      std::vector<Term> terms = terms_of(call.expressions, first, 1);
      const std::vector<Term> more = terms_of(call.expressions, second, operation == "Sub" ? -1.0f : 1.0f);
      terms.insert(terms.end(), more.begin(), more.end());
      call.expressions.charge(terms.size());
      sum.terms.push_back(std::move(terms));
    }
  });
  const bool all_silu = !sum.terms.empty() && silu.inputs.size() == sum.terms.size();
  Expression& result = all_silu ? silu : sum;
  result.columns = sum.terms.size();
  return call.rows_of(std::move(result), like);
}

TensorValue combine(const NodeCall& call, size_t first, size_t second) {
  const TensorValue &a = call.input(first), &b = call.input(second);
  if (a.is_rows() && b.is_rows()) return combine_rows(call, call.rows(first), call.rows(second));
  return a.is_rows() ? scale_and_shift(call, call.rows(first), call.floats(second), true)
                     : scale_and_shift(call, call.rows(second), call.floats(first), false);
}

NodeResults arithmetic(const NodeCall& call) { return one(combine(call, 0, 1)); }

// ------------------------------------------------------------------------------------ activations

NodeResults activate(const NodeCall& call, ActivationKind kind, float alpha = 0, std::vector<float> slopes = {}) {
  const TensorValue& value = call.rows(0);
  Expression expression;
  expression.kind = ExpressionKind::kActivation;
  expression.inputs = value.refs;
  expression.columns = value.refs.size();
  expression.activation.kind = kind;
  expression.activation.alpha = alpha;
  expression.activation.slopes = std::move(slopes);
  return one(call.rows_of(std::move(expression), value));
}

NodeResults relu(const NodeCall& call) { return activate(call, ActivationKind::kRelu); }
NodeResults sigmoid(const NodeCall& call) { return activate(call, ActivationKind::kSigmoid); }
NodeResults softplus(const NodeCall& call) { return activate(call, ActivationKind::kSoftplus); }
NodeResults tanh(const NodeCall& call) { return activate(call, ActivationKind::kTanh); }

NodeResults leaky_relu(const NodeCall& call) {
  return activate(call, ActivationKind::kLeakyRelu, call.real("alpha", 0.01f));
}

NodeResults elu(const NodeCall& call) { return activate(call, ActivationKind::kElu, call.real("alpha", 1)); }

NodeResults selu(const NodeCall& call) {
  const bool usual = std::fabs(call.real("alpha", 1.67326319f) - 1.67326319f) < 1e-5f &&
                     std::fabs(call.real("gamma", 1.05070102f) - 1.05070102f) < 1e-5f;
  if (!usual) throw ConvertError("is a SELU with other constants than the usual");
  return activate(call, ActivationKind::kSelu);
}

/// Since opset 20; before, it is written out.
NodeResults gelu(const NodeCall& call) {
  const auto found = call.node.attributes.find("approximate");
  const bool by_tanh = found != call.node.attributes.end() && found->second.text == "tanh";
  return activate(call, by_tanh ? ActivationKind::kGeluTanh : ActivationKind::kGelu);
}

/// SiLU since opset 24.
NodeResults swish(const NodeCall& call) {
  if (call.real("alpha", 1) != 1) throw ConvertError("is a swish with another alpha than 1");
  return activate(call, ActivationKind::kSilu);
}

NodeResults prelu(const NodeCall& call) {
  const TensorValue &value = call.rows(0), &slope = call.floats(1);
  if (broadcast_shape(value.shape, slope.shape) != value.shape) throw ConvertError("has slopes that do not fit");
  std::vector<float> slopes;
  for_each_pair(value.shape, value, slope, [&](size_t, size_t, size_t at) { slopes.push_back(slope.floats[at]); });
  return activate(call, ActivationKind::kPRelu, 0, std::move(slopes));
}

/// Over one axis; before opset 13 over it, by default axis 1, and all behind it.
NodeResults softmax(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  const bool flattened = call.opset < 13;
  const size_t axis = resolve_axis(call.integer("axis", flattened ? 1 : -1), value.rank());
  if (axis == value.batch_axis || (flattened && axis < value.batch_axis)) throw ConvertError("is a softmax over the batch");
  TensorValue result = value;
  size_t inner = 1, size = value.shape[axis];
  for (size_t i = axis + 1; i < value.rank(); ++i) (flattened ? size : inner) *= value.shape[i];
  for (size_t at = 0; at < value.refs.size(); at += size * inner) {
    for (size_t k = 0; k < inner; ++k) {
      Expression expression;
      expression.kind = ExpressionKind::kSoftmax;
      expression.node = call.index;
      expression.columns = size;
      for (size_t i = 0; i < size; ++i) expression.inputs.push_back(value.refs[at + i * inner + k]);
      const Vector columns = call.expressions.all(call.expressions.add(std::move(expression)));
      for (size_t i = 0; i < size; ++i) result.refs[at + i * inner + k] = columns[i];
    }
  }
  return one(std::move(result));
}

/// With the running statistics, as in inference. Channels are axis 1.
NodeResults batch_normalization(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  if (call.integer("training_mode", 0) != 0) throw ConvertError("is in training mode; export with model.eval()");
  if (call.integer("spatial", 1) == 0) throw ConvertError("has statistics for every element (spatial = 0)");
  const auto& outputs = call.node.outputs;
  if (std::any_of(outputs.begin() + 1, outputs.end(), [](const std::string& output) { return !output.empty(); })) {
    throw ConvertError("gives statistics too, as in training; export with model.eval()");
  }
  if (value.rank() < 2 || value.batch_axis != 0) throw ConvertError("normalises something else than [batch, channels]");
  const size_t channels = value.shape[1];
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  affine.inputs = value.refs;
  affine.columns = value.refs.size();
  affine.norm.epsilon = static_cast<double>(call.real("epsilon", 1e-5f));
  const size_t inner = channels == 0 ? 1 : value.refs.size() / channels;
  const auto spread = [&](size_t which) {
    const TensorValue& constant = call.floats(which);
    if (constant.floats.size() != channels) {
      throw ConvertError("has " + std::to_string(constant.floats.size()) + " values in " + in_quotes(constant.name) +
                         " for " + std::to_string(channels) + " channels");
    }
    std::vector<float> values;
    for (const float x : constant.floats) values.insert(values.end(), inner, x);
    return values;
  };
  affine.norm.gamma = spread(1);
  affine.norm.beta = spread(2);
  affine.norm.mean = spread(3);
  affine.norm.variance = spread(4);
  for (const float variance : affine.norm.variance) {
    if (!(variance >= 0) || static_cast<double>(variance) + affine.norm.epsilon <= 0) {
      throw ConvertError("has a variance that is not more than 0 with epsilon added");
    }
  }
  return one(call.rows_of(std::move(affine), value));
}

}  // namespace

NodeFunction find_elementwise_operation(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {
      {"Add", arithmetic},   {"Sub", arithmetic},        {"Mul", arithmetic}, {"Div", arithmetic},
      {"Relu", relu},        {"Sigmoid", sigmoid},       {"Tanh", tanh},      {"LeakyRelu", leaky_relu},
      {"Elu", elu},          {"Selu", selu},             {"PRelu", prelu},    {"Swish", swish},
      {"Gelu", gelu},        {"Softplus", softplus},
      {"Softmax", softmax},  {"BatchNormalization", batch_normalization}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
