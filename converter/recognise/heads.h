// The graph's outputs as tasks: what is done to the logits, and which vector they are.
#pragma once

#include <string>
#include <vector>

#include "converter/recognise/chains.h"

namespace mmoe::converter {

/// One number of an output. Without `logits` it is a product of other tasks.
struct Head {
  std::string name;
  Ref score;
  Vector logits;
  bool sigmoid = false;
  bool softmax = false;
  size_t column = 0;            ///< of the softmax
  std::vector<size_t> factors;  ///< earlier heads
};

/// Throws ConvertError when an output is a constant, or of ids.
std::vector<Head> find_heads(const OnnxGraph& graph, const FollowedGraph& followed);

}  // namespace mmoe::converter
