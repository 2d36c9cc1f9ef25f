#include "mmoe/session.h"

#include <cassert>
#include <limits>

#include "core/heap.h"
#include "core/make_error.h"
#include "kernels/exact.h"
#include "kernels/panel16.h"
#include "plan/arena.h"
#include "plan/builder.h"
#include "plan/program.h"
#include "session/encode.h"
#include "session/run.h"
#include "session/x_order.h"

namespace mmoe {

using internal::make_error;

namespace {

std::size_t smaller(std::size_t a, std::size_t b) { return a < b ? a : b; }

std::uint8_t* align(void* arena) {
  const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(arena);
  const std::uintptr_t excess = address % internal::kArenaAlignment;
  return static_cast<std::uint8_t*>(arena) + (excess ? internal::kArenaAlignment - excess : 0);
}

}  // namespace

Result<Session> Session::create(const Model& model, const SessionOptions& options) {
  Result<Plan> plan = Plan::create(model, options);
  if (!plan) return plan.error();
  return create(*plan);
}

Result<Session> Session::create(const Plan& plan) {
  void* arena = internal::allocate(plan.arena_bytes());
  if (!arena) return make_error(ErrorCode::kOutOfMemory, "no memory for an arena of ", plan.arena_bytes(), " bytes");
  return built(Session(plan, arena, arena));
}

Result<Session> Session::create(const Plan& plan, void* arena, std::size_t arena_bytes) {
  if (!arena) return make_error(ErrorCode::kInvalidArgument, "arena: null");
  if (arena_bytes < plan.arena_bytes()) {
    return make_error(ErrorCode::kArenaTooSmall, "arena: ", arena_bytes, " bytes, needs ", plan.arena_bytes());
  }
  return built(Session(plan, nullptr, arena));
}

Result<Session> Session::built(Session&& session) {
  if (session.program_) return std::move(session);
  return make_error(ErrorCode::kDamaged, "the model has changed since it was planned");
}

Session::Session(const Plan& plan, void* owned, void* arena)
    : plan_(plan), owned_(owned), program_(PlanBuilder::build(plan_, align(arena))) {}

Session::Session(Session&& other) noexcept
    : plan_(other.plan_), owned_(other.owned_), program_(other.program_), user_(other.user_) {
  other.owned_ = nullptr;
}

Session& Session::operator=(Session&& other) noexcept {
  if (this != &other) {
    release();
    plan_ = other.plan_;
    owned_ = other.owned_;
    program_ = other.program_;
    user_ = other.user_;
    other.owned_ = nullptr;
  }
  return *this;
}

Session::~Session() { release(); }

void Session::release() { internal::release(owned_); }

Status Session::score(const float* x, std::size_t batch, float* scores) {
  return score(x, program_->input_dim, batch, scores, plan_.num_tasks());
}

Status Session::score(const float* x, std::size_t x_stride, std::size_t batch, float* scores,
                      std::size_t scores_stride) {
  if (batch == 0) return {};
  if (!x || !scores) return make_error(ErrorCode::kInvalidArgument, x ? "scores: null" : "x: null");
  if (x_stride < program_->input_dim || scores_stride < plan_.num_tasks()) {
    return make_error(ErrorCode::kInvalidArgument, "strides: rows would overlap");
  }
  return score_rows(x, x_stride, batch, false, {scores, scores_stride});
}

Status Session::profile(const float* x, std::size_t batch, float* scores, std::uint64_t (*clock)(),
                        std::uint64_t* ticks) {
  // Scores first, and thereby checks the arguments.
  if (Status status = score(x, batch, scores); !status || batch == 0) return status;
  for (std::size_t row = 0; row < batch; row += plan_.block_rows()) {
    const internal::Rows rows{x + row * program_->input_dim, program_->input_dim,
                              smaller(plan_.block_rows(), batch - row), false};
    internal::run_steps_timed(*program_, internal::in_program_order(*program_, rows), clock, ticks);
  }
  return {};
}

StepInfo Session::step(std::size_t index) const {
  const internal::Step& step = program_->steps[index];
  switch (step.kind) {
    case internal::StepKind::kDense:
      return {"dense", step.dense.args.num_inputs, step.dense.args.num_panels * kPanelWidth,
              step.dense.list != nullptr};
    case internal::StepKind::kNorm:
      return {"norm", step.norm.args.width, step.norm.args.width, step.norm.list != nullptr};
    case internal::StepKind::kGate: return {"gate", step.gate.args.num_experts, step.gate.args.num_experts, false};
    case internal::StepKind::kSelect: return {"select", step.select.num_lists, 0, false};
    case internal::StepKind::kMix: return {"mix", step.mix.args.num_weights, step.mix.args.dim, false};
    case internal::StepKind::kLink: break;
  }
  return {"link", step.link.num_logits, 1, false};
}

Status Session::check_columns(const FeatureColumn* columns, std::size_t num_columns, Part part) const {
  if (num_columns == program_->num_features && num_columns != 0) {
    return internal::check_columns(*program_, columns, part);
  }
  return make_error(ErrorCode::kInvalidArgument, "num_columns: ", num_columns, ", the model has ",
                    program_->num_features, " features");
}

Status Session::score_features(const FeatureColumn* columns, std::size_t num_columns, std::size_t batch,
                               float* scores) {
  return score_encoded(columns, num_columns, Part::kWhole, batch, scores);
}

Status Session::set_user(const float* user) {
  user_ = User::kUnset;  // a failure must not leave the user of before
  if (program_->shared_dim == 0) {
    return make_error(ErrorCode::kInvalidArgument, "set_user: the model declares no user-side inputs");
  }
  if (!user) return make_error(ErrorCode::kInvalidArgument, "user: null");
  return keep_user(user);
}

Status Session::set_user_features(const FeatureColumn* columns, std::size_t num_columns) {
  user_ = User::kUnset;
  if (program_->shared_dim == 0) {
    return make_error(ErrorCode::kInvalidArgument, "set_user: the model declares no user-side inputs");
  }
  if (Status status = check_columns(columns, num_columns, Part::kUser); !status) return status;
  if (Status status = internal::encode_features(*program_, columns, Part::kUser, 0, 1); !status) return status;
  return keep_user(program_->input.data);
}

Status Session::keep_user(const float* user) {
  const bool finite = program_->kernels->all_finite(user, program_->shared_dim);
  if (!finite && plan_.non_finite() == NonFinite::kError) {
    return make_error(ErrorCode::kNonFinite, "set_user: an input is NaN or infinite");
  }
  internal::compute_prefixes(*program_, user);
  user_ = finite ? User::kFinite : User::kNotFinite;
  return {};
}

Status Session::score_candidates(const float* items, std::size_t num_candidates, float* scores) {
  if (user_ == User::kUnset) return make_error(ErrorCode::kInvalidArgument, "score_candidates: set_user() comes first");
  if (num_candidates == 0) return {};
  if (!items || !scores) return make_error(ErrorCode::kInvalidArgument, items ? "scores: null" : "items: null");
  return score_rows(items, program_->input_dim - program_->shared_dim, num_candidates, true,
                    {scores, plan_.num_tasks()});
}

Status Session::score_candidate_features(const FeatureColumn* columns, std::size_t num_columns,
                                         std::size_t num_candidates, float* scores) {
  if (user_ == User::kUnset) return make_error(ErrorCode::kInvalidArgument, "score_candidates: set_user() comes first");
  return score_encoded(columns, num_columns, Part::kCandidate, num_candidates, scores);
}

Status Session::score_encoded(const FeatureColumn* columns, std::size_t num_columns, Part part, std::size_t batch,
                              float* scores) {
  if (Status status = check_columns(columns, num_columns, part); !status) return status;
  const bool candidates = part == Part::kCandidate;
  const std::size_t stride = plan_.num_tasks();
  const float* x = program_->input.data + (candidates ? program_->shared_dim : 0);
  if (!scores && batch != 0) return make_error(ErrorCode::kInvalidArgument, "scores: null");
  for (std::size_t row = 0; row < batch; row += plan_.block_rows()) {
    const std::size_t num_rows = smaller(plan_.block_rows(), batch - row);
    if (Status status = internal::encode_features(*program_, columns, part, row, num_rows); !status) return status;
    const internal::Rows rows{x, program_->input.stride, num_rows, candidates};
    if (Status status = score_block(rows, row, {scores + row * stride, stride}); !status) return status;
  }
  return {};
}

Status Session::score_rows(const float* x, std::size_t stride, std::size_t batch, bool candidates,
                           const Output& output) {
  for (std::size_t row = 0; row < batch; row += plan_.block_rows()) {
    const std::size_t num_rows = smaller(plan_.block_rows(), batch - row);
    const internal::Rows rows{x + row * stride, stride, num_rows, candidates};
    Status status = score_block(internal::in_program_order(*program_, rows), row,
                                {output.scores + row * output.stride, output.stride});
    if (!status) return status;
  }
  return {};
}

Status Session::score_block(const internal::Rows& rows, std::size_t first_row, const Output& output) {
  assert(kernels::has_default_environment() && "rounding to nearest, subnormal numbers kept: see Plan::is_exact()");
  program_->gates.run ? program_->gates.run(*this, rows, first_row) : internal::run_steps(*program_, rows);
  const std::size_t width = program_->input_dim - (rows.candidates ? program_->shared_dim : 0);
  const bool user_finite = !rows.candidates || user_ == User::kFinite;
  for (std::size_t row = 0; row < rows.count; ++row) {
    const bool finite = program_->kernels->all_finite(rows.x + row * rows.stride, width);
    float* scores = output.scores + row * output.stride;
    for (std::size_t task = 0; task < plan_.num_tasks(); ++task) {
      const float score = program_->scores[program_->requested[task] * rows.count + row];
      scores[task] = finite && user_finite ? score : std::numeric_limits<float>::quiet_NaN();
    }
    if (plan_.non_finite() == NonFinite::kError && !program_->kernels->all_finite(scores, plan_.num_tasks())) {
      return make_error(ErrorCode::kNonFinite, "row ", first_row + row, finite ? ": a score" : ": an input",
                        " is NaN or infinite");
    }
  }
  return {};
}

}  // namespace mmoe
