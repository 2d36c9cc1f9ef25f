// A session scores rows: a plan with its working memory.
//
//   auto model = mmoe::Model::map("ranker.mmoe");
//   auto session = mmoe::Session::create(*model);
//   session->score(mmoe::Input::x(x, 1), {scores});
//
// A session belongs to one thread at a time. Any number of sessions may share a model. Scoring allocates nothing,
// takes no locks and throws nothing. The score of a row does not depend on the other rows of the batch.
//
// To use several cores for a large batch or a long list of candidates, give the session an executor:
//
//   auto pool = mmoe::ThreadPool::create(4);          // <mmoe/thread_pool.h>, or any executor
//   mmoe::SessionOptions options;
//   options.max_batch = 1000;
//   options.executor = pool->executor();
//   options.num_workers = 4;
//   auto session = mmoe::Session::create(*model, options);
//
// Scores have the same bits for any number of workers. Waking the threads of an executor takes about 10 us each on
// Linux, so several workers pay off from about 100 us of work per core.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mmoe/error.h"
#include "mmoe/executor.h"
#include "mmoe/input.h"
#include "mmoe/model.h"
#include "mmoe/plan.h"
#include "mmoe/span.h"

namespace mmoe {

class Program;

namespace internal {
struct Call;
struct SessionAccess;
}  // namespace internal

inline namespace v0_1 {

/// Options of a session: those of its plan, and those of its workers.
struct SessionOptions : PlanOptions, WorkerOptions {};

/// One step of a session's plan, for profiling.
struct StepInfo {
  const char* kind;     ///< "dense", "norm", "gate", "select", "mix", "link", "copy"
  std::size_t inputs;   ///< columns read per row: inputs of a product, logits of a gate or link, or experts mixed
  std::size_t outputs;  ///< columns written per row, including padding; 0 for "select"
  bool sparse;          ///< runs only on the rows that selected its expert
};

/// A plan with its working memory. Movable, not copyable.
class Session {
 public:
  static constexpr std::size_t kMaxWorkers = 256;  ///< of WorkerOptions::num_workers

  /// Makes one allocation. The model must outlive the session; it may be moved. Errors: those of Plan::create();
  /// kInvalidArgument (num_workers is not 1 to kMaxWorkers, or more than one without an executor); kOutOfMemory.
  static Result<Session> create(const Model& model, const SessionOptions& options = {});
  static Result<Session> create(const Model&& model, const SessionOptions& options = {}) = delete;  ///< must outlive
  /// The same with a plan that is there already.
  static Result<Session> create(const Plan& plan, const WorkerOptions& workers = {});
  /// Makes no allocation: the session uses the caller's memory, which must outlive it. Also: kArenaTooSmall if
  /// `bytes` is less than Session::arena_bytes().
  static Result<Session> create(const Plan& plan, void* arena, std::size_t bytes, const WorkerOptions& workers = {});

  /// Exactly the bytes that create() needs, at any address. For one worker, plan.arena_bytes().
  /// REQUIRES: num_workers is 1 to kMaxWorkers.
  static std::size_t arena_bytes(const Plan& plan, std::size_t num_workers = 1);

  Session(Session&& other) noexcept;
  Session& operator=(Session&& other) noexcept;
  ~Session();

  /// Scores rows, or candidates of the user of the last set_user(). The scores of candidates have the bits of whole
  /// rows with the inputs of the user and the candidate.
  ///
  /// Errors: the first error of a row builder; kInvalidArgument (an array is too short, rows overlap, an id is out of
  /// range, candidates before set_user()); kUnknownCategory (an unknown id, if the feature refuses it); kNonFinite
  /// (an input or a score, if the options say so; also a missing value without a substitute). If several rows have
  /// errors, the message names the first, for any number of workers. The output is unspecified after an error.
  Status score(const Input& input, const Output& output);

  /// Takes one row of user and context features, and computes the user's share of every first layer. The session keeps
  /// the result, not the input, until the next set_user(). Scoring whole rows in between does not change it.
  /// Errors: as score(); kInvalidArgument if the model has no user part. After an error the session has no user.
  Status set_user(const Input& user);

  /// REQUIRES: index < plan().num_steps().
  StepInfo step(std::size_t index) const;

  /// As score(), with one worker. Adds to ticks[i] the time that step i took, by `clock`. ticks: [plan().num_steps()].
  /// Reading the clock takes time too, so the sum is larger than the time of score().
  Status profile(const Input& input, const Output& output, std::uint64_t (*clock)(), Span<std::uint64_t> ticks);

  const Plan& plan() const { return plan_; }                ///< valid as long as the session
  std::size_t num_workers() const { return num_workers_; }  ///< as WorkerOptions said

 private:
  friend struct internal::SessionAccess;
  enum class User : std::uint8_t { kUnset, kFinite, kNotFinite };

  Session(const Plan& plan, void* owned, void* arena, const WorkerOptions& workers);
  static Result<Session> built(Session&& session);
  void release();
  Program& program(std::size_t worker) const;
  Status check_input(const Input& input, Part part, internal::Call& call) const;
  Status check(const Input& input, const Output& output, internal::Call& call) const;

  Plan plan_;
  void* owned_;       ///< the allocation, or null when the arena is the caller's
  Program* program_;  ///< in the arena: of the first worker, at equal distances behind it of the others
  Executor executor_;
  std::size_t num_workers_;
  User user_ = User::kUnset;
};

}  // namespace v0_1
}  // namespace mmoe
