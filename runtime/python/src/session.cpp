#include "runtime/python/src/session.h"

#include <iterator>
#include <new>
#include <string>
#include <vector>

#include "runtime/python/src/arrays.h"
#include "runtime/python/src/errors.h"
#include "runtime/python/src/rows.h"
#include "runtime/python/src/run.h"

namespace mmoe::python {
namespace {

PyTypeObject* session_type = nullptr;

// ---------------------------------------------------------------------------------------- making one

// Indices of tasks: of their names, or as they are.
bool read_tasks(const mmoe_model* model, PyObject* tasks, std::vector<uint32_t>& to) {
  if (PyUnicode_Check(tasks)) {
    PyErr_SetString(PyExc_TypeError, "tasks: a string, expected a list of names");
    return false;
  }
  const Ref list(PySequence_List(tasks));
  if (!list) return false;
  const Py_ssize_t count = PyList_Size(list.get());
  if (count == 0) return refuse("tasks: empty, expected at least one; None stands for all"), false;
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* item = PyList_GetItem(list.get(), i);
    std::size_t task = 0;
    if (PyUnicode_Check(item)) {
      const char* name = PyUnicode_AsUTF8AndSize(item, nullptr);
      if (!name) return false;
      task = mmoe_model_find_task(model, name);
      if (task == mmoe_model_num_tasks(model)) {
        return refuse("tasks: \"" + std::string(name) + "\": the model has none of that name"), false;
      }
    } else if (!read_size("tasks", item, task)) {
      return false;
    }
    to.push_back(task > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(task));  // too large: the library refuses it
  }
  return true;
}

// The place of a name among those of an option.
bool read_choice(const char* option, const char* name, const char* const (&names)[3], int32_t& to) {
  for (std::size_t i = 0; i < 3 && names[i]; ++i) {
    if (std::string(name) == names[i]) return to = static_cast<int32_t>(i), true;
  }
  std::string text = std::string(option) + ": \"" + name + "\", expected ";
  for (std::size_t i = 0; i < 3 && names[i]; ++i) text += (i == 0 ? "\"" : ", \"") + std::string(names[i]) + "\"";
  return refuse(text), false;
}

struct Options {
  mmoe_session_options c{};
  std::vector<uint32_t> tasks;
  PyObject* model = nullptr;
  PyObject* threads = nullptr;  ///< a number or a ThreadPool; null: one
};

bool read_limit(const char* name, PyObject* value, uint64_t& to) {
  std::size_t size = 0;
  if (!value || value == Py_None) return true;
  if (!read_size(name, value, size)) return false;
  to = size;
  return size != 0 || (refuse(std::string(name) + ": 0, expected 1 or more"), false);
}

bool read_count(const char* name, PyObject* value, std::size_t& to) {
  return !value || value == Py_None || read_size(name, value, to);
}

bool read_options(PyObject* arguments, PyObject* keywords, Options& to) {
  static const char* const names[] = {"model",           "threads",           "tasks",       "max_batch",
                                      "top_k",           "kernel_set",        "renormalise", "non_finite",
                                      "min_gate_weight", "skip_experts",      "max_ids",     "max_steps",
                                      "max_arena_bytes", "max_multiply_adds", nullptr};
  static const char* const skipping[] = {"where_faster", "always", "never"};
  static const char* const finite[] = {"nan", "error", nullptr};
  PyObject *tasks = nullptr, *max_batch = nullptr, *top_k = nullptr, *ids = nullptr, *steps = nullptr, *arena = nullptr,
           *multiply_adds = nullptr;
  const char *kernel_set = nullptr, *non_finite = finite[0], *skip = skipping[0];
  int renormalise = 1;
  to.c.struct_size = sizeof to.c;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|O$OOOzpsfsOOOO:Session", const_cast<char**>(names),
                                   &to.model, &to.threads, &tasks, &max_batch, &top_k, &kernel_set, &renormalise,
                                   &non_finite, &to.c.min_gate_weight, &skip, &ids, &steps, &arena, &multiply_adds)) {
    return false;
  }
  const ModelObject* model = model_of(to.model);
  if (!model) return false;
  if (tasks && tasks != Py_None && !read_tasks(model->model, tasks, to.tasks)) return false;
  to.c.max_batch = MMOE_MAX_BLOCK_ROWS;
  to.c.tasks = to.tasks.empty() ? nullptr : to.tasks.data();
  to.c.num_tasks = to.tasks.size();
  to.c.kernel_set = kernel_set;
  to.c.no_renormalise = !renormalise;
  return read_count("max_batch", max_batch, to.c.max_batch) && read_count("top_k", top_k, to.c.top_k) &&
         read_choice("non_finite", non_finite, finite, to.c.non_finite) &&
         read_choice("skip_experts", skip, skipping, to.c.skip_experts) && read_limit("max_ids", ids, to.c.max_ids) &&
         read_limit("max_steps", steps, to.c.max_steps) && read_limit("max_arena_bytes", arena, to.c.max_arena_bytes) &&
         read_limit("max_multiply_adds", multiply_adds, to.c.max_multiply_adds);
}

bool is_one(PyObject* threads) {
  if (!threads || threads == Py_None) return true;
  return PyLong_Check(threads) && PyLong_AsLong(threads) == 1;
}

// The threads, the C session and what is asked of it at each call.
bool make_session(Options& options, SessionObject* self) {
  self->model = as<ModelObject>(Ref::borrowed(options.model).release());
  if (!is_one(options.threads)) {
    PyErr_Clear();  // a number that is too large for is_one()
    self->pool = as<ThreadPoolObject>(thread_pool_of(options.threads).release());
    if (!self->pool || !check_process(*self->pool)) return false;
    options.c.num_workers = mmoe_thread_pool_num_threads(self->pool->pool);
    options.c.executor = mmoe_thread_pool_executor(self->pool->pool);
  }
  const mmoe_status status = mmoe_session_create(self->model->model, &options.c, &self->session);
  if (status != MMOE_OK) return fail(status), false;
  self->num_tasks = mmoe_session_num_tasks(self->session);
  self->num_gate_weights = mmoe_session_num_gate_weights(self->session);
  self->num_logits = mmoe_session_num_logits(self->session);
  self->multiply_adds = mmoe_session_multiply_adds_per_row(self->session);
  return true;
}

PyObject* session_new(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
  Options options;
  if (!read_options(arguments, keywords, options)) return nullptr;
  Ref self(reinterpret_cast<allocfunc>(PyType_GetSlot(type, Py_tp_alloc))(type, 0));
  if (!self) return nullptr;
  SessionObject* session = as<SessionObject>(self.get());
  session->mutex = new (std::nothrow) std::mutex;
  session->rows = new (std::nothrow) ResultRows;
  if (!session->mutex || !session->rows) return PyErr_NoMemory();
  return make_session(options, session) ? self.release() : nullptr;
}

void session_dealloc(PyObject* self) {
  SessionObject* session = as<SessionObject>(self);
  mmoe_session_free(session->session);
  Py_XDECREF(reinterpret_cast<PyObject*>(session->pool));
  Py_XDECREF(reinterpret_cast<PyObject*>(session->model));
  delete session->rows;
  delete session->mutex;
  free_object(self);
}

// ---------------------------------------------------------------------------------------- scoring

// Arguments behind the rows, which score() and score_columns() have in common.
enum Place { kInput, kOut, kUser, kCandidates, kGates, kLogits, kNumPlaces };
const char* const score_names[kNumPlaces] = {"x", "out", "user", "candidates", "gates", "logits"};

struct Outputs {
  Floats scores, gate_weights, logits;
  mmoe_output c{};
  Ref result;
};

bool open_output(const char* name, PyObject* given, std::size_t width, std::size_t num_rows, Floats& floats,
                 float*& data, std::size_t& num_floats, std::size_t& stride) {
  if (!given || given == Py_None) return true;
  if (!floats.open(name, given, width, true)) return false;
  if (floats.num_rows() != num_rows) {
    return refuse(std::string(name) + ": " + std::to_string(floats.num_rows()) + " rows, needs " +
                  std::to_string(num_rows)),
           false;
  }
  data = floats.data();
  num_floats = floats.num_floats();
  stride = floats.stride();
  return true;
}

// A new array for the scores.
bool make_scores(const SessionObject& session, std::size_t num_rows, bool single, Outputs& to) {
  to.c.num_scores = num_rows * session.num_tasks;
  to.c.scores_stride = session.num_tasks;
  if (single) to.result = Ref(session.rows->take(session.num_tasks, to.c.scores));
  if (to.result) return true;
  if (PyErr_Occurred()) return false;
  to.result = Ref(to.scores.make(num_rows, session.num_tasks, single));
  to.c.scores = to.scores.data();
  return static_cast<bool>(to.result);
}

bool open_outputs(const SessionObject& session, PyObject* const* values, std::size_t num_rows, bool single,
                  Outputs& to) {
  to.c.struct_size = sizeof to.c;
  PyObject* out = values[kOut];
  if (out && out != Py_None) {
    if (!open_output("out", out, session.num_tasks, num_rows, to.scores, to.c.scores, to.c.num_scores,
                     to.c.scores_stride)) {
      return false;
    }
    to.result = Ref::borrowed(out);
  } else if (!make_scores(session, num_rows, single, to)) {
    return false;
  }
  return open_output("gates", values[kGates], session.num_gate_weights, num_rows, to.gate_weights, to.c.gate_weights,
                     to.c.num_gate_weights, to.c.gate_weights_stride) &&
         open_output("logits", values[kLogits], session.num_logits, num_rows, to.logits, to.c.logits, to.c.num_logits,
                     to.c.logits_stride);
}

mmoe_input input_of(const Floats& x) {
  mmoe_input input{};
  input.struct_size = sizeof input;
  input.num_rows = x.num_rows();
  input.x = x.data();
  input.num_x = x.num_floats();
  input.x_stride = x.stride();
  return input;
}

bool open_user(const SessionObject& session, PyObject* user, Floats& to) {
  const mmoe_model* model = session.model->model;
  if (mmoe_model_candidate_dim(model) == 0) {
    return refuse("user: the model does not tell a user's part from a candidate's"), false;
  }
  if (!to.open("user", user, mmoe_model_user_dim(model), false)) return false;
  return to.num_rows() == 1 || (refuse("user: " + std::to_string(to.num_rows()) + " rows, expected one"), false);
}

PyObject* session_score(PyObject* self, PyObject* const* arguments, Py_ssize_t num_arguments, PyObject* names) {
  PyObject* values[kNumPlaces] = {};
  if (!read_arguments("score", {arguments, num_arguments, names}, score_names, kNumPlaces, 2, values)) return nullptr;
  if (!values[kInput]) return PyErr_Format(PyExc_TypeError, "score() needs x");
  SessionObject* session = open_session(self);
  if (!session) return nullptr;
  const bool has_user = values[kUser] && values[kUser] != Py_None;
  const int are_candidates = values[kCandidates] ? PyObject_IsTrue(values[kCandidates]) : 0;
  if (are_candidates < 0) return nullptr;
  Floats x, user;
  if (has_user && !open_user(*session, values[kUser], user)) return nullptr;
  const mmoe_model* model = session->model->model;
  const bool is_part = has_user || are_candidates != 0;
  const std::size_t width = is_part ? mmoe_model_candidate_dim(model) : mmoe_model_input_dim(model);
  if (!x.open("x", values[kInput], width, false)) return nullptr;
  Outputs outputs;
  if (!open_outputs(*session, values, x.num_rows(), x.is_single(), outputs)) return nullptr;
  mmoe_input input = input_of(x);
  input.candidates = is_part;
  const mmoe_input of_user = input_of(user);
  return run(*session, input, outputs.c, has_user ? &of_user : nullptr) ? outputs.result.release() : nullptr;
}

PyObject* session_set_user(PyObject* self, PyObject* object) {
  SessionObject* session = open_session(self);
  Floats user;
  if (!session || !open_user(*session, object, user)) return nullptr;
  return run_user(*session, input_of(user)) ? none().release() : nullptr;
}

// Raw values: _score_columns(num_rows, columns, out, user_columns, candidates, gates, logits).
PyObject* session_score_columns(PyObject* self, PyObject* arguments) {
  PyObject* values[kNumPlaces] = {};
  PyObject *number = nullptr, *columns = nullptr;
  int single = 0, candidates = 0;
  if (!PyArg_ParseTuple(arguments, "OOpOOpOO:_score_columns", &number, &columns, &single, &values[kOut], &values[kUser],
                        &candidates, &values[kGates], &values[kLogits])) {
    return nullptr;
  }
  std::size_t num_rows = 0;
  SessionObject* session = open_session(self);
  if (!session || !read_size("num_rows", number, num_rows)) return nullptr;
  const bool has_user = values[kUser] != Py_None;
  RowBuilder user, rows;
  if (has_user && (!user.open(*session->model, MMOE_USER_PART, 1, values[kUser]) || !user.fill(0, 1))) return nullptr;
  if (!rows.open(*session->model, has_user || candidates ? MMOE_CANDIDATE_PART : MMOE_WHOLE, num_rows, columns)) {
    return nullptr;
  }
  Outputs outputs;
  if (!open_outputs(*session, values, num_rows, single != 0, outputs)) return nullptr;
  mmoe_input of_user{};
  of_user.struct_size = sizeof of_user;
  of_user.rows = user.rows();
  return rows.score(*session, outputs.c, has_user ? &of_user : nullptr) ? outputs.result.release() : nullptr;
}

PyObject* session_set_user_columns(PyObject* self, PyObject* columns) {
  SessionObject* session = open_session(self);
  RowBuilder user;
  if (!session || !user.open(*session->model, MMOE_USER_PART, 1, columns) || !user.fill(0, 1)) return nullptr;
  mmoe_input input{};
  input.struct_size = sizeof input;
  input.rows = user.rows();
  return run_user(*session, input) ? none().release() : nullptr;
}

PyObject* session_replay_golden(PyObject* self, PyObject*) {
  SessionObject* session = open_session(self);
  if (!session) return nullptr;
  mmoe_golden_report report{};
  report.struct_size = sizeof report;
  mmoe_status status = MMOE_INVALID_ARGUMENT;
  {
    const SessionLock lock(*session);
    if (session->session) status = mmoe_session_replay_golden(session->session, nullptr, 0, &report);
  }
  if (status != MMOE_OK) return fail(status);
  return Py_BuildValue("nnnnnffddO", report.num_rows, report.num_scores, report.num_wrong, report.row, report.task,
                       report.found, report.expected, report.tolerance, report.largest_difference,
                       report.exact ? Py_True : Py_False);
}

PyObject* session_close(PyObject* self, PyObject*) {
  SessionObject* session = as<SessionObject>(self);
  const SessionLock lock(*session);
  mmoe_session_free(session->session);
  session->session = nullptr;
  return none().release();
}

// ---------------------------------------------------------------------------------------- what it is

template <std::size_t (*Function)(const mmoe_session*)>
PyObject* get_size(PyObject* self, void*) {
  const SessionObject* session = open_session(self);
  return session ? PyLong_FromSize_t(Function(session->session)) : nullptr;
}

PyObject* get_multiply_adds(PyObject* self, void*) {
  return PyLong_FromUnsignedLongLong(as<SessionObject>(self)->multiply_adds);
}

PyObject* get_kernel_set(PyObject* self, void*) {
  const SessionObject* session = open_session(self);
  return session ? PyUnicode_FromString(mmoe_session_kernel_set(session->session)) : nullptr;
}

PyObject* get_is_exact(PyObject* self, void*) {
  const SessionObject* session = open_session(self);
  return session ? PyBool_FromLong(mmoe_session_is_exact(session->session)) : nullptr;
}

PyObject* get_model(PyObject* self, void*) {
  return Ref::borrowed(reinterpret_cast<PyObject*>(as<SessionObject>(self)->model)).release();
}

PyObject* get_is_closed(PyObject* self, void*) { return PyBool_FromLong(!as<SessionObject>(self)->session); }

PyObject* get_task_indices(PyObject* self, void*) {
  const SessionObject* session = open_session(self);
  Ref tasks(session ? PyTuple_New(static_cast<Py_ssize_t>(session->num_tasks)) : nullptr);
  for (std::size_t i = 0; tasks && i < session->num_tasks; ++i) {
    PyObject* task = PyLong_FromSize_t(mmoe_session_task(session->session, i));
    if (!task || PyTuple_SetItem(tasks.get(), static_cast<Py_ssize_t>(i), task) != 0) return nullptr;
  }
  return tasks.release();
}

// (name, level, index, column, experts, bits of tasks)
PyObject* gate_object(const mmoe_session* session, std::size_t index) {
  mmoe_gate_info info{};
  info.struct_size = sizeof info;
  if (const mmoe_status status = mmoe_session_gate(session, index, &info); status != MMOE_OK) return fail(status);
  const Ref experts(PyTuple_New(static_cast<Py_ssize_t>(info.num_experts)));
  for (std::size_t i = 0; experts && i < info.num_experts; ++i) {
    PyObject* expert = PyLong_FromUnsignedLong(info.experts[i]);
    if (!expert || PyTuple_SetItem(experts.get(), static_cast<Py_ssize_t>(i), expert) != 0) return nullptr;
  }
  const Ref name(
      PyUnicode_DecodeUTF8(info.name ? info.name : "", static_cast<Py_ssize_t>(info.name_size), "backslashreplace"));
  if (!experts || !name) return nullptr;
  return Py_BuildValue("OnnnOK", name.get(), info.level, info.index, info.column, experts.get(),
                       static_cast<unsigned long long>(info.tasks));
}

PyObject* get_gates(PyObject* self, void*) {
  const SessionObject* session = open_session(self);
  const std::size_t count = session ? mmoe_session_num_gates(session->session) : 0;
  Ref gates(session ? PyTuple_New(static_cast<Py_ssize_t>(count)) : nullptr);
  for (std::size_t i = 0; gates && i < count; ++i) {
    PyObject* gate = gate_object(session->session, i);
    if (!gate || PyTuple_SetItem(gates.get(), static_cast<Py_ssize_t>(i), gate) != 0) return nullptr;
  }
  return gates.release();
}

PyGetSetDef properties[] = {
    {"model", get_model, nullptr, "The model.", nullptr},
    {"closed", get_is_closed, nullptr, "Whether close() was called.", nullptr},
    {"num_workers", get_size<mmoe_session_num_workers>, nullptr, "Cores that work on a call.", nullptr},
    {"num_gate_weights", get_size<mmoe_session_num_gate_weights>, nullptr, "Columns of gate weights.", nullptr},
    {"num_logits", get_size<mmoe_session_num_logits>, nullptr, "Columns of logits.", nullptr},
    {"top_k", get_size<mmoe_session_top_k>, nullptr, "Weights that every gate keeps; 0: as the file says.", nullptr},
    {"multiply_adds_per_row", get_multiply_adds, nullptr, "What one row costs.", nullptr},
    {"kernel_set", get_kernel_set, nullptr, "Name of the kernel set.", nullptr},
    {"is_exact", get_is_exact, nullptr, "Whether scores have the bits of every other exact kernel set.", nullptr},
    {"_task_indices", get_task_indices, nullptr, nullptr, nullptr},
    {"_gates", get_gates, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef methods[] = {
    {"score", method(session_score), METH_FASTCALL | METH_KEYWORDS,
     "score($self, x, out=None, *, user=None, candidates=False, gates=None, logits=None)\n--\n\n"
     "Score rows of x: float32, [rows, model.input_dim], or one row [model.input_dim].\n\n"
     "x, and the results' arrays, are used where they lie: anything with the buffer protocol or DLPack. Returns "
     "`out`,\n"
     "or a new array [rows, tasks]. With `user`, one row of the user's part of x, the rows of x are candidates' "
     "parts,\n"
     "[rows, model.candidate_dim]; with `candidates`, those of the user of set_user(). `gates` and `logits` are "
     "arrays\n"
     "to be filled, [rows, num_gate_weights] and [rows, num_logits]. Other threads run meanwhile; those that score "
     "with\n"
     "this session wait for each other."},
    {"set_user", session_set_user, METH_O,
     "set_user($self, user, /)\n--\n\nTake one row of the user's part of x, [model.user_dim], for score(..., "
     "candidates=True)."},
    {"_score_columns", session_score_columns, METH_VARARGS, nullptr},
    {"_set_user_columns", session_set_user_columns, METH_O, nullptr},
    {"_replay_golden", session_replay_golden, METH_NOARGS, nullptr},
    {"close", session_close, METH_NOARGS, "close($self, /)\n--\n\nFree the session's memory now."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, slot(session_new)},
    {Py_tp_dealloc, slot(session_dealloc)},
    {Py_tp_getset, properties},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {"mmoe._native.Session", sizeof(SessionObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

PyObject* make_session_type() {
  PyObject* type = PyType_FromSpec(&spec);
  session_type = reinterpret_cast<PyTypeObject*>(type);
  return type;
}

SessionObject* open_session(PyObject* self) {
  SessionObject* session = as<SessionObject>(self);
  if (!session->session) return refuse("the session is closed");
  return !session->pool || check_process(*session->pool) ? session : nullptr;
}

}  // namespace mmoe::python
