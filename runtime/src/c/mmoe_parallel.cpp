// Sessions on several cores. A program that makes none is linked without this file.
#include "c/handles.h"
#include "mmoe/mmoe.h"
#include "mmoe/parallel.h"

using mmoe::ErrorCode;
using mmoe::FeatureColumn;
using mmoe::ParallelSession;
using mmoe::Plan;
using mmoe::Result;
using namespace mmoe::internal;

namespace {

ParallelSession& parallel(mmoe_session& session) { return held<ParallelSession>(session); }

constexpr ParallelCalls kCalls = {
    [](mmoe_session& session, const float* x, std::size_t batch, float* scores) {
      return parallel(session).score(x, batch, scores);
    },
    [](mmoe_session& session, const FeatureColumn* columns, std::size_t num_columns, std::size_t batch,
       float* scores) { return parallel(session).score_features(columns, num_columns, batch, scores); },
    [](mmoe_session& session, const float* shared) { return parallel(session).set_user(shared); },
    [](mmoe_session& session, const float* items, std::size_t num_candidates, float* scores) {
      return parallel(session).score_candidates(items, num_candidates, scores);
    },
    [](mmoe_session& session, const FeatureColumn* columns, std::size_t num_columns) {
      return parallel(session).set_user_features(columns, num_columns);
    },
    [](mmoe_session& session, const FeatureColumn* columns, std::size_t num_columns, std::size_t num_candidates,
       float* scores) {
      return parallel(session).score_candidate_features(columns, num_columns, num_candidates, scores);
    },
    free_session<ParallelSession>,
    [](mmoe_session& session, float* weights, std::size_t stride) {
      return parallel(session).write_gates(weights, stride);
    },
    [](mmoe_session& session) -> const Plan& { return parallel(session).plan(); },
};

mmoe::Executor as_executor(const mmoe_executor& executor) { return {executor.run, executor.state}; }

Result<std::size_t> needed_bytes(const Plan& plan, std::size_t num_workers) {
  if (num_workers == 0 || num_workers > ParallelSession::kMaxWorkers) {
    return make_error(ErrorCode::kInvalidArgument, "num_workers: ", num_workers, ", expected 1 to ",
                      ParallelSession::kMaxWorkers);
  }
  return with_handle<ParallelSession>(ParallelSession::arena_bytes(plan, num_workers));
}

}  // namespace

extern "C" {

mmoe_status mmoe_session_create_parallel(const mmoe_model* model, const mmoe_session_options* options,
                                         mmoe_executor executor, size_t num_workers, mmoe_session** session) {
  if (!model || !session) return null_argument(model ? "session" : "model");
  *session = nullptr;
  const Result<Plan> plan = make_plan(model, options);
  if (!plan) return fail(plan.error());
  return keep_session(ParallelSession::create(*plan, as_executor(executor), num_workers), &kCalls, session);
}

mmoe_status mmoe_session_parallel_arena_bytes(const mmoe_model* model, const mmoe_session_options* options,
                                              size_t num_workers, size_t* bytes) {
  if (!model || !bytes) return null_argument(model ? "bytes" : "model");
  const Result<Plan> plan = make_plan(model, options);
  if (!plan) return fail(plan.error());
  const Result<std::size_t> needed = needed_bytes(*plan, num_workers);
  if (!needed) return fail(needed.error());
  *bytes = *needed;
  return MMOE_OK;
}

mmoe_status mmoe_session_create_parallel_in(const mmoe_model* model, const mmoe_session_options* options,
                                            mmoe_executor executor, size_t num_workers, void* arena,
                                            size_t arena_bytes, mmoe_session** session) {
  if (!model || !arena || !session) return null_argument(!model ? "model" : !arena ? "arena" : "session");
  *session = nullptr;
  const Result<Plan> plan = make_plan(model, options);
  if (!plan) return fail(plan.error());
  const Result<std::size_t> needed = needed_bytes(*plan, num_workers);
  if (!needed) return fail(needed.error());
  const auto create = [&](void* rest, std::size_t rest_bytes) {
    return ParallelSession::create(*plan, as_executor(executor), num_workers, rest, rest_bytes);
  };
  return create_session_in<ParallelSession>(arena, arena_bytes, *needed, &kCalls, create, session);
}

}  // extern "C"
