// ThreadPool for C: a part of the library mmoe::threads, as it is.
#include <new>
#include <utility>

#include "c/report.h"
#include "mmoe/mmoe.h"
#include "mmoe/thread_pool.h"

using mmoe::ThreadPool;

struct mmoe_thread_pool {
  ThreadPool pool;
};

extern "C" {

mmoe_status mmoe_thread_pool_create(size_t num_threads, mmoe_thread_pool** pool) {
  if (!pool) return mmoe::internal::null_argument("pool");
  *pool = nullptr;
  mmoe::Result<ThreadPool> created = ThreadPool::create(num_threads);
  if (!created) return mmoe::internal::fail(created.error());
  *pool = new (std::nothrow) mmoe_thread_pool{std::move(*created)};
  if (*pool) return MMOE_OK;
  return mmoe::internal::fail(mmoe::Error(mmoe::ErrorCode::kOutOfMemory).append("no memory for a pool's handle"));
}

size_t mmoe_thread_pool_num_threads(const mmoe_thread_pool* pool) { return pool ? pool->pool.num_threads() : 0; }

mmoe_executor mmoe_thread_pool_executor(const mmoe_thread_pool* pool) {
  if (!pool) return {nullptr, nullptr, nullptr};
  const mmoe::Executor executor = pool->pool.executor();
  return mmoe_executor_make(executor.run(), executor.state());
}

void mmoe_thread_pool_free(mmoe_thread_pool* pool) { delete pool; }

}  // extern "C"
