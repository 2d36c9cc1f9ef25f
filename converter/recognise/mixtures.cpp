#include "converter/recognise/mixtures.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "converter/error.h"
#include "converter/model/limits.h"

namespace mmoe::converter {
namespace {

constexpr uint32_t kNoGate = std::numeric_limits<uint32_t>::max();
constexpr size_t kMaxNesting = 512;  // of sums: an Add per expert
constexpr size_t kMaxFactors = 8;

}  // namespace

// ------------------------------------------------------------------------------------ sums of products

bool Mixtures::is_softmax(Ref ref) const {
  return expressions_.of(expressions_.scaled(ref).of).kind == ExpressionKind::kSoftmax;
}

/// A factor that is a product itself gives its own.
void Mixtures::add_factors(Ref ref, size_t depth, Product& product) const {
  const Scaled scaled = expressions_.scaled(ref);
  const Expression& expression = expressions_.of(scaled.of);
  const bool sum = expression.kind == ExpressionKind::kSum && scaled.shift == 0 && depth < kMaxFactors;
  const std::vector<Term>* terms = sum ? &expression.terms[scaled.of.column] : nullptr;
  if (terms == nullptr || terms->size() != 1 || !terms->front().product) {
    product.factors.push_back(ref);
    if (product.factors.size() > kMaxFactors) chains_.fail(ref, "multiplies more than 8 factors");
    return;
  }
  product.factor *= scaled.scale * double{terms->front().coefficient};
  add_factors(terms->front().a, depth + 1, product);
  add_factors(terms->front().b, depth + 1, product);
}

void Mixtures::add_products(Ref ref, double factor, size_t depth, Products& products) {
  const Scaled scaled = expressions_.scaled(ref);
  const Expression& expression = expressions_.of(scaled.of);
  if (expression.kind == ExpressionKind::kConstant &&
      scaled.scale * expression.bias[scaled.of.column] + scaled.shift == 0)
    return;
  if (expression.kind != ExpressionKind::kSum || scaled.shift != 0 || depth > kMaxNesting) {
    products.push_back({factor, {ref}});
    return;
  }
  for (const Term& term : expression.terms[scaled.of.column]) {
    const double coefficient = factor * scaled.scale * double{term.coefficient};
    if (term.product) {
      Product product{coefficient, {}};
      add_factors(term.a, 1, product);
      add_factors(term.b, 1, product);
      products.push_back(std::move(product));
    } else {
      add_products(term.a, coefficient, depth + 1, products);
    }
    if (products.size() > 2 * kMaxExpertsPerLevel) chains_.fail(ref, "mixes more than 256 vectors");
  }
}

Mixtures::Products Mixtures::take_apart(Ref sum) {
  Products products;
  const Expression& expression = expressions_.of(sum);
  if (expression.kind == ExpressionKind::kSoftmax) return {Product{1, {sum, number(true)}}};
  if (expression.kind == ExpressionKind::kDense) {  // by constants, as a cross-stitch unit
    const size_t inputs = expression.inputs.size();
    if (inputs > kMaxExpertsPerLevel) chains_.fail(sum, "mixes more than 256 vectors");
    for (size_t i = 0; i < inputs; ++i) {
      products.push_back({double{expression.weight->at(sum.column, i)}, {expression.inputs[i]}});
    }
    return products;
  }
  add_products(sum, 1, 0, products);
  if (auto all = unselected(products)) return std::move(*all);
  return products;
}

/// Of a gate's k largest weights: its weights, of which k are not 0. Empty: these are none.
Vector Mixtures::weights_of_all(const Vector& weights, const Vector& logits) {
  const auto [known, fresh] = weights_of_all_.emplace(weights, Vector());
  if (!fresh) return known->second;
  const Expression& source = expressions_.of(weights.front());
  if (weights != expressions_.all(weights.front().expression)) return {};
  Expression softmax;
  softmax.kind = ExpressionKind::kSoftmax;
  softmax.node = source.node;
  softmax.top_k = weights.size() < logits.size() ? weights.size() : 0;
  softmax.columns = logits.size();
  const auto is_whole = [&](const Vector& vector, ExpressionKind kind) {
    return expressions_.of(vector.front()).kind == kind && expressions_.of(vector.front()).top_k == 0 &&
           vector == expressions_.all(vector.front().expression);
  };
  const bool of_softmax = is_whole(logits, ExpressionKind::kSoftmax);
  const Vector& of = of_softmax ? expressions_.of(logits.front()).inputs : logits;
  if (source.kind == ExpressionKind::kTopKValue && source.inputs == logits && of_softmax) {
    softmax.top_k_mode = TopKMode::kTopKOfSoftmax;
  } else if (source.kind != ExpressionKind::kSoftmax || source.top_k != 0 || source.inputs.size() != weights.size() ||
             expressions_.of(source.inputs.front()).kind != ExpressionKind::kTopKValue ||
             source.inputs != expressions_.all(source.inputs.front().expression) ||
             expressions_.of(source.inputs.front()).inputs != of) {
    return {};
  }
  softmax.inputs = of;
  return known->second = expressions_.all(expressions_.add(std::move(softmax)));
}

/// A sum over a gate's k largest, of weight times the vector at their places, as the sum over all. Nothing where it is
/// none.
std::optional<Mixtures::Products> Mixtures::unselected(const Products& products) {
  std::map<Vector, Vector> weights;  // by the numbers: of each place
  for (const Product& product : products) {
    if (product.factor != 1 || product.factors.size() != 2) return std::nullopt;
    const bool first = expressions_.of(product.factors[0]).kind == ExpressionKind::kTopKTaken;
    const Ref taken = product.factors[first ? 0 : 1], weight = product.factors[first ? 1 : 0];
    const Expression& source = expressions_.of(taken);
    if (source.kind != ExpressionKind::kTopKTaken) return std::nullopt;
    Vector key;
    for (size_t at = taken.column; at < source.inputs.size(); at += source.columns) key.push_back(source.inputs[at]);
    const Ref index = key.back();
    key.back().column = 0;
    Vector& of_places = weights[key];
    of_places.resize(expressions_.of(index).columns, index);
    if (expressions_.of(of_places[index.column]).kind != ExpressionKind::kTopKIndex) return std::nullopt;
    of_places[index.column] = weight;
  }
  Products all;
  for (const auto& [key, of_places] : weights) {
    const Vector& logits = expressions_.of(key.back()).inputs;
    const bool complete = std::none_of(of_places.begin(), of_places.end(), [&](Ref ref) {
      return expressions_.of(ref).kind == ExpressionKind::kTopKIndex;
    });
    const Vector of_all = complete ? weights_of_all(of_places, Vector(logits)) : Vector();
    if (of_all.empty()) return std::nullopt;
    for (size_t i = 0; i < of_all.size(); ++i) all.push_back({1, {of_all[i], key[i]}});
  }
  return all.empty() ? std::nullopt : std::optional(std::move(all));
}

// ------------------------------------------------------------------------------------ weights

/// A softmax before anything else; then what weighs most elements; then an activation. `preferred`: the expression that
/// has been chosen already.
size_t Mixtures::choose_weight(const Vector& factors, const Uses& uses, uint32_t preferred) const {
  const auto rank = [&](Ref ref) {
    const Ref of = expressions_.scaled(ref).of;
    const bool activated = expressions_.of(of).kind == ExpressionKind::kActivation;
    const bool chosen = of.expression == preferred || ref.expression == preferred;
    return std::make_tuple(chosen, is_softmax(ref), uses.at(ref), activated);
  };
  size_t best = 0;
  for (size_t i = 1; i < factors.size(); ++i) {
    if (rank(factors[i]) > rank(factors[best])) best = i;
  }
  return best;
}

Mixtures::Groups Mixtures::group(Ref sum, const Products& products, const Uses& uses, uint32_t preferred) {
  Groups groups;
  for (const Product& product : products) {
    if (product.factors.size() == 1) {
      groups[kNoGate].push_back({product.factor, product.factors[0], {}, false});
      continue;
    }
    const size_t at = choose_weight(product.factors, uses, preferred);
    Vector others = product.factors;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(at));
    const Ref value = product_of(others, sum);
    const Ref weight = product.factors[at];
    const Scaled scaled = expressions_.scaled(weight);
    const ExpressionKind kind = expressions_.of(scaled.of).kind;
    if (kind != ExpressionKind::kSoftmax && kind != ExpressionKind::kActivation) {
      groups[weight.expression].push_back({product.factor, value, weight, true});
      continue;
    }
    groups[scaled.of.expression].push_back({product.factor * scaled.scale, value, scaled.of, true});
    if (scaled.shift != 0) groups[kNoGate].push_back({product.factor * scaled.shift, value, {}, false});
  }
  return groups;
}

/// One scalar, or the product of several, which is made.
Ref Mixtures::product_of(const Vector& factors, Ref at) {
  if (factors.size() == 1) return factors[0];
  const auto [known, fresh] = products_.emplace(factors, Ref());
  if (!fresh) return known->second;
  const Ref rest = product_of({factors.begin() + 1, factors.end()}, at);
  Expression product;
  product.kind = ExpressionKind::kSum;
  product.node = expressions_.of(at).node;
  product.columns = 1;
  product.terms = {{{1, factors[0], true, rest}}};
  return products_[factors] = {expressions_.add(std::move(product)), 0};
}

Ref Mixtures::number(bool one) {
  if (numbers_.empty()) {
    Expression constant;
    constant.kind = ExpressionKind::kConstant;
    constant.columns = 2;
    constant.bias = {0, 1};
    numbers_ = expressions_.all(expressions_.add(std::move(constant)));
  }
  return numbers_[one ? 1 : 0];
}

/// The sum of values times factors.
Ref Mixtures::sum_of(const Parts& parts, Ref at) {
  if (parts.size() == 1 && parts[0].factor == 1) return parts[0].value;
  Expression sum;
  sum.node = expressions_.of(at).node;
  sum.columns = 1;
  if (parts.size() == 1) {
    sum.kind = ExpressionKind::kAffine;
    sum.inputs = {parts[0].value};
    sum.norm = {{static_cast<float>(parts[0].factor)}, {0}, {0}, {1}, 0};
  } else {
    sum.kind = ExpressionKind::kSum;
    sum.terms.emplace_back();
    for (const Part& part : parts) sum.terms[0].push_back({static_cast<float>(part.factor), part.value, false, {}});
  }
  return {expressions_.add(std::move(sum)), 0};
}

// ------------------------------------------------------------------------------------ mixtures

/// Of one gate; none where the element has nothing of it.
const Mixtures::Parts& Mixtures::parts_of(const Groups& groups, uint32_t gate) {
  static const Parts kNone;
  const auto found = groups.find(gate);
  return found != groups.end() ? found->second : kNone;
}

/// What one weight weighs: scaled as a whole, where all its numbers are; 0 where it weighs nothing.
void Mixtures::add_expert(const std::vector<Parts>& of_elements, const Vector& vector, Mixture& mixture) {
  const auto used =
      std::find_if(of_elements.begin(), of_elements.end(), [](const Parts& parts) { return !parts.empty(); });
  const float scale = used == of_elements.end() ? 0 : static_cast<float>(used->front().factor);
  const bool whole = std::all_of(of_elements.begin(), of_elements.end(), [&](const Parts& parts) {
    return parts.empty() || (parts.size() == 1 && static_cast<float>(parts[0].factor) == scale);
  });
  Vector expert;
  for (size_t i = 0; i < vector.size(); ++i) {
    const Parts& parts = of_elements[i];
    expert.push_back(parts.empty() ? number(false) : whole ? parts[0].value : sum_of(parts, vector[i]));
  }
  mixture.weight_scales.push_back(whole ? scale : 1);
  mixture.experts.push_back(std::move(expert));
}

Mixture Mixtures::gated(const Vector& vector, uint32_t gate, const std::vector<Groups>& groups) {
  const bool softmax = expressions_[gate].kind == ExpressionKind::kSoftmax;
  Mixture mixture;
  Vector weights = softmax ? expressions_.all(gate) : Vector();
  if (softmax) {
    mixture.logits = expressions_[gate].inputs;
    mixture.top_k = expressions_[gate].top_k;
    mixture.top_k_mode = expressions_[gate].top_k_mode;
  } else {
    std::set<Ref> distinct;
    for (const Groups& of_element : groups) {
      for (const Part& part : parts_of(of_element, gate)) distinct.insert(part.weight);
    }
    weights.assign(distinct.begin(), distinct.end());
    mixture.logits = weights;
    mixture.function = GateFunction::kActivation;
  }
  if (weights.size() > kMaxExpertsPerLevel) chains_.fail(vector.front(), "weighs more than 256 vectors");
  expressions_.charge(weights.size() * vector.size());
  for (const Ref weight : weights) {
    std::vector<Parts> of_elements(vector.size());
    for (size_t i = 0; i < vector.size(); ++i) {
      for (const Part& part : parts_of(groups[i], gate)) {
        if (part.weight == weight) of_elements[i].push_back(part);
      }
    }
    add_expert(of_elements, vector, mixture);
  }
  // A weight that nothing uses weighs any expert, 0 times.
  const auto used =
      std::find_if(mixture.weight_scales.begin(), mixture.weight_scales.end(), [](float s) { return s != 0; });
  if (used == mixture.weight_scales.end()) chains_.fail(vector.front(), "weighs nothing");
  const Vector any = mixture.experts[static_cast<size_t>(used - mixture.weight_scales.begin())];
  for (size_t e = 0; e < mixture.experts.size(); ++e) {
    if (mixture.weight_scales[e] == 0) mixture.experts[e] = any;
  }
  const auto is_one = [](float scale) { return scale == 1; };
  if (std::all_of(mixture.weight_scales.begin(), mixture.weight_scales.end(), is_one)) mixture.weight_scales.clear();
  return mixture;
}

/// Parts are in the order of the experts. Where the elements are different sums, what they are of is summed by layers.
Mixture Mixtures::constant(const Vector& vector, const std::vector<Groups>& groups) {
  const Parts& first = parts_of(groups.front(), kNoGate);
  const bool alike = std::all_of(groups.begin(), groups.end(), [&](const Groups& of_element) {
    const Parts& parts = parts_of(of_element, kNoGate);
    return parts.size() == first.size() &&
           std::equal(parts.begin(), parts.end(), first.begin(),
                      [](const Part& a, const Part& b) { return a.factor == b.factor; });
  });
  Mixture mixture;
  if (!alike) {
    mixture.experts = chains_.split(vector);
    if (mixture.experts.empty()) chains_.fail(vector.front(), "its sums have different terms");
    mixture.constant_weights.assign(mixture.experts.size(), 1);
    return mixture;
  }
  mixture.experts.assign(first.size(), Vector());
  for (const Part& part : first) mixture.constant_weights.push_back(static_cast<float>(part.factor));
  for (const Groups& of_element : groups) {
    const Parts& parts = parts_of(of_element, kNoGate);
    for (size_t k = 0; k < first.size(); ++k) mixture.experts[k].push_back(parts[k].value);
  }
  return mixture;
}

Mixture Mixtures::sum_of_mixtures(const Vector& vector, const std::set<uint32_t>& gates,
                                  const std::vector<Groups>& groups) {
  Mixture mixture;
  for (const uint32_t gate : gates) {
    std::vector<std::vector<double>> key;
    Expression sum;
    sum.kind = ExpressionKind::kSum;
    sum.node = expressions_.of(vector.front()).node;
    for (const Groups& of_element : groups) {
      sum.terms.emplace_back();
      key.emplace_back();
      Parts parts = parts_of(of_element, gate);
      if (parts.empty()) parts.push_back({1, number(false), {}, false});
      for (const Part& part : parts) {
        sum.terms.back().push_back(
            {static_cast<float>(part.factor), part.gated ? part.weight : part.value, part.gated, part.value});
        for (const Ref ref : {part.value, part.weight})
          key.back().insert(key.back().end(), {double(ref.expression), double(ref.column)});
        key.back().insert(key.back().end(), {part.factor, part.gated ? 1.0 : 0.0});
      }
    }
    sum.columns = sum.terms.size();
    const auto [made, fresh] = made_.emplace(std::move(key), Vector());
    if (fresh) {
      const uint32_t expression = expressions_.add(std::move(sum));
      made->second = expressions_.all(expression);
      gate_of_[expression] = gate;
    }
    mixture.experts.push_back(made->second);
    mixture.constant_weights.push_back(1);
  }
  return mixture;
}

Mixture Mixtures::find(const Vector& vector) {
  const auto made = gate_of_.find(vector.front().expression);
  const uint32_t preferred = made != gate_of_.end() ? made->second : kNoGate;
  std::vector<Products> sums;
  Uses uses;
  for (const Ref ref : vector) {
    sums.push_back(take_apart(ref));
    for (const Product& product : sums.back()) {
      for (const Ref factor : product.factors) ++uses[factor];
    }
  }
  std::vector<Groups> groups;
  std::set<uint32_t> gates;
  for (size_t i = 0; i < vector.size(); ++i) {
    groups.push_back(group(vector[i], sums[i], uses, preferred));
    for (const auto& entry : groups.back()) gates.insert(entry.first);
  }
  if (gates.empty()) chains_.fail(vector.front(), "is an empty sum");
  Mixture mixture = gates.size() > 1            ? sum_of_mixtures(vector, gates, groups)
                    : *gates.begin() == kNoGate ? constant(vector, groups)
                                                : gated(vector, *gates.begin(), groups);
  mixture.node = expressions_.of(vector.front()).node;
  if (mixture.experts.size() > kMaxExpertsPerLevel) chains_.fail(vector.front(), "mixes more than 256 vectors");
  return mixture;
}

}  // namespace mmoe::converter
