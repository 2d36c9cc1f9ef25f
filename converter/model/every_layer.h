// All layers of a model.
#pragma once

#include "converter/model/model.h"

namespace mmoe::converter {

/// Calls `function` with every layer, in the order in which they are computed.
template <class Function>
void for_each_layer(TrainedModel& model, const Function& function) {
  const auto all = [&](Mlp& layers) {
    for (DenseLayer& layer : layers) function(layer);
  };
  all(model.trunk);
  const auto all_nodes = [&](size_t level) {
    for (Node& node : model.nodes) {
      if (node.level != level) continue;
      all(node.attention.parts);
      all(node.layers);
    }
  };
  for (Level& level : model.levels) {
    all_nodes(static_cast<size_t>(&level - model.levels.data()));
    for (Expert& expert : level.experts) all(expert.layers);
    for (Gate& gate : level.gates) {
      all(gate.hidden);
      if (gate.logits) function(*gate.logits);
    }
  }
  all_nodes(model.levels.size());
  for (Tower& tower : model.towers) all(tower.layers);
}

}  // namespace mmoe::converter
