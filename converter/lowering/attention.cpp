#include "converter/lowering/attention.h"

#include <algorithm>

#include "converter/lowering/fold.h"

namespace mmoe::converter {
namespace {

using Term = AttentionTerm;

// The first layer's columns, term by term.
class Columns {
 public:
  Columns(const DenseLayer& layer, const Attention& attention, size_t width) : layer_(layer), width_(width) {
    for (const Term term : attention.terms) {
      places_.emplace_back(term, end_);
      end_ += term == Term::kOuter ? width * width : width;
    }
  }

  bool has(Term term) const {
    return std::any_of(places_.begin(), places_.end(), [&](const auto& place) { return place.first == term; });
  }

  // The weight of a term's column; 0 of a term that is not there.
  double at(Term term, size_t output, size_t column) const {
    for (const auto& [other, first] : places_) {
      if (other == term) return layer_.weight.at(output, first + column);
    }
    return 0;
  }

  // A layer without activation, whose weight of an output and a column `weight_of` gives.
  template <typename WeightOf>
  DenseLayer part(const char* name, size_t inputs, const WeightOf& weight_of) const {
    DenseLayer part;
    part.name = layer_.name + name;
    part.storage = layer_.storage;
    part.weight = {layer_.outputs(), inputs, {}};
    for (size_t o = 0; o < layer_.outputs(); ++o) {
      for (size_t i = 0; i < inputs; ++i) part.weight.data.push_back(static_cast<float>(weight_of(o, i)));
    }
    require_finite(part);
    return part;
  }

  // Of q k; with outer products of all products, among which q k are the diagonal.
  DenseLayer products() const {
    if (!has(Term::kOuter))
      return part(" product", width_, [&](size_t o, size_t i) { return at(Term::kProduct, o, i); });
    return part(" product", width_ * width_, [&](size_t o, size_t i) {
      const size_t row = i / width_, column = i % width_;
      return at(Term::kOuter, o, i) + (row == column ? at(Term::kProduct, o, column) : 0);
    });
  }

  DenseLayer of_query() const {
    return part("", width_, [&](size_t o, size_t i) { return at(Term::kQuery, o, i) + at(Term::kDifference, o, i); });
  }

  DenseLayer of_elements() const {
    DenseLayer keys = part(" keys", width_,
                           [&](size_t o, size_t i) { return at(Term::kElement, o, i) - at(Term::kDifference, o, i); });
    keys.bias = layer_.bias;
    return keys;
  }

 private:
  const DenseLayer& layer_;
  size_t width_, end_ = 0;
  std::vector<std::pair<Term, size_t>> places_;  // with their first columns
};

}  // namespace

void take_apart(Node& node) {
  if (node.kind != NodeKind::kAttention) return;
  const DenseLayer first = std::move(node.layers.front());
  node.layers.erase(node.layers.begin());
  Attention& attention = node.attention;
  const Columns columns(first, attention, node.input_width);
  attention.parts = {columns.of_query(), columns.of_elements(), columns.products()};
  attention.parts.back().layer_norm_before_activation = first.layer_norm_before_activation;
  attention.terms.clear();
  node.activation = first.activation;
  if (!first.layer_norm_after_activation) return;
  DenseLayer norm = identity_layer(first.outputs(), first.name + ".norm");
  norm.layer_norm_before_activation = first.layer_norm_after_activation;
  node.layers.insert(node.layers.begin(), std::move(norm));
}

}  // namespace mmoe::converter
