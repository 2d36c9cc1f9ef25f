// MLPs that run side by side on the same rows: a level's experts and gates, or all towers.
#pragma once

#include <cstddef>

#include "model/access.h"
#include "plan/arena.h"
#include "plan/program.h"

namespace mmoe::internal {

/// One MLP: its layers, where its input is, and, once planned, where its output is.
struct MlpJob {
  View input{};
  const DenseLayers* layers = nullptr;
  const schema::Dense* last = nullptr;  ///< one more layer behind `layers` (a gate's logits), or null
  const RowList* list = nullptr;        ///< null: all rows
  bool keep = false;                    ///< the output outlives the level's temporaries
  View output{};

  std::size_t num_layers() const { return size_of(layers) + (last ? 1 : 0); }
  const schema::Dense& layer(std::size_t i) const {
    return i < size_of(layers) ? *layers->Get(static_cast<flatbuffers::uoffset_t>(i)) : *last;
  }
};

}  // namespace mmoe::internal
