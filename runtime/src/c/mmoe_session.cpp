// Making sessions, and scoring.
#include <utility>

#include "c/executor.h"
#include "c/handles.h"
#include "c/input.h"
#include "c/structs.h"
#include "mmoe/mmoe.h"

using mmoe::ErrorCode;
using mmoe::Plan;
using mmoe::Result;
using mmoe::Session;
using mmoe::Status;
using namespace mmoe::internal;

MMOE_ENDS_WITH(mmoe_session_options, max_ids);
static_assert(MMOE_NAN_SCORES == int(mmoe::NonFinite::kNanScores) &&
              MMOE_NON_FINITE_IS_ERROR == int(mmoe::NonFinite::kError));
static_assert(MMOE_SKIP_WHERE_FASTER == int(mmoe::SkipExperts::kWhereFaster) &&
              MMOE_SKIP_ALWAYS == int(mmoe::SkipExperts::kAlways) && MMOE_SKIP_NEVER == int(mmoe::SkipExperts::kNever));
static_assert(MMOE_MAX_WORKERS == Session::kMaxWorkers && MMOE_MAX_TASKS == Plan::kMaxTasks &&
              MMOE_MAX_BLOCK_ROWS == Plan::kMaxBlockRows);

namespace {

Status check_choice(const char* name, int32_t value, int32_t last) {
  if (value >= 0 && value <= last) return {};
  return make_error(ErrorCode::kInvalidArgument, "options.", name, ": ", std::int64_t{value}, ", expected 0 to ", last);
}

Status read_options(const mmoe_session_options* options, mmoe::SessionOptions& result) {
  mmoe_session_options full;
  if (Status status = read_struct(options, "options", full); !status) return status;
  if (Status status = check_choice("skip_experts", full.skip_experts, MMOE_SKIP_NEVER); !status) return status;
  if (Status status = check_choice("non_finite", full.non_finite, MMOE_NON_FINITE_IS_ERROR); !status) return status;
  if (full.max_batch != 0) result.max_batch = full.max_batch;
  result.tasks = full.tasks;
  result.num_tasks = full.num_tasks;
  result.top_k = full.top_k;
  result.kernel_set = full.kernel_set;
  result.min_gate_weight = full.min_gate_weight;
  result.renormalise = full.no_renormalise == 0;
  result.skip_experts = static_cast<mmoe::SkipExperts>(full.skip_experts);
  result.non_finite = static_cast<mmoe::NonFinite>(full.non_finite);
  result.allow_environment = full.no_allow_environment == 0;
  result.max_multiply_adds = full.max_multiply_adds;
  result.max_steps = full.max_steps;
  result.max_arena_bytes = full.max_arena_bytes;
  result.max_ids = full.max_ids;
  if (full.num_workers != 0) result.num_workers = full.num_workers;
  if (result.num_workers > Session::kMaxWorkers) {
    return make_error(ErrorCode::kInvalidArgument, "num_workers: ", result.num_workers, ", expected 1 to ",
                      Session::kMaxWorkers);
  }
  return read_executor(full.executor, result.executor);
}

// What a session of these options needs, behind its handle.
struct Planned {
  mmoe::SessionOptions options;
  Plan plan;

  std::size_t bytes() const { return with_handle<mmoe_session>(Session::arena_bytes(plan, options.num_workers)); }
};

Result<Planned> make_plan(const mmoe_model& model, const mmoe_session_options* options) {
  mmoe::SessionOptions chosen;
  if (Status status = read_options(options, chosen); !status) return status.error();
  Result<Plan> plan = Plan::create(model.model, chosen);
  if (!plan) return plan.error();
  return Planned{chosen, *plan};
}

}  // namespace

extern "C" {

mmoe_status mmoe_session_create(const mmoe_model* model, const mmoe_session_options* options, mmoe_session** session) {
  if (!model || !session) return null_argument(model ? "session" : "model");
  *session = nullptr;
  const Result<Planned> planned = make_plan(*model, options);
  if (!planned) return fail(planned.error());
  Result<Session> created = Session::create(planned->plan, planned->options);
  if (!created) return fail(created.error());
  return keep_handle(session, std::move(*created), true);
}

mmoe_status mmoe_session_arena_bytes(const mmoe_model* model, const mmoe_session_options* options, size_t* bytes) {
  if (!model || !bytes) return null_argument(model ? "bytes" : "model");
  const Result<Planned> planned = make_plan(*model, options);
  if (!planned) return fail(planned.error());
  *bytes = planned->bytes();
  return MMOE_OK;
}

mmoe_status mmoe_session_create_in(const mmoe_model* model, const mmoe_session_options* options, void* arena,
                                   size_t arena_bytes, mmoe_session** session) {
  if (!model || !arena || !session) return null_argument(!model ? "model" : !arena ? "arena" : "session");
  *session = nullptr;
  const Result<Planned> planned = make_plan(*model, options);
  if (!planned) return fail(planned.error());
  if (arena_bytes < planned->bytes()) {
    return fail(make_error(ErrorCode::kArenaTooSmall, "arena: ", arena_bytes, " bytes, needs ", planned->bytes()));
  }
  char* handle = place_of<mmoe_session>(arena);
  char* rest = handle + sizeof(mmoe_session);
  const std::size_t used = static_cast<std::size_t>(rest - static_cast<char*>(arena));
  Result<Session> created = Session::create(planned->plan, rest, arena_bytes - used, planned->options);
  if (!created) return fail(created.error());
  *session = new (handle) mmoe_session{std::move(*created), false};
  return MMOE_OK;
}

void mmoe_session_free(mmoe_session* session) { free_handle(session); }

mmoe_status mmoe_session_score(mmoe_session* session, const mmoe_input* input, const mmoe_output* output) {
  if (!session || !input || !output) return null_argument(!session ? "session" : !input ? "input" : "output");
  const Result<mmoe::Input> from = input_of(input);
  if (!from) return fail(from.error());
  const Result<mmoe::Output> to = output_of(output);
  if (!to) return fail(to.error());
  return finish(session->session.score(*from, *to));
}

mmoe_status mmoe_session_set_user(mmoe_session* session, const mmoe_input* user) {
  if (!session || !user) return null_argument(session ? "user" : "session");
  const Result<mmoe::Input> from = input_of(user);
  if (!from) return fail(from.error());
  return finish(session->session.set_user(*from));
}

}  // extern "C"
