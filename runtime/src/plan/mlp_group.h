// MLPs that run side by side on the same rows: a level's experts and gates, or all towers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/access.h"
#include "plan/arena.h"
#include "plan/program.h"

namespace mmoe::internal {

/// Stream number of x itself; others are numbered within the level that reads them.
constexpr std::uint32_t kModelInputStream = UINT32_MAX;

/// One MLP: its layers, where its input is, and, once planned, where its output is.
struct MlpJob {
  View input{};
  /// Which stream `input` is. Not its address decides whether two layers read the same, because there are no
  /// addresses while measuring, and the measuring and the filling pass must decide alike.
  std::uint32_t stream = 0;
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
