// The module mmoe._native: the C interface of the runtime, as mmoe/__init__.py completes it.
#include "mmoe/mmoe.h"
#include "runtime/python/src/arrow.h"
#include "runtime/python/src/model.h"
#include "runtime/python/src/python.h"
#include "runtime/python/src/session.h"
#include "runtime/python/src/thread_pool.h"

namespace mmoe::python {
namespace {

PyObject* kernel_sets(PyObject*, PyObject*) {
  const std::size_t count = mmoe_num_kernel_sets();
  Ref sets(PyList_New(0));
  for (std::size_t i = 0; sets && i < count; ++i) {
    mmoe_kernel_set_info info{};
    info.struct_size = sizeof info;
    if (mmoe_kernel_set(i, &info) != MMOE_OK) continue;
    const Ref item(Py_BuildValue("snOO", info.name, info.lanes, info.exact ? Py_True : Py_False,
                                 info.available ? Py_True : Py_False));
    if (!item || PyList_Append(sets.get(), item.get()) != 0) return nullptr;
  }
  return sets.release();
}

PyObject* status_name(PyObject*, PyObject* status) {
  const long number = PyLong_AsLong(status);
  if (number == -1 && PyErr_Occurred()) return nullptr;
  return PyUnicode_FromString(mmoe_status_name(static_cast<mmoe_status>(number)));
}

PyMethodDef functions[] = {
    {"kernel_sets", kernel_sets, METH_NOARGS, nullptr},
    {"arrow_batches", arrow_batches, METH_O, nullptr},
    {"status_name", status_name, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "mmoe._native", nullptr, -1, functions, nullptr, nullptr, nullptr, nullptr,
};

bool add(PyObject* module, const char* name, PyObject* type) {
  const Ref holder(type);
  return type && PyModule_AddObjectRef(module, name, type) == 0;
}

}  // namespace
}  // namespace mmoe::python

PyMODINIT_FUNC PyInit__native() {
  using namespace mmoe::python;
  Ref module(PyModule_Create(&definition));
  if (!module || !add(module.get(), "Model", make_model_type()) ||
      !add(module.get(), "ArrowColumn", make_arrow_column_type()) ||
      !add(module.get(), "ThreadPool", make_thread_pool_type()) || !add(module.get(), "Session", make_session_type()) ||
      PyModule_AddStringConstant(module.get(), "version", mmoe_version()) != 0) {
    return nullptr;
  }
  return module.release();
}
