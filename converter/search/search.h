// The smallest types of layers and tables that keep a budget.
#pragma once

#include <string>
#include <vector>

#include "converter/search/trials.h"

namespace mmoe::converter {

struct SearchResult {
  std::vector<Part> parts;
  std::vector<Tried> tried;
  size_t chosen = 0;             ///< in `tried`
  std::vector<TaskLoss> losses;  ///< of the chosen one, on all rows
  double share = 0;              ///< that they have of their limits
  ResolvedBudget budget;
  std::vector<SearchTask> tasks;
  uint64_t num_rows = 0, num_kept = 0;  ///< of the file, and those on which the choices were compared
  size_t batch = 1;                     ///< of what times are
  uint64_t f32_bytes = 0;

  const Tried& choice() const { return tried[chosen]; }
  /// Among the choices of one smaller part: the nearest to the budget. Null: there is none.
  const Tried* nearest() const;
};

/// Tries each part alone in each smaller type, and from what that costs a series of combinations. The result has been
/// measured as a whole. Without a goal of bytes or time it is the smallest that keeps the limits; with one, that with
/// the least harm which reaches it. The same model, rows and budget give the same choice, unless times are a goal.
/// Throws ToolError when nothing keeps the budget, with what comes nearest.
SearchResult search(const TrainedModel& model, const ProvenanceInfo& provenance, const TrialOptions& options);

}  // namespace mmoe::converter
