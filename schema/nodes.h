// What the writer, the reader and the tools must agree on about nodes that are no MLPs.
#pragma once

#include <cstdint>

#include "schema/mmoe_generated.h"

namespace mmoe::schema {

/// How many numbers such a node gives. `width`: of its widest input; `group`: as in Node, divides it.
constexpr std::uint64_t outputs_of_operation(NodeKind kind, std::uint64_t width, std::uint64_t group) {
  const std::uint64_t each = group == 0 ? width : group, groups = each == 0 ? 0 : width / each;
  switch (kind) {
    case NodeKind_Dot:
    case NodeKind_SumWithinGroups: return groups;
    case NodeKind_LowerPairs:
    case NodeKind_UpperPairs: return groups == 0 ? 0 : groups * (groups - 1) / 2;
    case NodeKind_BiInteraction:
    case NodeKind_SumOfGroups: return each;
    default: return width;
  }
}

/// Columns of a stream's parts together.
inline std::uint64_t width_of(const Stream& stream) {
  std::uint64_t width = 0;
  for (const StreamPart* part : *stream.parts()) width += part->width();
  return width;
}

/// How many numbers ScaledDot gives for inputs of these widths. REQUIRES: `group` divides `keys`.
constexpr std::uint64_t outputs_of_scaled_dot(std::uint64_t query, std::uint64_t keys, std::uint64_t values,
                                              std::uint64_t group) {
  return query / group * (values / (keys / group));
}

/// How many numbers a node gives. REQUIRES: it has been verified.
inline std::uint64_t outputs_of(const Node& node) {
  if (node.kind() == NodeKind_Mlp) return node.layers()->Get(node.layers()->size() - 1)->outputs();
  if (node.kind() == NodeKind_Attention) return width_of(*node.inputs()->Get(0));
  if (node.kind() == NodeKind_Each) {
    const std::uint64_t outputs = node.layers()->Get(node.layers()->size() - 1)->outputs();
    return width_of(*node.inputs()->Get(0)) / node.group() * outputs;
  }
  if (node.kind() == NodeKind_ScaledDot) {
    return outputs_of_scaled_dot(width_of(*node.inputs()->Get(0)), width_of(*node.inputs()->Get(1)),
                                 width_of(*node.inputs()->Get(2)), node.group());
  }
  std::uint64_t widest = 0;
  for (const Stream* input : *node.inputs()) {
    const std::uint64_t width = width_of(*input);
    widest = width > widest ? width : widest;
  }
  return outputs_of_operation(node.kind(), widest, node.group());
}

}  // namespace mmoe::schema
