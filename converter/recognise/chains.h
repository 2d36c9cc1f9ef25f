// From a vector of scalars back through its layers to what they read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "converter/recognise/graph_evaluator.h"
#include "converter/recognise/linear_forms.h"

namespace mmoe::converter {

enum class BaseKind {
  kInput,   ///< columns of the graph's inputs and embeddings
  kMixture  ///< sums, which may be a gate's
};

/// Layers in the order in which they are calculated, at least one. `after[i]` is what layer i gives, so `after.back()`
/// is where the search began. Where the graph has no layer before an activation or a norm, or none at all, there is one
/// that hands its inputs on; affine maps before the first layer are part of it.
struct Chain {
  Mlp layers;
  std::vector<Vector> after;
  Vector base;
  BaseKind kind = BaseKind::kInput;
};

/// A layer that gives what it reads.
DenseLayer hand_on(size_t width, const std::string& name);

class Chains {
 public:
  Chains(const OnnxGraph& graph, const Expressions& expressions)
      : graph_(graph), expressions_(expressions), forms_(expressions) {}

  /// Throws ConvertError naming the node at which the layers end in something else.
  Chain follow(const Vector& vector);

  [[noreturn]] void fail(Ref at, const std::string& why) const;
  /// The node or the input that gives a scalar, for messages.
  std::string place_of(Ref at) const;

 private:
  struct Step;
  struct Base;
  bool all_of_kind(const Vector& vector, ExpressionKind kind) const;
  bool reads_one_vector(const Vector& vector) const;
  bool is_sum_of_layer(const Vector& vector) const;
  bool mixes_by_constants(const Vector& vector) const;
  std::optional<Base> base_of(const Vector& vector);
  Step step_over_activation(Vector& vector) const;
  Step step_over_affine(Vector& vector) const;
  Step step_over_layer_norm(Vector& vector) const;
  DenseLayer take_layer(Vector& vector) const;
  DenseLayer take_sum(Vector& vector) const;
  void add_steps(std::vector<Step>& steps, Chain& chain) const;
  [[noreturn]] void fail_between(const Vector& vector) const;

  const OnnxGraph& graph_;
  const Expressions& expressions_;
  LinearForms forms_;
};

}  // namespace mmoe::converter
