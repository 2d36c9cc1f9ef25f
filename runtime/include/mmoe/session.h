// Scoring: a plan and the memory it runs in.
//
//   auto model = mmoe::Model::map("ranker.mmoe");
//   auto session = mmoe::Session::create(*model);
//   session->score(x, 1, scores);
//
// A Session belongs to one thread at a time; any number of them may share a Model. score() allocates
// nothing, locks nothing and throws nothing, and gives a row the same bits whatever rows stand beside it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mmoe/error.h"
#include "mmoe/model.h"
#include "mmoe/plan.h"

namespace mmoe {

class Program;

namespace internal {
struct Rows;
}

inline namespace v0_1 {

/// The raw values of one feature for all rows of a batch; the member that the feature's kind does not
/// use is ignored.
struct FeatureColumn {
  const float* values = nullptr;      ///< Dense: [batch, width]; NaN is a missing value
  const std::int32_t* ids = nullptr;  ///< Sparse: [batch], from Model::find_id(); Sequence: [batch, length], of
                                      ///< which kNoElement ones are left out
};

/// One step of a session's plan, for people who look where the time goes.
struct StepInfo {
  const char* kind;     ///< "dense", "norm", "gate", "select", "mix", "link"
  std::size_t inputs;   ///< columns read per row: of a dense product, logits of a gate or link, experts mixed
  std::size_t outputs;  ///< columns written per row, panel padding included; 0 for "select"
  bool sparse;          ///< runs only on the rows that selected its expert
};

class Session {
 public:
  /// One allocation, here. Errors: those of Plan::create(), kOutOfMemory.
  static Result<Session> create(const Model& model, const SessionOptions& options = {});
  static Result<Session> create(const Model&& model, const SessionOptions& options = {}) = delete;  ///< must outlive
  static Result<Session> create(const Plan& plan);
  /// None at all: runs in the caller's memory, which must stay as long as the session.
  /// Error: kArenaTooSmall when arena_bytes is less than plan.arena_bytes().
  static Result<Session> create(const Plan& plan, void* arena, std::size_t arena_bytes);

  Session(Session&& other) noexcept;
  Session& operator=(Session&& other) noexcept;
  ~Session();

  /// x: [batch, input_dim] -> scores: [batch, num_tasks].
  /// Error: kNonFinite, if the options say so, for an input or a score; what was written to scores is then unspecified.
  Status score(const float* x, std::size_t batch, float* scores);

  /// The same with rows x_stride and scores_stride floats apart.
  Status score(const float* x, std::size_t x_stride, std::size_t batch, float* scores, std::size_t scores_stride);

  /// Raw features -> scores: [batch, num_tasks]. One column per feature of the model, in the model's order.
  /// Errors: kInvalidArgument (number of columns, null column, id out of range), kUnknownCategory (an unknown
  /// id where the feature refuses it), kNonFinite (a missing value where none stands for it: see score()).
  Status score_features(const FeatureColumn* columns, std::size_t num_columns, std::size_t batch, float* scores);

  /// One user, many candidates: accumulates the columns of x of Part::kUser, [user_dim], once; the session then keeps
  /// them for score_candidates() until the next set_user(). Scoring whole rows in between changes nothing.
  /// Errors: kInvalidArgument when the model has no user part, kNonFinite if the options say so; the session
  /// then has no user.
  Status set_user(const float* user);

  /// items: [num_candidates, candidate_dim], the columns of x of Part::kCandidate -> scores: [num_candidates,
  /// num_tasks], the bits that score() gives for whole rows of the user and each candidate.
  /// Errors: kInvalidArgument before set_user(), kNonFinite.
  Status score_candidates(const float* items, std::size_t num_candidates, float* scores);

  /// The same from raw features. Columns are one per feature of the model, as for score_features(); those of item
  /// features are ignored by the first, which takes one row, and those of the others by the second, ...
  Status set_user_features(const FeatureColumn* columns, std::size_t num_columns);
  /// ... which takes num_candidates rows. Errors: also those of score_features().
  Status score_candidate_features(const FeatureColumn* columns, std::size_t num_columns, std::size_t num_candidates,
                                  float* scores);

  /// From now on every function that scores also writes each row's gate weights, `stride` floats apart, until the
  /// next write_gates(); null: no longer. weights: [rows of the call, plan().num_gate_weights()], the caller's; the
  /// columns are those of plan().gate(i). They are the softmax's weights: 0 of an expert that a row does not select,
  /// and otherwise after top-k, min_gate_weight and renormalising; constants that a gate has behind its softmax come
  /// later. A row whose scores are NaN for a non-finite input has NaN weights. Scores stay the same bits, and cost
  /// nothing more.
  /// Error: kInvalidArgument when stride is less than plan().num_gate_weights(); nothing has then changed.
  Status write_gates(float* weights, std::size_t stride);

  /// REQUIRES: index < plan().num_steps().
  StepInfo step(std::size_t index) const;

  /// score(), adding to ticks[i] what `clock` says that step i took, for every step. ticks: [plan().num_steps()].
  /// Reading the clock costs; the sum is more than score() takes.
  Status profile(const float* x, std::size_t batch, float* scores, std::uint64_t (*clock)(), std::uint64_t* ticks);

  const Plan& plan() const { return plan_; }

 private:
  friend class ParallelSession;  // sets where the weights of each part go
  Session(const Plan& plan, void* owned, void* arena);
  static Result<Session> built(Session&& session);
  enum class User : std::uint8_t { kUnset, kFinite, kNotFinite };
  struct Output {
    float* scores;
    std::size_t stride;
  };

  static void run_with_gates(Session& session, internal::Rows rows, std::size_t first_row);

  void release();
  Status keep_user(const float* user);
  Status score_rows(const float* x, std::size_t stride, std::size_t batch, bool candidates, const Output& output);
  Status check_columns(const FeatureColumn* columns, std::size_t num_columns, Part part) const;
  Status score_encoded(const FeatureColumn* columns, std::size_t num_columns, Part part, std::size_t batch,
                       float* scores);
  Status score_block(const internal::Rows& rows, std::size_t first_row, const Output& output);

  Plan plan_;
  void* owned_;  ///< the allocation, or null when the arena is the caller's
  Program* program_;  ///< in the arena
  User user_ = User::kUnset;
};

}  // namespace v0_1
}  // namespace mmoe
