// Several cores for one large batch or candidate list: rows are split over an executor that the caller supplies.
//
//   auto pool = mmoe::ThreadPool::create(4);                            // <mmoe/thread_pool.h>, or any executor
//   auto plan = mmoe::Plan::create(*model, options);                    // options.max_batch: the large batch
//   auto session = mmoe::ParallelSession::create(*plan, pool->executor(), 4);
//   session->score(x, 1000, scores);
//
// Nothing here creates a thread. Scores are the bits that a Session gives, for any number of workers and
// whichever of them scores a row. A call pays for waking the executor's threads, some 10 us each on Linux: it is
// worth its while from about 100 us of work per core on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mmoe/error.h"
#include "mmoe/plan.h"
#include "mmoe/session.h"

namespace mmoe {
inline namespace v0_1 {

/// What runs the parts of a call: a thread pool, OpenMP, a host's own scheduler. Two words, copied freely; a C
/// program can make one.
struct Executor {
  using Task = void (*)(void* context, std::size_t index);

  /// Calls task(context, i) exactly once for every i < num_tasks, on any threads, at once or one after the other in
  /// any order, and returns when all calls have returned and their writes are visible to its caller. `num_tasks` is
  /// at most the session's num_workers. Tasks neither throw nor block nor wait for each other. Must not throw.
  void (*run)(void* state, std::size_t num_tasks, Task task, void* context) = nullptr;
  /// Passed to run(). Stays the caller's and must outlive the sessions that use it.
  void* state = nullptr;
};

/// A Session per worker, in one piece of memory. The model must outlive it. It belongs to one thread at a time,
/// which is the one that calls; several may share an executor that several threads may call.
class ParallelSession {
 public:
  static constexpr std::size_t kMaxWorkers = 256;

  /// One allocation, here. num_workers: at most so many cores work on a call, each in an arena of its own; 1 never
  /// calls the executor. Errors: kInvalidArgument (no executor; num_workers not 1 to kMaxWorkers), kOutOfMemory.
  static Result<ParallelSession> create(const Plan& plan, const Executor& executor, std::size_t num_workers);
  /// None at all: lives in the caller's memory, which must stay as long as the session. Error: kArenaTooSmall when
  /// arena_bytes is less than ParallelSession::arena_bytes().
  static Result<ParallelSession> create(const Plan& plan, const Executor& executor, std::size_t num_workers,
                                        void* arena, std::size_t arena_bytes);

  /// Exactly what create() needs, for an arena at any address. REQUIRES: num_workers is 1 to kMaxWorkers.
  static std::size_t arena_bytes(const Plan& plan, std::size_t num_workers);

  ParallelSession(ParallelSession&& other) noexcept;
  ParallelSession& operator=(ParallelSession&& other) noexcept;
  ~ParallelSession();

  // As the functions of Session, with the same errors: of the row that a Session would name, for any number of
  // workers. An error costs a second pass, by one worker, over the rows before it. None of them allocates or locks;
  // the executor may. Also kInvalidArgument, from all, when the executor returns without having run its tasks.

  Status score(const float* x, std::size_t batch, float* scores);
  Status score(const float* x, std::size_t x_stride, std::size_t batch, float* scores, std::size_t scores_stride);
  Status score_features(const FeatureColumn* columns, std::size_t num_columns, std::size_t batch, float* scores);

  /// Every worker accumulates the user for itself, all at once.
  Status set_user(const float* user);
  Status score_candidates(const float* items, std::size_t num_candidates, float* scores);
  Status set_user_features(const FeatureColumn* columns, std::size_t num_columns);
  Status score_candidate_features(const FeatureColumn* columns, std::size_t num_columns, std::size_t num_candidates,
                                  float* scores);

  /// Each row's weights in its own place, whichever worker scores it.
  Status write_gates(float* weights, std::size_t stride);

  const Plan& plan() const;
  std::size_t num_workers() const { return num_workers_; }

 private:
  struct Worker;

  ParallelSession(const Executor& executor, std::size_t num_workers, void* owned, Worker* workers);
  void release();
  Session& first_session();
  enum class Outcome : std::uint8_t;
  template <class Score>
  Outcome run(std::size_t num_rows, const Score& score);
  template <class Each>
  Outcome run_each(const Each& each);
  template <class Alone>
  Status finish(Outcome outcome, const Alone& alone);

  Executor executor_;
  std::size_t num_workers_;
  void* owned_;  ///< the allocation, or null when the memory is the caller's
  Worker* workers_;
  float* gate_weights_ = nullptr;  ///< of the call's first row; null: not asked for
  std::size_t gate_stride_ = 0;
};

}  // namespace v0_1
}  // namespace mmoe
