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
static_assert(offsetof(mmoe_feature_column, ids) == offsetof(mmoe::FeatureColumn, ids));
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

mmoe_status score(mmoe_session* session, const mmoe::Input& input, float* scores) {
  if (!session) return null_argument("session");
  const mmoe::Plan& plan = session->session.plan();
  mmoe::Output output;
  output.scores = {scores, input.num_rows() * plan.num_tasks()};
  if (session->gate_weights) {
    output.gate_weights = {session->gate_weights, input.num_rows() * session->gate_stride};
    output.gate_weights_stride = session->gate_stride;
  }
  return finish(session->session.score(input, output));
}

mmoe::Input input_of(const mmoe_session* session, mmoe::Part part, const float* x, size_t num_rows) {
  if (!session) return mmoe::Input::x({}, 0);
  const size_t width = session->dims[static_cast<size_t>(part)];
  const mmoe::Input input = mmoe::Input::x({x, num_rows * width}, num_rows);
  return part == mmoe::Part::kCandidate ? input.candidates() : input;
}

mmoe::Input input_of(const mmoe_feature_column* columns, size_t num_columns, size_t num_rows) {
  return mmoe::Input::columns({as_columns(columns), num_columns}, num_rows);
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

mmoe_status create_session(const mmoe_model* model, const mmoe_session_options* options, const WorkerOptions& workers,
                           mmoe_session** session) {
  if (!model || !session) return null_argument(model ? "session" : "model");
  *session = nullptr;
  Result<Plan> plan = make_plan(model, options);
  if (!plan) return fail(plan.error());
  Result<Session> created = Session::create(*plan, workers);
  if (!created) return fail(created.error());
  void* memory = allocate(sizeof(mmoe_session));
  if (!memory) return fail(make_error(ErrorCode::kOutOfMemory, "no memory for a session's handle"));
  *session = new (memory) mmoe_session{
      std::move(*created), true, nullptr, 0,
      {model->model.input_dim(), model->model.user_dim(), model->model.candidate_dim()}};
  return MMOE_OK;
}

// In the caller's memory, at any address: the handle, and behind it the arena.
static constexpr std::size_t kHandleBytes = sizeof(mmoe_session) + alignof(mmoe_session) - 1;

mmoe_status session_bytes(const mmoe_model* model, const mmoe_session_options* options, size_t num_workers,
                          size_t* bytes) {
  if (!model || !bytes) return null_argument(model ? "bytes" : "model");
  const Result<Plan> plan = make_plan(model, options);
  if (!plan) return fail(plan.error());
  if (num_workers == 0 || num_workers > Session::kMaxWorkers) {
    return fail(make_error(ErrorCode::kInvalidArgument, "num_workers: ", num_workers, ", expected 1 to ",
                           Session::kMaxWorkers));
  }
  const std::size_t arena = Session::arena_bytes(*plan, num_workers);
  *bytes = arena < SIZE_MAX - kHandleBytes ? arena + kHandleBytes : SIZE_MAX;
  return MMOE_OK;
}

mmoe_status create_session_in(const mmoe_model* model, const mmoe_session_options* options,
                              const WorkerOptions& workers, void* arena, size_t arena_bytes, mmoe_session** session) {
  if (!model || !arena || !session) return null_argument(!model ? "model" : !arena ? "arena" : "session");
  *session = nullptr;
  size_t needed = 0;
  if (mmoe_status status = session_bytes(model, options, workers.num_workers, &needed); status != MMOE_OK) return status;
  if (arena_bytes < needed) {
    return fail(make_error(ErrorCode::kArenaTooSmall, "arena: ", arena_bytes, " bytes, needs ", needed));
  }
  const Result<Plan> plan = make_plan(model, options);
  if (!plan) return fail(plan.error());
  const std::size_t excess = reinterpret_cast<std::uintptr_t>(arena) % alignof(mmoe_session);
  char* handle = static_cast<char*>(arena) + (excess ? alignof(mmoe_session) - excess : 0);
  char* rest = handle + sizeof(mmoe_session);
  Result<Session> created =
      Session::create(*plan, rest, arena_bytes - static_cast<std::size_t>(rest - static_cast<char*>(arena)), workers);
  if (!created) return fail(created.error());
  *session = new (handle) mmoe_session{
      std::move(*created), false, nullptr, 0,
      {model->model.input_dim(), model->model.user_dim(), model->model.candidate_dim()}};
  return MMOE_OK;
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
  return create_session(model, options, {}, session);
}

mmoe_status mmoe_session_arena_bytes(const mmoe_model* model, const mmoe_session_options* options, size_t* bytes) {
  return session_bytes(model, options, 1, bytes);
}

mmoe_status mmoe_session_create_in(const mmoe_model* model, const mmoe_session_options* options, void* arena,
                                   size_t arena_bytes, mmoe_session** session) {
  return create_session_in(model, options, {}, arena, arena_bytes, session);
}

void mmoe_session_free(mmoe_session* session) {
  if (!session) return;
  const bool owned = session->owned;
  session->~mmoe_session();
  if (owned) release(session);
}

size_t mmoe_session_num_tasks(const mmoe_session* session) { return session ? session->session.plan().num_tasks() : 0; }

uint64_t mmoe_session_multiply_adds_per_row(mmoe_session* session) {
  return session ? session->session.plan().multiply_adds_per_row() : 0;
}

mmoe_status mmoe_session_score(mmoe_session* session, const float* x, size_t batch, float* scores) {
  return score(session, input_of(session, mmoe::Part::kWhole, x, batch), scores);
}

mmoe_status mmoe_session_score_features(mmoe_session* session, const mmoe_feature_column* columns,
                                        size_t num_columns, size_t batch, float* scores) {
  return score(session, input_of(columns, num_columns, batch), scores);
}

mmoe_status mmoe_session_set_user(mmoe_session* session, const float* shared) {
  if (!session) return null_argument("session");
  return finish(session->session.set_user(input_of(session, mmoe::Part::kUser, shared, 1)));
}

mmoe_status mmoe_session_score_candidates(mmoe_session* session, const float* items, size_t num_candidates,
                                          float* scores) {
  return score(session, input_of(session, mmoe::Part::kCandidate, items, num_candidates), scores);
}

mmoe_status mmoe_session_set_user_features(mmoe_session* session, const mmoe_feature_column* columns,
                                           size_t num_columns) {
  if (!session) return null_argument("session");
  return finish(session->session.set_user(input_of(columns, num_columns, 1)));
}

mmoe_status mmoe_session_score_candidate_features(mmoe_session* session, const mmoe_feature_column* columns,
                                                  size_t num_columns, size_t num_candidates, float* scores) {
  return score(session, input_of(columns, num_columns, num_candidates).candidates(), scores);
}

size_t mmoe_session_num_gates(mmoe_session* session) { return session ? session->session.plan().num_gates() : 0; }

size_t mmoe_session_num_gate_weights(mmoe_session* session) {
  return session ? session->session.plan().num_gate_weights() : 0;
}

mmoe_status mmoe_session_gate(mmoe_session* session, size_t index, mmoe_gate_info* gate) {
  if (!session || !gate) return null_argument(session ? "gate" : "session");
  const mmoe::Plan& plan = session->session.plan();
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
  if (!session) return null_argument("session");
  const size_t num_weights = session->session.plan().num_gate_weights();
  if (weights && stride < num_weights) {
    return fail(make_error(ErrorCode::kInvalidArgument, "stride: ", stride, ", but a row has ", num_weights,
                           " gate weights"));
  }
  session->gate_weights = weights;
  session->gate_stride = stride;
  return MMOE_OK;
}

}  // extern "C"
