#include "runtime/python/src/thread_pool.h"

#include "runtime/python/src/errors.h"

#ifdef _WIN32
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif

namespace mmoe::python {
namespace {

PyTypeObject* thread_pool_type = nullptr;

PyObject* thread_pool_new(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
  static const char* const names[] = {"num_threads", nullptr};
  PyObject* number = nullptr;
  std::size_t num_threads = 0;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O:ThreadPool", const_cast<char**>(names), &number) ||
      !read_size("num_threads", number, num_threads)) {
    return nullptr;
  }
  Ref self(reinterpret_cast<allocfunc>(PyType_GetSlot(type, Py_tp_alloc))(type, 0));
  if (!self) return nullptr;
  ThreadPoolObject* pool = as<ThreadPoolObject>(self.get());
  pool->process = getpid();
  const mmoe_status status = mmoe_thread_pool_create(num_threads, &pool->pool);
  return status == MMOE_OK ? self.release() : fail(status);
}

// A child process has none of the threads that would have to be waited for.
void thread_pool_dealloc(PyObject* self) {
  const ThreadPoolObject* pool = as<ThreadPoolObject>(self);
  if (pool->process == getpid()) {
    PyThreadState* state = PyEval_SaveThread();
    mmoe_thread_pool_free(pool->pool);
    PyEval_RestoreThread(state);
  }
  free_object(self);
}

PyObject* get_num_threads(PyObject* self, void*) {
  return PyLong_FromSize_t(mmoe_thread_pool_num_threads(as<ThreadPoolObject>(self)->pool));
}

PyGetSetDef properties[] = {
    {"num_threads", get_num_threads, nullptr, "Threads that work on a call, with the one that calls.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>("ThreadPool(num_threads)\n--\n\nThreads that score, for any number of sessions, which "
                       "take turns. They sleep while there is nothing to do.")},
    {Py_tp_new, slot(thread_pool_new)},
    {Py_tp_dealloc, slot(thread_pool_dealloc)},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {"mmoe._native.ThreadPool", sizeof(ThreadPoolObject), 0, Py_TPFLAGS_DEFAULT, slots};

}  // namespace

PyObject* make_thread_pool_type() {
  PyObject* type = PyType_FromSpec(&spec);
  thread_pool_type = reinterpret_cast<PyTypeObject*>(type);
  return type;
}

Ref thread_pool_of(PyObject* threads) {
  if (PyObject_TypeCheck(threads, thread_pool_type)) return Ref::borrowed(threads);
  return Ref(PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(thread_pool_type), threads, nullptr));
}

bool check_process(const ThreadPoolObject& pool) {
  if (pool.process == getpid()) return true;
  refuse("threads: this process was forked from the one that has them: make the session in this one");
  return false;
}

}  // namespace mmoe::python
