// A plan: what to compute for a model, given a choice of tasks, top-k and kernel set. It is made once. It knows exactly
// how much memory a session needs, before any is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mmoe/error.h"
#include "mmoe/model.h"

namespace mmoe {

class PlanBuilder;

inline namespace v0_1 {

/// What happens to a row whose inputs are NaN or infinite, or whose scores are, which can happen if large inputs
/// overflow.
enum class NonFinite : std::uint8_t {
  kNanScores,  ///< for an input, all scores of the row are NaN, and other rows are not affected; scores are not checked
  kError       ///< score() fails with kNonFinite, for an input or a score; the message names the row
};

/// When to skip, for a row, the experts that none of its gates selects. The scores have the same bits either way.
enum class SkipExperts : std::uint8_t {
  kWhereFaster,  ///< where it saves time; narrow experts are often faster if computed for all rows side by side
  kAlways,
  kNever
};

/// Options of a plan. The defaults are good for scoring single rows with all tasks.
struct PlanOptions {
  /// Largest batch that is usually scored in one call. Larger batches are scored in parts. The arena grows with it,
  /// up to Plan::kMaxBlockRows rows.
  std::size_t max_batch = 1;

  /// Tasks to score, in the order of the output's columns. Null: all. What only other tasks need is not computed. The
  /// array is read during Plan::create() only.
  const std::uint32_t* tasks = nullptr;
  std::size_t num_tasks = 0;  ///< elements of `tasks`

  /// Keep the k largest weights of every gate that computes them; those of a softmax are renormalised, those of
  /// another activation or of smooth steps stay as they are. Replaces what the file says. 0: as the
  /// file says.
  std::size_t top_k = 0;

  /// Skip experts whose weight is less than this, in gates without top-k whose weights are computed. The largest weight
  /// of a row is always kept. 0: skip none. Gates that were trained without top-k often give most weight to few
  /// experts.
  float min_gate_weight = 0;
  /// Divide the weights that min_gate_weight keeps by their sum. Only in softmax gates.
  bool renormalise = true;

  /// Whether experts that top-k and min_gate_weight do not select are skipped.
  SkipExperts skip_experts = SkipExperts::kWhereFaster;

  /// Kernel set, by its name in <mmoe/kernel_sets.h>. Null: the one that the environment variable MMOE_KERNEL_SET
  /// names, if that is set, else the fastest that this machine has.
  const char* kernel_set = nullptr;
  /// Whether MMOE_KERNEL_SET is read. It can select a kernel set that is not exact, which changes the last bits of
  /// scores. A build with MMOE_ENVIRONMENT=OFF never reads it.
  bool allow_environment = true;

  NonFinite non_finite = NonFinite::kNanScores;  ///< what happens to rows with inputs that are NaN or infinite

  // Limits on the cost of a row. A small file can ask for much work, since its layers may share weights. A plan above
  // a limit is refused with kLimitExceeded. 0: a default that grows with the file, and that usual models are far
  // below; UINT64_MAX: no limit. A build with MMOE_TRUST_FILES has none.

  /// Limit of Plan::multiply_adds_per_row(). Default: 64 per byte of the file, at least 2^24.
  std::uint64_t max_multiply_adds = 0;
  /// Limit of Plan::num_steps(). Default: one per 32 bytes of the file, at least 4,096.
  std::uint64_t max_steps = 0;
  /// Limit of Plan::arena_bytes(). Default: 16 times the file, at least 2^26 (64 MB).
  std::uint64_t max_arena_bytes = 0;
  /// Limit of the ids that raw features have per row, counting sequences at full length. Default: 2^16.
  std::uint64_t max_ids = 0;
};

/// A gate whose weights a plan computes, and the columns of Output::gate_weights that have its weights.
struct GateInfo {
  std::string_view name;         ///< in the file; may be empty
  std::size_t level;             ///< which of the model's levels, from 0
  std::size_t index;             ///< which of the level's gates, from 0
  std::size_t column;            ///< column of its first weight
  std::size_t num_experts;       ///< weights per row
  const std::uint32_t* experts;  ///< [num_experts] positions of the experts in the level, by weight; owned by the model
  std::uint64_t tasks;           ///< bit t is set if the tower of task t of the model depends on the gate

  /// Whether the tower of this task of the model depends on the gate.
  bool feeds(std::size_t task) const { return (tasks >> task & 1) != 0; }
};

/// A range of columns of Output::logits.
struct LogitColumns {
  std::size_t first;  ///< column
  std::size_t count;  ///< columns; 0: none
};

/// What to compute for a model and a choice of options. Immutable; threads may share it. Copying it is cheap.
class Plan {
 public:
  /// Rows that go through all layers together.
  static constexpr std::size_t kMaxBlockRows = 128;
  /// Tasks that a model may have, with those that are only factors of others.
  static constexpr std::size_t kMaxTasks = 64;

  /// Allocates nothing. The model must outlive the plan and its sessions; it may be moved. Errors: kInvalidArgument
  /// (a task out of range or twice, max_batch 0), kUnsupported (kernel_set; more memory than the machine can
  /// address), kLimitExceeded (one of the options' limits).
  static Result<Plan> create(const Model& model, const PlanOptions& options = {});
  static Result<Plan> create(const Model&& model, const PlanOptions& options = {}) = delete;

  /// Exactly what Session::create() needs, for an arena at any address.
  std::size_t arena_bytes() const { return arena_bytes_; }
  /// Steps that a block of rows goes through: what Session::profile() measures.
  std::size_t num_steps() const { return num_steps_; }
  /// An upper bound of the work per row. It counts the multiply-adds of all products and mixes, including padding and
  /// experts that a row might skip, and the additions of pooled sequences at full length. To cover the other work too,
  /// a column of a normalisation or of a softmax counts as 16, and a choice among n experts as n * n.
  std::uint64_t multiply_adds_per_row() const { return multiply_adds_; }
  /// Tasks that are scored: columns of the output.
  std::size_t num_tasks() const { return num_tasks_; }
  /// Index in the model of the task in an output column.
  std::size_t task(std::size_t column) const { return tasks_[column]; }
  /// Rows of a block: the smaller of PlanOptions::max_batch and kMaxBlockRows.
  std::size_t block_rows() const { return block_rows_; }

  /// Number of gates with computed weights that the tasks need. They are ordered by level, and by position in the
  /// level. Constant gates (Shared-Bottom, Cross-Stitch) have the same weights for every row and are not counted.
  std::size_t num_gates() const { return num_gates_; }
  /// Walks the model; to get all gates, list_gates() is faster. REQUIRES: index < num_gates().
  GateInfo gate(std::size_t index) const;
  /// gates: [num_gates()].
  void list_gates(GateInfo* gates) const;
  /// Columns of Output::gate_weights: the sum of the gates' num_experts.
  std::size_t num_gate_weights() const { return num_gate_weights_; }

  /// Columns of Output::logits: every output of every tower that the tasks need, with the towers in the order of the
  /// file.
  std::size_t num_logits() const { return num_logits_; }
  /// The logits from which a score is computed: one, or all classes of a softmax; none (count 0) for a product of
  /// scores of other tasks. `column` is the column of the task in the output. REQUIRES: column < num_tasks().
  LogitColumns logits(std::size_t column) const;

  /// The kernel set's name.
  const char* kernel_set() const;
  /// Whether scores have the same bits as those of every other exact kernel set. The kernel set must fuse its
  /// multiply-adds on this machine and with this C library; each call proves it by computing, in microseconds. "neon"
  /// of ARMv7 and "mve" of Cortex-M55 replace subnormal numbers by 0. Scores rarely involve such numbers.
  ///
  /// The environment variable MMOE_KERNEL_SET can select a set that is not exact ("sse2"). A program whose bits must
  /// not be changed from outside sets PlanOptions::allow_environment to false, or asks here.
  ///
  /// The bits also require the floating-point environment with which a C program starts: rounding to nearest, and
  /// subnormal numbers. A program that is linked with -ffast-math starts without subnormal numbers (crtfastm.o), and
  /// threads of audio hosts may run without them. In a trial, one score of 180,000 then had other bits. Builds
  /// with MMOE_ASSERTIONS, as Debug builds are, assert the environment when they score.
  bool is_exact() const;

  /// The file of the model: Model::data() and size_bytes().
  const void* data() const { return data_; }
  std::size_t size_bytes() const { return size_bytes_; }      ///< of that file
  NonFinite non_finite() const { return non_finite_; }        ///< as PlanOptions said
  std::size_t top_k() const { return top_k_; }                ///< as PlanOptions said
  float min_gate_weight() const { return min_gate_weight_; }  ///< as PlanOptions said

 private:
  friend class Session;
  friend PlanBuilder;
  Plan() = default;

  const void* data_;
  std::size_t size_bytes_;
  const void* kernels_;
  std::size_t arena_bytes_;
  std::size_t num_steps_;
  std::size_t num_gates_;
  std::size_t num_gate_weights_;
  std::size_t num_logits_;
  std::uint64_t multiply_adds_;
  std::size_t table_bytes_;
  std::size_t work_floats_;
  std::size_t block_rows_;
  std::size_t top_k_;
  float min_gate_weight_;
  bool renormalise_;
  SkipExperts skip_experts_;
  std::size_t num_tasks_;
  std::uint8_t tasks_[kMaxTasks];
  NonFinite non_finite_;
};

}  // namespace v0_1
}  // namespace mmoe
