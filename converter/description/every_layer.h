// All layers of a model.
#pragma once

#include "converter/description/model.h"

namespace mmoe::converter {

/// Calls `function` with every layer, in the order in which they are computed.
template <class Function>
void for_each_layer(TrainedModel& model, const Function& function) {
  const auto all = [&](Mlp& layers) {
    for (DenseLayer& layer : layers) function(layer);
  };
  all(model.trunk);
  for (Level& level : model.levels) {
    for (Expert& expert : level.experts) all(expert.layers);
    for (Gate& gate : level.gates) {
      all(gate.hidden);
      if (gate.logits) function(*gate.logits);
    }
  }
  for (Tower& tower : model.towers) all(tower.layers);
}

}  // namespace mmoe::converter
