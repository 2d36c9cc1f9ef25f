// A thread pool on std::thread, to use as an executor. It is in the library mmoe::threads (libmmoe_threads.a).
#pragma once

#include <cstddef>

#include "mmoe/error.h"
#include "mmoe/executor.h"
#include "mmoe/session.h"

namespace mmoe {
inline namespace v0_1 {

/// A fixed number of threads. They sleep while there is nothing to do, and never spin. The calling thread works too,
/// so a pool of n uses n cores with n - 1 threads of its own, and a pool of 1 has none.
class ThreadPool {
 public:
  static constexpr std::size_t kMaxThreads = Session::kMaxWorkers;  ///< the caller's included

  /// Starts the threads. num_threads counts the caller's. One pool serves any number of sessions and models.
  /// Errors: kInvalidArgument (num_threads not 1 to kMaxThreads), kOutOfMemory when the system refuses a thread.
  static Result<ThreadPool> create(std::size_t num_threads);

  ThreadPool(ThreadPool&& other) noexcept;
  ThreadPool& operator=(ThreadPool&& other) noexcept;
  /// Ends the threads and waits for them. REQUIRES: no call of executor() is running.
  ///
  /// After fork() the child has the pool without its threads: there the caller does all of the work itself, and the
  /// destructor leaves the pool's memory to the end of the process. REQUIRES of fork(): no call of executor() is
  /// running.
  ~ThreadPool();

  /// For WorkerOptions::executor; valid as long as the pool, wherever that is moved. Calls from several threads
  /// take turns. A task must not call the executor that runs it.
  Executor executor() const&;
  Executor executor() const&& = delete;  ///< the pool must outlive it

  /// The caller's included: what create() was called with.
  std::size_t num_threads() const;

 private:
  struct State;

  explicit ThreadPool(State* state) : state_(state) {}

  State* state_;
};

}  // namespace v0_1
}  // namespace mmoe
