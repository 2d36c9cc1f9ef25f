// Mixtures by their levels: which streams experts, gates and towers read.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "converter/recognise/mixtures.h"

namespace mmoe::converter {

/// A mixture, and what its gate and its experts are.
struct MixedStream {
  Mixture mixture;
  Chain gate;  ///< its last layer gives the logits; without layers for constant weights
  std::vector<Chain> experts;
  size_t level = 0;  ///< from 1
};

/// All mixtures below the towers. A stream that is read above the next level is handed on through those between, by an
/// expert of its own with a constant weight of 1.
class StreamFinder {
 public:
  /// `most`: weights of experts and gates, past which find() throws ConvertError.
  StreamFinder(Chains& chains, Expressions& expressions, double most)
      : chains_(chains), mixtures_(chains, expressions), most_(most) {}

  /// Finds the stream and all below it; gives its level.
  size_t find(const Vector& vector) { return find(vector, 1); }

  /// The stream as one of `level`, which is not below its own.
  Vector lift(Vector vector, size_t level);
  /// What layers make of the input, as a stream of `level`; `layers` is how many of the chain's. Leaves the chain the
  /// others.
  void lift_input(Chain& chain, size_t layers, size_t level);

  const MixedStream& at(const Vector& vector) const { return streams_.at(vector); }
  /// Each after what it reads.
  const std::vector<Vector>& order() const { return order_; }

 private:
  size_t find(const Vector& vector, size_t depth);
  size_t level_below(const Chain& chain, size_t depth);
  void count(const Chain& chain);
  Vector add_constant(Vector key, const Vector& expert, Chain chain, size_t level);

  Chains& chains_;
  Mixtures mixtures_;
  std::map<Vector, MixedStream> streams_;
  std::vector<Vector> order_;
  std::set<Vector> counted_;
  double most_;
};

}  // namespace mmoe::converter
