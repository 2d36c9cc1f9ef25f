#include "runtime/python/src/arrow.h"

#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "runtime/python/src/errors.h"

namespace mmoe::python {
namespace {

template <class T>
const T* buffer(const ArrowArray& array, int index) {
  return static_cast<const T*>(array.buffers[index]);
}

bool bit(const void* bits, int64_t index) { return (static_cast<const uint8_t*>(bits)[index / 8] >> (index % 8)) & 1; }

/// A schema or an array that is ours to release, and not to copy.
template <class Struct>
struct Owned {
  Struct c{};

  Owned() = default;
  explicit Owned(Struct* from) : c(*from) { from->release = nullptr; }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (c.release) c.release(&c);
  }
};

using Schema = std::shared_ptr<Owned<ArrowSchema>>;
using Array = std::shared_ptr<Owned<ArrowArray>>;

struct ArrowColumnObject {
  // clang-format off
  PyObject_HEAD
      // clang-format on
      ArrowColumn column;
  Schema* schema;  ///< what `column` points into
  Array* array;
};

PyTypeObject* arrow_column_type = nullptr;

void arrow_column_dealloc(PyObject* self) {
  delete as<ArrowColumnObject>(self)->schema;
  delete as<ArrowColumnObject>(self)->array;
  free_object(self);
}

Ref make_column(const Schema& schema, const Array& array, int64_t child) {
  const ArrowColumn column{schema->c.children[child], array->c.children[child],
                           array->c.offset + array->c.children[child]->offset};
  if (!column.is_known()) return none();
  Ref self(reinterpret_cast<allocfunc>(PyType_GetSlot(arrow_column_type, Py_tp_alloc))(arrow_column_type, 0));
  if (!self) return self;
  auto* object = as<ArrowColumnObject>(self.get());
  object->column = column;
  object->schema = new Schema(schema);
  object->array = new Array(array);
  return self;
}

Ref make_batch(const Schema& schema, const Array& array) {
  const Ref columns(PyDict_New());
  for (int64_t i = 0; columns && i < schema->c.n_children; ++i) {
    const Ref column = make_column(schema, array, i);
    const char* name = schema->c.children[i]->name;
    if (!column || PyDict_SetItemString(columns.get(), name ? name : "", column.get()) != 0) return Ref();
  }
  return columns ? Ref(Py_BuildValue("LO", static_cast<long long>(array->c.length), columns.get())) : Ref();
}

bool check_table(const ArrowSchema& schema) {
  if (schema.format && std::strcmp(schema.format, "+s") == 0) return true;
  return refuse("rows: an array of Arrow, expected a table, whose columns have names"), false;
}

PyObject* read_stream(ArrowArrayStream* stream) {
  const auto failed = [&](const char* what) {
    const char* message = stream->get_last_error(stream);
    return refuse(std::string("rows: Arrow's stream ") + what + ": " + (message ? message : "no reason given"));
  };
  const auto schema = std::make_shared<Owned<ArrowSchema>>();
  if (stream->get_schema(stream, &schema->c) != 0) return failed("has no schema");
  if (!check_table(schema->c)) return nullptr;
  Ref batches(PyList_New(0));
  while (batches) {
    const auto array = std::make_shared<Owned<ArrowArray>>();
    if (stream->get_next(stream, &array->c) != 0) return failed("ends");
    if (!array->c.release) break;
    const Ref batch = make_batch(schema, array);
    if (!batch || PyList_Append(batches.get(), batch.get()) != 0) return nullptr;
  }
  return batches.release();
}

PyObject* read_array(PyObject* capsules) {
  PyObject *schema_capsule = nullptr, *array_capsule = nullptr;
  if (!PyArg_ParseTuple(capsules, "OO", &schema_capsule, &array_capsule)) return nullptr;
  auto* schema = static_cast<ArrowSchema*>(PyCapsule_GetPointer(schema_capsule, "arrow_schema"));
  auto* array = schema ? static_cast<ArrowArray*>(PyCapsule_GetPointer(array_capsule, "arrow_array")) : nullptr;
  if (!array || !check_table(*schema)) return nullptr;
  const Ref batch =
      make_batch(std::make_shared<Owned<ArrowSchema>>(schema), std::make_shared<Owned<ArrowArray>>(array));
  return batch ? Py_BuildValue("[O]", batch.get()) : nullptr;
}

PyType_Slot slots[] = {{Py_tp_dealloc, slot(arrow_column_dealloc)}, {0, nullptr}};
PyType_Spec spec = {"mmoe._native.ArrowColumn", sizeof(ArrowColumnObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

// ---------------------------------------------------------------------------------------- columns

bool ArrowColumn::is_missing(std::size_t row) const {
  return array->null_count != 0 && array->n_buffers > 0 && array->buffers[0] &&
         !bit(array->buffers[0], offset + static_cast<int64_t>(row));
}

bool ArrowColumn::has_missing() const {
  return array->null_count != 0 && array->n_buffers > 0 && array->buffers[0] != nullptr;
}

// The first letter of the format, as the interface has it; 0 for formats that are not read.
char ArrowColumn::kind() const {
  const std::string_view format = schema->format;
  if (format == "vu") return 'v';
  if (format == "+l" || format == "+L" || format.substr(0, 3) == "+w:") return '+';
  return format.size() == 1 ? format[0] : '\0';
}

bool ArrowColumn::is_text() const { return kind() == 'u' || kind() == 'U' || kind() == 'v'; }
bool ArrowColumn::is_integer() const { return kind() != 0 && std::strchr("bcCsSiIlL", kind()) != nullptr; }
bool ArrowColumn::is_float() const { return kind() == 'f' || kind() == 'g'; }
bool ArrowColumn::is_list() const { return kind() == '+'; }
bool ArrowColumn::is_unsigned_64() const { return kind() == 'L'; }

bool ArrowColumn::is_known() const {
  if (is_dictionary()) return is_integer() && !dictionary().is_list() && dictionary().is_known();
  if (is_list()) return !elements().is_list() && !elements().is_dictionary() && elements().is_known();
  return is_text() || is_integer() || is_float();
}

int32_t ArrowColumn::type() const {
  if (has_missing() || is_dictionary()) return 0;
  switch (kind()) {
    case 'f': return MMOE_FLOATS;
    case 'g': return MMOE_DOUBLES;
    case 'i': return MMOE_INT32S;
    case 'l': return MMOE_INT64S;
    case 'L': return MMOE_UINT64S;
    case 'u': return MMOE_PACKED_TEXTS;
    default: return 0;
  }
}

mmoe_values ArrowColumn::values(std::size_t first, std::size_t count) const {
  const std::size_t place = static_cast<std::size_t>(offset) + first;
  const int32_t found = type();
  if (found == MMOE_PACKED_TEXTS) {
    const auto* offsets = buffer<int32_t>(*array, 1) + place;
    return {offsets, count, buffer<char>(*array, 2), static_cast<std::size_t>(offsets[count]), found, 0};
  }
  const std::size_t size = found == MMOE_FLOATS || found == MMOE_INT32S ? 4 : 8;
  return {buffer<char>(*array, 1) + place * size, count, nullptr, 0, found, 0};
}

std::string_view ArrowColumn::text(std::size_t row) const {
  const int64_t place = offset + static_cast<int64_t>(row);
  if (kind() == 'u') {
    const auto* offsets = buffer<int32_t>(*array, 1) + place;
    return {buffer<char>(*array, 2) + offsets[0], static_cast<std::size_t>(offsets[1] - offsets[0])};
  }
  if (kind() == 'U') {
    const auto* offsets = buffer<int64_t>(*array, 1) + place;
    return {buffer<char>(*array, 2) + offsets[0], static_cast<std::size_t>(offsets[1] - offsets[0])};
  }
  // A view: the length, then up to 12 bytes, or 4 of them, which of the further buffers has all, and where.
  const char* view = buffer<char>(*array, 1) + place * 16;
  int32_t parts[4];
  std::memcpy(parts, view, sizeof parts);
  const auto size = static_cast<std::size_t>(parts[0]);
  return size <= 12 ? std::string_view(view + 4, size)
                    : std::string_view(buffer<char>(*array, 2 + parts[2]) + parts[3], size);
}

int64_t ArrowColumn::integer(std::size_t row) const {
  const int64_t place = offset + static_cast<int64_t>(row);
  switch (kind()) {
    case 'b': return bit(array->buffers[1], place);
    case 'c': return buffer<int8_t>(*array, 1)[place];
    case 'C': return buffer<uint8_t>(*array, 1)[place];
    case 's': return buffer<int16_t>(*array, 1)[place];
    case 'S': return buffer<uint16_t>(*array, 1)[place];
    case 'i': return buffer<int32_t>(*array, 1)[place];
    case 'I': return buffer<uint32_t>(*array, 1)[place];
    default: return buffer<int64_t>(*array, 1)[place];
  }
}

double ArrowColumn::number(std::size_t row) const {
  const int64_t place = offset + static_cast<int64_t>(row);
  return kind() == 'f' ? double(buffer<float>(*array, 1)[place]) : buffer<double>(*array, 1)[place];
}

ArrowColumn ArrowColumn::elements() const {
  return {schema->children[0], array->children[0], array->children[0]->offset};
}

void ArrowColumn::range(std::size_t row, std::size_t& first, std::size_t& count) const {
  const int64_t place = offset + static_cast<int64_t>(row);
  if (schema->format[1] == 'w') {
    count = std::stoul(schema->format + 3);
    first = static_cast<std::size_t>(place) * count;
  } else if (schema->format[1] == 'l') {
    const auto* offsets = buffer<int32_t>(*array, 1) + place;
    first = static_cast<std::size_t>(offsets[0]);
    count = static_cast<std::size_t>(offsets[1] - offsets[0]);
  } else {
    const auto* offsets = buffer<int64_t>(*array, 1) + place;
    first = static_cast<std::size_t>(offsets[0]);
    count = static_cast<std::size_t>(offsets[1] - offsets[0]);
  }
}

// ---------------------------------------------------------------------------------------- tables

PyObject* arrow_batches(PyObject*, PyObject* table) {
  if (PyObject_HasAttrString(table, "__arrow_c_stream__")) {
    const Ref capsule(PyObject_CallMethod(table, "__arrow_c_stream__", nullptr));
    if (!capsule) return nullptr;
    auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule.get(), "arrow_array_stream"));
    return stream ? read_stream(stream) : nullptr;
  }
  const Ref capsules(PyObject_CallMethod(table, "__arrow_c_array__", nullptr));
  return capsules ? read_array(capsules.get()) : nullptr;
}

PyObject* make_arrow_column_type() {
  PyObject* type = PyType_FromSpec(&spec);
  arrow_column_type = reinterpret_cast<PyTypeObject*>(type);
  return type;
}

const ArrowColumn* arrow_column_of(PyObject* object) {
  return Py_TYPE(object) == arrow_column_type ? &as<ArrowColumnObject>(object)->column : nullptr;
}

}  // namespace mmoe::python
