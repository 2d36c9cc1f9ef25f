// The module mmoe._convert: the converter, with weights and models in memory.
#include <exception>
#include <map>
#include <string>
#include <vector>

#include "converter/model/number_names.h"
#include "converter/program/convert_weights.h"
#include "converter/program/given_numbers.h"
#include "runtime/python/src/python.h"

namespace mmoe::python {
namespace {

using converter::ConvertedWeights;
using converter::WeightsRequest;

std::nullptr_t fail(const char* text) {
  const Ref module(PyImport_ImportModule("mmoe.errors"));
  const Ref type(module ? PyObject_GetAttrString(module.get(), "ConvertError") : nullptr);
  const Ref message(PyUnicode_DecodeUTF8(text, static_cast<Py_ssize_t>(std::string_view(text).size()), "replace"));
  if (type && message) PyErr_SetObject(type.get(), message.get());
  return nullptr;
}

Ref text_of(const std::string& text) {
  return Ref(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
}

Ref list_of(const std::vector<std::string>& texts) {
  Ref list(PyList_New(0));
  for (const std::string& text : texts) {
    const Ref item = text_of(text);
    if (!list || !item || PyList_Append(list.get(), item.get()) != 0) return Ref();
  }
  return list;
}

/// Gives up the interpreter's lock as long as it lives, also where an exception ends that.
class Released {
 public:
  Released() : state_(PyEval_SaveThread()) {}
  ~Released() { PyEval_RestoreThread(state_); }
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;

 private:
  PyThreadState* state_;
};

/// What `work` gives, without the interpreter's lock. False: an exception of Python.
template <class Work>
bool run(const Work& work) {
  std::string message;
  try {
    const Released released;
    work();
    return true;
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
    return false;
  } catch (const std::exception& error) {
    message = error.what();
  }
  fail(message.c_str());
  return false;
}

bool read_texts(PyObject* list, std::vector<std::string>& to) {
  const Py_ssize_t count = PyList_Size(list);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const char* text = PyUnicode_AsUTF8AndSize(PyList_GetItem(list, i), nullptr);
    if (!text) return false;
    to.emplace_back(text);
  }
  return count >= 0;
}

/// The arguments of a request; the bytes of the weights belong to `weights` as long as that is open.
struct Request {
  WeightsRequest c;
  std::string weight_type = "f32", table_type = "f32";
  Py_buffer weights{};

  Request() = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request() {
    if (weights.obj) PyBuffer_Release(&weights);
  }

  bool read(PyObject* arguments, PyObject* keywords);
};

bool check_type(const char* argument, const std::string& name, const std::vector<std::string>& names) {
  std::string expected;
  for (const std::string& known : names) {
    if (known == name) return true;
    expected += (expected.empty() ? "" : ", ") + known;
  }
  return fail((std::string(argument) + ": '" + name + "', expected one of " + expected).c_str()), false;
}

bool Request::read(PyObject* arguments, PyObject* keywords) {
  static const char* const names[] = {"path",        "weights",    "name",        "description", "recipe",
                                      "numbers",     "rows",       "labels",      "budget",      "quantize",
                                      "weight_type", "table_type", "golden_rows", "seed",        nullptr};
  const char *path = "", *name = "", *description = "", *recipe = "", *numbers = "", *rows = "", *weight = "f32",
             *table = "f32";
  PyObject *bytes = Py_None, *labels = nullptr, *budget = nullptr;
  int quantize = 0;
  Py_ssize_t golden_rows = 8;
  unsigned long long seed = 1;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "sO|$sssssO!O!pssnK", const_cast<char**>(names), &path, &bytes,
                                   &name, &description, &recipe, &numbers, &rows, &PyList_Type, &labels, &PyList_Type,
                                   &budget, &quantize, &weight, &table, &golden_rows, &seed)) {
    return false;
  }
  if (labels && !read_texts(labels, c.labels)) return false;
  if (budget && !read_texts(budget, c.budget)) return false;
  if (golden_rows < 0 || golden_rows > 100000) return fail("golden_rows: expected 0 to 100000"), false;
  if (!check_type("weight_type", weight, converter::weight_type_names()) ||
      !check_type("table_type", table, converter::table_type_names())) {
    return false;
  }
  if (bytes != Py_None) {
    if (PyObject_GetBuffer(bytes, &weights, PyBUF_SIMPLE) != 0) return false;
    c.bytes = {weights.len > 0 ? static_cast<const char*>(weights.buf) : "", static_cast<std::size_t>(weights.len)};
  }
  c.path = path, c.name = name, c.description = description, c.recipe = recipe, c.numbers = numbers, c.rows = rows;
  c.quantize = quantize != 0;
  c.options.num_golden_rows = static_cast<std::size_t>(golden_rows);
  c.options.golden_seed = seed;
  c.options.numbers = converter::number_options(weight, table);
  return true;
}

PyObject* result_of(const ConvertedWeights& made) {
  const Ref file(PyBytes_FromStringAndSize(reinterpret_cast<const char*>(made.file.data()),
                                           static_cast<Py_ssize_t>(made.file.size())));
  const Ref summary = text_of(made.summary), warnings = list_of(made.warnings), numbers = text_of(made.numbers);
  if (!file || !summary || !warnings || !numbers) return nullptr;
  return Py_BuildValue("OOOOndnd", file.get(), summary.get(), warnings.get(), numbers.get(),
                       static_cast<Py_ssize_t>(made.report.check.num_compared), made.report.check.largest_difference,
                       static_cast<Py_ssize_t>(made.proof.num_rows), made.proof.largest_difference);
}

PyObject* convert(PyObject*, PyObject* arguments, PyObject* keywords) {
  Request request;
  if (!request.read(arguments, keywords)) return nullptr;
  ConvertedWeights made;
  return run([&] { made = converter::convert_weights(request.c); }) ? result_of(made) : nullptr;
}

PyObject* describe(PyObject*, PyObject* arguments, PyObject* keywords) {
  Request request;
  if (!request.read(arguments, keywords)) return nullptr;
  std::string text;
  return run([&] { text = converter::description_of(request.c); }) ? text_of(text).release() : nullptr;
}

PyMethodDef functions[] = {
    {"convert", method(convert), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"describe", method(describe), METH_VARARGS | METH_KEYWORDS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "mmoe._convert", nullptr, -1, functions, nullptr, nullptr, nullptr, nullptr,
};

}  // namespace
}  // namespace mmoe::python

PyMODINIT_FUNC PyInit__convert() { return PyModule_Create(&mmoe::python::definition); }
