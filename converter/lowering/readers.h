// What reads streams, and with which layer.
#pragma once

#include "converter/model/model.h"

namespace mmoe::converter {

/// Whether it is x, or has parts of it. `previous_is_x`: the reader stands at the first level, without a trunk.
inline bool reads_x(const StreamRef& input, bool previous_is_x) {
  return input.reads_x() || (previous_is_x && input.source == StreamSource::kPrevious && input.parts.empty());
}

/// Calls visit(layer, input, reads_x) with every first layer and what it reads; `reads_x`: that is x, or has parts of
/// it.
template <class Visit>
void for_each_reader(TrainedModel& model, const Visit& visit) {
  StreamRef x = input_stream();
  if (!model.trunk.empty()) visit(model.trunk.front(), x, true);
  for (Node& node : model.nodes) {
    const bool previous_is_x = node.level == 0 && model.trunk.empty();
    if (node.kind == NodeKind::kMlp) visit(node.layers.front(), node.input, reads_x(node.input, previous_is_x));
  }
  for (size_t l = 0; l < model.levels.size(); ++l) {
    const bool previous_is_x = l == 0 && model.trunk.empty();
    for (Expert& expert : model.levels[l].experts) {
      visit(expert.layers.front(), expert.input, reads_x(expert.input, previous_is_x));
    }
    for (Gate& gate : model.levels[l].gates) {
      if (!gate.logits) continue;
      visit(gate.hidden.empty() ? *gate.logits : gate.hidden.front(), gate.input, reads_x(gate.input, previous_is_x));
    }
  }
  for (Tower& tower : model.towers) visit(tower.layers.front(), tower.input, tower.input.reads_x());
}

/// Calls change(layer, input) with every first layer that reads x, or parts of it.
template <class Change>
void change_readers(TrainedModel& model, const Change& change) {
  for_each_reader(model, [&](DenseLayer& layer, StreamRef& input, bool reads_x) {
    if (reads_x) change(layer, input);
  });
}

/// What reads node n reads n + `first` then.
inline void number_nodes_from(TrainedModel& model, size_t first) {
  const auto move = [&](StreamRef& input) {
    if (input.source == StreamSource::kNode) input.index += first;
    for (StreamPart& part : input.parts) {
      if (part.source == StreamSource::kNode) part.index += first;
    }
  };
  for_each_reader(model, [&](DenseLayer&, StreamRef& input, bool) { move(input); });
  for (Node& node : model.nodes) {
    for (StreamRef& input : node.inputs) move(input);
  }
}

/// Calls change(input) with every operand of a node that is x, or has parts of it.
template <class Change>
void change_operands(TrainedModel& model, const Change& change) {
  for (Node& node : model.nodes) {
    const bool previous_is_x = node.level == 0 && model.trunk.empty();
    for (StreamRef& input : node.inputs) {
      if (reads_x(input, previous_is_x)) change(input);
    }
  }
}

}  // namespace mmoe::converter
