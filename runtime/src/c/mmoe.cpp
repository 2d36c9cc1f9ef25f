#include "mmoe/mmoe.h"

#include <cstddef>
#include <cstring>
#include <new>

#include "c/handles.h"
#include "core/heap.h"
#include "core/make_error.h"
#include "mmoe/session.h"

using mmoe::Error;
using mmoe::ErrorCode;
using mmoe::Session;
using namespace mmoe::internal;

static_assert(sizeof(mmoe_feature_column) == sizeof(mmoe::FeatureColumn));
static_assert(offsetof(mmoe_session_options, max_ids) + sizeof(uint64_t) == sizeof(mmoe_session_options),
              "padding at the end would be read as the next field that is appended");

namespace {

// The only state of the library: what mmoe_last_message() returns.
#ifdef MMOE_NO_THREADS
Error last_error;
#else
thread_local Error last_error;
#endif

mmoe::LoadOptions load_options(uint32_t flags) {
  mmoe::LoadOptions options;
  options.verify_checksums = (flags & MMOE_VERIFY_CHECKSUMS) != 0;
  options.copy_if_misaligned = (flags & MMOE_COPY_IF_MISALIGNED) != 0;
  options.copy = (flags & MMOE_COPY) != 0;
  options.verify_header = (flags & MMOE_SKIP_HEADER_CHECKSUM) == 0;
  return options;
}

mmoe_status keep_model(mmoe::Result<mmoe::Model>&& loaded, mmoe_model** model) {
  if (!loaded) return fail(loaded.error());
  void* memory = allocate(sizeof(mmoe_model));
  if (!memory) return fail(make_error(ErrorCode::kOutOfMemory, "no memory for a model's handle"));
  *model = new (memory) mmoe_model{std::move(*loaded)};
  return MMOE_OK;
}

const mmoe::FeatureColumn* as_columns(const mmoe_feature_column* columns) {
  return reinterpret_cast<const mmoe::FeatureColumn*>(columns);
}

bool has_feature(const mmoe_model* model, size_t feature) {
  return model && feature < model->model.num_features();
}

bool has_vocabulary(const mmoe_model* model, size_t feature) {
  return has_feature(model, feature) && model->model.feature(feature).kind != mmoe::FeatureKind::kDense;
}

bool is_sparse(const mmoe_model* model, size_t feature) {
  return has_feature(model, feature) && model->model.feature(feature).kind == mmoe::FeatureKind::kSparse;
}

// One call of either kind of session, with the errors of both.
template <class... Args>
mmoe_status call(mmoe_session* session, mmoe::Status (*ParallelCalls::*parallel)(mmoe_session&, Args...),
                 mmoe::Status (Session::*single)(Args...), Args... args) {
  if (!session) return null_argument("session");
  return finish(session->parallel ? (session->parallel->*parallel)(*session, args...)
                                  : (held<Session>(*session).*single)(args...));
}

const mmoe::Plan& plan_of(mmoe_session* session) {
  return session->parallel ? session->parallel->plan(*session) : held<Session>(*session).plan();
}

}  // namespace

namespace mmoe::internal {

mmoe_status fail(const Error& error) {
  last_error = error;
  return static_cast<mmoe_status>(error.code());
}

mmoe_status null_argument(const char* name) { return fail(make_error(ErrorCode::kInvalidArgument, name, ": null")); }

Result<Plan> make_plan(const mmoe_model* model, const mmoe_session_options* options) {
  mmoe_session_options full = {};
  if (options) {
    if (options->struct_size < sizeof(std::size_t) || options->struct_size > sizeof full) {
      return make_error(ErrorCode::kInvalidArgument, "options.struct_size: ", options->struct_size, ", expected ",
                        sizeof full);
    }
    std::memcpy(&full, options, options->struct_size);
  }
  SessionOptions plan_options;
  plan_options.max_batch = full.max_batch == 0 ? 1 : full.max_batch;
  plan_options.tasks = full.tasks;
  plan_options.num_tasks = full.num_tasks;
  plan_options.top_k = full.top_k;
  plan_options.kernel_set = full.kernel_set;
  plan_options.allow_environment = full.ignore_environment == 0;
  plan_options.non_finite = full.non_finite == MMOE_NON_FINITE_IS_ERROR ? NonFinite::kError : NonFinite::kNanScores;
  plan_options.min_gate_weight = full.min_gate_weight;
  plan_options.renormalise = full.keep_gate_weights == 0;
  plan_options.max_multiply_adds = full.max_multiply_adds;
  plan_options.max_steps = full.max_steps;
  plan_options.max_arena_bytes = full.max_arena_bytes;
  plan_options.max_ids = full.max_ids;
  return Plan::create(model->model, plan_options);
}

}  // namespace mmoe::internal

extern "C" {

const char* mmoe_status_name(mmoe_status status) { return mmoe::error_code_name(static_cast<ErrorCode>(status)); }

const char* mmoe_last_message(void) { return last_error.message(); }

mmoe_status mmoe_model_map(const char* path, uint32_t flags, mmoe_model** model) {
  if (!model) return null_argument("model");
  *model = nullptr;
  return keep_model(mmoe::Model::map(path, load_options(flags)), model);
}

mmoe_status mmoe_model_from_bytes(const void* data, size_t size, uint32_t flags, mmoe_model** model) {
  if (!model) return null_argument("model");
  *model = nullptr;
  return keep_model(mmoe::Model::from_bytes(data, size, load_options(flags)), model);
}

void mmoe_model_free(mmoe_model* model) {
  if (model) model->~mmoe_model();
  release(model);
}

size_t mmoe_model_input_dim(const mmoe_model* model) { return model ? model->model.input_dim() : 0; }
size_t mmoe_model_num_tasks(const mmoe_model* model) { return model ? model->model.num_tasks() : 0; }

size_t mmoe_model_user_dim(const mmoe_model* model) { return model ? model->model.user_dim() : 0; }
size_t mmoe_model_candidate_dim(const mmoe_model* model) { return model ? model->model.candidate_dim() : 0; }

const char* mmoe_model_task_name(const mmoe_model* model, size_t task, size_t* size) {
  if (size) *size = 0;
  if (task >= mmoe_model_num_tasks(model)) return nullptr;
  const std::string_view name = model->model.task_name(task);
  if (size) *size = name.size();
  return name.data();
}

size_t mmoe_model_num_features(const mmoe_model* model) { return model ? model->model.num_features() : 0; }

size_t mmoe_model_find_feature(const mmoe_model* model, const char* name) {
  return model && name ? model->model.find_feature(name) : mmoe_model_num_features(model);
}

size_t mmoe_model_feature_width(const mmoe_model* model, size_t feature) {
  return has_feature(model, feature) ? model->model.feature(feature).width : 0;
}

int mmoe_model_feature_is_sparse(const mmoe_model* model, size_t feature) { return is_sparse(model, feature) ? 1 : 0; }

size_t mmoe_model_feature_length(const mmoe_model* model, size_t feature) {
  return has_feature(model, feature) ? model->model.feature(feature).length : 0;
}

int32_t mmoe_model_find_id_text(const mmoe_model* model, size_t feature, const char* value, size_t size) {
  if (!has_vocabulary(model, feature) || !model->model.feature(feature).string_values) return mmoe::Model::kUnknownId;
  if (!value && size != 0) return mmoe::Model::kUnknownId;
  return model->model.find_id(feature, std::string_view(value, size));
}

int32_t mmoe_model_find_id_integer(const mmoe_model* model, size_t feature, int64_t value) {
  if (!has_vocabulary(model, feature) || model->model.feature(feature).string_values) return mmoe::Model::kUnknownId;
  return model->model.find_id(feature, value);
}

mmoe_status mmoe_session_create(const mmoe_model* model, const mmoe_session_options* options,
                                mmoe_session** session) {
  if (!model || !session) return null_argument(model ? "session" : "model");
  *session = nullptr;
  mmoe::Result<mmoe::Plan> plan = make_plan(model, options);
  if (!plan) return fail(plan.error());
  return keep_session(Session::create(*plan), nullptr, session);
}

mmoe_status mmoe_session_arena_bytes(const mmoe_model* model, const mmoe_session_options* options, size_t* bytes) {
  if (!model || !bytes) return null_argument(model ? "bytes" : "model");
  mmoe::Result<mmoe::Plan> plan = make_plan(model, options);
  if (!plan) return fail(plan.error());
  *bytes = with_handle<Session>(plan->arena_bytes());
  return MMOE_OK;
}

mmoe_status mmoe_session_create_in(const mmoe_model* model, const mmoe_session_options* options, void* arena,
                                   size_t arena_bytes, mmoe_session** session) {
  if (!model || !arena || !session) return null_argument(!model ? "model" : !arena ? "arena" : "session");
  *session = nullptr;
  mmoe::Result<mmoe::Plan> plan = make_plan(model, options);
  if (!plan) return fail(plan.error());
  const auto create = [&](void* rest, std::size_t rest_bytes) { return Session::create(*plan, rest, rest_bytes); };
  return create_session_in<Session>(arena, arena_bytes, with_handle<Session>(plan->arena_bytes()), nullptr, create,
                                    session);
}

void mmoe_session_free(mmoe_session* session) {
  if (!session) return;
  if (session->parallel) return session->parallel->free(*session);
  free_session<Session>(*session);
}

size_t mmoe_session_num_tasks(const mmoe_session* session) { return session ? session->num_tasks : 0; }

uint64_t mmoe_session_multiply_adds_per_row(mmoe_session* session) {
  return session ? plan_of(session).multiply_adds_per_row() : 0;
}

mmoe_status mmoe_session_score(mmoe_session* session, const float* x, size_t batch, float* scores) {
  return call(session, &ParallelCalls::score, &Session::score, x, batch, scores);
}

mmoe_status mmoe_session_score_features(mmoe_session* session, const mmoe_feature_column* columns,
                                        size_t num_columns, size_t batch, float* scores) {
  return call(session, &ParallelCalls::score_features, &Session::score_features, as_columns(columns), num_columns,
              batch, scores);
}

mmoe_status mmoe_session_set_user(mmoe_session* session, const float* shared) {
  return call(session, &ParallelCalls::set_user, &Session::set_user, shared);
}

mmoe_status mmoe_session_score_candidates(mmoe_session* session, const float* items, size_t num_candidates,
                                          float* scores) {
  return call(session, &ParallelCalls::score_candidates, &Session::score_candidates, items, num_candidates, scores);
}

mmoe_status mmoe_session_set_user_features(mmoe_session* session, const mmoe_feature_column* columns,
                                           size_t num_columns) {
  return call(session, &ParallelCalls::set_user_features, &Session::set_user_features, as_columns(columns),
              num_columns);
}

mmoe_status mmoe_session_score_candidate_features(mmoe_session* session, const mmoe_feature_column* columns,
                                                  size_t num_columns, size_t num_candidates, float* scores) {
  return call(session, &ParallelCalls::score_candidate_features, &Session::score_candidate_features,
              as_columns(columns), num_columns, num_candidates, scores);
}

size_t mmoe_session_num_gates(mmoe_session* session) { return session ? plan_of(session).num_gates() : 0; }

size_t mmoe_session_num_gate_weights(mmoe_session* session) {
  return session ? plan_of(session).num_gate_weights() : 0;
}

mmoe_status mmoe_session_gate(mmoe_session* session, size_t index, mmoe_gate_info* gate) {
  if (!session || !gate) return null_argument(session ? "gate" : "session");
  const mmoe::Plan& plan = plan_of(session);
  const size_t num_gates = plan.num_gates();
  if (index >= num_gates) {
    return fail(make_error(ErrorCode::kInvalidArgument, "index: ", index, ", the session has ", num_gates, " gates"));
  }
  if (gate->struct_size < sizeof(std::size_t)) {
    return fail(make_error(ErrorCode::kInvalidArgument, "gate.struct_size: ", gate->struct_size));
  }
  const mmoe::GateInfo info = plan.gate(index);
  const size_t known = gate->struct_size < sizeof *gate ? gate->struct_size : sizeof *gate;
  const mmoe_gate_info full = {known,           info.level, info.index, info.column, info.num_experts, info.experts,
                               info.name.data(), info.name.size(), info.tasks};
  std::memcpy(gate, &full, known);
  return MMOE_OK;
}

mmoe_status mmoe_session_write_gates(mmoe_session* session, float* weights, size_t stride) {
  return call(session, &ParallelCalls::write_gates, &Session::write_gates, weights, stride);
}

}  // extern "C"
