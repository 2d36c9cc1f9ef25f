#include "converter/error.h"
#include "converter/importers/pickle.h"

namespace mmoe::converter {

PickleSpan PickleValues::tuple(PickleRef ref) const {
  const Value& value = values_[ref];
  return {tuple_items_.data() + value.index, value.count};
}

PickleSpan PickleValues::dict(PickleRef ref) const {
  const Value& value = values_[ref];
  if (value.index == kEmpty) return {};
  const std::vector<PickleRef>& items = dicts_[value.index];
  return {items.data(), items.size()};
}

PickleRef PickleValues::add(const Value& value) {
  if (values_.size() > 0xfffffff0u) throw ConvertError("the pickle has too many values");
  values_.push_back(value);
  return static_cast<PickleRef>(values_.size() - 1);
}

PickleRef PickleValues::add_integer(int64_t integer) {
  Value value;
  value.kind = PickleKind::kInteger;
  value.integer = integer;
  return add(value);
}

PickleRef PickleValues::add_real(double real) {
  Value value;
  value.kind = PickleKind::kReal;
  value.real = real;
  return add(value);
}

PickleRef PickleValues::add_text(std::string_view text, PickleKind kind) {
  Value value;
  value.kind = kind;
  value.text = text.data();
  value.count = static_cast<uint32_t>(text.size());
  return add(value);
}

PickleRef PickleValues::add_list() {
  Value value;
  value.kind = PickleKind::kList;
  return add(value);
}

PickleRef PickleValues::add_tuple(PickleSpan items) {
  Value value;
  value.kind = PickleKind::kTuple;
  value.index = tuple_items_.size();
  value.count = static_cast<uint32_t>(items.count);
  tuple_items_.insert(tuple_items_.end(), items.begin(), items.end());
  return add(value);
}

PickleRef PickleValues::add_dict() {
  Value value;
  value.kind = PickleKind::kDict;
  value.index = kEmpty;  // most dictionaries of a state_dict are the empty hooks of its tensors
  return add(value);
}

PickleRef PickleValues::add_global(PickleGlobal global) {
  Value value;
  value.kind = PickleKind::kGlobal;
  value.global = global;
  return add(value);
}

PickleRef PickleValues::add_storage(PickleRef id) {
  Value value;
  value.kind = PickleKind::kStorage;
  value.index = id;
  return add(value);
}

PickleRef PickleValues::add_tensor(PickleGlobal function, PickleRef arguments, PickleKind kind) {
  Value value;
  value.kind = kind;
  value.global = function;
  value.index = arguments;
  return add(value);
}

PickleRef PickleValues::add_numpy_dtype(DType dtype) {
  Value value;
  value.kind = PickleKind::kNumpyDtype;
  value.global = {GlobalKind::kNumpyDtype, dtype};
  return add(value);
}

void PickleValues::set_array_state(PickleRef array, PickleRef state) { values_[array].index = state; }

void PickleValues::set_big_endian(PickleRef dtype) { values_[dtype].count = 1; }

void PickleValues::append_to_dict(PickleRef dict, PickleSpan keys_and_values) {
  if (keys_and_values.count == 0) return;
  Value& value = values_[dict];
  if (value.index == kEmpty) {
    value.index = dicts_.size();
    dicts_.emplace_back();
  }
  std::vector<PickleRef>& items = dicts_[value.index];
  items.insert(items.end(), keys_and_values.begin(), keys_and_values.end());
}

}  // namespace mmoe::converter
