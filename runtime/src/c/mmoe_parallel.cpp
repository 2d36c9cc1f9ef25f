// Sessions on several cores. A program that makes none is linked without this file.
#include "c/handles.h"
#include "mmoe/mmoe.h"

namespace {

mmoe::WorkerOptions workers_of(const mmoe_executor& executor, std::size_t num_workers) {
  return {executor.run ? mmoe::Executor(executor.run, executor.state) : mmoe::Executor(), num_workers};
}

}  // namespace

extern "C" {

mmoe_status mmoe_session_create_parallel(const mmoe_model* model, const mmoe_session_options* options,
                                         mmoe_executor executor, size_t num_workers, mmoe_session** session) {
  return mmoe::internal::create_session(model, options, workers_of(executor, num_workers), session);
}

mmoe_status mmoe_session_parallel_arena_bytes(const mmoe_model* model, const mmoe_session_options* options,
                                              size_t num_workers, size_t* bytes) {
  return mmoe::internal::session_bytes(model, options, num_workers, bytes);
}

mmoe_status mmoe_session_create_parallel_in(const mmoe_model* model, const mmoe_session_options* options,
                                            mmoe_executor executor, size_t num_workers, void* arena,
                                            size_t arena_bytes, mmoe_session** session) {
  return mmoe::internal::create_session_in(model, options, workers_of(executor, num_workers), arena, arena_bytes,
                                           session);
}

}  // extern "C"
