// Scoring: a plan and the memory it runs in.
//
//   auto model = mmoe::Model::map("ranker.mmoe");
//   auto session = mmoe::Session::create(*model);
//   session->score(mmoe::Input::x(x, 1), {scores});
//
// A Session belongs to one thread at a time; any number of them may share a Model. score() allocates
// nothing, locks nothing and throws nothing, and gives a row the same bits whatever rows stand beside it.
//
// Several cores for one large batch or candidate list are an option of the session:
//
//   auto pool = mmoe::ThreadPool::create(4);          // <mmoe/thread_pool.h>, or any executor
//   mmoe::SessionOptions options;
//   options.max_batch = 1000;
//   options.executor = pool->executor();
//   options.num_workers = 4;
//   auto session = mmoe::Session::create(*model, options);
//
// Scores are the same bits for any number of workers and whichever of them scores a row. A call pays for waking the
// executor's threads, some 10 us each on Linux: it is worth its while from about 100 us of work per core on.
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

/// What is planned, and who works on it.
struct SessionOptions : PlanOptions, WorkerOptions {};

/// One step of a session's plan, for people who look where the time goes.
struct StepInfo {
  const char* kind;     ///< "dense", "norm", "gate", "select", "mix", "link"
  std::size_t inputs;   ///< columns read per row: of a dense product, logits of a gate or link, experts mixed
  std::size_t outputs;  ///< columns written per row, panel padding included; 0 for "select"
  bool sparse;          ///< runs only on the rows that selected its expert
};

class Session {
 public:
  static constexpr std::size_t kMaxWorkers = 256;

  /// One allocation, here. Errors: those of Plan::create(); kInvalidArgument (num_workers not 1 to kMaxWorkers, more than
  /// one without an executor), kOutOfMemory.
  static Result<Session> create(const Model& model, const SessionOptions& options = {});
  static Result<Session> create(const Model&& model, const SessionOptions& options = {}) = delete;  ///< must outlive
  static Result<Session> create(const Plan& plan, const WorkerOptions& workers = {});
  /// None at all: runs in the caller's memory, which must stay as long as the session.
  /// Also: kArenaTooSmall when bytes is less than Session::arena_bytes().
  static Result<Session> create(const Plan& plan, void* arena, std::size_t bytes, const WorkerOptions& workers = {});

  /// Exactly what create() needs, for an arena at any address: plan.arena_bytes() for one worker.
  /// REQUIRES: num_workers is 1 to kMaxWorkers.
  static std::size_t arena_bytes(const Plan& plan, std::size_t num_workers = 1);

  Session(Session&& other) noexcept;
  Session& operator=(Session&& other) noexcept;
  ~Session();

  /// Scores rows, or candidates of the user that set_user() has set. Candidates have the bits of whole rows that join
  /// the user's inputs and the candidate's.
  ///
  /// Errors: kInvalidArgument (an array is too short, rows overlap, an id is out of range, candidates before set_user()),
  /// kUnknownCategory (an unknown id where the feature refuses it), kNonFinite (if the options say so: an input, for
  /// instance a missing value that nothing stands for, or a score); the first error of a row builder. Of several rows with
  /// an error the first is named, for any number of workers. What was written is then unspecified.
  Status score(const Input& input, const Output& output);

  /// Takes one row of a user (user and context features): computes its share of every first layer once. The session keeps
  /// that, not the input, until the next set_user(). Scoring whole rows in between changes nothing.
  /// Errors: as score(); kInvalidArgument when the model has no user part. The session then has no user.
  Status set_user(const Input& user);

  /// REQUIRES: index < plan().num_steps().
  StepInfo step(std::size_t index) const;

  /// score(), adding to ticks[i] what `clock` says that step i took, for every step, by one worker.
  /// ticks: [plan().num_steps()]. Reading the clock costs; the sum is more than score() takes.
  Status profile(const Input& input, const Output& output, std::uint64_t (*clock)(), Span<std::uint64_t> ticks);

  const Plan& plan() const { return plan_; }
  std::size_t num_workers() const { return num_workers_; }

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
