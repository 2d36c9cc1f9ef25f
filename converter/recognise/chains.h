// From a vector of scalars back through its layers to what they read.
#pragma once

#include <functional>
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

/// Whether they compute the same of the same.
bool same_layers(const Mlp& a, const Mlp& b);

class Chains {
 public:
  Chains(const OnnxGraph& graph, Expressions& expressions)
      : graph_(graph),
        expressions_(expressions),
        forms_(expressions),
        forms_of_anything_(expressions, LinearForms::Of::kAnything) {}

  /// Throws ConvertError naming the node at which the layers end in something else.
  Chain follow(const Vector& vector);

  using Ends = std::function<bool(const Vector&)>;
  /// The layers that the vector went through last, back to what is no layer or where `ends` says, which may be within
  /// a layer: that layer is then not taken. `base` is what the first layer reads, as it stands. Without layers: the
  /// vector itself.
  Chain follow_layers(const Vector& start, const Ends& ends) const;
  /// An activation, an affine map or a norm of whatever it is of, as a layer that hands its inputs on first.
  Chain bare_step(const Vector& start) const;

  /// Vectors whose sum is the vector: one for each kind of things that its elements are linear forms of, each the
  /// outputs of one layer. Empty where the elements are none.
  std::vector<Vector> split(const Vector& vector);

  /// Where all elements are constants: a layer that gives them, whatever it reads, which is what `reader` reads.
  std::optional<Chain> constant(const Vector& vector, const Chain& reader) const;

  [[noreturn]] void fail(Ref at, const std::string& why) const;
  /// Says why the vector is none that layers give.
  [[noreturn]] void fail_between(const Vector& vector) const;
  /// The node or the input that gives a scalar, for messages.
  std::string place_of(Ref at) const;

 private:
  struct Step;
  struct Base;
  bool all_of_kind(const Vector& vector, ExpressionKind kind) const;
  bool reads_one_vector(const Vector& vector) const;
  bool is_sum_of_layer(const Vector& vector) const;
  bool is_softmax(const Vector& vector) const;
  bool is_one_activation(const Vector& vector) const;
  bool is_whole_norm(const Vector& vector) const;
  std::vector<double> kind_of_source(Ref ref) const;
  std::optional<Vector> joined(const Vector& vector);
  bool mixes_by_constants(const Vector& vector) const;
  std::optional<Base> base_of(const Vector& vector);
  std::optional<Step> step_over(Vector& vector) const;
  Step step_over_activation(Vector& vector) const;
  Step step_over_affine(Vector& vector) const;
  Step step_over_layer_norm(Vector& vector) const;
  DenseLayer take_layer(Vector& vector) const;
  DenseLayer take_sum(Vector& vector) const;
  void add_steps(std::vector<Step>& steps, Chain& chain) const;

  const OnnxGraph& graph_;
  Expressions& expressions_;
  LinearForms forms_, forms_of_anything_;
  std::map<Vector, std::vector<Vector>> split_;
  std::map<Vector, Vector> joined_;
};

}  // namespace mmoe::converter
