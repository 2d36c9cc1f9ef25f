// MLPs that run side by side on the same rows: a level's experts and gates, or all towers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/access.h"
#include "plan/arena.h"
#include "plan/needs.h"
#include "plan/program.h"

namespace mmoe::internal {

/// Stream number of x itself; others are numbered within the level that reads them.
constexpr std::uint32_t kModelInputStream = UINT32_MAX;
/// Number of Model.streams' first; the others follow.
constexpr std::uint32_t kNamedStreams = kMaxGates;
/// Number of the first node's result; the others follow.
constexpr std::uint32_t kNodeStreams = kNamedStreams + kMaxStreams;

/// What a layer reads: columns of x, or a buffer.
struct LayerInput {
  Buffer buffer;
  bool is_x;
  std::size_t column;  ///< of x, the first
  std::size_t shared;  ///< so many inputs, the first ones, are the same for all candidates of a request
};

/// One MLP of a group. It is made anew from the model whenever it is asked for: a list of all would be 20 kB.
struct MlpJob {
  std::uint32_t stream;       ///< that it reads
  const DenseLayers* layers;  ///< null: none
  const schema::Dense* last;  ///< one more layer behind `layers` (a gate's logits), or null
  bool sparse;                ///< runs on the rows of a list
  const RowList* list;        ///< null: all rows; and while measuring, when there are no lists
  bool keep;                  ///< the output outlives the level's temporaries

  std::size_t num_layers() const { return size_of(layers) + (last ? 1 : 0); }
  const schema::Dense& layer(std::size_t i) const {
    return i < size_of(layers) ? *layers->Get(static_cast<flatbuffers::uoffset_t>(i)) : *last;
  }
};

/// A level while it is planned.
struct LevelPlan {
  const schema::Level& level;
  const Needs::Level& needs;
  bool reads_x;                ///< the first one without a trunk: its streams are x
  BitSet<kMaxExperts> sparse;  ///< experts that run only on the rows that select them
  BitSet<kMaxExperts> kept;    ///< whose output is a stream of the next level
  bool any_sparse;
  RowList* lists;  ///< one per expert, if any is sparse; null while measuring
};

/// MLPs by place: a level's experts and, behind them, its gates; or all towers, where there is no level. Places that
/// the tasks do not need are left out.
struct MlpGroup {
  const LevelPlan* level;
  std::size_t begin, end;
};

}  // namespace mmoe::internal
