#include "converter/recognise/linear_forms.h"

#include <algorithm>

#include "converter/error.h"

namespace mmoe::converter {
namespace {
constexpr size_t kMaxInputs = size_t{1} << 16, kMaxDepth = 64, kMaxWeights = size_t{1} << 21,
                 kMaxWork = size_t{1} << 24;
constexpr size_t kMaxMultiplications = size_t{1} << 28;
}  // namespace

void LinearForm::add(const LinearForm& other, double factor) {
  for (const auto& [ref, weight] : other.weights) weights[ref] += factor * weight;
  constant += factor * other.constant;
  through_layers = through_layers || other.through_layers;
}

std::optional<LinearForm> LinearForms::of(Ref ref) { return find(ref, 0); }

std::optional<LinearForm> LinearForms::find(Ref ref, size_t depth) {
  if (depth > kMaxDepth) return std::nullopt;
  const Scaled scaled = expressions_.scaled(ref);
  LinearForm form;
  form.constant = scaled.shift;
  const Expression& source = expressions_.of(scaled.of);
  switch (source.kind) {
    case ExpressionKind::kInput:
    case ExpressionKind::kNumber:
    case ExpressionKind::kPooled:
    case ExpressionKind::kEmbedding: form.weights[scaled.of] = scaled.scale; return form;
    case ExpressionKind::kConstant: form.constant += scaled.scale * source.bias[scaled.of.column]; return form;
    case ExpressionKind::kDense:
    case ExpressionKind::kSum: break;
    default:
      if (of_ == Of::kInputs) return std::nullopt;
      form.weights[scaled.of] = scaled.scale;
      return form;
  }
  if (of_ == Of::kAnything && is_product(source, scaled.of)) {
    form.weights[scaled.of] = scaled.scale;
    return form;
  }
  auto known = known_.find(scaled.of);
  if (known == known_.end()) {
    std::optional<LinearForm> calculated = calculate(scaled.of, depth);
    weights_ += calculated ? calculated->weights.size() : 0;
    if (weights_ > kMaxWeights) calculated.reset();
    known = known_.emplace(scaled.of, std::move(calculated)).first;
  }
  if (!known->second) return std::nullopt;
  form.add(*known->second, scaled.scale);
  return form;
}

/// A sum that has products.
bool LinearForms::is_product(const Expression& source, Ref ref) const {
  if (source.kind != ExpressionKind::kSum) return false;
  const std::vector<Term>& terms = source.terms[ref.column];
  return std::any_of(terms.begin(), terms.end(), [](const Term& term) { return term.product; });
}

std::optional<LinearForm> LinearForms::calculate(Ref ref, size_t depth) {
  const Expression& source = expressions_.of(ref);
  LinearForm form;
  const auto add = [&](Ref input, double weight) {
    const std::optional<LinearForm> found = find(input, depth + 1);
    work_ += found ? found->weights.size() : 0;
    if (work_ > kMaxWork) return false;
    if (found) form.add(*found, weight);
    return found.has_value() && form.weights.size() <= kMaxInputs;
  };
  if (source.kind == ExpressionKind::kSum) {
    for (const Term& term : source.terms[ref.column]) {
      if (term.product || !add(term.a, double{term.coefficient})) return std::nullopt;
    }
    return form;
  }
  form.through_layers = true;
  for (size_t i = 0; i < source.inputs.size(); ++i) {
    if (!add(source.inputs[i], double{source.weight->at(ref.column, i)})) return std::nullopt;
  }
  if (!source.bias.empty()) form.constant += source.bias[ref.column];
  return form;
}

DenseLayer compose(const DenseLayer& layer, const std::vector<LinearForm>& forms, Vector& base) {
  std::map<Ref, size_t> places;
  base.clear();
  if (std::all_of(forms.begin(), forms.end(), [](const LinearForm& form) { return form.is_plain(); })) {
    for (const LinearForm& form : forms) base.push_back(form.weights.begin()->first);
    return layer;
  }
  for (const LinearForm& form : forms) {
    for (const auto& [ref, weight] : form.weights) {
      static_cast<void>(weight);
      if (places.emplace(ref, base.size()).second) base.push_back(ref);
    }
  }
  size_t weights = 0;
  for (const LinearForm& form : forms) weights += form.weights.size();
  if (weights > kMaxMultiplications / layer.outputs()) {
    throw ConvertError(
        "not recognised: layers without an activation between them would take more than 2^28 multiplications to join");
  }
  DenseLayer result = layer;
  result.weight = {layer.outputs(), base.size(), {}};
  result.bias.assign(layer.outputs(), 0.0f);
  for (size_t output = 0; output < layer.outputs(); ++output) {
    std::vector<double> row(base.size(), 0.0);
    double bias = layer.bias.empty() ? 0.0 : double{layer.bias[output]};
    for (size_t i = 0; i < forms.size(); ++i) {
      const double weight = layer.weight.at(output, i);
      for (const auto& [ref, factor] : forms[i].weights) row[places.at(ref)] += weight * factor;
      bias += weight * forms[i].constant;
    }
    for (const double weight : row) result.weight.data.push_back(static_cast<float>(weight));
    result.bias[output] = static_cast<float>(bias);
  }
  return result;
}

}  // namespace mmoe::converter
