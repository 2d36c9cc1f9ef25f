// What the requested tasks need of a model: found once, backwards from the tasks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/access.h"

namespace mmoe::internal {

/// A fixed set of small numbers.
template <std::size_t kSize>
class BitSet {
 public:
  void insert(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
  bool contains(std::size_t i) const { return (words_[i / 64] >> (i % 64) & 1) != 0; }

 private:
  std::uint64_t words_[(kSize + 63) / 64] = {};
};

struct Needs {
  BitSet<kMaxTasks> tasks;  ///< requested, and factors of requested products, auxiliary ones behind the others
  BitSet<kMaxTasks> towers;
  BitSet<kHasNodes ? kMaxNodes : 1> nodes;
  struct Level {
    BitSet<kMaxExperts> experts;
    BitSet<kMaxGates> gates;
  } levels[kMaxLevels];
};

/// Outputs of the towers that are needed, among the first `num_towers`: where the next one's begin in Output::logits.
std::size_t num_logits(const schema::Model& root, const Needs& needs, std::size_t num_towers);

Needs find_needs(const schema::Model& root, const std::uint8_t* tasks, std::size_t num_tasks);

}  // namespace mmoe::internal
