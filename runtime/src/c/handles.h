// What the C interface's handles of a model and of a session hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "c/report.h"
#include "core/heap.h"
#include "core/make_error.h"
#include "mmoe/session.h"

namespace mmoe::internal {

/// What a handle calls that holds a ParallelSession. Only the functions that make one refer to the one table there
/// is, so that a program without them is linked without the rest.
struct ParallelCalls {
  Status (*score)(mmoe_session&, const float* x, std::size_t batch, float* scores);
  Status (*score_features)(mmoe_session&, const FeatureColumn* columns, std::size_t num_columns, std::size_t batch,
                           float* scores);
  Status (*set_user)(mmoe_session&, const float* shared);
  Status (*score_candidates)(mmoe_session&, const float* items, std::size_t num_candidates, float* scores);
  Status (*set_user_features)(mmoe_session&, const FeatureColumn* columns, std::size_t num_columns);
  Status (*score_candidate_features)(mmoe_session&, const FeatureColumn* columns, std::size_t num_columns,
                                     std::size_t num_candidates, float* scores);
  void (*free)(mmoe_session&);
  Status (*write_gates)(mmoe_session&, float* weights, std::size_t stride);
  const Plan& (*plan)(mmoe_session&);
};

}  // namespace mmoe::internal

struct mmoe_model {
  mmoe::Model model;
};

struct mmoe_session {
  const mmoe::internal::ParallelCalls* parallel;  ///< null: a Session is in the handle, else a ParallelSession
  std::size_t num_tasks;
  bool owned;  ///< the memory of the handle
};

namespace mmoe::internal {

/// Held: Session or ParallelSession.
template <class Held>
struct SessionHandle : mmoe_session {
  Held held;
};

template <class Held>
Held& held(mmoe_session& session) {
  return static_cast<SessionHandle<Held>&>(session).held;
}

template <class Held>
void free_session(mmoe_session& session) {
  using Handle = SessionHandle<Held>;
  Handle* handle = static_cast<Handle*>(&session);
  const bool owned = handle->owned;
  handle->~Handle();
  if (owned) release(handle);
}

/// Options of a caller that was compiled against an older, shorter struct leave the rest at 0.
Result<Plan> make_plan(const mmoe_model* model, const mmoe_session_options* options);

template <class Held>
mmoe_status place_session(Result<Held>&& created, const ParallelCalls* parallel, void* memory, bool owned,
                          mmoe_session** session) {
  const std::size_t num_tasks = created->plan().num_tasks();
  *session = new (memory) SessionHandle<Held>{{parallel, num_tasks, owned}, std::move(*created)};
  return MMOE_OK;
}

template <class Held>
mmoe_status keep_session(Result<Held>&& created, const ParallelCalls* parallel, mmoe_session** session) {
  if (!created) return fail(created.error());
  void* memory = allocate(sizeof(SessionHandle<Held>));
  if (!memory) return fail(make_error(ErrorCode::kOutOfMemory, "no memory for a session's handle"));
  return place_session(std::move(created), parallel, memory, true, session);
}

/// Memory at any address for a handle, which lies in front, and the arena that it needs.
template <class Held>
std::size_t with_handle(std::size_t arena_bytes) {
  constexpr std::size_t kHandleBytes = sizeof(SessionHandle<Held>) + alignof(SessionHandle<Held>) - 1;
  return arena_bytes < SIZE_MAX - kHandleBytes ? arena_bytes + kHandleBytes : SIZE_MAX;
}

/// create(arena, arena_bytes) makes the session behind the handle. `needed` is with_handle() of what it asks for.
template <class Held, class Create>
mmoe_status create_session_in(void* arena, std::size_t arena_bytes, std::size_t needed, const ParallelCalls* parallel,
                              const Create& create, mmoe_session** session) {
  using Handle = SessionHandle<Held>;
  if (arena_bytes < needed) {
    return fail(make_error(ErrorCode::kArenaTooSmall, "arena: ", arena_bytes, " bytes, needs ", needed));
  }
  const std::size_t excess = reinterpret_cast<std::uintptr_t>(arena) % alignof(Handle);
  char* handle = static_cast<char*>(arena) + (excess ? alignof(Handle) - excess : 0);
  char* rest = handle + sizeof(Handle);
  Result<Held> created = create(rest, arena_bytes - static_cast<std::size_t>(rest - static_cast<char*>(arena)));
  if (!created) return fail(created.error());
  return place_session(std::move(created), parallel, handle, false, session);
}

}  // namespace mmoe::internal
