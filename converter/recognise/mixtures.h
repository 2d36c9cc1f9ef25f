// Sums of products that are a gate's: softmax weights times experts.
#pragma once

#include <map>
#include <vector>

#include "converter/recognise/chains.h"

namespace mmoe::converter {

struct Mixture {
  size_t node = 0;
  Vector logits;                        ///< what the softmax reads; empty: constant weights
  std::vector<float> constant_weights;  ///< one per expert, if there are no logits
  std::vector<float> weight_scales;     ///< what the softmax's weights are multiplied by; empty: by 1
  size_t top_k = 0;                     ///< as Gate's
  TopKMode top_k_mode = TopKMode::kSoftmaxOfTopK;
  std::vector<Vector> experts;  ///< in the order of the logits
};

/// Takes vectors of sums apart. A sum of several mixtures is one of constant weights, of vectors that are made for
/// them.
class Mixtures {
 public:
  Mixtures(const Chains& chains, Expressions& expressions) : chains_(chains), expressions_(expressions) {}

  /// What the vector of sums mixes. Throws ConvertError naming the node when it is no mixture.
  Mixture find(const Vector& vector);

 private:
  /// A part of a sum: a softmax's column times a scalar, or a scalar alone.
  struct Part {
    double factor = 1;
    Ref value;
    Ref weight;  // of a softmax, where it is gated
    bool gated = false;
  };
  using Parts = std::vector<Part>;
  /// Parts by their softmax; constant weights under kNoGate.
  using Groups = std::map<uint32_t, Parts>;

  Groups take_apart(Ref sum) const;
  void add_parts(Ref ref, double factor, size_t depth, Parts& parts) const;
  void add_product(Ref sum, const Term& term, double factor, Parts& parts) const;
  Mixture gated(const Vector& vector, uint32_t softmax, const std::vector<Groups>& groups) const;
  Mixture constant(const Vector& vector, const std::vector<Groups>& groups) const;
  Mixture sum_of_mixtures(const Vector& vector, const std::vector<Groups>& groups);

  const Chains& chains_;
  Expressions& expressions_;
  std::map<std::vector<std::vector<double>>, Vector> made_;  // vectors of sums, by their terms
};

}  // namespace mmoe::converter
