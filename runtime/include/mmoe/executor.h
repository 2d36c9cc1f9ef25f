// An executor runs parts of a call on several cores. The program supplies it; the runtime starts no threads.
// <mmoe/thread_pool.h> has a ready one.
#pragma once

#include <cstddef>

namespace mmoe {

namespace internal {
struct ParallelCalls;
/// What a session with several workers does. Executor's constructor alone refers to it, so that a program that makes no
/// executor is linked without it.
extern const ParallelCalls kParallelCalls;
}  // namespace internal

inline namespace v0_1 {

/// What runs the parts of a call: a thread pool, OpenMP, a host's own scheduler. Copied freely.
class Executor {
 public:
  /// One part of a call: `index` says which.
  using Task = void (*)(void* context, std::size_t index);

  /// Calls task(context, i) exactly once for every i < num_tasks, on any threads, at once or one after the other in
  /// any order, and returns when all calls have returned and their writes are visible to its caller. `num_tasks` is
  /// at most the session's num_workers. Tasks neither throw nor block nor wait for each other. Must not throw.
  using Run = void (*)(void* state, std::size_t num_tasks, Task task, void* context);

  /// None: the caller's thread does all.
  constexpr Executor() = default;
  /// `its_state` is passed to its_run(). It stays the caller's and must outlive the sessions that use it. Not in a
  /// build without threads (MMOE_THREADS=OFF), where it does not link.
  constexpr Executor(Run its_run, void* its_state)
      : run_(its_run), state_(its_state), calls_(&internal::kParallelCalls) {}

  Run run() const { return run_; }        ///< null: none
  void* state() const { return state_; }  ///< what run() is called with

 private:
  friend class Session;
  Run run_ = nullptr;
  void* state_ = nullptr;
  const internal::ParallelCalls* calls_ = nullptr;
};

/// Options of a session's workers.
struct WorkerOptions {
  Executor executor;  ///< none: one worker, the thread that calls
  /// Largest number of cores that work on a call, each with its own working memory. With 1 the executor is not called.
  std::size_t num_workers = 1;
};

}  // namespace v0_1
}  // namespace mmoe
