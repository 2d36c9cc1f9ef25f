// Executors for C. A program that makes none is linked without this file, and without what several workers need.
#include "c/executor.h"
#include "mmoe/mmoe.h"

namespace {

mmoe::Executor make(const mmoe_executor& executor) { return {executor.run, executor.state}; }

}  // namespace

extern "C" mmoe_executor mmoe_executor_make(void (*run)(void* state, size_t num_tasks,
                                                        void (*task)(void* context, size_t index), void* context),
                                            void* state) {
  return {run, state, reinterpret_cast<void (*)(void)>(&make)};
}
