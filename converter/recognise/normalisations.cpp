#include "converter/recognise/normalisations.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/recognise/selections.h"

namespace mmoe::converter {
namespace {

// A length that is divided by is kept above one up to the first, where a row's is never; the square of the second is
// added instead, which is less than the rounding of the square of any length of 1e-8 or more.
constexpr double kLeastLength = 1e-6, kNoLength = 1e-24;

/// Over one axis; before opset 13 over it, by default axis 1, and all behind it.
NodeResults softmax_of_kind(const NodeCall& call, ExpressionKind kind) {
  const TensorValue& value = call.rows(0);
  const bool flattened = call.opset < 13;
  const size_t axis = resolve_axis(call.integer("axis", flattened ? 1 : -1), value.rank());
  if (axis == value.batch_axis || (flattened && axis < value.batch_axis))
    throw ConvertError("is a softmax over the batch");
  TensorValue result = value;
  size_t inner = 1, size = value.shape[axis];
  for (size_t i = axis + 1; i < value.rank(); ++i) (flattened ? size : inner) *= value.shape[i];
  for (size_t at = 0; at < value.refs.size(); at += size * inner) {
    for (size_t k = 0; k < inner; ++k) {
      Expression expression;
      expression.kind = kind;
      expression.node = call.index;
      expression.columns = size;
      for (size_t i = 0; i < size; ++i) expression.inputs.push_back(value.refs[at + i * inner + k]);
      if (kind == ExpressionKind::kSoftmax) select_top_k(call.expressions, expression);
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
  const size_t places = value.shape[0], inner = channels == 0 ? 1 : value.refs.size() / channels / places;
  const auto spread = [&](size_t which) {
    const TensorValue& constant = call.floats(which);
    if (constant.floats.size() != channels) {
      throw ConvertError("has " + std::to_string(constant.floats.size()) + " values in " + in_quotes(constant.name) +
                         " for " + std::to_string(channels) + " channels");
    }
    std::vector<float> values;
    for (size_t place = 0; place < places; ++place) {
      for (const float x : constant.floats) values.insert(values.end(), inner, x);
    }
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

// ------------------------------------------------------------------------------------ layer norm

const std::vector<Term>* terms_of(const Expressions& expressions, Ref ref) {
  const Expression& expression = expressions.of(ref);
  return expression.kind == ExpressionKind::kSum ? &expression.terms[ref.column] : nullptr;
}

/// What the mean is of, in the order in which it is summed; empty when the scalar is no mean.
Vector mean_of(const Expressions& expressions, Ref ref) {
  const std::vector<Term>* terms = terms_of(expressions, ref);
  Vector vector;
  if (terms == nullptr) return vector;
  const float share = 1 / static_cast<float>(terms->size());
  for (const Term& term : *terms) {
    if (term.product || term.coefficient != share) return {};
    vector.push_back(term.a);
  }
  return vector;
}

/// x of x * x.
std::optional<Ref> root_of_square(const Expressions& expressions, Ref ref) {
  const std::vector<Term>* terms = terms_of(expressions, ref);
  if (terms == nullptr || terms->size() != 1) return std::nullopt;
  const Term& term = terms->front();
  if (!term.product || term.coefficient != 1 || term.a != term.b) return std::nullopt;
  return term.a;
}

/// A vector, what its elements are less their mean, and the constant that is added to their mean square.
struct Deviations {
  Vector vector, centred;
  double epsilon = 0;
};

/// x_j of x_j - mean, where the mean is of `vector`, which is learnt from the first.
bool add_deviation(const Expressions& expressions, Ref centred, Deviations& deviations) {
  const std::vector<Term>* terms = terms_of(expressions, centred);
  if (terms == nullptr || terms->size() != 2) return false;
  const Term &value = terms->front(), &mean = terms->back();
  if (value.product || mean.product || value.coefficient != 1 || mean.coefficient != -1) return false;
  if (deviations.centred.empty()) deviations.vector = mean_of(expressions, mean.a);
  const size_t at = deviations.centred.size();
  if (at >= deviations.vector.size() || deviations.vector[at] != value.a) return false;
  if (at > 0 && terms_of(expressions, deviations.centred.front())->back().a != mean.a) return false;
  deviations.centred.push_back(centred);
  return true;
}

/// Of sqrt(mean of (x - mean of x)^2 + epsilon).
std::optional<Deviations> deviations_of(const Expressions& expressions, Ref divisor) {
  const Expression& root = expressions.of(divisor);
  if (root.kind != ExpressionKind::kFunction || root.function != FunctionKind::kSqrt) return std::nullopt;
  const Scaled variance = expressions.scaled(root.inputs[divisor.column]);
  if (variance.scale != 1 || variance.shift < 0) return std::nullopt;
  Deviations deviations;
  deviations.epsilon = variance.shift;
  for (const Ref square : mean_of(expressions, variance.of)) {
    const std::optional<Ref> centred = root_of_square(expressions, square);
    if (!centred || !add_deviation(expressions, *centred, deviations)) return std::nullopt;
  }
  const bool whole = !deviations.vector.empty() && deviations.centred.size() == deviations.vector.size();
  return whole ? std::make_optional(std::move(deviations)) : std::nullopt;
}

uint32_t add_layer_norm(const NodeCall& call, const Vector& vector, LayerNorm norm) {
  Expression expression;
  expression.kind = ExpressionKind::kLayerNorm;
  expression.node = call.index;
  expression.inputs = vector;
  expression.columns = vector.size();
  expression.layer_norm = std::move(norm);
  return call.expressions.add(std::move(expression));
}

/// One node, since opset 17. Normalises the axes from `axis` on.
NodeResults layer_normalization(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  const size_t axis = resolve_axis(call.integer("axis", -1), value.rank());
  if (axis <= value.batch_axis) throw ConvertError("normalises over the batch");
  if (call.node.outputs.size() > 1) throw ConvertError("gives its mean and deviation too; expected one output");
  size_t width = 1;
  for (size_t i = axis; i < value.rank(); ++i) width *= value.shape[i];
  const auto spread = [&](size_t which, float otherwise) {
    if (!call.has(which)) return std::vector<float>(width, otherwise);
    const TensorValue& constant = call.floats(which);
    if (constant.size() != width && constant.size() != 1) {
      throw ConvertError("has " + std::to_string(constant.size()) + " values in " + in_quotes(constant.name) + " for " +
                         std::to_string(width) + " elements");
    }
    return constant.size() == width ? constant.floats : std::vector<float>(width, constant.floats[0]);
  };
  const LayerNorm norm{spread(1, 1), spread(2, 0), double{call.real("epsilon", 1e-5f)}};
  TensorValue result = value;
  for (size_t at = 0; at < value.refs.size(); at += width) {
    const Vector vector(value.refs.begin() + static_cast<std::ptrdiff_t>(at),
                        value.refs.begin() + static_cast<std::ptrdiff_t>(at + width));
    const Vector columns = call.expressions.all(add_layer_norm(call, vector, norm));
    std::copy(columns.begin(), columns.end(), result.refs.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return one(std::move(result));
}

NodeResults softmax_of_rows(const NodeCall& call) { return softmax_of_kind(call, ExpressionKind::kSoftmax); }
NodeResults log_softmax(const NodeCall& call) { return softmax_of_kind(call, ExpressionKind::kLogSoftmax); }

}  // namespace

std::optional<TensorValue> find_layer_norm(const NodeCall& call, const TensorValue& centred, const Vector& divisors) {
  struct Norm {
    uint32_t expression;
    std::map<Ref, uint32_t> columns;  // of the deviations
  };
  std::map<Ref, Norm> norms;  // by their divisors
  TensorValue result = centred;
  for (size_t i = 0; i < divisors.size(); ++i) {
    auto known = norms.find(divisors[i]);
    if (known == norms.end()) {
      const std::optional<Deviations> deviations = deviations_of(call.expressions, divisors[i]);
      if (!deviations) return std::nullopt;
      const size_t width = deviations->vector.size();
      Norm norm;
      norm.expression =
          add_layer_norm(call, deviations->vector,
                         {std::vector<float>(width, 1.0f), std::vector<float>(width, 0.0f), deviations->epsilon});
      for (size_t k = 0; k < width; ++k) norm.columns.emplace(deviations->centred[k], static_cast<uint32_t>(k));
      known = norms.emplace(divisors[i], std::move(norm)).first;
    }
    const auto column = known->second.columns.find(centred.refs[i]);
    if (column == known->second.columns.end()) return std::nullopt;
    result.refs[i] = {known->second.expression, column->second};
  }
  return result;
}

namespace {

/// Of sqrt(sum of x^2), kept from being 0.
Vector vector_of_length(const Expressions& expressions, Ref divisor) {
  Scaled scaled = expressions.scaled(divisor);
  const Expression& clamp = expressions.of(scaled.of);
  const bool clamped = clamp.kind == ExpressionKind::kActivation && clamp.activation.kind == ActivationKind::kClamp;
  double least = scaled.shift;
  if (clamped) {
    if (scaled.scale != 1 || scaled.shift != 0 || std::isfinite(clamp.activation.beta)) return {};
    least = double{clamp.activation.alpha};
    scaled = expressions.scaled(clamp.inputs[scaled.of.column]);
  }
  const Expression& root = expressions.of(scaled.of);
  const bool found = root.kind == ExpressionKind::kFunction && root.function == FunctionKind::kSqrt;
  if (!found || scaled.scale != 1 || least < 0 || least > kLeastLength) return {};
  const std::vector<Term>* terms = terms_of(expressions, root.inputs[scaled.of.column]);
  Vector vector;
  for (size_t i = 0; terms != nullptr && i < terms->size(); ++i) {
    const Term& term = (*terms)[i];
    if (!term.product || term.coefficient != 1 || term.a != term.b) return {};
    vector.push_back(term.a);
  }
  return vector;
}

/// A vector next to its negative has the mean 0: the layer norm of both divides by its length. They alternate, so that
/// the sum is 0 again behind each pair, exactly.
uint32_t add_unit_length(const NodeCall& call, const Vector& vector) {
  const size_t size = vector.size();
  Expression negative;
  negative.kind = ExpressionKind::kAffine;
  negative.node = call.index;
  negative.inputs = vector;
  negative.columns = size;
  negative.norm = {std::vector<float>(size, -1), std::vector<float>(size, 0), std::vector<float>(size, 0),
                   std::vector<float>(size, 1), 0};
  const Vector negatives = call.expressions.all(call.expressions.add(std::move(negative)));
  Vector both;
  for (size_t i = 0; i < size; ++i) both.insert(both.end(), {vector[i], negatives[i]});
  const auto share = static_cast<float>(1 / std::sqrt(static_cast<double>(size)));
  return add_layer_norm(call, both, {std::vector<float>(2 * size, share), std::vector<float>(2 * size, 0), kNoLength});
}

}  // namespace

std::optional<TensorValue> find_unit_length(const NodeCall& call, const TensorValue& rows, const Vector& divisors) {
  TensorValue result = rows;
  std::map<Vector, uint32_t> made;
  for (size_t i = 0; i < divisors.size(); ++i) {
    const Vector vector = vector_of_length(call.expressions, divisors[i]);
    call.expressions.charge(vector.size());
    const auto at = std::find(vector.begin(), vector.end(), rows.refs[i]);
    if (at == vector.end()) return std::nullopt;
    const auto [known, fresh] = made.emplace(vector, 0);
    if (fresh) known->second = add_unit_length(call, vector);
    result.refs[i] = {known->second, static_cast<uint32_t>(2 * (at - vector.begin()))};
  }
  return result;
}

std::optional<TensorValue> find_softmax_sum(const NodeCall& call, const TensorValue& rows, const Vector& divisors) {
  const Expressions& expressions = call.expressions;
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  affine.inputs = rows.refs;
  affine.columns = rows.refs.size();
  for (const Ref divisor : divisors) {
    const Scaled sum = expressions.scaled(divisor);
    const std::vector<Term>* terms = terms_of(expressions, sum.of);
    if (terms == nullptr || terms->empty()) return std::nullopt;
    const Expression& softmax = expressions.of(terms->front().a);
    const bool sums_to_one = softmax.kind == ExpressionKind::kSoftmax &&
                             (softmax.top_k == 0 || softmax.top_k_mode == TopKMode::kSoftmaxOfTopK);
    if (!sums_to_one || softmax.columns != terms->size()) return std::nullopt;
    std::vector<bool> seen(softmax.columns, false);
    for (const Term& term : *terms) {
      const bool same =
          term.a.expression == terms->front().a.expression && term.coefficient == terms->front().coefficient;
      if (term.product || !same || seen[term.a.column]) return std::nullopt;
      seen[term.a.column] = true;
    }
    const double total = sum.scale * terms->front().coefficient + sum.shift;
    if (total == 0) return std::nullopt;
    affine.norm.gamma.push_back(static_cast<float>(1 / total));
  }
  affine.norm.beta.assign(affine.columns, 0.0f);
  affine.norm.mean.assign(affine.columns, 0.0f);
  affine.norm.variance.assign(affine.columns, 1.0f);
  affine.norm.epsilon = 0;
  return call.rows_of(std::move(affine), rows);
}

NodeFunction find_normalisation(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {{"Softmax", softmax_of_rows},
                                                             {"LogSoftmax", log_softmax},
                                                             {"LayerNormalization", layer_normalization},
                                                             {"BatchNormalization", batch_normalization}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
