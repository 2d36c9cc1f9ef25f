// Replays the rows with known scores that the converter stored in a model file.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "mmoe/model.h"
#include "runtime/tools/support/plan_limits.h"

namespace mmoe::tools {

/// What one kernel set made of the golden rows at one batch size.
struct Replay {
  std::string kernel_set;
  bool exact = false;       ///< the kernel set promises the same bits; else scores may differ by the tolerance
  std::size_t batch = 0;
  std::size_t num_scores = 0;
  std::size_t num_wrong = 0;
  double tolerance = 0;           ///< relative to max(1, |expected score|); 0 when exact
  double largest_difference = 0;  ///< |score - expected| / max(1, |expected|)
  /// The first wrong score; meaningless when num_wrong is 0.
  std::size_t row = 0;
  std::size_t task = 0;
  float found = 0;
  float expected = 0;
};

/// REQUIRES: the model has golden rows. `kernel_set` null: as Plan::create() chooses. Throws UsageError when there is no
/// such kernel set, ToolError when scoring fails.
Replay replay_golden_rows(const Model& model, const char* kernel_set, std::size_t batch, const PlanLimits& limits = {});

/// How far scores of a kernel set without fma may be from the golden ones, relative to max(1, |score|). Such a
/// set rounds each multiply-add twice where the contract rounds once, so that every term of a sum can add
/// 2^-24 of the sum's magnitude, and the contract's own rounding as much: 2^-23 times the number of terms on
/// the longest path from x to a score. That takes the partial sums and the slopes of what follows to be of
/// order 1, which trained models with scaled inputs stay below by far. A top-k gate whose choice hangs on the
/// last bits can go beyond it.
double tolerance_without_fma(const Model& model);

/// The names of the kernel sets that this build and machine have, fastest first.
std::vector<std::string> available_kernel_sets();

}  // namespace mmoe::tools
