// The type mmoe._native.ThreadPool: threads that score, for any number of sessions.
#pragma once

#include "mmoe/mmoe.h"
#include "runtime/python/src/python.h"

namespace mmoe::python {

struct ThreadPoolObject {
  // clang-format off
  PyObject_HEAD
      // clang-format on
      mmoe_thread_pool* pool;
  long process;  ///< which has its threads: a child that was forked has none
};

PyObject* make_thread_pool_type();

/// A new pool of `num_threads`; the pool itself where `threads` is one. Null: an exception.
Ref thread_pool_of(PyObject* threads);

/// False: an exception, where this process was forked from that of the pool.
bool check_process(const ThreadPoolObject& pool);

}  // namespace mmoe::python
