// The rows that the steps of a program run for, and the steps of nodes (run_nodes.cpp).
#pragma once

#include <cstddef>

#include "session/run.h"

namespace mmoe::internal {

struct Block {
  const kernels::KernelTable& kernels;
  const RowBlock& rows;
  std::size_t lacking;  // columns of x, the first ones, that candidates' rows lack: steps' prefixes have their share
  float* scores;        // of all links
  const float* user;    // the columns that they lack, where copies need them
};

void run_combine(const Block& block, const CombineStep& step);
void run_attention(const Block& block, AttentionStep& step);
void run_each(const Block& block, const EachStep& step);
void run_scaled_dot(const Block& block, ScaledDotStep& step);
void run_user(const Block& block, const UserStep& step);

/// Row `row`'s elements, and what their layer makes of them. Those that a mask leaves out are not there.
void take_keys(const Block& block, const AttentionStep& step, std::size_t row, Keys& keys);

}  // namespace mmoe::internal
