#include "runtime/python/src/model.h"

#include <string>

#include "runtime/python/src/errors.h"

namespace mmoe::python {
namespace {

PyTypeObject* model_type = nullptr;

PyObject* text(const char* data, std::size_t size) {
  return PyUnicode_DecodeUTF8(data ? data : "", static_cast<Py_ssize_t>(data ? size : 0), "backslashreplace");
}

// ---------------------------------------------------------------------------------------- loading

bool load_path(PyObject* path, const mmoe_load_options& options, ModelObject* self) {
  PyObject* encoded = nullptr;
  if (!PyUnicode_FSConverter(path, &encoded)) return false;
  const Ref holder(encoded);
  const char* name = PyBytes_AsString(encoded);
  if (!name) return false;
  PyThreadState* state = PyEval_SaveThread();  // verifying checksums reads the whole file
  const mmoe_status status = mmoe_model_map(name, &options, &self->model);
  PyEval_RestoreThread(state);
  return status == MMOE_OK || (fail(status), false);
}

// Bytes that nobody can change stay where they are, if they lie well; of others the model has a copy.
bool load_bytes(PyObject* object, mmoe_load_options options, ModelObject* self) {
  Py_buffer view;
  if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) != 0) return false;
  options.copy_if_misaligned = 1;
  if (Py_TYPE(object) != &PyBytes_Type) options.copy = 1;
  PyThreadState* state = PyEval_SaveThread();
  const mmoe_status status =
      mmoe_model_from_bytes(view.buf, static_cast<std::size_t>(view.len), &options, &self->model);
  PyEval_RestoreThread(state);
  const bool is_shared = status == MMOE_OK && mmoe_model_data(self->model) == view.buf;
  PyBuffer_Release(&view);
  if (is_shared) self->bytes = Ref::borrowed(object).release();
  return status == MMOE_OK || (fail(status), false);
}

PyObject* model_new(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
  static const char* const names[] = {"source", "verify_checksums", "copy", nullptr};
  PyObject* source = nullptr;
  int verify_checksums = 0, copy = 0;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|$pp:Model", const_cast<char**>(names), &source,
                                   &verify_checksums, &copy)) {
    return nullptr;
  }
  Ref self(reinterpret_cast<allocfunc>(PyType_GetSlot(type, Py_tp_alloc))(type, 0));
  if (!self) return nullptr;
  mmoe_load_options options{};
  options.struct_size = sizeof options;
  options.verify_checksums = verify_checksums;
  options.copy = copy;
  const bool is_bytes = PyObject_CheckBuffer(source);
  const bool done = is_bytes ? load_bytes(source, options, as<ModelObject>(self.get()))
                             : load_path(source, options, as<ModelObject>(self.get()));
  return done ? self.release() : nullptr;
}

void model_dealloc(PyObject* self) {
  mmoe_model_free(as<ModelObject>(self)->model);
  Py_XDECREF(as<ModelObject>(self)->bytes);
  free_object(self);
}

int model_buffer(PyObject* self, Py_buffer* view, int flags) {
  const mmoe_model* model = as<ModelObject>(self)->model;
  return PyBuffer_FillInfo(view, self, const_cast<void*>(mmoe_model_data(model)),
                           static_cast<Py_ssize_t>(mmoe_model_size_bytes(model)), 1, flags);
}

// ---------------------------------------------------------------------------------------- what it is

template <const char* (*Function)(const mmoe_model*, std::size_t*)>
PyObject* get_text(PyObject* self, void*) {
  std::size_t size = 0;
  const char* data = Function(as<ModelObject>(self)->model, &size);
  return text(data, size);
}

template <std::size_t (*Function)(const mmoe_model*)>
PyObject* get_size(PyObject* self, void*) {
  return PyLong_FromSize_t(Function(as<ModelObject>(self)->model));
}

PyObject* get_tasks(PyObject* self, void*) {
  const mmoe_model* model = as<ModelObject>(self)->model;
  const std::size_t count = mmoe_model_num_tasks(model);
  Ref tasks(PyTuple_New(static_cast<Py_ssize_t>(count)));
  for (std::size_t i = 0; tasks && i < count; ++i) {
    std::size_t size = 0;
    const char* name = mmoe_model_task_name(model, i, &size);
    PyObject* item = text(name, size);
    if (!item || PyTuple_SetItem(tasks.get(), static_cast<Py_ssize_t>(i), item) != 0) return nullptr;
  }
  return tasks.release();
}

PyObject* crossed_columns(const mmoe_model* model, std::size_t feature, int num_parts) {
  Ref names(PyTuple_New(num_parts > 1 ? num_parts : 0));
  for (int part = 0; names && num_parts > 1 && part < num_parts; ++part) {
    std::size_t size = 0;
    const char* name = mmoe_model_crossed_column(model, feature, static_cast<std::size_t>(part), &size);
    PyObject* item = text(name, size);
    if (!item || PyTuple_SetItem(names.get(), part, item) != 0) return nullptr;
  }
  return names.release();
}

// As the fields of mmoe.Feature.
PyObject* feature_object(const mmoe_model* model, std::size_t index) {
  mmoe_feature_info info{};
  info.struct_size = sizeof info;
  if (const mmoe_status status = mmoe_model_feature(model, index, &info); status != MMOE_OK) return fail(status);
  static const char* const kinds[] = {"dense", "sparse", "sequence"};
  static const char* const sides[] = {"context", "user", "item"};
  const Ref name(text(info.name, info.name_size)), source(text(info.source, info.source_size));
  const Ref weights(text(info.weights, info.weights_size)), parts(crossed_columns(model, index, info.num_parts));
  if (!name || !source || !weights || !parts) return nullptr;
  return Py_BuildValue("{sOsssssOsnsnsnsnsnsOsOsOsOsOsOsO}", "name", name.get(), "kind", kinds[info.kind], "side",
                       sides[info.side], "source", source.get(), "column", info.column, "width", info.width, "length",
                       info.length, "num_values", info.num_values, "num_ids", info.num_ids, "string_values",
                       info.string_values ? Py_True : Py_False, "number_values",
                       info.number_values ? Py_True : Py_False, "hashed", info.hashed ? Py_True : Py_False,
                       "refuses_unknown", info.refuses_unknown ? Py_True : Py_False, "refuses_missing",
                       info.refuses_missing ? Py_True : Py_False, "crossed", parts.get(), "weights", weights.get());
}

PyObject* get_features(PyObject* self, void*) {
  const mmoe_model* model = as<ModelObject>(self)->model;
  const std::size_t count = mmoe_model_num_features(model);
  Ref features(PyTuple_New(static_cast<Py_ssize_t>(count)));
  for (std::size_t i = 0; features && i < count; ++i) {
    PyObject* item = feature_object(model, i);
    if (!item || PyTuple_SetItem(features.get(), static_cast<Py_ssize_t>(i), item) != 0) return nullptr;
  }
  return features.release();
}

PyObject* get_tolerance(PyObject* self, void*) {
  return PyFloat_FromDouble(mmoe_model_tolerance_without_fma(as<ModelObject>(self)->model));
}

// ---------------------------------------------------------------------------------------- methods

PyObject* verify_checksums(PyObject* self, PyObject*) {
  PyThreadState* state = PyEval_SaveThread();
  const mmoe_status status = mmoe_model_verify_checksums(as<ModelObject>(self)->model);
  PyEval_RestoreThread(state);
  return status == MMOE_OK ? none().release() : fail(status);
}

PyObject* copied_view(const void* data, std::size_t rows, std::size_t columns, const char* format) {
  const std::size_t size = 4 * rows * columns;
  const Ref bytes(PyBytes_FromStringAndSize(static_cast<const char*>(data), static_cast<Py_ssize_t>(size)));
  const Ref view(bytes ? PyMemoryView_FromObject(bytes.get()) : nullptr);
  if (!view) return nullptr;
  if (size == 0) return PyObject_CallMethod(view.get(), "cast", "s", format);
  return PyObject_CallMethod(view.get(), "cast", "s(nn)", format, rows, columns);
}

PyObject* golden_rows(PyObject* self, PyObject*) {
  const mmoe_model* model = as<ModelObject>(self)->model;
  mmoe_golden_rows rows{};
  rows.struct_size = sizeof rows;
  if (const mmoe_status status = mmoe_model_golden_rows(model, &rows); status != MMOE_OK) return fail(status);
  const Ref values(copied_view(rows.values, rows.num_rows, rows.num_values, "f"));
  const Ref ids(copied_view(rows.ids, rows.num_rows, rows.num_ids, "i"));
  const Ref scores(copied_view(rows.scores, rows.num_rows, mmoe_model_num_tasks(model), "f"));
  if (!values || !ids || !scores) return nullptr;
  return Py_BuildValue("OOOO", values.get(), ids.get(), scores.get(), rows.has_features ? Py_True : Py_False);
}

bool find_feature(const mmoe_model* model, const char* name, std::size_t& feature) {
  feature = mmoe_model_find_feature(model, name);
  return feature < mmoe_model_num_features(model) ||
         (refuse("feature \"" + std::string(name) + "\": the model has none of that name"), false);
}

// A value that no vocabulary of its type holds has no id; it is for the model to say what becomes of it.
PyObject* find_id(PyObject* self, PyObject* arguments) {
  const mmoe_model* model = as<ModelObject>(self)->model;
  const char* name = nullptr;
  PyObject* value = nullptr;
  if (!PyArg_ParseTuple(arguments, "sO:find_id", &name, &value)) return nullptr;
  std::size_t feature = 0;
  if (!find_feature(model, name, feature)) return nullptr;
  int32_t id = MMOE_UNKNOWN_ID;
  mmoe_status status = MMOE_OK;
  if (PyUnicode_Check(value)) {
    Py_ssize_t size = 0;
    const char* data = PyUnicode_AsUTF8AndSize(value, &size);
    if (!data) return nullptr;
    status = mmoe_model_find_id_text(model, feature, data, static_cast<std::size_t>(size), &id);
  } else if (PyFloat_Check(value)) {
    status = mmoe_model_find_bin(model, feature, PyFloat_AsDouble(value), &id);
  } else {
    int overflow = 0;
    const Ref whole(PyNumber_Index(value));
    if (!whole) return nullptr;
    const long long number = PyLong_AsLongLongAndOverflow(whole.get(), &overflow);
    if (overflow == 0) {
      status = mmoe_model_find_id_integer(model, feature, number, &id);
    } else if (overflow > 0) {
      const unsigned long long large = PyLong_AsUnsignedLongLong(whole.get());
      if (PyErr_Occurred()) return nullptr;
      status = mmoe_model_find_id_unsigned(model, feature, large, &id);
    }
  }
  if (status != MMOE_OK) return fail(status);
  return id == MMOE_UNKNOWN_ID ? none().release() : PyLong_FromLong(id);
}

PyObject* num_categories(PyObject* self, PyObject* arguments) {
  const mmoe_model* model = as<ModelObject>(self)->model;
  const char* name = nullptr;
  std::size_t feature = 0;
  if (!PyArg_ParseTuple(arguments, "s:num_categories", &name) || !find_feature(model, name, feature)) return nullptr;
  return PyLong_FromSize_t(mmoe_model_num_categories(model, feature));
}

// (value, id), as mmoe.Category has them.
PyObject* category(PyObject* self, PyObject* arguments) {
  const mmoe_model* model = as<ModelObject>(self)->model;
  const char* name = nullptr;
  PyObject* number = nullptr;
  std::size_t feature = 0, place = 0;
  if (!PyArg_ParseTuple(arguments, "sO:category", &name, &number) || !find_feature(model, name, feature) ||
      !read_size("place", number, place)) {
    return nullptr;
  }
  mmoe_category found{};
  found.struct_size = sizeof found;
  if (const mmoe_status status = mmoe_model_category(model, feature, place, &found); status != MMOE_OK) {
    return fail(status);
  }
  const Ref value(found.text          ? text(found.text, found.text_size)
                  : found.is_unsigned ? PyLong_FromUnsignedLongLong(static_cast<uint64_t>(found.integer))
                                      : PyLong_FromLongLong(found.integer));
  const Ref id(found.id == MMOE_UNKNOWN_ID ? none().release() : PyLong_FromLong(found.id));
  return value && id ? PyTuple_Pack(2, value.get(), id.get()) : nullptr;
}

PyObject* expert_reads(PyObject* self, PyObject* arguments) {
  Py_ssize_t level = 0, expert = 0, gate = 0;  // negative: none that a model has
  if (!PyArg_ParseTuple(arguments, "nnn:expert_reads", &level, &expert, &gate)) return nullptr;
  return PyBool_FromLong(mmoe_model_expert_reads(as<ModelObject>(self)->model, static_cast<std::size_t>(level),
                                                 static_cast<std::size_t>(expert), static_cast<std::size_t>(gate)));
}

PyGetSetDef properties[] = {
    {"name", get_text<mmoe_model_name>, nullptr, "The model's name.", nullptr},
    {"architecture", get_text<mmoe_model_architecture>, nullptr, "As \"MMoE\" or \"CGC\".", nullptr},
    {"tasks", get_tasks, nullptr, "Names of the tasks, in the order of the scores' columns.", nullptr},
    {"_features", get_features, nullptr, nullptr, nullptr},
    {"input_dim", get_size<mmoe_model_input_dim>, nullptr, "Columns of x.", nullptr},
    {"user_dim", get_size<mmoe_model_user_dim>, nullptr, "Columns of a user's part of x; 0: there is none.", nullptr},
    {"candidate_dim", get_size<mmoe_model_candidate_dim>, nullptr, "Columns of a candidate's part of x.", nullptr},
    {"size_bytes", get_size<mmoe_model_size_bytes>, nullptr, "Bytes of the file.", nullptr},
    {"tolerance_without_fma", get_tolerance, nullptr,
     "Largest relative difference from golden scores that kernel sets may have that are not exact.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef methods[] = {
    {"verify_checksums", verify_checksums, METH_NOARGS,
     "verify_checksums($self, /)\n--\n\nCompare every byte of the file with its checksum. ModelError: the message "
     "names the "
     "segment."},
    {"_golden_rows", golden_rows, METH_NOARGS, nullptr},
    {"find_id", find_id, METH_VARARGS,
     "find_id($self, feature, value, /)\n--\n\nThe id of a category (a float: of its bin), None where the vocabulary "
     "does not "
     "hold it."},
    {"num_categories", num_categories, METH_VARARGS,
     "num_categories($self, feature, /)\n--\n\nHow many categories the vocabulary lists, for a menu: 0 of numbers, and "
     "where ids are\ncomputed: buckets of a hash, bins, parts of a date."},
    {"expert_reads", expert_reads, METH_VARARGS,
     "expert_reads($self, level, expert, gate, /)\n--\n\nWhether an expert of a level reads what a gate of the level "
     "before gives, by the numbers of\nmmoe.Gate. What a node between them gives is not followed."},
    {"_category", category, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, slot(model_new)}, {Py_tp_dealloc, slot(model_dealloc)},  {Py_tp_getset, properties},
    {Py_tp_methods, methods},     {Py_bf_getbuffer, slot(model_buffer)}, {0, nullptr},
};

PyType_Spec spec = {"mmoe._native.Model", sizeof(ModelObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

PyObject* make_model_type() {
  PyObject* type = PyType_FromSpec(&spec);
  model_type = reinterpret_cast<PyTypeObject*>(type);
  return type;
}

ModelObject* model_of(PyObject* object) {
  if (PyObject_TypeCheck(object, model_type)) return as<ModelObject>(object);
  const Ref type(PyObject_Str(reinterpret_cast<PyObject*>(Py_TYPE(object))));
  PyErr_Format(PyExc_TypeError, "model: %V, expected an mmoe.Model", type.get(), "?");
  return nullptr;
}

}  // namespace mmoe::python
