#include "mmoe/parallel.h"

#include <limits>

#include "core/checked.h"
#include "core/heap.h"
#include "core/make_error.h"
#include "plan/arena.h"
#include "plan/program.h"
#include "session/row_queue.h"

namespace mmoe {

using internal::kArenaAlignment;
using internal::make_error;
using internal::RowQueue;

// A cache line of its own, as its columns and its arena: workers share nothing that is written.
struct alignas(kArenaAlignment) ParallelSession::Worker {
  explicit Worker(Session&& its_session) : session(std::move(its_session)) {}

  /// The features' columns, from a row on.
  const FeatureColumn* from_row(const FeatureColumn* all, std::size_t num_features, std::size_t row) {
    for (std::size_t i = 0; i < num_features; ++i) {
      columns[i].values = all[i].values ? all[i].values + row * widths[i] : nullptr;
      columns[i].ids = all[i].ids ? all[i].ids + row * widths[i] : nullptr;
    }
    return columns;
  }

  /// The gate weights of what it scores next, `first` being its first row; null: not asked for.
  void place_gates(float* weights, std::size_t stride, std::size_t first) {
    if (weights) session.program_->gates.weights = weights + first * stride;
  }

  Session session;
  FeatureColumn* columns = nullptr;      // [num_features], of the part that is being scored
  const std::size_t* widths = nullptr;   // [num_features], raw values or ids per row; shared by all workers
};

namespace {

std::size_t row_length(const FeatureInfo& feature) {
  return feature.kind == FeatureKind::kDense ? feature.width : feature.length;
}

std::uint64_t round_to_lines(std::uint64_t bytes) {
  return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

// From an aligned address: workers, widths, then each worker's columns and arena.
struct Layout {
  std::uint64_t widths, columns, arenas, column_stride, arena_stride, total;

  Layout(const Plan& plan, std::size_t worker_bytes, std::uint64_t num_workers) {
    const std::uint64_t num_features = plan.model().num_features();
    column_stride = round_to_lines(num_features * sizeof(FeatureColumn));
    arena_stride = round_to_lines(plan.arena_bytes());
    widths = worker_bytes * num_workers;
    columns = widths + round_to_lines(num_features * sizeof(std::size_t));
    arenas = columns + num_workers * column_stride;
    total = arenas + num_workers * arena_stride + kArenaAlignment - 1;
  }
};

// One call's state, in the caller's frame. The queue is written by all workers, the rest is not.
template <class Score, class Worker>
struct Call {
  const Score& score;
  Worker* workers;
  float* gate_weights;
  std::size_t gate_stride;
  std::atomic<bool> failed{false};
  std::atomic<std::size_t> num_scored{0};
  alignas(kArenaAlignment) RowQueue rows;

  static void task(void* context, std::size_t index) {
    Call& call = *static_cast<Call*>(context);
    std::size_t num_scored = 0;
    for (RowQueue::Part part = call.rows.take(); part.count != 0; part = call.rows.take()) {
      call.workers[index].place_gates(call.gate_weights, call.gate_stride, part.first);
      if (call.score(call.workers[index], part.first, part.count).ok()) {
        num_scored += part.count;
        continue;
      }
      call.failed.store(true, std::memory_order_relaxed);
      call.rows.stop();
    }
    call.num_scored.fetch_add(num_scored, std::memory_order_relaxed);
  }
};

}  // namespace

std::size_t ParallelSession::arena_bytes(const Plan& plan, std::size_t num_workers) {
  const std::uint64_t total = Layout(plan, sizeof(Worker), num_workers).total;
  constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max();
  return total < kMax ? static_cast<std::size_t>(total) : kMax;
}

Result<ParallelSession> ParallelSession::create(const Plan& plan, const Executor& executor, std::size_t num_workers) {
  const bool valid = num_workers >= 1 && num_workers <= kMaxWorkers;
  const std::size_t bytes = valid ? ParallelSession::arena_bytes(plan, num_workers) : 1;
  void* memory = internal::allocate(bytes);
  if (!memory) return make_error(ErrorCode::kOutOfMemory, "no memory for ", num_workers, " workers, ", bytes, " bytes");
  Result<ParallelSession> session = create(plan, executor, num_workers, memory, bytes);
  if (session.ok()) {
    session->owned_ = memory;
  } else {
    internal::release(memory);
  }
  return session;
}

Result<ParallelSession> ParallelSession::create(const Plan& plan, const Executor& executor, std::size_t num_workers,
                                                void* arena, std::size_t arena_bytes) {
  if (!executor.run) return make_error(ErrorCode::kInvalidArgument, "executor.run: null");
  if (num_workers == 0 || num_workers > kMaxWorkers) {
    return make_error(ErrorCode::kInvalidArgument, "num_workers: ", num_workers, ", expected 1 to ", kMaxWorkers);
  }
  if (!arena) return make_error(ErrorCode::kInvalidArgument, "arena: null");
  const std::size_t needed = ParallelSession::arena_bytes(plan, num_workers);
  if (arena_bytes < needed) {
    return make_error(ErrorCode::kArenaTooSmall, "arena: ", arena_bytes, " bytes, needs ", needed);
  }
  const Layout layout(plan, sizeof(Worker), num_workers);
  const std::size_t excess = reinterpret_cast<std::uintptr_t>(arena) % kArenaAlignment;
  std::uint8_t* memory = static_cast<std::uint8_t*>(arena) + (excess ? kArenaAlignment - excess : 0);
  const std::size_t num_features = plan.model().num_features();
  auto* widths = reinterpret_cast<std::size_t*>(memory + layout.widths);
  for (std::size_t i = 0; i < num_features; ++i) new (widths + i) std::size_t(row_length(plan.model().feature(i)));

  auto* workers = reinterpret_cast<Worker*>(memory);
  for (std::size_t w = 0; w < num_workers; ++w) {
    Result<Session> session =
        Session::create(plan, memory + layout.arenas + w * layout.arena_stride, plan.arena_bytes());
    if (!session) return session.error();
    Worker* worker = new (workers + w) Worker(std::move(*session));
    worker->widths = widths;
    worker->columns = reinterpret_cast<FeatureColumn*>(memory + layout.columns + w * layout.column_stride);
    for (std::size_t i = 0; i < num_features; ++i) new (worker->columns + i) FeatureColumn();
  }
  return ParallelSession(executor, num_workers, nullptr, workers);
}

ParallelSession::ParallelSession(const Executor& executor, std::size_t num_workers, void* owned, Worker* workers)
    : executor_(executor), num_workers_(num_workers), owned_(owned), workers_(workers) {}

ParallelSession::ParallelSession(ParallelSession&& other) noexcept
    : executor_(other.executor_),
      num_workers_(other.num_workers_),
      owned_(other.owned_),
      workers_(other.workers_),
      gate_weights_(other.gate_weights_),
      gate_stride_(other.gate_stride_) {
  other.owned_ = nullptr;
}

ParallelSession& ParallelSession::operator=(ParallelSession&& other) noexcept {
  if (this != &other) {
    release();
    executor_ = other.executor_;
    num_workers_ = other.num_workers_;
    owned_ = other.owned_;
    workers_ = other.workers_;
    gate_weights_ = other.gate_weights_;
    gate_stride_ = other.gate_stride_;
    other.owned_ = nullptr;
  }
  return *this;
}

ParallelSession::~ParallelSession() { release(); }

// The workers' sessions own nothing: their arenas are in this memory.
void ParallelSession::release() { internal::release(owned_); }

// For calls that it does alone.
Session& ParallelSession::first_session() {
  workers_[0].place_gates(gate_weights_, gate_stride_, 0);
  return workers_[0].session;
}

const Plan& ParallelSession::plan() const { return workers_[0].session.plan(); }

// By whom a call is done, or not.
enum class ParallelSession::Outcome : std::uint8_t {
  kDone,
  kAlone,  ///< too small to split, or something is wrong with it, and a Session is to say what
  kNotRun  ///< the executor came back too early
};

/// What a call returns of which the workers have done what `outcome` says; alone() is the same by one Session.
template <class Alone>
Status ParallelSession::finish(Outcome outcome, const Alone& alone) {
  if (outcome == Outcome::kDone) return {};
  if (outcome == Outcome::kAlone) return alone(first_session());
  return make_error(ErrorCode::kInvalidArgument, "executor.run: returned before it had run all tasks");
}

/// Splits rows among the workers.
template <class Score>
ParallelSession::Outcome ParallelSession::run(std::size_t num_rows, const Score& score) {
  Call<Score, Worker> call{score,   workers_, gate_weights_, gate_stride_,
                           {false}, {0},      {num_rows, plan().block_rows(), num_workers_}};
  const std::size_t num_tasks = call.rows.num_useful_workers();
  if (num_tasks < 2) return Outcome::kAlone;
  executor_.run(executor_.state, num_tasks, call.task, &call);
  if (call.failed.load(std::memory_order_relaxed)) return Outcome::kAlone;
  return call.num_scored.load(std::memory_order_relaxed) == num_rows ? Outcome::kDone : Outcome::kNotRun;
}

/// The same for something that every worker does once.
template <class Each>
ParallelSession::Outcome ParallelSession::run_each(const Each& each) {
  struct Context {
    const Each& each;
    Worker* workers;
    std::atomic<bool> failed{false};
    std::atomic<std::size_t> num_run{0};
  } context{each, workers_, {false}, {0}};
  const auto task = [](void* pointer, std::size_t index) {
    Context& its = *static_cast<Context*>(pointer);
    if (!its.each(its.workers[index].session).ok()) its.failed.store(true, std::memory_order_relaxed);
    its.num_run.fetch_add(1, std::memory_order_relaxed);
  };
  if (num_workers_ == 1) return Outcome::kAlone;
  executor_.run(executor_.state, num_workers_, task, &context);
  if (context.failed.load(std::memory_order_relaxed)) return Outcome::kAlone;
  return context.num_run.load(std::memory_order_relaxed) == num_workers_ ? Outcome::kDone : Outcome::kNotRun;
}

// In what follows one Session does what is too small to split, and repeats what failed: it stops at the same row
// with the same message, whoever came upon an error first. Null pointers are left to it at once, since parts of
// them cannot be named.

Status ParallelSession::score(const float* x, std::size_t batch, float* scores) {
  return score(x, plan().model().input_dim(), batch, scores, plan().num_tasks());
}

Status ParallelSession::score(const float* x, std::size_t x_stride, std::size_t batch, float* scores,
                              std::size_t scores_stride) {
  const auto score_part = [&](Worker& worker, std::size_t first, std::size_t count) {
    return worker.session.score(x + first * x_stride, x_stride, count, scores + first * scores_stride, scores_stride);
  };
  return finish(x && scores ? run(batch, score_part) : Outcome::kAlone,
                [&](Session& session) { return session.score(x, x_stride, batch, scores, scores_stride); });
}

Status ParallelSession::score_features(const FeatureColumn* columns, std::size_t num_columns, std::size_t batch,
                                       float* scores) {
  const std::size_t stride = plan().num_tasks();
  const auto score_part = [&](Worker& worker, std::size_t first, std::size_t count) {
    return worker.session.score_features(worker.from_row(columns, num_columns, first), num_columns, count,
                                         scores + first * stride);
  };
  const bool complete = columns && scores && num_columns == plan().model().num_features();
  return finish(complete ? run(batch, score_part) : Outcome::kAlone,
                [&](Session& session) { return session.score_features(columns, num_columns, batch, scores); });
}

Status ParallelSession::write_gates(float* weights, std::size_t stride) {
  for (std::size_t w = 0; w < num_workers_; ++w) {
    if (Status status = workers_[w].session.write_gates(weights, stride); !status) return status;
  }
  gate_weights_ = weights;
  gate_stride_ = stride;
  return {};
}

Status ParallelSession::set_user(const float* user) {
  const auto set = [&](Session& session) { return session.set_user(user); };
  return finish(run_each(set), set);
}

Status ParallelSession::score_candidates(const float* items, std::size_t num_candidates, float* scores) {
  const std::size_t width = plan().model().candidate_dim();
  const std::size_t stride = plan().num_tasks();
  const auto score_part = [&](Worker& worker, std::size_t first, std::size_t count) {
    return worker.session.score_candidates(items + first * width, count, scores + first * stride);
  };
  return finish(items && scores ? run(num_candidates, score_part) : Outcome::kAlone,
                [&](Session& session) { return session.score_candidates(items, num_candidates, scores); });
}

Status ParallelSession::set_user_features(const FeatureColumn* columns, std::size_t num_columns) {
  const auto set = [&](Session& session) { return session.set_user_features(columns, num_columns); };
  return finish(run_each(set), set);
}

Status ParallelSession::score_candidate_features(const FeatureColumn* columns, std::size_t num_columns,
                                                 std::size_t num_candidates, float* scores) {
  const std::size_t stride = plan().num_tasks();
  const auto score_part = [&](Worker& worker, std::size_t first, std::size_t count) {
    return worker.session.score_candidate_features(worker.from_row(columns, num_columns, first), num_columns, count,
                                                   scores + first * stride);
  };
  const bool complete = columns && scores && num_columns == plan().model().num_features();
  return finish(complete ? run(num_candidates, score_part) : Outcome::kAlone, [&](Session& session) {
    return session.score_candidate_features(columns, num_columns, num_candidates, scores);
  });
}

}  // namespace mmoe
