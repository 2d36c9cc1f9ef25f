#include "mmoe/mmoe.h"

#include <cstddef>
#include <cstring>
#include <new>

#include "core/heap.h"
#include "core/make_error.h"
#include "mmoe/session.h"
#include "plan/arena.h"

using mmoe::Error;
using mmoe::ErrorCode;
using mmoe::internal::make_error;

struct mmoe_model {
  mmoe::Model model;
};

struct mmoe_session {
  mmoe::Session session;
  bool owned;
};

static_assert(sizeof(mmoe_feature_column) == sizeof(mmoe::FeatureColumn));
static_assert(offsetof(mmoe_session_options, reserved) + sizeof(int32_t) == sizeof(mmoe_session_options),
              "padding at the end would be read as the next field that is appended");
static_assert(alignof(mmoe_session) <= mmoe::internal::kArenaAlignment);

namespace {

// The only state of the library: what mmoe_last_message() returns.
#ifdef MMOE_NO_THREADS
Error last_error;
#else
thread_local Error last_error;
#endif

constexpr mmoe_status kOk = MMOE_OK;

mmoe_status fail(const Error& error) {
  last_error = error;
  return static_cast<mmoe_status>(error.code());
}

mmoe_status finish(const mmoe::Status& status) { return status.ok() ? kOk : fail(status.error()); }

mmoe_status null_argument(const char* name) { return fail(make_error(ErrorCode::kInvalidArgument, name, ": null")); }

mmoe::LoadOptions load_options(uint32_t flags) {
  mmoe::LoadOptions options;
  options.verify_checksums = (flags & MMOE_VERIFY_CHECKSUMS) != 0;
  options.copy_if_misaligned = (flags & MMOE_COPY_IF_MISALIGNED) != 0;
  return options;
}

template <class Handle>
Handle* make_handle(Handle&& handle) {
  void* memory = mmoe::internal::allocate(sizeof(Handle));
  return memory ? new (memory) Handle(std::move(handle)) : nullptr;
}

template <class Handle>
void free_handle(Handle* handle) {
  if (handle) handle->~Handle();
  mmoe::internal::release(handle);
}

mmoe_status keep_model(mmoe::Result<mmoe::Model>&& loaded, mmoe_model** model) {
  if (!loaded) return fail(loaded.error());
  *model = make_handle(mmoe_model{std::move(*loaded)});
  return *model ? kOk : fail(make_error(ErrorCode::kOutOfMemory, "no memory for a model's handle"));
}

// Options of a caller that was compiled against an older, shorter struct leave the rest at 0.
mmoe::Result<mmoe::Plan> make_plan(const mmoe_model* model, const mmoe_session_options* options) {
  mmoe_session_options full = {};
  if (options) {
    if (options->struct_size < sizeof(std::size_t) || options->struct_size > sizeof full) {
      return make_error(ErrorCode::kInvalidArgument, "options.struct_size: ", options->struct_size, ", expected ",
                        sizeof full);
    }
    std::memcpy(&full, options, options->struct_size);
  }
  mmoe::SessionOptions plan_options;
  plan_options.max_batch = full.max_batch == 0 ? 1 : full.max_batch;
  plan_options.tasks = full.tasks;
  plan_options.num_tasks = full.num_tasks;
  plan_options.top_k = full.top_k;
  plan_options.isa = full.isa;
  plan_options.non_finite =
      full.non_finite == MMOE_NON_FINITE_IS_ERROR ? mmoe::NonFinite::kError : mmoe::NonFinite::kNanScores;
  plan_options.min_gate_weight = full.min_gate_weight;
  plan_options.renormalise = full.keep_gate_weights == 0;
  return mmoe::Plan::create(model->model, plan_options);
}

// The handle lies in front of the session's arena.
constexpr std::size_t kHandleBytes = sizeof(mmoe_session) + alignof(mmoe_session) - 1;

const mmoe::FeatureColumn* as_columns(const mmoe_feature_column* columns) {
  return reinterpret_cast<const mmoe::FeatureColumn*>(columns);
}

bool has_vocabulary(const mmoe_model* model, size_t feature) {
  return feature < model->model.num_features() && model->model.feature(feature).kind != mmoe::FeatureKind::kDense;
}

bool is_sparse(const mmoe_model* model, size_t feature) {
  return feature < model->model.num_features() && model->model.feature(feature).kind == mmoe::FeatureKind::kSparse;
}

}  // namespace

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

void mmoe_model_free(mmoe_model* model) { free_handle(model); }

size_t mmoe_model_input_dim(const mmoe_model* model) { return model->model.input_dim(); }
size_t mmoe_model_num_tasks(const mmoe_model* model) { return model->model.num_tasks(); }

size_t mmoe_model_shared_dim(const mmoe_model* model) { return model->model.shared_dim(); }
size_t mmoe_model_num_shared_features(const mmoe_model* model) { return model->model.num_shared_features(); }

const char* mmoe_model_task_name(const mmoe_model* model, size_t task, size_t* size) {
  *size = 0;
  if (task >= model->model.num_tasks()) return nullptr;
  const std::string_view name = model->model.task_name(task);
  *size = name.size();
  return name.data();
}

size_t mmoe_model_num_features(const mmoe_model* model) { return model->model.num_features(); }

size_t mmoe_model_find_feature(const mmoe_model* model, const char* name) {
  return name ? model->model.find_feature(name) : model->model.num_features();
}

size_t mmoe_model_feature_width(const mmoe_model* model, size_t feature) {
  return feature < model->model.num_features() ? model->model.feature(feature).width : 0;
}

int mmoe_model_feature_is_sparse(const mmoe_model* model, size_t feature) { return is_sparse(model, feature) ? 1 : 0; }

size_t mmoe_model_feature_length(const mmoe_model* model, size_t feature) {
  return feature < model->model.num_features() ? model->model.feature(feature).length : 0;
}

int32_t mmoe_model_find_id_text(const mmoe_model* model, size_t feature, const char* value, size_t size) {
  if (!has_vocabulary(model, feature) || !model->model.feature(feature).string_values) return mmoe::Model::kUnknownId;
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
  mmoe::Result<mmoe::Session> created = mmoe::Session::create(*plan);
  if (!created) return fail(created.error());
  *session = make_handle(mmoe_session{std::move(*created), true});
  return *session ? kOk : fail(make_error(ErrorCode::kOutOfMemory, "no memory for a session's handle"));
}

mmoe_status mmoe_session_arena_bytes(const mmoe_model* model, const mmoe_session_options* options, size_t* bytes) {
  if (!model || !bytes) return null_argument(model ? "bytes" : "model");
  mmoe::Result<mmoe::Plan> plan = make_plan(model, options);
  if (!plan) return fail(plan.error());
  *bytes = plan->arena_bytes() + kHandleBytes;
  return MMOE_OK;
}

mmoe_status mmoe_session_create_in(const mmoe_model* model, const mmoe_session_options* options, void* arena,
                                   size_t arena_bytes, mmoe_session** session) {
  if (!model || !arena || !session) return null_argument(!model ? "model" : !arena ? "arena" : "session");
  *session = nullptr;
  mmoe::Result<mmoe::Plan> plan = make_plan(model, options);
  if (!plan) return fail(plan.error());
  if (arena_bytes < plan->arena_bytes() + kHandleBytes) {
    return fail(make_error(ErrorCode::kArenaTooSmall, "arena: ", arena_bytes, " bytes, needs ",
                           plan->arena_bytes() + kHandleBytes));
  }
  const std::size_t excess = reinterpret_cast<std::uintptr_t>(arena) % alignof(mmoe_session);
  char* handle = static_cast<char*>(arena) + (excess ? alignof(mmoe_session) - excess : 0);
  char* rest = handle + sizeof(mmoe_session);
  mmoe::Result<mmoe::Session> created =
      mmoe::Session::create(*plan, rest, arena_bytes - static_cast<std::size_t>(rest - static_cast<char*>(arena)));
  if (!created) return fail(created.error());
  *session = new (handle) mmoe_session{std::move(*created), false};
  return MMOE_OK;
}

void mmoe_session_free(mmoe_session* session) {
  if (session && session->owned) {
    free_handle(session);
  } else if (session) {
    session->~mmoe_session();
  }
}

size_t mmoe_session_num_tasks(const mmoe_session* session) { return session->session.plan().num_tasks(); }

mmoe_status mmoe_session_score(mmoe_session* session, const float* x, size_t batch, float* scores) {
  if (!session) return null_argument("session");
  return finish(session->session.score(x, batch, scores));
}

mmoe_status mmoe_session_score_features(mmoe_session* session, const mmoe_feature_column* columns,
                                        size_t num_columns, size_t batch, float* scores) {
  if (!session) return null_argument("session");
  return finish(session->session.score_features(as_columns(columns), num_columns, batch, scores));
}

mmoe_status mmoe_session_set_user(mmoe_session* session, const float* shared) {
  if (!session) return null_argument("session");
  return finish(session->session.set_user(shared));
}

mmoe_status mmoe_session_score_candidates(mmoe_session* session, const float* items, size_t num_candidates,
                                          float* scores) {
  if (!session) return null_argument("session");
  return finish(session->session.score_candidates(items, num_candidates, scores));
}

mmoe_status mmoe_session_set_user_features(mmoe_session* session, const mmoe_feature_column* columns,
                                           size_t num_columns) {
  if (!session) return null_argument("session");
  return finish(session->session.set_user_features(as_columns(columns), num_columns));
}

mmoe_status mmoe_session_score_candidate_features(mmoe_session* session, const mmoe_feature_column* columns,
                                                  size_t num_columns, size_t num_candidates, float* scores) {
  if (!session) return null_argument("session");
  return finish(session->session.score_candidate_features(as_columns(columns), num_columns, num_candidates, scores));
}

}  // extern "C"
