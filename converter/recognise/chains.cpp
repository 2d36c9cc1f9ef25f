#include "converter/recognise/chains.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "converter/error.h"
#include "converter/model/limits.h"

namespace mmoe::converter {
namespace {

// A layer that hands its inputs on has that many squared weights, where the graph has none.
constexpr size_t kMaxHandedOn = 1024;

bool only_shifts(const BatchNorm& norm) {
  const auto all = [](const std::vector<float>& values, float wanted) {
    return std::all_of(values.begin(), values.end(), [wanted](float value) { return value == wanted; });
  };
  return all(norm.gamma, 1) && all(norm.mean, 0) && all(norm.variance, 1) && norm.epsilon == 0;
}

double scale_of(const BatchNorm& norm, size_t i) {
  return double{norm.gamma[i]} / std::sqrt(double{norm.variance[i]} + norm.epsilon);
}

double shift_of(const BatchNorm& norm, size_t i) { return norm.beta[i] - scale_of(norm, i) * norm.mean[i]; }

/// `second` after `first`, as one. In double precision; where the result is rounded, by half a unit in the last place
/// of a float, as a weight is.
BatchNorm compose(const BatchNorm& first, const BatchNorm& second) {
  const size_t size = first.gamma.size();
  BatchNorm result{std::vector<float>(size), std::vector<float>(size), std::vector<float>(size, 0.0f),
                   std::vector<float>(size, 1.0f), 0};
  for (size_t i = 0; i < size; ++i) {
    result.gamma[i] = static_cast<float>(scale_of(first, i) * scale_of(second, i));
    result.beta[i] = static_cast<float>(scale_of(second, i) * shift_of(first, i) + shift_of(second, i));
  }
  return result;
}

void append(std::optional<BatchNorm>& norm, const BatchNorm& next) { norm = norm ? compose(*norm, next) : next; }

void append(BatchNorm& norm, const BatchNorm& of, size_t column) {
  norm.gamma.push_back(of.gamma[column]);
  norm.beta.push_back(of.beta[column]);
  norm.mean.push_back(of.mean[column]);
  norm.variance.push_back(of.variance[column]);
}

/// An affine map behind a layer norm is part of it.
void append(LayerNorm& norm, const BatchNorm& next) {
  for (size_t i = 0; i < norm.gamma.size(); ++i) {
    norm.beta[i] = static_cast<float>(scale_of(next, i) * norm.beta[i] + shift_of(next, i));
    norm.gamma[i] = static_cast<float>(scale_of(next, i) * norm.gamma[i]);
  }
}

bool same_numbers(const std::optional<BatchNorm>& a, const std::optional<BatchNorm>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->gamma == b->gamma && a->beta == b->beta && a->mean == b->mean && a->variance == b->variance &&
         a->epsilon == b->epsilon;
}

bool same_numbers(const std::optional<LayerNorm>& a, const std::optional<LayerNorm>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->gamma == b->gamma && a->beta == b->beta && a->epsilon == b->epsilon;
}

bool same_layer(const DenseLayer& a, const DenseLayer& b) {
  return a.weight.data == b.weight.data && a.weight.cols == b.weight.cols && a.bias == b.bias &&
         a.activation.kind == b.activation.kind && a.activation.alpha == b.activation.alpha &&
         a.activation.beta == b.activation.beta && a.activation.slopes == b.activation.slopes &&
         same_numbers(a.activation.dice_norm, b.activation.dice_norm) &&
         same_numbers(a.norm_before_activation, b.norm_before_activation) &&
         same_numbers(a.norm_after_activation, b.norm_after_activation) &&
         same_numbers(a.layer_norm_before_activation, b.layer_norm_before_activation) &&
         same_numbers(a.layer_norm_after_activation, b.layer_norm_after_activation);
}

}  // namespace

bool same_layers(const Mlp& a, const Mlp& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_layer); }

DenseLayer hand_on(size_t width, const std::string& name) {
  DenseLayer layer;
  layer.name = name;
  layer.weight = {width, width, std::vector<float>(width * width, 0.0f)};
  for (size_t i = 0; i < width; ++i) layer.weight.data[i * width + i] = 1;
  return layer;
}

// What a vector goes through between two layers. One of the three is set.
struct Chains::Step {
  std::optional<Activation> activation;
  std::optional<BatchNorm> affine;
  std::optional<LayerNorm> layer_norm;
  Vector result;

  /// Joins a layer whose earlier steps are part of it; false where it has no place for another.
  bool join(DenseLayer& layer) const;
};

bool Chains::Step::join(DenseLayer& layer) const {
  const bool activated = layer.activation.kind != ActivationKind::kIdentity;
  if (activation) {
    if (activated) return false;
    layer.activation = *activation;
  } else if (layer_norm) {
    std::optional<LayerNorm>& place =
        activated ? layer.layer_norm_after_activation : layer.layer_norm_before_activation;
    if (place || layer.norm_after_activation) return false;
    place = layer_norm;
  } else if (activated) {
    if (layer.layer_norm_after_activation) {
      append(*layer.layer_norm_after_activation, *affine);
    } else {
      append(layer.norm_after_activation, *affine);
    }
  } else if (layer.layer_norm_before_activation) {
    append(*layer.layer_norm_before_activation, *affine);
  } else if (layer.bias.empty() && !layer.norm_before_activation && only_shifts(*affine)) {
    layer.bias = affine->beta;
  } else {
    append(layer.norm_before_activation, *affine);
  }
  return true;
}

struct Chains::Base {
  BaseKind kind = BaseKind::kInput;
  std::vector<LinearForm> forms;
};

std::string Chains::place_of(Ref at) const {
  const Expression& expression = expressions_.of(at);
  return expression.kind == ExpressionKind::kInput ? "input '" + graph_.inputs[expression.node].name + "'"
                                                   : node_text(graph_, expression.node);
}

void Chains::fail(Ref at, const std::string& why) const {
  throw ConvertError("not recognised: stopped at " + place_of(at) + ": " + why);
}

bool Chains::all_of_kind(const Vector& vector, ExpressionKind kind) const {
  return std::all_of(vector.begin(), vector.end(), [&](Ref ref) { return expressions_.of(ref).kind == kind; });
}

bool Chains::reads_one_vector(const Vector& vector) const {
  return all_of_kind(vector, ExpressionKind::kDense) && std::all_of(vector.begin(), vector.end(), [&](Ref ref) {
           return expressions_.of(ref).inputs == expressions_.of(vector.front()).inputs;
         });
}

/// Columns of one softmax, which are a mixture of unit vectors.
bool Chains::is_softmax(const Vector& vector) const {
  const Ref first = expressions_.scaled(vector.front()).of;
  return expressions_.of(first).kind == ExpressionKind::kSoftmax &&
         std::all_of(vector.begin(), vector.end(),
                     [&](Ref ref) { return expressions_.scaled(ref).of.expression == first.expression; });
}

bool Chains::is_one_activation(const Vector& vector) const {
  return all_of_kind(vector, ExpressionKind::kActivation) && std::all_of(vector.begin(), vector.end(), [&](Ref ref) {
           const Activation &a = expressions_.of(ref).activation, &b = expressions_.of(vector.front()).activation;
           return a.kind == b.kind && a.alpha == b.alpha && a.beta == b.beta;
         });
}

/// All columns of one layer norm, in any order.
bool Chains::is_whole_norm(const Vector& vector) const {
  const std::set<Ref> columns(vector.begin(), vector.end());
  const Expression& norm = expressions_.of(vector.front());
  return norm.kind == ExpressionKind::kLayerNorm && columns.size() == norm.columns && vector.size() == norm.columns &&
         columns.begin()->expression == columns.rbegin()->expression;
}

/// What can be followed as one vector has the same: activations of one kind, columns of one norm or softmax, sums that
/// multiply the same results. Empty: nothing that can be followed.
std::vector<double> Chains::kind_of_source(Ref ref) const {
  const Expression& source = expressions_.of(ref);
  const Activation& activation = source.activation;
  const double number = ref.expression;
  switch (source.kind) {
    case ExpressionKind::kInput:
    case ExpressionKind::kNumber:
    case ExpressionKind::kPooled:
    case ExpressionKind::kEmbedding: return {0};
    case ExpressionKind::kLayerNorm: return {1, number};
    case ExpressionKind::kSoftmax: return {2, number};
    case ExpressionKind::kActivation:
      return {3, static_cast<double>(activation.kind), double{activation.alpha}, double{activation.beta}};
    case ExpressionKind::kSum: break;
    default: return {};
  }
  std::set<std::pair<uint32_t, uint32_t>> products;
  for (const Term& term : source.terms[ref.column]) {
    const uint32_t a = expressions_.scaled(term.a).of.expression;
    products.emplace(a, term.product ? expressions_.scaled(term.b).of.expression : a);
  }
  std::vector<double> kind = {4};
  for (const auto& [a, b] : products) kind.insert(kind.end(), {double(a), double(b)});
  return kind;
}

std::vector<Vector> Chains::split(const Vector& vector) {
  const auto [known, fresh] = split_.emplace(vector, std::vector<Vector>());
  if (!fresh) return known->second;
  std::vector<LinearForm> forms;
  std::map<std::vector<double>, std::set<Ref>> sources;  // by kind
  for (const Ref ref : vector) {
    std::optional<LinearForm> form = forms_of_anything_.of(ref);
    if (!form) return {};
    for (const auto& entry : form->weights) {
      const std::vector<double> kind = kind_of_source(entry.first);
      if (kind.empty()) return {};
      const Expression& norm = expressions_.of(entry.first);
      const bool whole = norm.kind == ExpressionKind::kLayerNorm;  // a norm is followed as a whole
      const Vector columns = whole ? expressions_.all(entry.first.expression) : Vector{entry.first};
      sources[kind].insert(columns.begin(), columns.end());
    }
    forms.push_back(std::move(*form));
  }
  std::vector<Vector> parts;
  for (const auto& entry : sources) {
    const Vector inputs(entry.second.begin(), entry.second.end());
    Expression dense;
    dense.kind = ExpressionKind::kDense;
    dense.node = expressions_.of(vector.front()).node;
    dense.columns = vector.size();
    dense.inputs = inputs;
    expressions_.charge(count_elements({vector.size(), inputs.size()}));
    Matrix weight{vector.size(), inputs.size(), {}};
    for (const LinearForm& form : forms) {
      for (const Ref input : inputs) {
        const auto found = form.weights.find(input);
        weight.data.push_back(found != form.weights.end() ? static_cast<float>(found->second) : 0.0f);
      }
      if (parts.empty()) dense.bias.push_back(static_cast<float>(form.constant));
    }
    dense.weight = std::make_shared<const Matrix>(std::move(weight));
    parts.push_back(expressions_.all(expressions_.add(std::move(dense))));
  }
  return split_[vector] = parts;
}

/// The vector as one layer's outputs, or as a sum of several layers'.
std::optional<Vector> Chains::joined(const Vector& vector) {
  const auto known = joined_.find(vector);
  if (known != joined_.end()) return known->second;
  const std::vector<Vector> parts = split(vector);
  if (parts.empty()) return std::nullopt;
  if (parts.size() == 1) return joined_[vector] = parts.front();
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  sum.node = expressions_.of(vector.front()).node;
  sum.columns = vector.size();
  for (size_t i = 0; i < vector.size(); ++i) {
    sum.terms.emplace_back();
    for (const Vector& part : parts) sum.terms.back().push_back({1, part[i], false, {}});
  }
  return joined_[vector] = expressions_.all(expressions_.add(std::move(sum)));
}

std::optional<Chain> Chains::constant(const Vector& vector, const Chain& reader) const {
  if (!all_of_kind(vector, ExpressionKind::kConstant) || reader.base.empty()) return std::nullopt;
  DenseLayer layer;
  layer.name = "constant";
  layer.weight = {vector.size(), reader.base.size(), std::vector<float>(vector.size() * reader.base.size(), 0.0f)};
  for (const Ref ref : vector) layer.bias.push_back(expressions_.of(ref).bias[ref.column]);
  Chain chain;
  chain.layers.push_back(std::move(layer));
  chain.after.push_back(vector);
  chain.base = reader.base;
  chain.kind = reader.kind;
  return chain;
}

/// A product with a constant along another axis than the vector's, as a cross-stitch unit's: every element is the same
/// sum of its own inputs.
bool Chains::mixes_by_constants(const Vector& vector) const {
  const auto row_of = [&](Ref of) {
    const Matrix& weight = *expressions_.of(of).weight;
    return weight.data.data() + of.column * weight.cols;
  };
  const Ref first = expressions_.scaled(vector.front()).of;
  const size_t inputs = expressions_.of(first).inputs.size();
  return std::all_of(vector.begin(), vector.end(), [&](Ref ref) {
    const Ref of = expressions_.scaled(ref).of;
    const Expression& dense = expressions_.of(of);
    return dense.bias.empty() && dense.inputs.size() == inputs &&
           std::equal(row_of(of), row_of(of) + inputs, row_of(first));
  });
}

/// What a vector is of columns of the input, or of sums. Layers without an activation that only some of it goes through
/// are linear maps of the input.
std::optional<Chains::Base> Chains::base_of(const Vector& vector) {
  Base base;
  const auto kind_of = [&](Ref ref) { return expressions_.of(expressions_.scaled(ref).of).kind; };
  const auto all = [&](auto wanted) { return std::all_of(vector.begin(), vector.end(), wanted); };
  const bool sums = all([&](Ref ref) { return kind_of(ref) == ExpressionKind::kSum; });
  const bool layers = all([&](Ref ref) { return kind_of(ref) == ExpressionKind::kDense; });
  const bool one_layer = layers && std::all_of(vector.begin(), vector.end(), [&](Ref ref) {
                           return expressions_.of(expressions_.scaled(ref).of).inputs ==
                                  expressions_.of(expressions_.scaled(vector.front()).of).inputs;
                         });
  if (one_layer) return std::nullopt;
  const bool mixes = sums || (layers && mixes_by_constants(vector)) || is_softmax(vector);
  for (const Ref ref : vector) {
    std::optional<LinearForm> form = forms_.of(ref);
    if (!form) break;
    base.forms.push_back(std::move(*form));
  }
  // Sums of layers are experts with constant weights.
  const bool sums_layers = sums && std::any_of(base.forms.begin(), base.forms.end(),
                                               [](const LinearForm& form) { return form.through_layers; });
  if (base.forms.size() == vector.size() && !sums_layers) return base;
  if (!mixes) return std::nullopt;
  base.kind = BaseKind::kMixture;
  base.forms.clear();
  for (const Ref ref : vector) {
    const Scaled scaled = expressions_.scaled(ref);
    base.forms.push_back({{{scaled.of, scaled.scale}}, scaled.shift, false});
  }
  return base;
}

Chains::Step Chains::step_over_activation(Vector& vector) const {
  Step step;
  step.result = vector;
  Activation activation = expressions_.of(vector.front()).activation;
  activation.slopes.clear();
  if (activation.kind == ActivationKind::kDice) activation.dice_norm = BatchNorm{{}, {}, {}, {}, 0};
  for (Ref& ref : vector) {
    const Expression& expression = expressions_.of(ref);
    const Activation& own = expression.activation;
    if (!own.slopes.empty()) activation.slopes.push_back(own.slopes[ref.column]);
    if (own.dice_norm) append(*activation.dice_norm, *own.dice_norm, ref.column);
    ref = expression.inputs[ref.column];
  }
  step.activation = std::move(activation);
  return step;
}

/// Elements without an affine map keep their values.
Chains::Step Chains::step_over_affine(Vector& vector) const {
  Step step;
  step.result = vector;
  const double epsilon = expressions_.of(vector.front()).norm.epsilon;
  const bool alike =
      all_of_kind(vector, ExpressionKind::kAffine) &&
      std::all_of(vector.begin(), vector.end(), [&](Ref ref) { return expressions_.of(ref).norm.epsilon == epsilon; });
  BatchNorm norm;
  norm.epsilon = alike ? epsilon : 0;
  for (Ref& ref : vector) {
    const Expression& expression = expressions_.of(ref);
    const bool affine = expression.kind == ExpressionKind::kAffine;
    const size_t i = ref.column;
    if (alike) {
      norm.gamma.push_back(expression.norm.gamma[i]);
      norm.beta.push_back(expression.norm.beta[i]);
    } else {
      norm.gamma.push_back(affine ? static_cast<float>(scale_of(expression.norm, i)) : 1.0f);
      norm.beta.push_back(affine ? static_cast<float>(shift_of(expression.norm, i)) : 0.0f);
    }
    norm.mean.push_back(alike ? expression.norm.mean[i] : 0.0f);
    norm.variance.push_back(alike ? expression.norm.variance[i] : 1.0f);
    if (affine) ref = expression.inputs[i];
  }
  step.affine = std::move(norm);
  return step;
}

Chains::Step Chains::step_over_layer_norm(Vector& vector) const {
  Step step;
  step.result = vector;
  const Expression& expression = expressions_.of(vector.front());
  LayerNorm norm;
  norm.epsilon = expression.layer_norm.epsilon;
  for (Ref& ref : vector) {
    norm.gamma.push_back(expression.layer_norm.gamma[ref.column]);
    norm.beta.push_back(expression.layer_norm.beta[ref.column]);
    ref = expression.inputs[ref.column];
  }
  step.layer_norm = std::move(norm);
  return step;
}

DenseLayer Chains::take_layer(Vector& vector) const {
  const Expression& first = expressions_.of(vector.front());
  const Vector inputs = first.inputs;
  DenseLayer layer;
  layer.name = first.name.empty() ? node_text(graph_, first.node) : first.name;
  layer.weight = {vector.size(), inputs.size(), {}};
  layer.storage.coded = true;
  bool biased = false;
  for (const Ref ref : vector) {
    const Expression& dense = expressions_.of(ref);
    layer.storage.coded = layer.storage.coded && dense.coded;
    const float* row = dense.weight->data.data() + ref.column * dense.weight->cols;
    layer.weight.data.insert(layer.weight.data.end(), row, row + dense.weight->cols);
    biased = biased || !dense.bias.empty();
    layer.bias.push_back(dense.bias.empty() ? 0.0f : dense.bias[ref.column]);
  }
  if (std::max(vector.size(), inputs.size()) > kMaxDim) fail(vector.front(), "is wider than 2^20");
  if (!biased) layer.bias.clear();
  vector = inputs;
  return layer;
}

bool Chains::is_sum_of_layer(const Vector& vector) const {
  const Expression& sum = expressions_.of(vector.front());
  if (vector.size() != 1 || sum.kind != ExpressionKind::kSum) return false;
  const std::vector<Term>& terms = sum.terms[vector.front().column];
  const auto same = [&](const Term& term) { return !term.product && term.a.expression == terms.front().a.expression; };
  const ExpressionKind kind = expressions_.of(terms.front().a).kind;
  return std::all_of(terms.begin(), terms.end(), same) &&
         (kind == ExpressionKind::kDense || kind == ExpressionKind::kActivation || kind == ExpressionKind::kAffine);
}

/// The sum of a layer's own outputs, as a layer with these weights.
DenseLayer Chains::take_sum(Vector& vector) const {
  const Ref sum = vector.front();
  DenseLayer layer;
  layer.name = node_text(graph_, expressions_.of(sum).node);
  vector.clear();
  for (const Term& term : expressions_.of(sum).terms[sum.column]) {
    vector.push_back(term.a);
    layer.weight.data.push_back(term.coefficient);
  }
  layer.weight.rows = 1;
  layer.weight.cols = vector.size();
  return layer;
}

/// `steps` are in the order of the search, the last first. They join the chain's last layer (the chain is built from
/// its end), then layers that hand their inputs on.
void Chains::add_steps(std::vector<Step>& steps, Chain& chain) const {
  std::reverse(steps.begin(), steps.end());
  Mlp layers = {std::move(chain.layers.back())};
  std::vector<Vector> after = {std::move(chain.after.back())};
  chain.layers.pop_back();
  chain.after.pop_back();
  for (const Step& step : steps) {
    if (!step.join(layers.back())) {
      const size_t width = step.result.size();
      if (width > kMaxHandedOn)
        fail(step.result.front(), "follows another activation or norm, without a layer between them");
      layers.push_back(hand_on(width, place_of(step.result.front())));
      after.push_back({});
      static_cast<void>(step.join(layers.back()));
    }
    after.back() = step.result;
  }
  steps.clear();
  for (size_t i = layers.size(); i-- > 0;) {
    chain.layers.push_back(std::move(layers[i]));
    chain.after.push_back(std::move(after[i]));
  }
  if (chain.layers.size() > kMaxLayers) fail(chain.after.front().front(), "follows more than 32 layers");
}

void Chains::fail_between(const Vector& vector) const {
  const Expression& first = expressions_.of(vector.front());
  const auto other =
      std::find_if(vector.begin(), vector.end(), [&](Ref ref) { return expressions_.of(ref).kind != first.kind; });
  const bool alike = other == vector.end();
  const auto function = std::find_if(vector.begin(), vector.end(),
                                     [&](Ref ref) { return expressions_.of(ref).kind == ExpressionKind::kFunction; });
  if (function != vector.end())
    fail(*function, "is no part of an activation that the runtime has (ONNX.md lists them)");
  if (alike && first.kind == ExpressionKind::kDense) {
    fail(vector.front(), "its outputs are joined with those of a layer that reads something else");
  }
  if (alike && first.kind >= ExpressionKind::kTopKValue && first.kind <= ExpressionKind::kTopKMasked)
    fail(vector.front(), "takes the largest of some numbers for something else than a gate");
  if (alike && first.kind == ExpressionKind::kIdEquals)
    fail(vector.front(), "compares ids for something else than the padding of a pooled sequence or an attention");
  if (alike) fail(vector.front(), "is read as if it were a layer");
  const auto is_base = [](ExpressionKind kind) {
    return kind == ExpressionKind::kInput || kind == ExpressionKind::kEmbedding || kind == ExpressionKind::kConstant;
  };
  const Ref at = is_base(expressions_.of(*other).kind) ? vector.front() : *other;
  fail(at,
       "gives one part of a vector that is joined from results of different operations; a layer, an expert or a tower "
       "reads the input, a mixture, or one layer's outputs");
}

/// Nothing where the vector is neither affine, nor activated, nor a norm.
std::optional<Chains::Step> Chains::step_over(Vector& vector) const {
  const auto is_affine = [&](Ref ref) { return expressions_.of(ref).kind == ExpressionKind::kAffine; };
  if (std::any_of(vector.begin(), vector.end(), is_affine)) return step_over_affine(vector);
  if (is_one_activation(vector)) return step_over_activation(vector);
  if (is_whole_norm(vector)) return step_over_layer_norm(vector);
  return std::nullopt;
}

Chain Chains::follow_layers(const Vector& start, const Ends& ends) const {
  Chain chain;
  chain.base = start;
  for (;;) {
    Vector vector = chain.base;
    std::vector<Step> steps;
    const auto ended = [&] { return vector != start && ends(vector); };
    while (!ended() && !reads_one_vector(vector)) {
      std::optional<Step> step = step_over(vector);
      if (!step) break;
      steps.push_back(std::move(*step));
    }
    if (ended() || !reads_one_vector(vector)) break;
    chain.after.push_back(vector);
    chain.layers.push_back(take_layer(vector));
    add_steps(steps, chain);
    chain.base = std::move(vector);
  }
  std::reverse(chain.layers.begin(), chain.layers.end());
  std::reverse(chain.after.begin(), chain.after.end());
  return chain;
}

Chain Chains::bare_step(const Vector& start) const {
  if (start.size() > kMaxHandedOn) {
    fail(start.front(), "works on what is no layer's output, and is wider than " + std::to_string(kMaxHandedOn));
  }
  Chain chain;
  chain.base = start;
  std::optional<Step> step = step_over(chain.base);
  if (!step) fail_between(start);
  std::vector<Step> steps;
  steps.push_back(std::move(*step));
  chain.layers.push_back(hand_on(start.size(), place_of(start.front())));
  chain.after.push_back(start);
  add_steps(steps, chain);
  return chain;
}

Chain Chains::follow(const Vector& start) {
  Chain chain;
  Vector vector = start;
  std::vector<Step> steps;
  const auto end_layer = [&](DenseLayer layer, Vector result) {
    chain.layers.push_back(std::move(layer));
    chain.after.push_back(std::move(result));
    add_steps(steps, chain);
  };
  for (;;) {
    if (vector.empty()) throw ConvertError("not recognised: a layer without inputs");
    const Vector at = vector;
    if (reads_one_vector(vector)) {
      DenseLayer layer = take_layer(vector);
      end_layer(std::move(layer), at);
      continue;
    }
    if (is_sum_of_layer(vector)) {
      DenseLayer layer = take_sum(vector);
      end_layer(std::move(layer), at);
      continue;
    }
    if (std::optional<Base> base = base_of(vector)) {
      const bool bare = chain.layers.empty() || !steps.empty();
      if (bare && vector.size() > kMaxHandedOn) {
        fail(start.front(), "works on the model's input or on a mixture directly, without a layer, and is wider than " +
                                std::to_string(kMaxHandedOn));
      }
      if (bare) end_layer(hand_on(vector.size(), place_of(start.front())), at);
      chain.layers.back() = compose(chain.layers.back(), base->forms, chain.base);
      if (chain.base.empty()) fail(start.front(), "depends on no input of the model");
      chain.kind = base->kind;
      std::reverse(chain.layers.begin(), chain.layers.end());
      std::reverse(chain.after.begin(), chain.after.end());
      return chain;
    }
    if (std::optional<Step> step = step_over(vector)) {
      steps.push_back(std::move(*step));
    } else if (std::optional<Vector> layers = joined(vector)) {
      vector = std::move(*layers);
    } else {
      fail_between(vector);
    }
  }
}

}  // namespace mmoe::converter
