#include "converter/check/bounded_node.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace mmoe::converter {
namespace {

double size_of(const Number& x) { return std::abs(x.value) + x.error; }

// What is carried on, and so many roundings of what passes through.
Number with_roundings(double value, double carried, double roundings, double terms) {
  return plain(value, carried + rounding(roundings) * terms + kTiny);
}

Number multiply(const Number& a, const Number& b) {
  const double carried = std::abs(a.value) * b.error + std::abs(b.value) * a.error + a.error * b.error;
  return with_roundings(a.value * b.value, carried, 1, size_of(a) * size_of(b));
}

Number sum_of(const Numbers& terms) {
  double value = 0, carried = 0, size = 0;
  for (const Number& term : terms) {
    value += term.value;
    carried += term.error;
    size += size_of(term);
  }
  return with_roundings(value, carried, static_cast<double>(terms.size()), size);
}

Number subtract(const Number& a, const Number& b) {
  return with_roundings(a.value - b.value, a.error + b.error, 1, size_of(a) + size_of(b));
}

Number scaled(const Number& x, float scale) { return multiply(plain(scale, 0), x); }

// The element of an input that stands for one of the widest.
const Number& element_for(const Numbers& input, size_t i, size_t width) { return input[i / (width / input.size())]; }

Numbers by_element(const Node& node, const std::vector<Numbers>& inputs) {
  Numbers result;
  for (size_t i = 0; i < node.input_width; ++i) {
    Numbers terms;
    for (const Numbers& input : inputs) terms.push_back(element_for(input, i, node.input_width));
    if (node.kind == NodeKind::kSum) {
      if (!node.constant.empty()) terms.push_back(plain(node.constant[i], 0));
      result.push_back(sum_of(terms));
      continue;
    }
    Number product = plain(node.scale, 0);
    for (const Number& term : terms) product = multiply(product, term);
    result.push_back(product);
  }
  return result;
}

// Groups of columns.
struct Groups {
  const Numbers& input;
  size_t width;

  size_t count() const { return input.size() / width; }
  const Number& at(size_t group, size_t i) const { return input[group * width + i]; }
  Numbers group(size_t g) const {
    const auto first = input.begin() + static_cast<std::ptrdiff_t>(g * width);
    return {first, first + static_cast<std::ptrdiff_t>(width)};
  }
  Numbers elements(size_t i) const {  // the same of each group
    Numbers column;
    for (size_t g = 0; g < count(); ++g) column.push_back(at(g, i));
    return column;
  }
};

Number dot(const Numbers& a, const Numbers& b) {
  Numbers products;
  for (size_t i = 0; i < a.size(); ++i) products.push_back(multiply(a[i], b[i]));
  return sum_of(products);
}

Numbers on_groups(const Node& node, const std::vector<Numbers>& inputs) {
  const Groups groups{inputs.front(), node.group == 0 ? node.input_width : node.group};
  Numbers result;
  const auto give = [&](const Number& x) { result.push_back(scaled(x, node.scale)); };
  const bool of_groups = node.kind == NodeKind::kDot || node.kind == NodeKind::kSumWithinGroups;
  for (size_t g = 0; of_groups && g < groups.count(); ++g) {
    give(node.kind == NodeKind::kDot ? dot(groups.group(g), Groups{inputs[1], groups.width}.group(g))
                                     : sum_of(groups.group(g)));
  }
  for (size_t i = 0; node.kind == NodeKind::kSumOfGroups && i < groups.width; ++i) give(sum_of(groups.elements(i)));
  for (size_t i = 0; node.kind == NodeKind::kBiInteraction && i < groups.width; ++i) {
    const Numbers elements = groups.elements(i);
    const Number sum = sum_of(elements);
    give(subtract(multiply(sum, sum), dot(elements, elements)));
  }
  for (size_t i = 0; node.kind == NodeKind::kLowerPairs && i < groups.count(); ++i) {
    for (size_t j = 0; j < i; ++j) give(dot(groups.group(i), groups.group(j)));
  }
  for (size_t i = 0; node.kind == NodeKind::kUpperPairs && i < groups.count(); ++i) {
    for (size_t j = i + 1; j < groups.count(); ++j) give(dot(groups.group(i), groups.group(j)));
  }
  return result;
}

// An element of sequences, side by side.
Numbers element_of(const Node& node, const std::vector<Numbers>& inputs, size_t index) {
  Numbers element;
  for (size_t s = 1; s < inputs.size(); ++s) {
    const size_t width = inputs[s].size() / node.attention.length - 1;
    const auto first = inputs[s].begin() + static_cast<std::ptrdiff_t>(index * width);
    element.insert(element.end(), first, first + static_cast<std::ptrdiff_t>(width));
  }
  return element;
}

// The runtime regroups the terms of a difference: their sizes count each by itself.
Number regrouped_difference(const Number& a, const Number& b) {
  Number difference = plain(a.value - b.value, a.error + b.error);
  difference.magnitude = a.magnitude + b.magnitude;
  return difference;
}

Numbers outer_products(const Numbers& query, const Numbers& element) {
  Numbers products;
  for (const Number& q : query) {
    for (const Number& k : element) products.push_back(multiply(q, k));
  }
  return products;
}

Numbers terms_of(const Attention& attention, const Numbers& query, const Numbers& element) {
  Numbers terms;
  for (const AttentionTerm term : attention.terms) {
    if (term == AttentionTerm::kOuter) {
      const Numbers products = outer_products(query, element);
      terms.insert(terms.end(), products.begin(), products.end());
      continue;
    }
    for (size_t i = 0; i < query.size(); ++i) {
      const Number &q = query[i], &k = element[i];
      terms.push_back(term == AttentionTerm::kQuery     ? q
                      : term == AttentionTerm::kElement ? k
                      : term == AttentionTerm::kProduct ? multiply(q, k)
                                                        : regrouped_difference(q, k));
    }
  }
  return terms;
}

// What the first layer, taken apart, gives: (keys k + query q) + product (q k), and its activation.
Numbers sum_of_parts(const Node& node, const Numbers& query, const Numbers& element) {
  const Mlp& parts = node.attention.parts;
  Numbers gated;
  if (parts[2].inputs() != query.size()) gated = outer_products(query, element);
  for (size_t i = 0; gated.size() < parts[2].inputs(); ++i) gated.push_back(multiply(query[i], element[i]));
  const Numbers of_query = run_layer(parts[0], query), of_keys = run_layer(parts[1], element);
  DenseLayer product = parts[2];  // its norm is that of the sum
  const std::optional<LayerNorm> norm = std::exchange(product.layer_norm_before_activation, std::nullopt);
  const Numbers of_product = run_layer(product, gated);
  Numbers sums;
  for (size_t i = 0; i < of_query.size(); ++i) sums.push_back(sum_of({of_keys[i], of_query[i], of_product[i]}));
  if (norm) layer_norm(*norm, sums);
  return apply_activation(node.activation, std::move(sums));
}

Number weight_of(const Node& node, const Numbers& query, const Numbers& element) {
  if (node.attention.parts.empty()) return run_layers(node.layers, terms_of(node.attention, query, element)).front();
  return run_layers(node.layers, sum_of_parts(node, query, element)).front();
}

Numbers attend(const Node& node, const std::vector<Numbers>& inputs) {
  const Numbers& query = inputs.front();
  const size_t length = node.attention.length;
  std::vector<Numbers> elements;
  Numbers weights;
  for (size_t i = 0; i < length; ++i) {
    const Number& there = inputs[1][inputs[1].size() - length + i];
    if (node.attention.masked && there.value == 0) continue;
    elements.push_back(element_of(node, inputs, i));
    weights.push_back(weight_of(node, query, elements.back()));
  }
  if (node.attention.softmax && !weights.empty()) weights = softmax(weights);
  Numbers result;
  for (size_t c = 0; c < query.size(); ++c) {
    Numbers products;
    for (size_t i = 0; i < elements.size(); ++i) products.push_back(multiply(weights[i], elements[i][c]));
    result.push_back(sum_of(products));
  }
  return result;
}

Numbers each(const Node& node, const Numbers& input) {
  Numbers result;
  const Groups groups{input, node.group};
  for (size_t g = 0; g < groups.count(); ++g) {
    const Numbers outputs = run_layers(node.layers, groups.group(g));
    result.insert(result.end(), outputs.begin(), outputs.end());
  }
  return result;
}

// One head's columns of an element.
struct Heads {
  const Node& node;
  const std::vector<Numbers>& inputs;

  Numbers of(size_t input, size_t width, size_t element, size_t head) const {
    const size_t columns = width / node.heads;
    const auto first = inputs[input].begin() + static_cast<std::ptrdiff_t>(element * width + head * columns);
    return {first, first + static_cast<std::ptrdiff_t>(columns)};
  }
  size_t num_keys() const { return inputs[1].size() / node.group; }
  // Whether an element of the query attends to a key.
  bool attends(size_t query, size_t key) const {
    if (node.causal && key > query) return false;
    return inputs.size() < 4 || key >= inputs[3].size() || inputs[3][key].value != 0;
  }

  Numbers attend(size_t query, size_t head) const {
    Numbers weights, result;
    std::vector<Numbers> values;
    for (size_t j = 0; j < num_keys(); ++j) {
      if (!attends(query, j)) continue;
      weights.push_back(scaled(dot(of(0, node.group, query, head), of(1, node.group, j, head)), node.scale));
      values.push_back(of(2, node.value_width, j, head));
    }
    if (!weights.empty()) weights = softmax(weights);
    for (size_t c = 0; c < node.value_width / node.heads; ++c) {
      Numbers products;
      for (size_t i = 0; i < values.size(); ++i) products.push_back(multiply(weights[i], values[i][c]));
      result.push_back(sum_of(products));
    }
    return result;
  }
};

Numbers scaled_dot(const Node& node, const std::vector<Numbers>& inputs) {
  Numbers result;
  const Heads heads{node, inputs};
  for (size_t i = 0; i < node.query_width / node.group; ++i) {
    for (size_t h = 0; h < node.heads; ++h) {
      const Numbers mixed = heads.attend(i, h);
      result.insert(result.end(), mixed.begin(), mixed.end());
    }
  }
  return result;
}

}  // namespace

Numbers run_operation(const Node& node, const std::vector<Numbers>& inputs) {
  if (node.kind == NodeKind::kSoftmax) return softmax(inputs.front());
  if (node.kind == NodeKind::kAttention) return attend(node, inputs);
  if (node.kind == NodeKind::kEach) return each(node, inputs.front());
  if (node.kind == NodeKind::kScaledDot) return scaled_dot(node, inputs);
  const bool elements = node.kind == NodeKind::kSum || node.kind == NodeKind::kProduct;
  Numbers result = elements ? by_element(node, inputs) : on_groups(node, inputs);
  for (Number& number : result) number = activate(node.activation, 0, number);
  return result;
}

}  // namespace mmoe::converter
