#include "mmoe/session.h"

#include <limits>

#include "core/make_error.h"
#include "plan/arena.h"
#include "plan/builder.h"
#include "plan/program.h"
#include "session/encode.h"
#include "session/run.h"

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
  void* arena = ::operator new(plan.arena_bytes(), std::nothrow);
  if (!arena) return make_error(ErrorCode::kOutOfMemory, "no memory for an arena of ", plan.arena_bytes(), " bytes");
  return Session(plan, arena, arena);
}

Result<Session> Session::create(const Plan& plan, void* arena, std::size_t arena_bytes) {
  if (!arena) return make_error(ErrorCode::kInvalidArgument, "arena: null");
  if (arena_bytes < plan.arena_bytes()) {
    return make_error(ErrorCode::kArenaTooSmall, "arena: ", arena_bytes, " bytes, needs ", plan.arena_bytes());
  }
  return Session(plan, nullptr, arena);
}

Session::Session(const Plan& plan, void* owned, void* arena)
    : plan_(plan), owned_(owned), program_(PlanBuilder::build(plan_, align(arena))) {}

Session::Session(Session&& other) noexcept : plan_(other.plan_), owned_(other.owned_), program_(other.program_) {
  other.owned_ = nullptr;
}

Session& Session::operator=(Session&& other) noexcept {
  if (this != &other) {
    release();
    plan_ = other.plan_;
    owned_ = other.owned_;
    program_ = other.program_;
    other.owned_ = nullptr;
  }
  return *this;
}

Session::~Session() { release(); }

void Session::release() { ::operator delete(owned_); }

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
  for (std::size_t row = 0; row < batch; row += plan_.block_rows()) {
    const std::size_t num_rows = smaller(plan_.block_rows(), batch - row);
    Status status = score_block(x + row * x_stride, x_stride, row, num_rows, scores + row * scores_stride,
                                scores_stride);
    if (!status) return status;
  }
  return {};
}

Status Session::score_features(const FeatureColumn* columns, std::size_t num_columns, std::size_t batch,
                               float* scores) {
  if (num_columns != program_->num_features || num_columns == 0) {
    return make_error(ErrorCode::kInvalidArgument, "num_columns: ", num_columns, ", the model has ",
                      program_->num_features, " features");
  }
  if (batch == 0) return {};
  if (!columns || !scores) return make_error(ErrorCode::kInvalidArgument, columns ? "scores: null" : "columns: null");
  for (std::size_t i = 0; i < num_columns; ++i) {
    const bool sparse = program_->features[i].sparse;
    if (sparse ? columns[i].ids != nullptr : columns[i].values != nullptr) continue;
    return make_error(ErrorCode::kInvalidArgument, "columns[", i, "].", sparse ? "ids" : "values", ": null");
  }
  const std::size_t scores_stride = plan_.num_tasks();
  for (std::size_t row = 0; row < batch; row += plan_.block_rows()) {
    const std::size_t num_rows = smaller(plan_.block_rows(), batch - row);
    if (Status status = internal::encode_features(*program_, columns, row, num_rows); !status) return status;
    Status status = score_block(program_->input.data, program_->input.stride, row, num_rows,
                                scores + row * scores_stride, scores_stride);
    if (!status) return status;
  }
  return {};
}

Status Session::score_block(const float* x, std::size_t x_stride, std::size_t first_row, std::size_t num_rows,
                            float* scores, std::size_t scores_stride) {
  internal::run_steps(*program_, x, x_stride, num_rows);
  for (std::size_t row = 0; row < num_rows; ++row) {
    const bool finite = program_->kernels->all_finite(x + row * x_stride, program_->input_dim);
    if (!finite && plan_.non_finite() == NonFinite::kError) {
      return make_error(ErrorCode::kNonFinite, "row ", first_row + row, ": an input is NaN or infinite");
    }
    for (std::size_t task = 0; task < plan_.num_tasks(); ++task) {
      scores[row * scores_stride + task] =
          finite ? program_->scores[task][row] : std::numeric_limits<float>::quiet_NaN();
    }
  }
  return {};
}

}  // namespace mmoe
