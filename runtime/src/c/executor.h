// Executors of C programs.
#pragma once

#include "core/make_error.h"
#include "mmoe/error.h"
#include "mmoe/executor.h"
#include "mmoe/mmoe.h"

namespace mmoe::internal {

/// What mmoe_executor::library points to: the only way from the functions that make sessions to the code for several
/// workers.
using MakeExecutor = Executor (*)(const mmoe_executor& executor);

inline Status read_executor(const mmoe_executor& executor, Executor& result) {
  if (!executor.run) return {};
  if (!executor.library) {
    return make_error(ErrorCode::kInvalidArgument,
                      "options.executor: made neither by mmoe_executor_make() nor by mmoe_thread_pool_executor()");
  }
  result = reinterpret_cast<MakeExecutor>(executor.library)(executor);
  return {};
}

}  // namespace mmoe::internal
