// Running a program's steps for one block of rows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plan/program.h"

namespace mmoe::internal {

/// Rows of x, `stride` floats apart; with `candidates`, only the columns behind the shared ones.
struct RowBlock {
  const float* x;
  std::size_t stride;
  std::size_t count;
  bool candidates;
};

/// Where the weights of all gates' experts go, side by side, rows `stride` floats apart.
struct GateWeights {
  float* data;  ///< null: they are not wanted
  std::size_t stride;
};

/// Leaves each link's scores in Program::scores, and the towers' logits where the links' steps say.
/// REQUIRES for candidates: compute_prefixes() was called.
void run_steps(Program& program, const RowBlock& rows, const GateWeights& weights);

/// The same, adding what each step took by `clock` to its entry of `ticks`.
void run_steps_timed(Program& program, const RowBlock& rows, std::uint64_t (*clock)(), std::uint64_t* ticks);

/// Accumulates the shared columns of x, once, into the prefix of every product that reads some of them, and computes
/// the nodes that read nothing else.
void compute_prefixes(Program& program, const float* shared);

}  // namespace mmoe::internal
