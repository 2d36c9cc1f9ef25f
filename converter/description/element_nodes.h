// Nodes over elements that lie side by side: layers for each, and attention to them and between them.
#pragma once

#include <optional>

#include "converter/description/streams.h"
#include "converter/model/model.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/numbering.h"
#include "converter/reading/tensor_index.h"

namespace mmoe::converter {

/// An entry of `nodes`, and what it may read; `task`: whose it is, if it is one for each.
struct NodeFields {
  const JsonReader& object;
  std::optional<size_t> task;
  Slot slot;  ///< where its tensors are
  TensorIndex& tensors;
  Streams& streams;

  StreamRef operand(const JsonReader& field) const { return streams.operand(field, task); }
};

Node bind_each(const NodeFields& fields);
Node bind_scaled_dot(const NodeFields& fields);
Node bind_attention(const NodeFields& fields);
/// `layer_norm` of the node that was added last, and what follows it.
Node bind_norm(const NodeFields& fields, const Activation& activation);

}  // namespace mmoe::converter
