#include "converter/recognise/mixtures.h"

#include <algorithm>
#include <limits>

#include "converter/description/limits.h"
#include "converter/error.h"

namespace mmoe::converter {
namespace {

constexpr uint32_t kNoGate = std::numeric_limits<uint32_t>::max();
constexpr size_t kMaxNesting = 512;  // of sums: an Add per expert

}  // namespace

void Mixtures::add_product(Ref sum, const Term& term, double factor, Parts& parts) const {
  const Scaled a = expressions_.scaled(term.a), b = expressions_.scaled(term.b);
  const bool a_weighs = expressions_.of(a.of).kind == ExpressionKind::kSoftmax;
  const bool b_weighs = expressions_.of(b.of).kind == ExpressionKind::kSoftmax;
  if (a_weighs == b_weighs) {
    chains_.fail(sum, a_weighs ? "multiplies two softmaxes; a gate weighs experts by one"
                               : "multiplies two results of which neither is a softmax: no gate and expert");
  }
  const Scaled& weight = a_weighs ? a : b;
  const Ref value = a_weighs ? term.b : term.a;
  parts.push_back({factor * weight.scale, value, weight.of, true});
  if (weight.shift != 0) parts.push_back({factor * weight.shift, value, {}, false});
}

void Mixtures::add_parts(Ref ref, double factor, size_t depth, Parts& parts) const {
  const Scaled scaled = expressions_.scaled(ref);
  const Expression& expression = expressions_.of(scaled.of);
  if (expression.kind != ExpressionKind::kSum || scaled.shift != 0 || depth > kMaxNesting) {
    parts.push_back({factor, ref, {}, false});
    return;
  }
  for (const Term& term : expression.terms[scaled.of.column]) {
    const double product = factor * scaled.scale * term.coefficient;
    term.product ? add_product(scaled.of, term, product, parts) : add_parts(term.a, product, depth + 1, parts);
    if (parts.size() > 2 * kMaxExpertsPerLevel) chains_.fail(ref, "mixes more than 256 vectors");
  }
}

Mixtures::Groups Mixtures::take_apart(Ref sum) const {
  Parts parts;
  const Expression& expression = expressions_.of(sum);
  if (expression.kind == ExpressionKind::kDense) {  // by constants, as a cross-stitch unit
    const size_t inputs = expression.inputs.size();
    if (inputs > kMaxExpertsPerLevel) chains_.fail(sum, "mixes more than 256 vectors");
    for (size_t i = 0; i < inputs; ++i) {
      parts.push_back({expression.weight->at(sum.column, i), expression.inputs[i], {}, false});
    }
    return {{kNoGate, std::move(parts)}};
  }
  for (const Term& term : expression.terms[sum.column]) {
    term.product ? add_product(sum, term, term.coefficient, parts) : add_parts(term.a, term.coefficient, 1, parts);
    if (parts.size() > 2 * kMaxExpertsPerLevel) chains_.fail(sum, "mixes more than 256 vectors");
  }
  if (parts.empty()) chains_.fail(sum, "is an empty sum");
  Groups groups;
  for (const Part& part : parts) groups[part.gated ? part.weight.expression : kNoGate].push_back(part);
  return groups;
}

Mixture Mixtures::gated(const Vector& vector, uint32_t softmax, const std::vector<Groups>& groups) const {
  const Expression& gate = expressions_[softmax];
  Mixture mixture;
  mixture.logits = gate.inputs;
  mixture.top_k = gate.top_k;
  mixture.top_k_mode = gate.top_k_mode;
  mixture.experts.assign(gate.columns, Vector());
  mixture.weight_scales.assign(gate.columns, 0.0f);
  for (size_t i = 0; i < vector.size(); ++i) {
    for (const Part& part : groups[i].at(softmax)) {
      Vector& expert = mixture.experts[part.weight.column];
      float& scale = mixture.weight_scales[part.weight.column];
      if (expert.size() != i)
        chains_.fail(vector[i], "uses a weight of the gate's softmax twice, or not for all of an expert");
      if (i == 0) scale = static_cast<float>(part.factor);
      if (scale != static_cast<float>(part.factor)) chains_.fail(vector[i], "scales an expert's numbers differently");
      expert.push_back(part.value);
    }
  }
  const auto whole = std::find_if(mixture.experts.begin(), mixture.experts.end(),
                                  [&](const Vector& expert) { return expert.size() == vector.size(); });
  for (Vector& expert : mixture.experts) {
    if (expert.size() == vector.size()) continue;
    if (!expert.empty() || whole == mixture.experts.end()) {
      chains_.fail(vector.front(), "uses a weight of the gate's softmax for a part of an expert only");
    }
    expert = *whole;  // times 0: a weight that nothing uses
  }
  const auto is_one = [](float scale) { return scale == 1; };
  if (std::all_of(mixture.weight_scales.begin(), mixture.weight_scales.end(), is_one)) mixture.weight_scales.clear();
  return mixture;
}

/// Parts are in the order of the experts.
Mixture Mixtures::constant(const Vector& vector, const std::vector<Groups>& groups) const {
  const Parts& first = groups.front().at(kNoGate);
  Mixture mixture;
  mixture.experts.assign(first.size(), Vector());
  for (const Part& part : first) mixture.constant_weights.push_back(static_cast<float>(part.factor));
  for (size_t i = 0; i < vector.size(); ++i) {
    const Parts& parts = groups[i].at(kNoGate);
    if (parts.size() != first.size()) chains_.fail(vector[i], "its sums have different numbers of terms");
    for (size_t k = 0; k < first.size(); ++k) {
      if (parts[k].factor != first[k].factor) chains_.fail(vector[i], "its sums have different coefficients");
      mixture.experts[k].push_back(parts[k].value);
    }
  }
  return mixture;
}

Mixture Mixtures::sum_of_mixtures(const Vector& vector, const std::vector<Groups>& groups) {
  Mixture mixture;
  for (const auto& entry : groups.front()) {
    std::vector<std::vector<double>> key;
    Expression sum;
    sum.kind = ExpressionKind::kSum;
    sum.node = expressions_.of(vector.front()).node;
    for (const Groups& of_element : groups) {
      sum.terms.emplace_back();
      key.emplace_back();
      for (const Part& part : of_element.at(entry.first)) {
        sum.terms.back().push_back(
            {static_cast<float>(part.factor), part.gated ? part.weight : part.value, part.gated, part.value});
        for (const Ref ref : {part.value, part.weight})
          key.back().insert(key.back().end(), {double(ref.expression), double(ref.column)});
        key.back().insert(key.back().end(), {part.factor, part.gated ? 1.0 : 0.0});
      }
    }
    sum.columns = sum.terms.size();
    const auto [made, fresh] = made_.emplace(std::move(key), Vector());
    if (fresh) made->second = expressions_.all(expressions_.add(std::move(sum)));
    mixture.experts.push_back(made->second);
    mixture.constant_weights.push_back(1);
  }
  return mixture;
}

Mixture Mixtures::find(const Vector& vector) {
  std::vector<Groups> groups;
  for (const Ref ref : vector) {
    groups.push_back(take_apart(ref));
    const bool alike = groups.back().size() == groups.front().size() &&
                       std::equal(groups.back().begin(), groups.back().end(), groups.front().begin(),
                                  [](const auto& a, const auto& b) { return a.first == b.first; });
    if (!alike) chains_.fail(ref, "its sums are not weighted by the same softmaxes");
  }
  const uint32_t softmax = groups.front().begin()->first;
  Mixture mixture = groups.front().size() > 1 ? sum_of_mixtures(vector, groups)
                    : softmax == kNoGate      ? constant(vector, groups)
                                              : gated(vector, softmax, groups);
  mixture.node = expressions_.of(vector.front()).node;
  if (mixture.experts.size() > kMaxExpertsPerLevel) chains_.fail(vector.front(), "mixes more than 256 vectors");
  return mixture;
}

}  // namespace mmoe::converter
