// How many experts, and how much arithmetic, the gates of a session leave to each row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mmoe/plan.h"
#include "runtime/tools/support/plan_limits.h"

namespace mmoe::tools {

/// From the weights that a session wrote: an expert is computed for a row when some gate gives it a weight other than
/// 0 there, or mixes it by a constant. (A selected expert whose weight rounds to 0 counts as skipped.)
class Skipping {
 public:
  /// Of gates that keep the `top_k` largest weights. The model of the plan must stay as long.
  Skipping(const Plan& plan, std::size_t top_k);

  /// weights: of one row, as Output::gate_weights has them.
  void add(const float* weights);

  std::size_t num_experts() const { return num_experts_; }
  // REQUIRES: at least one row.
  /// Mean number of experts of a row, of all levels.
  double mean_experts() const;
  /// Mean multiply-adds of a row: trunk, experts, gates, mixing and towers.
  double mean_multiply_adds() const;
  /// With all experts.
  double all_multiply_adds() const { return all_multiply_adds_; }

 private:
  struct Gate {
    GateInfo info;
    double mixing;  // multiply-adds of one expert
    bool selects;   // else a weight of 0 is mixed like any other
  };

  std::vector<Gate> gates_;
  std::vector<std::vector<double>> costs_;   // [level][expert], multiply-adds; 0 of those that no gate mixes
  std::vector<std::vector<char>> always_;    // [level][expert]
  std::vector<std::vector<char>> computed_;  // of the last row
  std::size_t num_experts_ = 0;
  double all_multiply_adds_ = 0;
  std::uint64_t num_rows_ = 0;
  double experts_ = 0, skipped_ = 0;  // sums over the rows
};

/// Whether a session of such a plan skips experts at all: the plan computes all side by side where that is faster.
bool skips_experts(const Model& model, std::size_t top_k, std::size_t max_batch, const PlanLimits& limits = {});

}  // namespace mmoe::tools
