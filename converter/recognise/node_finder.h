// Nodes and mixtures beside each other: what a graph computes between its inputs and its towers, as streams.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "converter/recognise/attention.h"
#include "converter/recognise/id_numbers.h"
#include "converter/recognise/mixtures.h"
#include "converter/recognise/scaled_dot.h"
#include "converter/recognise/sum_operations.h"

namespace mmoe::converter {

/// What gives a stream: a node, or a gate over experts.
struct StreamMaker {
  size_t level = 0;              ///< a node: it comes behind so many levels; a gate: it is of this one, from 1
  Node node;                     ///< without what it reads; of the chain without its layers
  std::vector<Vector> operands;  ///< no MLP
  std::optional<Chain> mlp;
  // A gate:
  std::optional<Mixture> mixture;
  Chain gate;
  std::vector<Chain> experts;

  size_t width() const;
};

/// Where a scalar is to be found.
struct StreamPlace {
  size_t maker = 0;
  size_t column = 0;
};

/// Makes nodes and gates of all that layers read, down to the graph's inputs.
class NodeFinder {
 public:
  NodeFinder(Chains& chains, Expressions& expressions, const std::vector<Ref>& scores);

  /// The layers before a task's logits; what their first one reads is made. Throws ConvertError naming what nodes are
  /// none of.
  Chain find_tower(const Vector& logits);

  /// Each after what it reads.
  const std::vector<StreamMaker>& makers() const { return makers_; }
  /// Nothing of the graph's inputs and embeddings.
  std::optional<StreamPlace> place_of(Ref ref) const;
  bool is_input(Ref ref) const;
  /// Of what reads the vector: how many levels come before it.
  size_t level_of(const Vector& vector) const;

 private:
  bool is_there(Ref ref) const { return is_input(ref) || places_.count(ref) != 0; }
  bool is_shared(Ref ref) const;
  void count_readers(const std::vector<Ref>& scores);
  bool ends(const Vector& vector) const;

  void provide(const Vector& vector);
  void make(Vector vector);
  std::vector<double> source_of(Ref ref) const;
  std::vector<Vector> by_source(const Vector& vector) const;
  void make_of_one_source(const Vector& vector);
  bool make_mlp(const Vector& vector);
  bool make_attention(const Vector& vector);
  bool make_scaled_dot(const Vector& vector);
  Vector read_columns(Ref ref) const;
  Ref source_ref(Ref ref) const;
  bool make_mask(const Vector& vector);
  bool make_as(const Vector& vector, const std::optional<Vector>& same);
  void make_copy(const Vector& vector, const Vector& of);
  bool make_of_id(const Vector& vector);
  bool make_of_number(const Vector& vector);
  bool make_of_count(const Vector& vector);
  void make_alike(const std::vector<Vector>& pieces);
  void make_each(const std::vector<Vector>& parts);
  bool make_gate(const Vector& vector);
  bool may_be_weighed(Ref ref, size_t& most) const;
  Vector as_one(const Vector& vector);
  bool is_gate(const Mixture& mixture) const;
  std::optional<StreamMaker> gate_of(const Vector& vector);
  bool are_own_sums(const Vector& vector);
  void make_activated(const Vector& vector);
  void make_affine(const Vector& vector);
  void make_operation(const Vector& vector, Operation operation, const Activation& activation);
  bool make_sum(const Vector& vector, const Vector& sums, const Activation& activation);
  void make_softmax(const Vector& vector);
  void make_bare(const Vector& vector);
  /// Affine maps of what the first layer reads become part of it; what is left is provided.
  void read_base(Chain& chain);
  void add(StreamMaker maker, const Vector& vector);

  Chains& chains_;
  Expressions& expressions_;
  Mixtures mixtures_;
  AttentionFinder attentions_;
  ScaledDotFinder scaled_dots_;
  IdNumbers id_numbers_;
  SumOperations sums_;
  std::vector<StreamMaker> makers_;
  std::map<Ref, StreamPlace> places_;
  struct Readers {
    uint32_t last = 0;  // an expression
    bool several = false;
  };
  std::map<uint32_t, std::vector<Readers>> readers_;  // of the columns of expressions that the scores come from
  std::map<Vector, Vector> joined_;
  size_t depth_ = 0, num_nodes_ = 0;
};

}  // namespace mmoe::converter
