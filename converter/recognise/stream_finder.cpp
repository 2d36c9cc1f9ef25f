#include "converter/recognise/stream_finder.h"

#include <algorithm>
#include <limits>

#include "converter/model/limits.h"

namespace mmoe::converter {
namespace {

// Marks the name of a stream that is handed on to a level.
Ref level_mark(size_t level) { return {std::numeric_limits<uint32_t>::max(), static_cast<uint32_t>(level)}; }

}  // namespace

size_t StreamFinder::find(const Vector& vector, size_t depth) {
  const auto known = streams_.find(vector);
  if (known != streams_.end()) return known->second.level;
  if (depth > kMaxLevels) chains_.fail(vector.front(), "lies under more than 16 levels");
  MixedStream stream;
  stream.mixture = mixtures_.find(vector);
  if (!stream.mixture.logits.empty()) {
    stream.gate = chains_.follow(stream.mixture.logits);
    count(stream.gate);
  }
  for (const Vector& expert : stream.mixture.experts) {
    std::optional<Chain> constant = chains_.constant(expert, stream.gate);
    stream.experts.push_back(constant ? std::move(*constant) : chains_.follow(expert));
    count(stream.experts.back());
  }
  size_t below = level_below(stream.gate, depth);
  for (const Chain& expert : stream.experts) below = std::max(below, level_below(expert, depth));
  stream.level = below + 1;
  for (Chain& expert : stream.experts) {
    if (expert.kind == BaseKind::kMixture) expert.base = lift(expert.base, below);
  }
  if (!stream.gate.layers.empty() && stream.gate.kind == BaseKind::kMixture)
    stream.gate.base = lift(stream.gate.base, below);
  order_.push_back(vector);
  return streams_.emplace(vector, std::move(stream)).first->second.level;
}

/// Layers that several chains have in common count once.
void StreamFinder::count(const Chain& chain) {
  for (size_t i = 0; i < chain.layers.size(); ++i) {
    if (counted_.insert(chain.after[i]).second) most_ -= static_cast<double>(chain.layers[i].weight.data.size());
  }
  if (most_ < 0) chains_.fail(chain.after.back().front(), "takes many more multiplications as levels than the graph");
}

size_t StreamFinder::level_below(const Chain& chain, size_t depth) {
  return chain.kind == BaseKind::kMixture && !chain.layers.empty() ? find(chain.base, depth + 1) : 0;
}

Vector StreamFinder::add_constant(Vector key, const Vector& expert, Chain chain, size_t level) {
  if (streams_.count(key) != 0) return key;
  MixedStream stream;
  stream.mixture.constant_weights = {1};
  stream.mixture.experts = {expert};
  stream.experts.push_back(std::move(chain));
  stream.level = level;
  streams_.emplace(key, std::move(stream));
  order_.push_back(key);
  return key;
}

Vector StreamFinder::lift(Vector vector, size_t level) {
  for (size_t at = streams_.at(vector).level; at < level; ++at) {
    Chain chain;
    chain.layers.push_back(hand_on(streams_.at(vector).experts.front().layers.back().outputs(), "handed on"));
    chain.after.push_back(vector);
    chain.base = vector;
    chain.kind = BaseKind::kMixture;
    Vector key = vector;
    key.push_back(level_mark(at + 1));
    vector = add_constant(std::move(key), vector, std::move(chain), at + 1);
  }
  return vector;
}

void StreamFinder::lift_input(Chain& chain, size_t layers, size_t level) {
  const auto split = static_cast<std::ptrdiff_t>(layers);
  Chain expert = chain;
  expert.layers.resize(layers);
  expert.after.resize(layers);
  const Vector result = expert.after.back();
  Vector key = result;
  key.push_back(level_mark(level));
  chain.layers.erase(chain.layers.begin(), chain.layers.begin() + split);
  chain.after.erase(chain.after.begin(), chain.after.begin() + split);
  if (chain.layers.empty()) {
    chain.layers.push_back(hand_on(result.size(), "handed on"));
    chain.after.push_back(result);
  }
  chain.base = add_constant(std::move(key), result, std::move(expert), level);
  chain.kind = BaseKind::kMixture;
}

}  // namespace mmoe::converter
