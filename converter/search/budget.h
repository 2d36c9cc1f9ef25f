// What smaller numbers may cost, and what they shall reach.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace mmoe::converter {

/// "score=0.001", "auc:income=0.0005": what a task's scores may lose against the model in f32.
struct LossLimit {
  enum class Kind { kScore, kAuc, kR2 };
  Kind kind = Kind::kScore;
  double value = 0;
  bool relative = false;  ///< kScore: "0.1%", of the root mean square of the task's scores
  std::string task;       ///< empty: every task
  std::string text;       ///< as it was given
};

/// "us=20", "us=3@256": microseconds per row, in calls of `batch` rows.
struct TimeGoal {
  double microseconds = 0;
  size_t batch = 1;
};

struct Budget {
  std::vector<LossLimit> limits;  ///< of several of one kind, for a task or for all of them, the least holds
  std::optional<uint64_t> bytes;  ///< of the file
  std::optional<TimeGoal> time;
};

/// Each text is one of score[:TASK]=X, score[:TASK]=X%, auc[:TASK]=X, r2[:TASK]=X, bytes=N[kB|MB|GB|KiB|MiB|GiB] and
/// us=X[@ROWS]. Throws UsageError.
Budget parse_budget(const std::vector<std::string>& texts);

/// What a limit is about.
struct BudgetTask {
  std::string name;
  bool probability = false;
  bool labelled = false;
  double typical = 0;  ///< root mean square of its scores in f32
};

/// Of one task; infinite where nothing limits it.
struct TaskLimits {
  double score = std::numeric_limits<double>::infinity();
  double quality = std::numeric_limits<double>::infinity();  ///< loss of AUC or R squared
};

struct ResolvedBudget {
  std::vector<TaskLimits> tasks;
  std::optional<uint64_t> bytes;
  std::optional<TimeGoal> time;
  std::vector<std::string> texts;  ///< all of it, for people; what was not given says that it is a default
};

/// What holds for each task. A limit of one task stands in place of that of all tasks. A task without a limit gets a
/// default one: 0.0005 of its AUC or R squared where it has labels, else a score difference of 0.001 for probabilities
/// and 0.1 % of the typical score for others. Where bytes or time are the only goals, no task is limited. Throws
/// UsageError for a task that is not there, and for AUC or R squared without labels.
ResolvedBudget resolve(const Budget& budget, const std::vector<BudgetTask>& tasks);

}  // namespace mmoe::converter
