// The type mmoe._native.Session: an mmoe_session, which several threads may call one after the other.
#pragma once

#include <cstdint>
#include <mutex>

#include "mmoe/mmoe.h"
#include "runtime/python/src/arrays.h"
#include "runtime/python/src/model.h"
#include "runtime/python/src/thread_pool.h"

namespace mmoe::python {

struct SessionObject {
  // clang-format off
  PyObject_HEAD
      // clang-format on
      mmoe_session* session;  ///< null: closed
  ModelObject* model;
  ThreadPoolObject* pool;  ///< null: the caller's thread alone
  ResultRows* rows;        ///< for the results of one row
  std::mutex* mutex;       ///< locked while `session` is used. Python is never called meanwhile
  std::size_t num_tasks, num_gate_weights, num_logits;  ///< columns of what it writes
  uint64_t multiply_adds;                               ///< per row
};

PyObject* make_session_type();

/// The session of an object's methods; null: an exception, where it is closed, or its threads are another process's.
SessionObject* open_session(PyObject* self);

/// The lock of a session. Where another thread has it, the interpreter's is given up while it is waited for.
class SessionLock {
 public:
  explicit SessionLock(SessionObject& session) : mutex_(*session.mutex) {
    if (mutex_.try_lock()) return;
    PyThreadState* state = PyEval_SaveThread();
    mutex_.lock();
    PyEval_RestoreThread(state);
  }
  ~SessionLock() { mutex_.unlock(); }
  SessionLock(const SessionLock&) = delete;
  SessionLock& operator=(const SessionLock&) = delete;

 private:
  std::mutex& mutex_;
};

}  // namespace mmoe::python
