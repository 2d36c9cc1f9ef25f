// Scores batches of rows, and says where a row that cannot be scored came from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mmoe/model.h"
#include "mmoe/session.h"
#include "runtime/tools/rows/row_reader.h"
#include "runtime/tools/support/plan_limits.h"

namespace mmoe::tools {

struct ScorerOptions {
  std::vector<std::string> tasks;  ///< empty: all
  std::size_t top_k = 0;           ///< 0: as the file says
  float min_gate_weight = 0;       ///< 0: no expert is skipped for its weight
  std::size_t batch_rows = 256;
  std::string kernel_set;  ///< empty: MMOE_KERNEL_SET, else the fastest
  NonFinite non_finite = NonFinite::kNanScores;
  bool gates = false;  ///< also the weights of the gates
  PlanLimits limits;
};

class Scorer {
 public:
  /// The model must stay as long. Throws UsageError for an unknown task or kernel set, listing what there is.
  Scorer(const Model& model, const ScorerOptions& options);

  /// From now on batches are this user's items. The batch is the reader's last and has one row, of Part::kUser.
  /// Throws ToolError naming the place of the row when it is refused.
  void set_user(const RowReader& reader, const RowBatch& batch);

  /// Scores of the reader's last batch: [num_rows, task_names().size()]; valid until the next call.
  /// Throws ToolError naming the place of the row that could not be scored.
  const float* score(const RowReader& reader, const RowBatch& batch);

  /// Gate weights of the same rows: [num_rows, plan().num_gate_weights()]; valid as long as the scores. REQUIRES: the
  /// options asked for them.
  const float* gate_weights() const { return gate_weights_.data(); }

  /// The most rows that a batch may have: options.batch_rows, or fewer where their gate weights would take more than
  /// kMaxBatchBytes (row_batch.h).
  std::size_t max_rows() const { return max_rows_; }

  const std::vector<std::string>& task_names() const { return task_names_; }
  const Plan& plan() const { return session_.plan(); }

 private:
  Status score_rows(const RowBatch& batch, std::size_t first, std::size_t num_rows);
  [[noreturn]] void fail(const RowReader& reader, const RowBatch& batch, const Error& error);

  Session session_;
  bool has_user_ = false;
  std::vector<std::string> task_names_;
  std::size_t max_rows_;
  std::vector<float> scores_;
  std::vector<float> gate_weights_;
};

}  // namespace mmoe::tools
