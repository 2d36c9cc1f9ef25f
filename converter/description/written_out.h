// Nodes of a description that stand for several: an attention with a mask of its own, and compressed interactions.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "converter/description/element_nodes.h"

namespace mmoe::converter {

/// How a node that is written out adds others in front of it.
struct NodeWriter {
  const NodeFields& fields;
  const std::string& name;                             ///< of the node, without placeholders
  std::function<Node&(const nlohmann::json&)> make;    ///< binds an entry of `nodes`, of the same task
  std::function<void(const std::string&, Node)> push;  ///< a node that no entry could say
};

/// Whether the mask of an attention is not that of its first sequence.
bool has_own_mask(const JsonReader& node);
/// Its elements with this mask behind them are a node of their own; then the attention.
void write_masked_attention(const NodeWriter& writer);

/// A compressed interaction network (CIN of xDeepFM; Lian et al., KDD 2018), as products and layers for each column of
/// the fields.
void write_compressed_interaction(const NodeWriter& writer);

}  // namespace mmoe::converter
