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

/// Different vectors of logits, each with the first head that reads it.
std::vector<const Head*> find_towers(const std::vector<Head>& heads);
/// With links to the towers, which are in the order of find_towers().
std::vector<Task> make_tasks(const std::vector<Head>& heads);

}  // namespace mmoe::converter
