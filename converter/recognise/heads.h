// The graph's outputs as tasks: what is done to the logits, and which vector they are.
#pragma once

#include <string>
#include <vector>

#include "converter/recognise/chains.h"

namespace mmoe::converter {

/// One number of an output, or a factor of one.
struct Head {
  std::string name;
  Ref score;
  bool output = true;
  Vector logits;  ///< of its tower; empty for a product
  Link link;      ///< its tower is not set; factors are heads before this one
};

/// Throws ConvertError when an output is a constant, or of ids.
std::vector<Head> find_heads(const OnnxGraph& graph, const FollowedGraph& followed);

}  // namespace mmoe::converter
