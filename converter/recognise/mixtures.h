// Sums of products that are a gate's: weights times experts.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "converter/recognise/chains.h"

namespace mmoe::converter {

struct Mixture {
  size_t node = 0;
  Vector logits;  ///< what the softmax reads; kActivation: the weights themselves; empty: constant weights
  GateFunction function = GateFunction::kSoftmax;
  std::vector<float> constant_weights;  ///< one per expert, if there are no logits
  std::vector<float> weight_scales;     ///< what the gate's weights are multiplied by; empty: by 1
  size_t top_k = 0;                     ///< as Gate's
  TopKMode top_k_mode = TopKMode::kSoftmaxOfTopK;
  std::vector<Vector> experts;  ///< in the order of the logits
};

/// Takes vectors of sums apart. A sum of several mixtures is one of constant weights, of vectors that are made for
/// them. A product of more than two factors is a mixture of mixtures. An element that a weight does not weigh is 0
/// times it: GLU, where each weight is of one element, becomes as many experts as there are elements.
class Mixtures {
 public:
  Mixtures(Chains& chains, Expressions& expressions) : chains_(chains), expressions_(expressions) {}

  /// What the vector of sums, or of columns of a softmax, mixes. Throws ConvertError naming the node when it is no
  /// mixture.
  Mixture find(const Vector& vector);

 private:
  /// A part of a sum: a product of scalars, or one alone.
  struct Product {
    double factor = 1;
    Vector factors;
  };
  using Products = std::vector<Product>;
  /// The same with one of the factors as its weight.
  struct Part {
    double factor = 1;
    Ref value;
    Ref weight;  // of a gate, where it is gated
    bool gated = false;
  };
  using Parts = std::vector<Part>;
  /// Parts by their gate; constant weights under kNoGate.
  using Groups = std::map<uint32_t, Parts>;
  /// In how many products of a vector a scalar is.
  using Uses = std::map<Ref, size_t>;

  Products take_apart(Ref sum);
  std::optional<Products> unselected(const Products& products);
  Vector weights_of_all(const Vector& weights, const Vector& logits);
  void add_products(Ref ref, double factor, size_t depth, Products& products);
  void add_factors(Ref ref, size_t depth, Product& product) const;
  bool is_softmax(Ref ref) const;
  size_t choose_weight(const Vector& factors, const Uses& uses, uint32_t preferred) const;
  Groups group(Ref sum, const Products& products, const Uses& uses, uint32_t preferred);
  Ref product_of(const Vector& factors, Ref at);
  Ref number(bool one);
  Ref sum_of(const Parts& parts, Ref at);
  static const Parts& parts_of(const Groups& groups, uint32_t gate);
  Mixture gated(const Vector& vector, uint32_t gate, const std::vector<Groups>& groups);
  void add_expert(const std::vector<Parts>& of_elements, const Vector& vector, Mixture& mixture);
  Mixture constant(const Vector& vector, const std::vector<Groups>& groups);
  Mixture sum_of_mixtures(const Vector& vector, const std::set<uint32_t>& gates, const std::vector<Groups>& groups);

  Chains& chains_;
  Expressions& expressions_;
  std::map<std::vector<std::vector<double>>, Vector> made_;  // vectors of sums, by their terms
  std::map<uint32_t, uint32_t> gate_of_;                     // sums that were made, and the gate that weighs them
  std::map<Vector, Ref> products_;
  std::map<Vector, Vector> weights_of_all_;  // by those of the k largest
  std::vector<Ref> numbers_;                 // 0 and 1
};

}  // namespace mmoe::converter
