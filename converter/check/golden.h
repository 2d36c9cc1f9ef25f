// Golden rows and the proof that the written file computes what the description says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "converter/check/evaluate.h"
#include "converter/writer/writer.h"
#include "runtime/tools/support/plan_limits.h"

namespace mmoe::converter {

/// What the comparison of the file with the description found.
struct CheckReport {
  size_t num_rows = 0;
  size_t num_scores = 0;
  size_t num_compared = 0;        ///< scores whose rounding error has a bound (not so where a top-k choice is a tie)
  double largest_difference = 0;  ///< |runtime - double-precision evaluation|, over rows and tasks
  double largest_share_of_bound = 0;           ///< the same over its bound of float rounding
  std::vector<std::string> exact_kernel_sets;  ///< kernel sets whose scores are the same bits as the scalar one's
};

/// The rows as the file holds them. Scores are zeros of the right number.
Golden make_golden(const TrainedModel& model, const RawRows& rows);

/// The same for a file whose numbers are not all f32, with the scores of `f32` beside its own. What is to be measured
/// are zeros of the right number, those of labels `with_rows` only.
Golden make_stored_golden(const Golden& f32, size_t num_tasks, const std::string& rows_file, bool with_rows);

/// Loads the file's bytes with the runtime, fills golden.scores with the scalar kernels' scores, and compares them
/// with `expected` and with every exact kernel set of this machine. Throws ConvertError naming row and task
/// where they differ by more than their bound, or by a bit; and where a row costs more than the limits, which is said
/// also of a file without golden rows, with the option that raises the limit.
CheckReport check_file(std::string_view file, const Evaluated& expected, Golden& golden,
                       const tools::PlanLimits& limits = {});

}  // namespace mmoe::converter
