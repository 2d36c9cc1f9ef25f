// Several workers for one call: rows are handed out in parts, each worker runs a program of its own.
#include "core/make_error.h"
#include "plan/arena.h"
#include "session/call.h"
#include "session/row_queue.h"
#include "session/run.h"
#include "session/score.h"

namespace mmoe::internal {
namespace {

Error not_all_run() {
  return make_error(ErrorCode::kInvalidArgument, "executor: returned before it had run all tasks");
}

// One call's state, in the caller's frame. The queue is written by all workers, the rest is not.
struct SharedCall {
  const Session& session;
  const Call& call;
  std::atomic<bool> failed{false};
  std::atomic<std::size_t> num_scored{0};
  alignas(kArenaAlignment) RowQueue rows;

  static void task(void* context, std::size_t worker) {
    SharedCall& its = *static_cast<SharedCall*>(context);
    Program& program = SessionAccess::program(its.session, worker);
    std::size_t num_scored = 0;
    for (RowQueue::Part part = its.rows.take(); part.count != 0; part = its.rows.take()) {
      if (score_rows(its.session.plan(), program, its.call, part.first, part.count).ok()) {
        num_scored += part.count;
        continue;
      }
      its.failed.store(true, std::memory_order_relaxed);
      its.rows.stop();
    }
    its.num_scored.fetch_add(num_scored, std::memory_order_relaxed);
  }
};

Status score(Session& session, const Call& call) {
  const Plan& plan = session.plan();
  SharedCall shared{session, call, {false}, {0}, {call.num_rows, plan.block_rows(), session.num_workers()}};
  const std::size_t num_tasks = shared.rows.num_useful_workers();
  if (num_tasks > 1) {
    const Executor& executor = SessionAccess::executor(session);
    executor.run()(executor.state(), num_tasks, SharedCall::task, &shared);
    if (!shared.failed.load(std::memory_order_relaxed)) {
      return shared.num_scored.load(std::memory_order_relaxed) == call.num_rows ? Status() : not_all_run();
    }
  }
  // What is too small to split, and what failed: one worker stops at the first row with an error, whoever came upon one
  // first.
  return score_rows(plan, SessionAccess::program(session, 0), call, 0, call.num_rows);
}

struct SharedUser {
  const Session& session;
  const float* shared;
  std::atomic<std::size_t> num_run{0};

  static void task(void* context, std::size_t worker) {
    SharedUser& its = *static_cast<SharedUser*>(context);
    compute_prefixes(SessionAccess::program(its.session, worker), its.shared);
    its.num_run.fetch_add(1, std::memory_order_relaxed);
  }
};

Status set_user(Session& session, const float* shared) {
  SharedUser user{session, shared, {0}};
  const Executor& executor = SessionAccess::executor(session);
  executor.run()(executor.state(), session.num_workers(), SharedUser::task, &user);
  return user.num_run.load(std::memory_order_relaxed) == session.num_workers() ? Status() : not_all_run();
}

}  // namespace

const ParallelCalls kParallelCalls = {score, set_user};

}  // namespace mmoe::internal
