// Which layers read x.
#pragma once

#include "converter/description/model.h"

namespace mmoe::converter {

/// Calls `change` with every first layer that reads x.
template <class Change>
void change_readers(TrainedModel& model, const Change& change) {
  const bool level_reads_x = model.trunk.empty();
  if (!level_reads_x) change(model.trunk.front());
  for (size_t l = 0; l < model.levels.size(); ++l) {
    const auto reads_x = [&](const StreamRef& input) { return input.model_input || (l == 0 && level_reads_x); };
    for (Expert& expert : model.levels[l].experts) {
      if (reads_x(expert.input)) change(expert.layers.front());
    }
    for (Gate& gate : model.levels[l].gates) {
      if (!gate.logits || !reads_x(gate.input)) continue;
      change(gate.hidden.empty() ? *gate.logits : gate.hidden.front());
    }
  }
}

}  // namespace mmoe::converter
