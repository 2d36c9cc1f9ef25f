// What the C interface's handles of a model and of a session hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "c/report.h"
#include "core/heap.h"
#include "core/make_error.h"
#include "mmoe/session.h"

struct mmoe_model {
  mmoe::Model model;
};

struct mmoe_session {
  mmoe::Session session;
  bool owned;  ///< the memory of the handle
  float* gate_weights;
  size_t gate_stride;
  size_t dims[3];  ///< columns of x by mmoe::Part
};

namespace mmoe::internal {

/// Options of a caller that was compiled against an older, shorter struct leave the rest at 0.
Result<Plan> make_plan(const mmoe_model* model, const mmoe_session_options* options);

mmoe_status create_session(const mmoe_model* model, const mmoe_session_options* options, const WorkerOptions& workers,
                           mmoe_session** session);
mmoe_status session_bytes(const mmoe_model* model, const mmoe_session_options* options, size_t num_workers,
                          size_t* bytes);
mmoe_status create_session_in(const mmoe_model* model, const mmoe_session_options* options,
                              const WorkerOptions& workers, void* arena, size_t arena_bytes, mmoe_session** session);

}  // namespace mmoe::internal
