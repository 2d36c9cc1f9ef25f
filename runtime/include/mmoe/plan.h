// What to run for a model: resolved once for a choice of tasks, top-k and instruction set, so that the exact
// memory is known before any is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mmoe/error.h"
#include "mmoe/model.h"

namespace mmoe {

class PlanBuilder;

inline namespace v0_1 {

/// What becomes of a row with a NaN or an infinity among its inputs, or, though its inputs are finite, among its
/// scores: large inputs may overflow.
enum class NonFinite : std::uint8_t {
  kNanScores,  ///< an input: all scores of that row are NaN, other rows are not affected; a score: is what it is
  kError       ///< score() fails with kNonFinite, naming the row, for an input or a score
};

/// Whether a row is spared the experts that none of its gates selects. The scores are the same bits.
enum class SkipExperts : std::uint8_t {
  kWhereFaster,  ///< narrow experts, or nearly all of them, are faster computed for all rows side by side
  kAlways,
  kNever
};

struct PlanOptions {
  /// Largest batch that will usually be scored at once. Larger batches are scored in parts; the arena grows
  /// with it up to Plan::kMaxBlockRows rows.
  std::size_t max_batch = 1;

  /// Tasks to score, in the order of the output's columns; null: all. What only other tasks need is not
  /// computed. Read during Plan::create() only.
  const std::uint32_t* tasks = nullptr;
  std::size_t num_tasks = 0;

  /// Keep the k experts with the largest weights of every softmax gate, renormalised, whatever the file says; 0:
  /// as the file says.
  std::size_t top_k = 0;

  /// Skip experts whose weight in a softmax gate without top-k is below this; a row's largest weight always
  /// stays. 0: skip none. Gates trained dense often concentrate on few experts.
  float min_gate_weight = 0;
  /// Divide the weights that min_gate_weight leaves by their sum.
  bool renormalise = true;

  /// What top-k gates and min_gate_weight save is up to this.
  SkipExperts skip_experts = SkipExperts::kWhereFaster;

  /// Kernel set, by its name in <mmoe/kernel_sets.h>. Null: the one that the environment variable MMOE_KERNEL_SET
  /// names, if that is set, else the fastest that this machine has.
  const char* kernel_set = nullptr;
  /// Whether MMOE_KERNEL_SET is read at all. A kernel set that is not exact has other bits, so that with true, who
  /// starts the program can change its scores' last bits. A build with MMOE_ENVIRONMENT=OFF never reads it.
  bool allow_environment = true;

  NonFinite non_finite = NonFinite::kNanScores;

  // What a row may cost. A small file can ask for much, since layers may share weights; a plan that exceeds a limit is
  // refused with kLimitExceeded. 0: a default that grows with the file and that models are far from, whose layers share
  // little; UINT64_MAX: no limit. A build with MMOE_TRUST_FILES has none.

  /// Of Plan::multiply_adds_per_row(). Default: 64 per byte of the file, at least 2^24.
  std::uint64_t max_multiply_adds = 0;
  /// Of Plan::num_steps(). Default: one per 32 bytes of the file, at least 4,096.
  std::uint64_t max_steps = 0;
  /// Of Plan::arena_bytes(). Default: 16 times the file, at least 2^26 (64 MB).
  std::uint64_t max_arena_bytes = 0;
  /// Of the ids that raw features have per row: sparse features, and sequences in full length. Default: 2^16.
  std::uint64_t max_ids = 0;
};

/// One softmax gate that a plan computes, and where Output::gate_weights has its weights.
struct GateInfo {
  std::string_view name;         ///< in the file; may be empty
  std::size_t level;             ///< which of the model's levels, from 0
  std::size_t index;             ///< which of the level's gates, from 0
  std::size_t column;            ///< of its first weight
  std::size_t num_experts;       ///< weights per row
  const std::uint32_t* experts;  ///< [num_experts] their places in the level, in the order of the weights; the model's
  std::uint64_t tasks;           ///< bit t: the tower of the model's task t depends on it, requested or not

  bool feeds(std::size_t task) const { return (tasks >> task & 1) != 0; }
};

/// Columns of Output::logits.
struct LogitColumns {
  std::size_t first;
  std::size_t count;
};

class Plan {
 public:
  /// Rows that go through all layers together.
  static constexpr std::size_t kMaxBlockRows = 128;
  static constexpr std::size_t kMaxTasks = 64;

  /// Allocates nothing. The model must outlive the plan and its sessions; it may be moved.
  /// Errors: kInvalidArgument (a task out of range or twice, max_batch 0), kUnsupported (kernel_set; more memory than the
  /// machine can address), kLimitExceeded (one of the options' limits).
  static Result<Plan> create(const Model& model, const PlanOptions& options = {});
  static Result<Plan> create(const Model&& model, const PlanOptions& options = {}) = delete;

  /// Exactly what Session::create() needs, for an arena at any address.
  std::size_t arena_bytes() const { return arena_bytes_; }
  std::size_t num_steps() const { return num_steps_; }
  /// What one row costs, as far as it is known before the row is: multiply-adds of all products and mixes, padding
  /// included, experts that a row might skip too, and additions of pooled sequences in full length. So that it bounds
  /// the rest as well, a column of a normalisation or of a softmax counts as 16, and a choice among n experts as n n.
  std::uint64_t multiply_adds_per_row() const { return multiply_adds_; }
  /// Tasks that are scored: columns of the output.
  std::size_t num_tasks() const { return num_tasks_; }
  /// Index in the model of the task in an output column.
  std::size_t task(std::size_t column) const { return tasks_[column]; }
  std::size_t block_rows() const { return block_rows_; }

  /// Softmax gates that the tasks need, by level and place in it. Constant gates (Shared-Bottom, Cross-Stitch) are
  /// the same for every row, and not among them.
  std::size_t num_gates() const { return num_gates_; }
  /// Walks the model, as does list_gates() for all of them. REQUIRES: index < num_gates().
  GateInfo gate(std::size_t index) const;
  /// gates: [num_gates()].
  void list_gates(GateInfo* gates) const;
  /// Columns of Output::gate_weights: the sum of the gates' num_experts.
  std::size_t num_gate_weights() const { return num_gate_weights_; }

  /// Columns of Output::logits: every output of every tower that the tasks need, towers in the file's order.
  std::size_t num_logits() const { return num_logits_; }
  /// Those of which a task's score is made: one, or all classes of a softmax. None (count 0) of a product of other tasks'
  /// scores. `column` is the task's in the output. REQUIRES: column < num_tasks().
  LogitColumns logits(std::size_t column) const;

  /// The kernel set's name.
  const char* kernel_set() const;
  /// Whether scores are the same bits as on every other kernel set of which this is true. ("neon", of ARMv7, and
  /// "mve", of Cortex-M55, compute with 0 instead of subnormal numbers, which scores seldom meet.) Proven at every
  /// call, in microseconds: the kernel set must fuse its multiply-adds on this machine and with this C library.
  ///
  /// The environment variable MMOE_KERNEL_SET may choose a set of which it is false ("sse2"). A program whose bits must
  /// not be changed from outside sets PlanOptions::allow_environment to false, or asks here.
  ///
  /// All scores need the floating-point environment that C begins with: rounding to nearest, subnormal numbers kept.
  /// A program that is linked with -ffast-math is started without the latter (crtfastm.o), and so may be a thread of
  /// an audio host; one score in 180,000 of a trial then had other bits. Builds without NDEBUG assert it when they
  /// score.
  bool is_exact() const;

  /// The file of the model: Model::data() and size_bytes().
  const void* data() const { return data_; }
  std::size_t size_bytes() const { return size_bytes_; }
  NonFinite non_finite() const { return non_finite_; }
  std::size_t top_k() const { return top_k_; }
  float min_gate_weight() const { return min_gate_weight_; }

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
