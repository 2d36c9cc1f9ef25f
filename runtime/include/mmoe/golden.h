// Golden rows are rows with known scores, which the converter stored in the file. Replaying them shows that this
// machine computes the same scores.
//
//   mmoe::Result<mmoe::GoldenReport> report = mmoe::replay_golden(*session);
//   if (!report || report->num_wrong != 0) ...   // do not use this file here
//
// An app does this after an update of the model or of itself, before it uses the new version.
#pragma once

#include <cstddef>

#include "mmoe/error.h"
#include "mmoe/session.h"
#include "mmoe/span.h"

namespace mmoe {
inline namespace v0_1 {

/// Result of replaying golden rows.
struct GoldenReport {
  std::size_t num_rows;    ///< golden rows of the file
  std::size_t num_scores;  ///< rows times the session's tasks
  std::size_t num_wrong;   ///< scores that are not the stored ones; 0: all is well
  bool exact;              ///< the same bits were asked for (Plan::is_exact()); else scores may differ by the tolerance
  double tolerance;        ///< relative to max(1, |expected score|); 0 when exact
  double largest_difference;  ///< |score - expected| / max(1, |expected|)
  // The first wrong score; 0 when there is none.
  std::size_t row;   ///< golden row
  std::size_t task;  ///< index in the model
  float found;       ///< score that was computed
  float expected;    ///< score that the file has
};

/// Scores the golden rows of the session's model, whole rows in parts of as many as fit into `scores`, and compares.
/// Allocates nothing. Two NaN are alike.
///
/// scores: room, at least for one row, plan().num_tasks(); empty: 256 floats of the stack. Errors: kInvalidArgument
/// (the file has no golden rows, `scores` is too short, the plan has a top_k or min_gate_weight of its own), those of
/// Session::score().
Result<GoldenReport> replay_golden(Session& session, Span<float> scores = {});

/// How far scores of a kernel set without fused multiply-adds may be from the golden ones, relative to max(1,
/// |score|). Such a set rounds each multiply-add twice where the contract rounds once, so that every term of a sum
/// can add 2^-24 of the sum's magnitude, and the contract's own rounding as much: 2^-23 times the number of terms on
/// the longest path from x to a score. That takes the partial sums and the slopes of what follows to be of order 1,
/// which trained models with scaled inputs stay below by far. A top-k gate whose choice depends on the last bits can
/// go beyond it.
double tolerance_without_fma(const Model& model);

}  // namespace v0_1
}  // namespace mmoe
