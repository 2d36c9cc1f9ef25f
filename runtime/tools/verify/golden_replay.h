// Replays the rows with known scores that the converter stored in a model file.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "mmoe/golden.h"
#include "mmoe/model.h"
#include "runtime/tools/support/plan_limits.h"

namespace mmoe::tools {

/// What one kernel set made of the golden rows at one batch size.
struct Replay {
  std::string kernel_set;
  std::size_t batch = 0;
  GoldenReport report{};
};

/// REQUIRES: the model has golden rows. `kernel_set` null: as Plan::create() chooses. Throws UsageError when there is
/// no such kernel set, ToolError when scoring fails.
Replay replay_golden_rows(const Model& model, const char* kernel_set, std::size_t batch, const PlanLimits& limits = {});

/// The golden scores beside those of the model in f32, which the converter has stored where not all numbers are f32.
struct F32Comparison {
  bool present = false;
  std::size_t num_wrong = 0;  ///< scores that differ by more than the file says
  double largest_difference = 0;
};
F32Comparison compare_with_f32(const Model& model);

/// The names of the kernel sets that this build and machine have, fastest first.
std::vector<std::string> available_kernel_sets();

}  // namespace mmoe::tools
