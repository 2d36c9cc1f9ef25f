// From a vector of scalars back through its layers to what they read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {

enum class BaseKind {
  kInput,   ///< columns of the graph's inputs and embeddings
  kMixture  ///< sums, which may be a gate's
};

/// Layers in the order in which they are calculated. `after[i]` is what layer i gives, so `after.back()` is where the
/// search began; without layers that is `base`.
struct Chain {
  Mlp layers;
  std::vector<Vector> after;
  Vector base;
  BaseKind kind = BaseKind::kInput;
};

class Chains {
 public:
  Chains(const OnnxGraph& graph, const Expressions& expressions) : graph_(graph), expressions_(expressions) {}

  /// Throws ConvertError naming the node at which the layers end in something else.
  Chain follow(const Vector& vector) const;

  [[noreturn]] void fail(Ref at, const std::string& why) const;

 private:
  struct Unit;
  bool all_of_kind(const Vector& vector, ExpressionKind kind) const;
  bool is_input(Ref ref) const;
  void step_over_activation(Vector& vector, Unit& unit) const;
  void step_over_norms(Vector& vector, Unit& unit) const;
  DenseLayer take_layer(Vector& vector, const Unit& unit) const;

  const OnnxGraph& graph_;
  const Expressions& expressions_;
};

}  // namespace mmoe::converter
