// Running a program's steps for one block of rows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plan/program.h"

namespace mmoe::internal {

/// Rows of x, `stride` floats apart; with `candidates`, only the columns behind the shared ones.
struct Rows {
  const float* x;
  std::size_t stride;
  std::size_t count;
  bool candidates;
};

/// Leaves each link's scores in Program::scores. REQUIRES for candidates: compute_prefixes() was called.
void run_steps(Program& program, const Rows& rows);

/// The same, adding what each step took by `clock` to its entry of `ticks`.
void run_steps_timed(Program& program, const Rows& rows, std::uint64_t (*clock)(), std::uint64_t* ticks);

/// The same, writing the weights of all gates' experts, side by side, rows `stride` floats apart. Returns their number.
std::size_t run_steps_with_gates(Program& program, const Rows& rows, float* weights, std::size_t stride);

/// Accumulates the shared columns of x, once, into the prefix of every product that reads x.
void compute_prefixes(const Program& program, const float* shared);

}  // namespace mmoe::internal
