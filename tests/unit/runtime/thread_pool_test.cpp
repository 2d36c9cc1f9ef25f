#include <atomic>
#include <chrono>
#include <ctime>
#include <optional>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "mmoe/thread_pool.h"
#include "runtime/src/session/row_queue.h"
#include "tests/unit/sanitizers.h"

namespace mmoe::test {
namespace {

using internal::RowQueue;

ThreadPool make_pool(std::size_t num_threads) {
  Result<ThreadPool> pool = ThreadPool::create(num_threads);
  REQUIRE(pool.ok());
  return std::move(*pool);
}

struct Counts {
  explicit Counts(std::size_t size) : counts(size) {}

  static void task(void* context, std::size_t index) { ++static_cast<Counts*>(context)->counts[index]; }
  bool all(int expected) const {
    for (const std::atomic<int>& count : counts) {
      if (count != expected) return false;
    }
    return true;
  }

  std::vector<std::atomic<int>> counts;
};

TEST_CASE("ThreadPool: calls every index once, for any number of threads and tasks") {
  for (const std::size_t num_threads : {1, 2, 3, 8}) {
    CAPTURE(num_threads);
    const ThreadPool pool = make_pool(num_threads);
    CHECK(pool.num_threads() == num_threads);
    const Executor executor = pool.executor();
    for (const std::size_t num_tasks : {0, 1, 2, 7, 8, 9, 100}) {
      CAPTURE(num_tasks);
      Counts counts(num_tasks);
      for (int i = 1; i <= 50; ++i) {
        executor.run()(executor.state(), num_tasks, Counts::task, &counts);
        REQUIRE(counts.all(i));
      }
    }
  }
}

// Plain memory: the thread sanitizer objects if run() returns before the tasks' writes can be seen.
TEST_CASE("ThreadPool: what tasks wrote is there when run returns") {
  const ThreadPool pool = make_pool(4);
  std::vector<std::size_t> values(16);
  const auto task = [](void* context, std::size_t index) {
    (*static_cast<std::vector<std::size_t>*>(context))[index] += index;
  };
  for (std::size_t i = 1; i <= 200; ++i) {
    pool.executor().run()(pool.executor().state(), values.size(), task, &values);
    for (std::size_t index = 0; index < values.size(); ++index) REQUIRE(values[index] == i * index);
  }
}

TEST_CASE("ThreadPool: a pool of one has no thread; larger ones work on several") {
  struct Meeting {
    std::atomic<int> arrived{0};
    std::atomic<bool> elsewhere{false};
    std::thread::id caller = std::this_thread::get_id();
  } meeting;
  const auto note = [](void* context, std::size_t) {
    auto& its = *static_cast<Meeting*>(context);
    if (std::this_thread::get_id() != its.caller) its.elsewhere = true;
  };
  const ThreadPool one = make_pool(1);
  one.executor().run()(one.executor().state(), 100, note, &meeting);
  CHECK_FALSE(meeting.elsewhere);

  // Three tasks that wait for each other finish only if three threads run them.
  const auto meet = [](void* context, std::size_t) {
    auto& its = *static_cast<Meeting*>(context);
    ++its.arrived;
    while (its.arrived < 3) std::this_thread::yield();
  };
  const ThreadPool three = make_pool(3);
  three.executor().run()(three.executor().state(), 3, meet, &meeting);
  CHECK(meeting.arrived == 3);
}

TEST_CASE("ThreadPool: callers on several threads take turns") {
  const ThreadPool pool = make_pool(3);
  std::vector<Counts> counts;
  for (int i = 0; i < 4; ++i) counts.emplace_back(5);
  std::vector<std::thread> callers;
  for (Counts& its : counts) {
    callers.emplace_back([&its, executor = pool.executor()] {
      for (int i = 0; i < 100; ++i) executor.run()(executor.state(), 5, Counts::task, &its);
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const Counts& its : counts) CHECK(its.all(100));
}

TEST_CASE("ThreadPool: an executor survives its pool's moves; pools come and go") {
  Counts counts(4);
  ThreadPool pool = make_pool(2);
  const Executor executor = pool.executor();
  ThreadPool moved = std::move(pool);
  executor.run()(executor.state(), 4, Counts::task, &counts);
  CHECK(counts.all(1));
  moved = make_pool(3);
  CHECK(moved.num_threads() == 3);
  for (int i = 0; i < 50; ++i) make_pool(4);  // ends before all of its threads have begun
}

// A child has the pool without its threads. What hangs is ended by an alarm.
template <class InChild>
int exit_status_of_child(const InChild& in_child) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(20);
    in_child();
    _exit(0);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

TEST_CASE("ThreadPool: a child after fork() can run tasks and leave the pool") {
  std::optional<ThreadPool> pool(make_pool(4));
  const Executor executor = pool->executor();
  Counts before(8);
  executor.run()(executor.state(), 8, Counts::task, &before);
  CHECK(exit_status_of_child([&] { pool.reset(); }) == 0);
  CHECK(exit_status_of_child([&] {
          Counts counts(8);
          executor.run()(executor.state(), 8, Counts::task, &counts);
          pool.reset();
          if (!counts.all(1)) _exit(1);
        }) == 0);
  Counts counts(8);  // the parent's is as it was
  executor.run()(executor.state(), 8, Counts::task, &counts);
  CHECK(counts.all(1));
}

// Neither qemu's user mode nor the thread sanitizer lets the child of a process with threads begin a thread:
// tests/CMakeLists.txt leaves "(not emulated)" out under an emulator.
#ifndef MMOE_THREAD_SANITIZER
TEST_CASE("ThreadPool: a child after fork() can have a pool of its own (not emulated)") {
  std::optional<ThreadPool> pool(make_pool(4));
  CHECK(exit_status_of_child([&] {
          *pool = make_pool(2);  // ends the one and has threads of its own
          Counts counts(8);
          const Executor own = pool->executor();
          own.run()(own.state(), 8, Counts::task, &counts);
          pool.reset();
          if (!counts.all(1)) _exit(1);
        }) == 0);
}
#endif

TEST_CASE("ThreadPool: refuses a number of threads that makes no sense") {
  for (const std::size_t num_threads : {std::size_t{0}, ThreadPool::kMaxThreads + 1, SIZE_MAX}) {
    CHECK(ThreadPool::create(num_threads).error().code() == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("ThreadPool: an idle pool uses no processor time") {
  const ThreadPool pool = make_pool(4);
  Counts counts(4);
  pool.executor().run()(pool.executor().state(), 4, Counts::task, &counts);
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double seconds = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  CHECK(seconds < 0.05);  // one spinning thread would use 0.2 s
}

TEST_CASE("RowQueue: hands out every row once, in order, in parts of at most the block") {
  for (const std::size_t num_workers : {1, 2, 3, 8, 256}) {
    for (const std::size_t max_rows : {1, 5, 12, 20, 48}) {
      for (const std::size_t num_rows : {0, 1, 11, 12, 13, 47, 96, 131, 1024}) {
        CAPTURE(num_workers);
        CAPTURE(max_rows);
        CAPTURE(num_rows);
        RowQueue rows(num_rows, max_rows, num_workers);
        const std::size_t num_useful = rows.num_useful_workers();
        CHECK(num_useful <= num_workers);
        std::size_t next = 0, num_parts = 0;
        for (RowQueue::Part part = rows.take(); part.count != 0; part = rows.take()) {
          REQUIRE(part.first == next);
          REQUIRE(part.count <= max_rows);
          next += part.count;
          ++num_parts;
        }
        CHECK(next == num_rows);
        CHECK(num_useful <= num_parts);
        CHECK(rows.take().count == 0);
      }
    }
  }
}

TEST_CASE("RowQueue: the last parts are small enough for workers to finish together") {
  RowQueue rows(1024, 48, 2);
  std::size_t last = 0;
  for (RowQueue::Part part = rows.take(); part.count != 0; part = rows.take()) last = part.count;
  CHECK(last <= RowQueue::kMinRows);
  CHECK(RowQueue(12, 48, 2).num_useful_workers() == 1);
  CHECK(RowQueue(13, 48, 2).num_useful_workers() == 2);
}

TEST_CASE("RowQueue: every row once, also when eight threads take") {
  constexpr std::size_t kRows = 300000;
  std::vector<int> taken(kRows);  // plain: two threads with the same row would be a data race
  RowQueue rows(kRows, 1, 8);
  std::atomic<int> num_ready{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      ++num_ready;
      while (num_ready < 8) std::this_thread::yield();  // else the first is done before the last begins
      for (RowQueue::Part part = rows.take(); part.count != 0; part = rows.take()) ++taken[part.first];
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(taken == std::vector<int>(kRows, 1));
}

TEST_CASE("RowQueue: nothing more after stop") {
  RowQueue rows(1000, 48, 2);
  CHECK(rows.take().count != 0);
  rows.stop();
  CHECK(rows.take().count == 0);
}

}  // namespace
}  // namespace mmoe::test
