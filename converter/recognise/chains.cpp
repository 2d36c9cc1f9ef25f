#include "converter/recognise/chains.h"

#include <algorithm>
#include <cmath>

#include "converter/description/limits.h"
#include "converter/error.h"

namespace mmoe::converter {
namespace {

bool only_shifts(const BatchNorm& norm) {
  const auto all = [](const std::vector<float>& values, float wanted) {
    return std::all_of(values.begin(), values.end(), [wanted](float value) { return value == wanted; });
  };
  return all(norm.gamma, 1) && all(norm.mean, 0) && all(norm.variance, 1) && norm.epsilon == 0;
}

/// `second` after `first`, as one. In double precision; where the result is rounded, by half a unit in the last place of
/// a float, as a weight is.
BatchNorm compose(const BatchNorm& first, const BatchNorm& second) {
  const auto scale = [](const BatchNorm& norm, size_t i) {
    return static_cast<double>(norm.gamma[i]) / std::sqrt(static_cast<double>(norm.variance[i]) + norm.epsilon);
  };
  const size_t size = first.gamma.size();
  BatchNorm result{std::vector<float>(size), std::vector<float>(size), std::vector<float>(size, 0.0f),
                   std::vector<float>(size, 1.0f), 0};
  for (size_t i = 0; i < size; ++i) {
    const double shift = static_cast<double>(first.beta[i]) - scale(first, i) * static_cast<double>(first.mean[i]);
    result.gamma[i] = static_cast<float>(scale(first, i) * scale(second, i));
    result.beta[i] = static_cast<float>(static_cast<double>(second.beta[i]) +
                                        scale(second, i) * (shift - static_cast<double>(second.mean[i])));
  }
  return result;
}

/// The norms of a list, nearest to the layer first, as one; nothing for none.
std::optional<BatchNorm> compose_all(const std::vector<BatchNorm>& norms) {
  std::optional<BatchNorm> result;
  for (const BatchNorm& norm : norms) result = result ? compose(*result, norm) : norm;
  return result;
}

}  // namespace

// What lies between a layer's weights and its output, collected from the output backwards.
struct Chains::Unit {
  std::optional<Activation> activation;
  std::vector<BatchNorm> before, after;  // of the activation; nearest to the layer first
  std::optional<Ref> first;              // where the unit began to hold something
};

void Chains::fail(Ref at, const std::string& why) const {
  const Expression& expression = expressions_.of(at);
  const std::string where = expression.kind == ExpressionKind::kInput
                                ? "input '" + graph_.inputs[expression.node].name + "'"
                                : node_text(graph_, expression.node);
  throw ConvertError("not recognised: stopped at " + where + ": " + why);
}

bool Chains::all_of_kind(const Vector& vector, ExpressionKind kind) const {
  return std::all_of(vector.begin(), vector.end(), [&](Ref ref) { return expressions_.of(ref).kind == kind; });
}

bool Chains::is_input(Ref ref) const {
  const ExpressionKind kind = expressions_.of(ref).kind;
  return kind == ExpressionKind::kInput || kind == ExpressionKind::kEmbedding;
}

void Chains::step_over_activation(Vector& vector, Unit& unit) const {
  if (unit.activation) fail(vector.front(), "two activations follow one another without a layer between them");
  Activation activation = expressions_.of(vector.front()).activation;
  activation.slopes.clear();
  for (Ref& ref : vector) {
    const Expression& expression = expressions_.of(ref);
    if (expression.activation.kind != activation.kind || expression.activation.alpha != activation.alpha) {
      fail(ref, "one layer's outputs have different activations");
    }
    if (activation.kind == ActivationKind::kPRelu) activation.slopes.push_back(expression.activation.slopes[ref.column]);
    ref = expression.inputs[ref.column];
  }
  unit.activation = activation;
}

void Chains::step_over_norms(Vector& vector, Unit& unit) const {
  BatchNorm norm;
  norm.epsilon = expressions_.of(vector.front()).norm.epsilon;
  for (Ref& ref : vector) {
    const Expression& expression = expressions_.of(ref);
    if (expression.norm.epsilon != norm.epsilon) fail(ref, "one layer's outputs have different epsilons");
    norm.gamma.push_back(expression.norm.gamma[ref.column]);
    norm.beta.push_back(expression.norm.beta[ref.column]);
    norm.mean.push_back(expression.norm.mean[ref.column]);
    norm.variance.push_back(expression.norm.variance[ref.column]);
    ref = expression.inputs[ref.column];
  }
  std::vector<BatchNorm>& norms = unit.activation ? unit.before : unit.after;
  norms.insert(norms.begin(), norm);
}

DenseLayer Chains::take_layer(Vector& vector, const Unit& unit) const {
  const Expression& first = expressions_.of(vector.front());
  const Vector inputs = first.inputs;
  DenseLayer layer;
  layer.name = first.name.empty() ? node_text(graph_, first.node) : first.name;
  layer.weight = {vector.size(), inputs.size(), {}};
  bool biased = false;
  for (const Ref ref : vector) {
    const Expression& dense = expressions_.of(ref);
    if (dense.inputs != inputs) fail(ref, "its outputs are joined with those of a layer that reads something else");
    const float* row = dense.weight->data.data() + ref.column * dense.weight->cols;
    layer.weight.data.insert(layer.weight.data.end(), row, row + dense.weight->cols);
    biased = biased || !dense.bias.empty();
    layer.bias.push_back(dense.bias.empty() ? 0.0f : dense.bias[ref.column]);
  }
  if (std::max(vector.size(), inputs.size()) > kMaxDim) fail(vector.front(), "is wider than 2^20");
  if (!biased) layer.bias.clear();
  // Without an activation, before and after it are the same.
  std::vector<BatchNorm> before = unit.activation ? unit.before : unit.after;
  if (!biased && !before.empty() && only_shifts(before.front())) {
    layer.bias = before.front().beta;
    before.erase(before.begin());
  }
  layer.norm_before_activation = compose_all(before);
  if (unit.activation) {
    layer.activation = *unit.activation;
    layer.norm_after_activation = compose_all(unit.after);
  }
  vector = inputs;
  return layer;
}

Chain Chains::follow(const Vector& start) const {
  Chain chain;
  Vector vector = start, unit_end = start;
  Unit unit;
  for (;;) {
    if (vector.empty()) throw ConvertError("not recognised: a layer without inputs");
    const bool input = std::all_of(vector.begin(), vector.end(), [this](Ref ref) { return is_input(ref); });
    if (input || all_of_kind(vector, ExpressionKind::kSum)) {
      if (unit.first) fail(*unit.first, "works on the model's input or on a mixture directly, without a layer");
      chain.kind = input ? BaseKind::kInput : BaseKind::kMixture;
      chain.base = vector;
      std::reverse(chain.layers.begin(), chain.layers.end());
      std::reverse(chain.after.begin(), chain.after.end());
      return chain;
    }
    if (all_of_kind(vector, ExpressionKind::kDense)) {
      chain.layers.push_back(take_layer(vector, unit));
      chain.after.push_back(unit_end);
      if (chain.layers.size() > kMaxLayers) fail(start.front(), "follows more than 32 layers");
      unit = {};
      unit_end = vector;
      continue;
    }
    if (!unit.first) unit.first = vector.front();
    if (all_of_kind(vector, ExpressionKind::kActivation)) {
      step_over_activation(vector, unit);
    } else if (all_of_kind(vector, ExpressionKind::kAffine)) {
      step_over_norms(vector, unit);
    } else {
      const ExpressionKind kind = expressions_.of(vector.front()).kind;
      const auto other = std::find_if(vector.begin(), vector.end(),
                                      [&](Ref ref) { return expressions_.of(ref).kind != kind; });
      if (other == vector.end()) fail(vector.front(), "a softmax is read as if it were a layer");
      fail(is_input(*other) ? vector.front() : *other, "a vector is joined from results of different operations");
    }
  }
}

}  // namespace mmoe::converter
