#include "mmoe/thread_pool.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#ifndef _WIN32
#include <unistd.h>
#endif

namespace mmoe {
namespace {

// fork() copies the memory of a pool, not its threads.
#ifdef _WIN32
int this_process() { return 0; }
#else
pid_t this_process() { return getpid(); }
#endif

}  // namespace

// Tasks are claimed one by one under the mutex: they are few, one per core, and each is worth many microseconds.
// Whoever is awake claims the next, the caller too, so a thread that wakes late costs nothing but its help.
struct ThreadPool::State {
  explicit State(std::size_t num_threads) : num_helpers(num_threads - 1) { threads.reserve(num_helpers); }

  ~State() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stopping = true;
    }
    work.notify_all();
    for (std::thread& thread : threads) thread.join();
  }

  bool has_threads() const { return process == this_process(); }

  // In a child after fork() nobody is left to wait for: what belongs to the threads stays as it is, until the process
  // ends.
  static void end(State* state) {
    if (state && state->has_threads()) delete state;
  }

  static void run(void* state, std::size_t num_tasks, Executor::Task task, void* context) {
    static_cast<State*>(state)->run_tasks(num_tasks, task, context);
  }

  void run_tasks(std::size_t count, Executor::Task its_task, void* its_context) {
    if (num_helpers == 0 || count < 2 || !has_threads()) {
      for (std::size_t i = 0; i < count; ++i) its_task(its_context, i);
      return;
    }
    const std::lock_guard<std::mutex> turn(callers);
    {
      const std::lock_guard<std::mutex> lock(mutex);
      task = its_task;
      context = its_context;
      num_tasks = num_unfinished = count;
      next = 0;
    }
    // Outside the lock, which a woken thread needs at once.
    for (std::size_t i = 0; i < num_helpers && i + 1 < count; ++i) work.notify_one();
    std::unique_lock<std::mutex> lock(mutex);
    while (next < num_tasks) run_one(lock);
    done.wait(lock, [this] { return num_unfinished == 0; });
  }

  void help() {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      work.wait(lock, [this] { return stopping || next < num_tasks; });
      if (stopping) return;
      run_one(lock);
    }
  }

  // REQUIRES: the lock is held and a task is left.
  void run_one(std::unique_lock<std::mutex>& lock) {
    const std::size_t index = next++;
    lock.unlock();
    task(context, index);
    lock.lock();
    if (--num_unfinished == 0) done.notify_one();
  }

  std::mutex callers;  // one call at a time
  std::mutex mutex;    // guards what follows, but for `task` and `context` while their tasks run
  std::condition_variable work, done;
  Executor::Task task = nullptr;
  void* context = nullptr;
  std::size_t num_tasks = 0, next = 0, num_unfinished = 0;
  bool stopping = false;

  const decltype(this_process()) process = this_process();
  const std::size_t num_helpers;
  std::vector<std::thread> threads;
};

Result<ThreadPool> ThreadPool::create(std::size_t num_threads) {
  if (num_threads == 0 || num_threads > kMaxThreads) {
    return Error(ErrorCode::kInvalidArgument)
        .append("num_threads: ")
        .append(std::uint64_t{num_threads})
        .append(", expected 1 to ")
        .append(std::uint64_t{kMaxThreads});
  }
  std::size_t num_started = 1;
  try {
    auto state = std::make_unique<State>(num_threads);
    for (; num_started < num_threads; ++num_started) {
      state->threads.emplace_back([its = state.get()] { its->help(); });
    }
    return ThreadPool(state.release());
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
  return Error(ErrorCode::kOutOfMemory)
      .append("the system refuses thread ")
      .append(std::uint64_t{num_started + 1})
      .append(" of ")
      .append(std::uint64_t{num_threads});
}

ThreadPool::ThreadPool(ThreadPool&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}

ThreadPool& ThreadPool::operator=(ThreadPool&& other) noexcept {
  if (this != &other) {
    State::end(state_);
    state_ = std::exchange(other.state_, nullptr);
  }
  return *this;
}

ThreadPool::~ThreadPool() { State::end(state_); }

Executor ThreadPool::executor() const& { return {&State::run, state_}; }

std::size_t ThreadPool::num_threads() const { return state_->num_helpers + 1; }

}  // namespace mmoe
