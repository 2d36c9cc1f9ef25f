// What the C interface's handles hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "c/report.h"
#include "core/heap.h"
#include "core/make_error.h"
#include "mmoe/rows.h"
#include "mmoe/session.h"

struct mmoe_model {
  mmoe::Model model;
};

struct mmoe_session {
  mmoe::Session session;
  bool owned;  ///< the memory of the handle
};

struct mmoe_rows {
  mmoe::Rows rows;
  mmoe::Status misuse;  ///< the first call that the builder itself could not be given
  /// What scoring is given. Functions that make a builder refer to it, so that a program without one is linked without.
  mmoe::Result<mmoe::Input> (*input)(const mmoe_rows& rows);
  bool owned;  ///< the memory of the handle
};

namespace mmoe::internal {

/// Memory at any address for a handle, which lies in front, and what it needs behind it.
template <class Handle>
std::size_t with_handle(std::size_t bytes) {
  constexpr std::size_t kHandleBytes = sizeof(Handle) + alignof(Handle) - 1;
  return bytes < SIZE_MAX - kHandleBytes ? bytes + kHandleBytes : SIZE_MAX;
}

/// Where the handle is to lie in such memory; the rest begins behind it.
template <class Handle>
char* place_of(void* memory) {
  const std::size_t excess = reinterpret_cast<std::uintptr_t>(memory) % alignof(Handle);
  return static_cast<char*>(memory) + (excess ? alignof(Handle) - excess : 0);
}

/// A handle in memory of its own. `handle` is the C function's output.
template <class Handle, class... Members>
mmoe_status keep_handle(Handle** handle, Members&&... members) {
  void* memory = allocate(sizeof(Handle));
  if (!memory) return fail(make_error(ErrorCode::kOutOfMemory, "no memory for a handle"));
  *handle = new (memory) Handle{std::forward<Members>(members)...};
  return MMOE_OK;
}

template <class Handle>
void free_handle(Handle* handle) {
  if (!handle) return;
  const bool owned = handle->owned;
  handle->~Handle();
  if (owned) release(handle);
}

}  // namespace mmoe::internal
