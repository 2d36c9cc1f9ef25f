#include "mmoe/session.h"

#include <limits>

#include "core/heap.h"
#include "core/make_error.h"
#include "kernels/panel16.h"
#include "plan/arena.h"
#include "plan/builder.h"
#include "plan/program.h"
#include "session/call.h"
#include "session/place.h"
#include "session/run.h"
#include "session/score.h"

namespace mmoe {

using internal::Call;
using internal::InputAccess;
using internal::make_error;

namespace {

std::uint8_t* align(void* arena) {
  const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(arena);
  const std::uintptr_t excess = address % internal::kArenaAlignment;
  return static_cast<std::uint8_t*>(arena) + (excess ? internal::kArenaAlignment - excess : 0);
}

// From one worker's program to the next: a cache line or more lies between what two of them write.
std::size_t program_bytes(const Plan& plan) {
  return internal::round_up(plan.arena_bytes(), internal::kArenaAlignment);
}

bool are_valid(const WorkerOptions& workers) {
  if (workers.num_workers == 1) return true;
  return workers.num_workers != 0 && workers.num_workers <= Session::kMaxWorkers && workers.executor.run();
}

Error invalid_workers(const WorkerOptions& workers) {
  if (workers.num_workers == 0 || workers.num_workers > Session::kMaxWorkers) {
    return make_error(ErrorCode::kInvalidArgument, "num_workers: ", workers.num_workers, ", expected 1 to ",
                      Session::kMaxWorkers);
  }
  return make_error(ErrorCode::kInvalidArgument, "executor: none, but num_workers is ", workers.num_workers);
}

/// An array of the caller, with rows of `width` floats.
struct Array {
  const char* name;
  const float* data;
  std::size_t size, width;
  std::size_t& stride;  ///< from row to row; 0 becomes the width

  std::size_t found() const { return data ? size : 0; }
  /// Floats that so many rows take.
  std::size_t needed(std::size_t num_rows) const {
    if (num_rows == 0) return 0;
    return internal::saturating_add(internal::saturating_multiply(num_rows - 1, stride), width);
  }
};

/// Whether the array has room for the rows. REQUIRES: num_rows != 0.
bool has_room(const Array& array, std::size_t num_rows) {
  if (array.stride == 0) array.stride = array.width;
  if (array.stride < array.width || array.found() < array.width) return false;
  // Of one row nothing needs to be multiplied, nor to be divided for an overflow.
  return num_rows == 1 || array.found() >= array.needed(num_rows);
}

/// Whether x has its rows and, unless the caller gave a stride, nothing else: else its rows have another width.
bool is_filled(const Array& x, std::size_t num_rows) {
  const bool any_length = x.stride != 0;
  if (num_rows == 0) return any_length || x.size == 0;
  return has_room(x, num_rows) && (any_length || x.size == num_rows * x.width);
}

/// Why it is not, or has no room. Apart, so that a call without an error makes no room for a message.
[[gnu::noinline]] Error wrong_length(const Array& array, std::size_t num_rows) {
  if (num_rows != 0 && array.stride < array.width) {
    return make_error(ErrorCode::kInvalidArgument, array.name, ": stride ", array.stride, ", but a row has ",
                      array.width);
  }
  return make_error(ErrorCode::kInvalidArgument, array.name, ": length ", array.found(),
                    internal::Needed{array.needed(num_rows), num_rows, array.width});
}

}  // namespace

Result<Session> Session::create(const Model& model, const SessionOptions& options) {
  Result<Plan> plan = Plan::create(model, options);
  if (!plan) return plan.error();
  return create(*plan, options);
}

Result<Session> Session::create(const Plan& plan, const WorkerOptions& workers) {
  if (!are_valid(workers)) return invalid_workers(workers);
  const std::size_t bytes = arena_bytes(plan, workers.num_workers);
  void* arena = internal::allocate(bytes);
  if (!arena) return make_error(ErrorCode::kOutOfMemory, "no memory for an arena of ", bytes, " bytes");
  return built(Session(plan, arena, arena, workers));
}

Result<Session> Session::create(const Plan& plan, void* arena, std::size_t bytes, const WorkerOptions& workers) {
  if (!are_valid(workers)) return invalid_workers(workers);
  if (!arena) return make_error(ErrorCode::kInvalidArgument, "arena: null");
  const std::size_t needed = arena_bytes(plan, workers.num_workers);
  if (bytes < needed) return make_error(ErrorCode::kArenaTooSmall, "arena: ", bytes, " bytes, needs ", needed);
  return built(Session(plan, nullptr, arena, workers));
}

std::size_t Session::arena_bytes(const Plan& plan, std::size_t num_workers) {
  return internal::saturating_add(internal::saturating_multiply(num_workers - 1, program_bytes(plan)),
                                  plan.arena_bytes());
}

Result<Session> Session::built(Session&& session) {
  if (session.program_) return std::move(session);
  return make_error(ErrorCode::kDamaged, "the model has changed since it was planned");
}

Session::Session(const Plan& plan, void* owned, void* arena, const WorkerOptions& workers)
    : plan_(plan),
      owned_(owned),
      program_(PlanBuilder::build(plan_, align(arena))),
      executor_(workers.executor),
      num_workers_(workers.num_workers) {
  for (std::size_t i = 1; program_ && i < num_workers_; ++i) {
    if (!PlanBuilder::build(plan_, align(arena) + i * program_bytes(plan))) program_ = nullptr;
  }
}

// The builder puts a program where it is told to.
Program& Session::program(std::size_t worker) const {
  std::uint8_t* first = reinterpret_cast<std::uint8_t*>(program_);
  return *reinterpret_cast<Program*>(first + worker * program_bytes(plan_));
}

Session::Session(Session&& other) noexcept
    : plan_(other.plan_),
      owned_(other.owned_),
      program_(other.program_),
      executor_(other.executor_),
      num_workers_(other.num_workers_),
      user_(other.user_) {
  other.owned_ = nullptr;
}

Session& Session::operator=(Session&& other) noexcept {
  if (this != &other) {
    release();
    plan_ = other.plan_;
    owned_ = other.owned_;
    program_ = other.program_;
    executor_ = other.executor_;
    num_workers_ = other.num_workers_;
    user_ = other.user_;
    other.owned_ = nullptr;
  }
  return *this;
}

Session::~Session() { release(); }

void Session::release() { internal::release(owned_); }

namespace {

/// The row builder's first error, or null. It comes before what its rows are to be used for.
const Status* error_of(const Input& input) {
  const Status* status = InputAccess::status(input);
  return status && !status->ok() ? status : nullptr;
}

}  // namespace

// What is to be scored, for all that reads it. `part` is what the input is taken for.
Status Session::check_input(const Input& input, Part part, Call& call) const {
  InputAccess::copy(input, call);
  call.part = part;
  if (const void* model = InputAccess::model(input); model && model != plan_.data()) {
    return make_error(ErrorCode::kInvalidArgument, "rows: made for another model");
  }
  if (call.num_rows == 0 && call.values.empty() && call.columns.empty()) return {};
  if (call.features) return call.features->check(*program_, call);
  const Array x{"x", call.values.data(), call.values.size(), internal::dim_of(*program_, part), call.stride};
  if (!is_filled(x, call.num_rows)) return wrong_length(x, call.num_rows);
  return {};
}

// Apart, so that its room for messages is not on the stack of score() while rows are scored.
[[gnu::noinline]] Status Session::check(const Input& input, const Output& output, Call& call) const {
  if (const Status* error = error_of(input)) return *error;
  if (input.part() == Part::kUser) {
    return make_error(ErrorCode::kInvalidArgument, "rows: of the user part, for set_user()");
  }
  const bool candidates = input.part() == Part::kCandidate;
  if (candidates && user_ == User::kUnset) {
    return make_error(ErrorCode::kInvalidArgument, "candidates: call set_user() first");
  }
  if (Status status = check_input(input, input.part(), call); !status || call.num_rows == 0) return status;
  call.user_is_finite = !candidates || user_ == User::kFinite;
  call.scores = output.scores.data();
  call.scores_stride = output.scores_stride;
  call.gate_weights = output.gate_weights.empty() ? nullptr : output.gate_weights.data();
  call.gate_weights_stride = output.gate_weights_stride;
  call.logits = output.logits.empty() ? nullptr : output.logits.data();
  call.logits_stride = output.logits_stride;
  const Array results[] = {
      {"scores", call.scores, output.scores.size(), plan_.num_tasks(), call.scores_stride},
      {"gate_weights", call.gate_weights, output.gate_weights.size(), plan_.num_gate_weights(),
       call.gate_weights_stride},
      {"logits", call.logits, output.logits.size(), plan_.num_logits(), call.logits_stride},
  };
  for (const Array& each : results) {
    const bool wanted = each.size != 0 || &each == results;
    if (wanted && !has_room(each, call.num_rows)) return wrong_length(each, call.num_rows);
  }
  return {};
}

Status Session::score(const Input& input, const Output& output) {
  Call call;
  if (Status status = check(input, output, call); !status || call.num_rows == 0) return status;
  if (num_workers_ > 1) return executor_.calls_->score(*this, call);
  return internal::score_rows(plan_, *program_, call, 0, call.num_rows);
}

Status Session::set_user(const Input& user) {
  user_ = User::kUnset;  // a failure must not leave the user of before
  if (const Status* error = error_of(user)) return *error;
  if (program_->shared_dim == 0) {
    return make_error(ErrorCode::kInvalidArgument, "set_user: the model has no user part");
  }
  if (user.part() == Part::kCandidate || user.num_rows() != 1) {
    return make_error(ErrorCode::kInvalidArgument, "set_user: expected one row of a user; rows",
                      user.part() == Part::kCandidate ? " of candidates: " : ": ", user.num_rows());
  }
  Call call;
  Status status = check_input(user, Part::kUser, call);
  if (status) status = internal::load_rows(*program_, call, 0, 1);
  if (!status) return status;
  const internal::RowBlock row = internal::rows_of(*program_, call, 0, 1);
  const bool finite = program_->kernels->all_finite(row.x, program_->shared_dim);
  if (!finite && plan_.non_finite() == NonFinite::kError) {
    return internal::non_finite_input(*program_, Part::kUser, row.x, 0);
  }
  if (num_workers_ > 1) {
    status = executor_.calls_->set_user(*this, row.x);
    if (!status) return status;
  } else {
    internal::compute_prefixes(*program_, row.x);
  }
  user_ = finite ? User::kFinite : User::kNotFinite;
  return {};
}

Status Session::profile(const Input& input, const Output& output, std::uint64_t (*clock)(), Span<std::uint64_t> ticks) {
  if (!clock || ticks.size() < plan_.num_steps()) {
    return make_error(ErrorCode::kInvalidArgument, clock ? "ticks: length " : "clock: null; ticks: length ",
                      ticks.size(), ", needs ", plan_.num_steps());
  }
  // Scores first, and thereby finds errors.
  if (Status status = score(input, output); !status) return status;
  Call call;
  if (Status status = check(input, output, call); !status || call.num_rows == 0) return status;
  for (std::size_t row = 0; row < call.num_rows; row += plan_.block_rows()) {
    const std::size_t left = call.num_rows - row, count = left < plan_.block_rows() ? left : plan_.block_rows();
    if (Status status = internal::load_rows(*program_, call, row, count); !status) return status;
    const internal::RowBlock block = internal::rows_of(*program_, call, row, count);
    internal::run_steps_timed(*program_, block, clock, ticks.data());
  }
  return {};
}

StepInfo Session::step(std::size_t index) const {
  const internal::Step& step = program_->steps[index];
  switch (step.work) {
    case internal::StepKind::kDense:
      return {"dense", step.dense.args.num_inputs, step.dense.args.num_panels * kPanelWidth,
              step.dense.list != nullptr};
    case internal::StepKind::kNorm:
      return {"norm", step.norm.args.width, step.norm.args.width, step.norm.list != nullptr};
    case internal::StepKind::kGate: return {"gate", step.gate.args.num_experts, step.gate.args.num_experts, false};
    case internal::StepKind::kSelect: return {"select", step.select.num_lists, 0, false};
    case internal::StepKind::kMix: return {"mix", step.mix.args.num_weights, step.mix.args.dim, false};
    case internal::StepKind::kCopy: {
      std::size_t width = 0;
      for (std::size_t i = 0; i < step.copy.num_parts; ++i) width += step.copy.parts[i].width;
      return {"copy", width, width, false};
    }
    case internal::StepKind::kCombine:
      return {"combine", step.combine.args.input_width, step.combine.args.width, false};
    case internal::StepKind::kSoftmax:
      return {"softmax", step.softmax.args.num_experts, step.softmax.args.num_experts, false};
    case internal::StepKind::kAttention: return {"attention", step.attention->length, step.attention->width, false};
    case internal::StepKind::kEach:
      return {"each", step.each->length * step.each->width, step.each->length * step.each->outputs, false};
    case internal::StepKind::kScaledDot: {
      const kernels::ScaledDotArgs& args = step.scaled_dot->args;
      return {"scaled dot", args.num_keys * args.width, args.num_queries * args.value_width, false};
    }
    case internal::StepKind::kUser: return {"user", step.user.width, step.user.width, false};
    case internal::StepKind::kOfUser:
    case internal::StepKind::kLink: break;
  }
  return {"link", step.link.num_logits, 1, false};
}

}  // namespace mmoe
