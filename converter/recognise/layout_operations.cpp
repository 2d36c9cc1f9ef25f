// Operations that move elements about and change none: the same for constants and for rows.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {
namespace {

std::vector<size_t> all_positions(size_t count) {
  std::vector<size_t> positions(count);
  std::iota(positions.begin(), positions.end(), size_t{0});
  return positions;
}

size_t product(const std::vector<size_t>& shape, size_t begin, size_t end) {
  size_t count = 1;
  for (size_t i = begin; i < end; ++i) count *= shape[i];
  return count;
}

TensorValue with_shape(const TensorValue& value, std::vector<size_t> shape, size_t batch_axis) {
  TensorValue result = value;
  result.shape = std::move(shape);
  result.batch_axis = batch_axis;
  return result;
}

void require_no_batch(const TensorValue& value, size_t axis) {
  if (value.has_batch() && axis == value.batch_axis) throw ConvertError("works along the batch");
}

NodeResults identity(const NodeCall& call) { return one(call.input(0)); }

/// As in inference. Since opset 12 training is an input, and without a ratio of 0 its results are random.
NodeResults dropout(const NodeCall& call) {
  const std::vector<int64_t> training = call.has(2) ? call.integers(2) : std::vector<int64_t>{0};
  const float ratio = call.has(1) ? call.floats(1).floats.at(0) : 0.5f;
  if (training.empty() || (training[0] != 0 && ratio != 0)) {
    throw ConvertError("is in training mode: its results are random; export with model.eval()");
  }
  return identity(call);
}

/// ONNX's numbers for types that Cast goes to.
bool is_float(int64_t type) { return type == 1 || type == 11; }
bool is_wide_integer(int64_t type) { return type == 6 || type == 7; }

std::string type_name(int64_t type) {
  static const std::map<int64_t, std::string> kNames = {{2, "uint8"},  {3, "int8"},     {4, "uint16"},  {5, "int16"},
                                                        {8, "string"}, {9, "bool"},     {10, "float16"}, {12, "uint32"},
                                                        {13, "uint64"}, {16, "bfloat16"}};
  const auto found = kNames.find(type);
  return found != kNames.end() ? found->second : "type " + std::to_string(type);
}

/// Inputs may become whole numbers, to look rows up with, and whole inputs floats; nothing else is rounded.
void cast_rows(const NodeCall& call, int64_t to, TensorValue& value) {
  if (to == 10 || to == 16) {
    throw ConvertError("casts a result to " + type_name(to) +
                       ", which a model file cannot express: export the model in float32, without autocast");
  }
  if (!is_float(to) && !is_wide_integer(to)) throw ConvertError("casts a result to " + type_name(to));
  const bool allowed = std::all_of(value.refs.begin(), value.refs.end(), [&](Ref ref) {
    const Expression& source = call.expressions.of(ref);
    return source.kind == ExpressionKind::kInput && (!is_float(to) || source.whole_numbers);
  });
  if (value.ids == is_float(to) && !allowed) {
    throw ConvertError(
        value.ids ? "uses as a number what was cast to a whole number before: only ids, which select rows of a "
                    "table, may be cast"
                  : "casts a result to whole numbers; only inputs of the model may become ids");
  }
  value.ids = !is_float(to);
}

/// Toward zero, as casts of numbers in range do.
int64_t cut(float number) {
  if (!(std::fabs(number) < 9007199254740992.0f)) throw ConvertError("makes a whole number of one beyond 2^53");
  return static_cast<int64_t>(number);
}

void cast_constant(int64_t to, TensorValue& value) {
  const bool integers = is_wide_integer(to) || to == 9;
  if (!is_float(to) && !integers) throw ConvertError("turns a constant into " + type_name(to));
  if (is_float(to) && value.kind == TensorKind::kIntegers) {
    for (const int64_t integer : value.integers) {
      if (integer == kBatchSize || integer == kUnknownSize) throw ConvertError("calculates with the batch's size as a float");
      value.floats.push_back(static_cast<float>(integer));
    }
    value.integers.clear();
    value.kind = TensorKind::kFloats;
  } else if (integers && value.kind == TensorKind::kFloats) {
    for (const float number : value.floats) value.integers.push_back(to == 9 ? number != 0 : cut(number));
    value.floats.clear();
    value.kind = TensorKind::kIntegers;
  } else if (integers) {
    for (int64_t& integer : value.integers) {
      const bool symbol = integer == kBatchSize || integer == kUnknownSize;
      if (to == 9) integer = integer != 0;
      if (to == 6 && !symbol) integer = static_cast<int32_t>(std::clamp<int64_t>(integer, INT32_MIN, INT32_MAX));
    }
  }
}

NodeResults cast(const NodeCall& call) {
  TensorValue value = call.input(0);
  const int64_t to = call.integer("to", 0);
  value.is_rows() ? cast_rows(call, to, value) : cast_constant(to, value);
  return one(std::move(value));
}

NodeResults constant(const NodeCall& call) {
  TensorValue value;
  const auto& attributes = call.node.attributes;
  if (const auto found = attributes.find("value"); found != attributes.end() && found->second.tensor) {
    const OnnxTensor& tensor = *found->second.tensor;
    value.kind = tensor.is_integer ? TensorKind::kIntegers : TensorKind::kFloats;
    value.shape.assign(tensor.shape.begin(), tensor.shape.end());
    value.floats = tensor.floats;
    value.integers = tensor.integers;
    value.name = call.node.outputs.empty() ? "" : call.node.outputs[0];
    if (value.size() != count_elements(value.shape)) throw ConvertError("is a constant without numbers");
  } else if (attributes.count("value_float") != 0) {
    value.floats = {call.real("value_float", 0)};
  } else if (attributes.count("value_int") != 0) {
    value.kind = TensorKind::kIntegers;
    value.integers = {call.integer("value_int", 0)};
  } else if (attributes.count("value_ints") != 0) {
    value.kind = TensorKind::kIntegers;
    value.integers = attributes.at("value_ints").integers;
    value.shape = {value.integers.size()};
  } else if (attributes.count("value_floats") != 0) {
    value.floats = attributes.at("value_floats").reals;
    value.shape = {value.floats.size()};
  } else {
    throw ConvertError("is a constant of an unknown kind");
  }
  require_plain(value.integers);
  return one(std::move(value));
}

int64_t size_of(const TensorValue& value, size_t axis) {
  return value.has_batch() && axis == value.batch_axis ? kBatchSize : static_cast<int64_t>(value.shape[axis]);
}

/// Of the axes from `start` to before `end`, which count from the end if negative and are cut to what there is.
NodeResults shape_of(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const auto rank = static_cast<int64_t>(value.rank());
  const auto position = [rank](int64_t axis) { return std::clamp(axis < 0 ? axis + rank : axis, int64_t{0}, rank); };
  const int64_t end = position(call.integer("end", rank));
  TensorValue result;
  result.kind = TensorKind::kIntegers;
  for (int64_t axis = position(call.integer("start", 0)); axis < end; ++axis) {
    result.integers.push_back(size_of(value, static_cast<size_t>(axis)));
  }
  result.shape = {result.integers.size()};
  return one(std::move(result));
}

NodeResults number_of_elements(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const bool batch_alone = value.has_batch() && count_elements(value.shape) == 1;
  TensorValue result;
  result.kind = TensorKind::kIntegers;
  result.integers = {batch_alone         ? kBatchSize
                     : value.has_batch() ? kUnknownSize
                                         : static_cast<int64_t>(count_elements(value.shape))};
  return one(std::move(result));
}

/// The axis of `sizes` that is the batch's size becomes 1, and `value` one that every row has. Throws ConvertError when there
/// are two.
void take_batch_axis(std::vector<int64_t>& sizes, TensorValue& value) {
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    if (sizes[axis] != kBatchSize) continue;
    if (value.per_row) throw ConvertError("makes a tensor with the batch on two axes");
    sizes[axis] = 1;
    value.per_row = true;
    value.batch_axis = axis;
  }
}

NodeResults constant_of_shape(const NodeCall& call) {
  TensorValue value;
  const auto found = call.node.attributes.find("value");
  const OnnxTensor* tensor = found != call.node.attributes.end() ? found->second.tensor.get() : nullptr;
  std::vector<int64_t> sizes = call.integers(0);
  take_batch_axis(sizes, value);
  for (const int64_t size : sizes) {
    if (size < 0) throw ConvertError("makes a constant of a negative size");
    value.shape.push_back(static_cast<size_t>(size));
  }
  const size_t count = count_elements(value.shape);
  call.expressions.charge(count);
  const bool integer = tensor != nullptr && tensor->is_integer;
  value.kind = integer ? TensorKind::kIntegers : TensorKind::kFloats;
  if (integer) value.integers.assign(count, tensor->integers.empty() ? 0 : tensor->integers[0]);
  if (!integer) value.floats.assign(count, tensor != nullptr && !tensor->floats.empty() ? tensor->floats[0] : 0.0f);
  return one(std::move(value));
}

// ------------------------------------------------------------------------------------ reshape

/// The new sizes of Reshape with -1 and 0 resolved, and which of them is the batch.
class NewShape {
 public:
  NewShape(const TensorValue& value, std::vector<int64_t> sizes, bool zero_is_zero, size_t fixed_batch)
      : value_(value), sizes_(std::move(sizes)), count_(value.size()) {
    if (sizes_.size() > 64) throw ConvertError("makes a tensor of more than 64 axes");
    copy_zeros(zero_is_zero);
    if (value_.has_batch()) find_batch(fixed_batch);
    resolve();
  }

  std::vector<size_t> shape;
  size_t batch_axis = 0;

 private:
  void copy_zeros(bool zero_is_zero) {
    for (size_t i = 0; i < sizes_.size(); ++i) {
      if (sizes_[i] != 0 || zero_is_zero) continue;
      if (i >= value_.rank()) throw ConvertError("copies a size that its input does not have");
      const bool batch = value_.has_batch() && i == value_.batch_axis;
      sizes_[i] = batch ? kBatchSize : static_cast<int64_t>(value_.shape[i]);
    }
  }

  /// Of all other sizes; nothing when they cannot be multiplied out.
  std::optional<size_t> product_without(size_t left_out) const {
    size_t count = 1;
    for (size_t i = 0; i < sizes_.size(); ++i) {
      if (i == left_out) continue;
      if (sizes_[i] < 0 || static_cast<uint64_t>(sizes_[i]) > count_ + 1) return std::nullopt;
      count *= static_cast<size_t>(sizes_[i]);
      if (count > count_) return std::nullopt;
    }
    return count;
  }

  void find_batch(size_t fixed_batch) {
    if (std::count(sizes_.begin(), sizes_.end(), kBatchSize) > 1) throw ConvertError("has the batch on two axes");
    auto found = std::find(sizes_.begin(), sizes_.end(), kBatchSize);
    for (auto it = sizes_.begin(); found == sizes_.end() && it != sizes_.end(); ++it) {
      const bool candidate = *it == -1 || (fixed_batch != 0 && *it == static_cast<int64_t>(fixed_batch));
      if (!candidate) continue;
      if (product_without(static_cast<size_t>(it - sizes_.begin())) == count_) found = it;
    }
    // With a fixed batch, -1 may be another axis than the batch.
    for (auto it = sizes_.begin(); found == sizes_.end() && it != sizes_.end(); ++it) {
      if (fixed_batch != 0 && *it == static_cast<int64_t>(fixed_batch)) found = it;
    }
    if (found == sizes_.end()) throw ConvertError("mixes the batch with other axes of " + value_shape_text(value_));
    batch_axis = static_cast<size_t>(found - sizes_.begin());
    *found = 1;
  }

  void resolve() {
    const auto unknown = std::find(sizes_.begin(), sizes_.end(), int64_t{-1});
    if (unknown != sizes_.end()) {
      const auto rest = product_without(static_cast<size_t>(unknown - sizes_.begin()));
      if (!rest || *rest == 0 || count_ % *rest != 0) fail();
      *unknown = static_cast<int64_t>(count_ / *rest);
    }
    for (const int64_t size : sizes_) {
      if (size < 0) fail();
      shape.push_back(static_cast<size_t>(size));
    }
    if (count_elements(shape) != count_) fail();
    if (!value_.has_batch()) return;
    if (product(shape, 0, batch_axis) != product(value_.shape, 0, value_.batch_axis)) {
      throw ConvertError("moves other axes of " + value_shape_text(value_) + " across the batch");
    }
  }

  [[noreturn]] void fail() const { throw ConvertError("gives " + value_shape_text(value_) + " a shape that does not fit"); }

  const TensorValue& value_;
  std::vector<int64_t> sizes_;
  size_t count_;
};

NodeResults reshape(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const NewShape fitted(value, call.list("shape", 1), call.integer("allowzero", 0) != 0, call.fixed_batch);
  return one(with_shape(value, fitted.shape, fitted.batch_axis));
}

NodeResults flatten(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const int64_t given = call.integer("axis", 1);
  const size_t axis = given == static_cast<int64_t>(value.rank()) ? value.rank() : resolve_axis(given, value.rank());
  const std::vector<size_t> shape = {product(value.shape, 0, axis), product(value.shape, axis, value.rank())};
  const size_t batch_axis = value.batch_axis < axis ? 0 : 1;
  if (value.has_batch() && shape[batch_axis] != 1) throw ConvertError("mixes the batch with other axes");
  return one(with_shape(value, shape, batch_axis));
}

NodeResults squeeze(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const std::vector<int64_t> axes = call.list("axes", 1);
  std::vector<bool> removed(value.rank(), false);
  for (const int64_t given : axes) removed[resolve_axis(given, value.rank())] = true;
  std::vector<size_t> shape;
  size_t batch_axis = 0;
  for (size_t axis = 0; axis < value.rank(); ++axis) {
    const bool batch = value.has_batch() && axis == value.batch_axis;
    const bool gone = axes.empty() ? value.shape[axis] == 1 && !batch : removed[axis];
    if (gone && (batch || value.shape[axis] != 1)) throw ConvertError("removes an axis that is not of size 1");
    if (batch) batch_axis = shape.size();
    if (!gone) shape.push_back(value.shape[axis]);
  }
  return one(with_shape(value, shape, batch_axis));
}

NodeResults unsqueeze(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const std::vector<int64_t> axes = call.list("axes", 1);
  const size_t rank = value.rank() + axes.size();
  if (axes.size() > 64) throw ConvertError("adds more than 64 axes");
  std::vector<bool> added(rank, false);
  for (const int64_t given : axes) added[resolve_axis(given, rank)] = true;
  if (std::count(added.begin(), added.end(), true) != static_cast<std::ptrdiff_t>(axes.size())) {
    throw ConvertError("adds one axis twice");
  }
  std::vector<size_t> shape;
  size_t batch_axis = 0, next = 0;
  for (size_t axis = 0; axis < rank; ++axis) {
    if (!added[axis] && next == value.batch_axis) batch_axis = axis;
    shape.push_back(added[axis] ? 1 : value.shape[next++]);
  }
  return one(with_shape(value, shape, batch_axis));
}

// ------------------------------------------------------------------------------------ elements to other places

NodeResults transpose(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  std::vector<int64_t> order = call.list("perm", 1);
  if (order.empty()) {
    for (size_t axis = value.rank(); axis-- > 0;) order.push_back(static_cast<int64_t>(axis));
  }
  if (order.size() != value.rank()) throw ConvertError("permutes another number of axes than there are");
  std::vector<size_t> axes, shape;
  size_t batch_axis = 0;
  for (const int64_t given : order) {
    const size_t axis = resolve_axis(given, value.rank());
    if (std::count(axes.begin(), axes.end(), axis) != 0) throw ConvertError("permutes one axis twice");
    if (axis == value.batch_axis) batch_axis = axes.size();
    axes.push_back(axis);
    shape.push_back(value.shape[axis]);
  }
  std::vector<size_t> sources;
  std::vector<size_t> index(shape.size(), 0), source_index(shape.size(), 0);
  if (value.size() > 0) {
    do {
      for (size_t i = 0; i < axes.size(); ++i) source_index[axes[i]] = index[i];
      sources.push_back(broadcast_position(value.shape, source_index));
    } while (next_index(shape, index));
  }
  return one(pick(value, shape, sources, batch_axis));
}

/// The elements `taken` along `axis`, in that order.
TensorValue take(const TensorValue& value, size_t axis, const std::vector<size_t>& taken) {
  std::vector<size_t> shape = value.shape;
  shape[axis] = taken.size();
  const size_t outer = product(value.shape, 0, axis), inner = product(value.shape, axis + 1, value.rank());
  std::vector<size_t> sources;
  sources.reserve(count_elements(shape));
  for (size_t i = 0; i < outer; ++i) {
    for (const size_t at : taken) {
      for (size_t k = 0; k < inner; ++k) sources.push_back((i * value.shape[axis] + at) * inner + k);
    }
  }
  return pick(value, shape, sources, value.batch_axis);
}

/// What Concat joins, alike: among rows, constants of floats that every row has are rows of constants.
std::vector<TensorValue> joined(const NodeCall& call) {
  std::vector<TensorValue> values;
  const TensorValue* rows = nullptr;
  for (size_t i = 0; i < call.num_inputs(); ++i) {
    if (call.input(i).is_rows() && rows == nullptr) rows = &call.input(i);
  }
  for (size_t i = 0; i < call.num_inputs(); ++i) {
    const TensorValue& given = call.input(i);
    TensorValue value = rows == nullptr ? given : fold_fixed_batch(given, rows->batch_axis, call.fixed_batch);
    const bool one_row = call.fixed_batch == 1 && !value.has_batch();
    if (rows != nullptr && !rows->ids && value.kind == TensorKind::kFloats && (value.per_row || one_row)) {
      if (one_row) value.batch_axis = rows->batch_axis;
      value = constant_rows(call, value);
    }
    values.push_back(std::move(value));
  }
  return values;
}

void require_joinable(const TensorValue& first, const TensorValue& value, size_t axis) {
  const std::string which = "joins " + value_shape_text(first) + " and " + value_shape_text(value);
  if (value.is_rows() != first.is_rows()) throw ConvertError(which + ", of which one is a constant that rows do not repeat");
  if (value.kind != first.kind || value.ids != first.ids) throw ConvertError(which + ", floats and whole numbers");
  const bool alike = value.rank() == first.rank() && value.has_batch() == first.has_batch() &&
                     (!value.has_batch() || value.batch_axis == first.batch_axis);
  if (!alike) throw ConvertError(which + ", which do not fit");
  for (size_t other = 0; other < value.rank(); ++other) {
    if (other != axis && value.shape[other] != first.shape[other]) throw ConvertError(which + ", which do not fit");
  }
}

NodeResults concat(const NodeCall& call) {
  if (!call.has_attribute("axis")) throw ConvertError("has no axis");
  const std::vector<TensorValue> values = joined(call);
  const TensorValue& first = values.at(0);
  const size_t axis = resolve_axis(call.integer("axis", 0), first.rank());
  require_no_batch(first, axis);
  TensorValue result = first;
  std::vector<size_t> shape = first.shape;
  shape[axis] = 0;
  for (const TensorValue& value : values) {
    require_joinable(first, value, axis);
    shape[axis] += value.shape[axis];
  }
  call.expressions.charge(count_elements(shape));
  result.shape = shape;
  result.floats.clear(), result.integers.clear(), result.refs.clear();
  const size_t outer = product(shape, 0, axis);
  for (size_t i = 0; i < outer; ++i) {
    for (const TensorValue& value : values) {
      const size_t run = product(value.shape, axis, value.rank());
      for (size_t at = i * run; at < (i + 1) * run; ++at) {
        if (value.kind == TensorKind::kFloats) result.floats.push_back(value.floats[at]);
        if (value.kind == TensorKind::kIntegers) result.integers.push_back(value.integers[at]);
        if (value.kind == TensorKind::kRows) result.refs.push_back(value.refs[at]);
      }
    }
  }
  return one(std::move(result));
}

/// As many as there are outputs; since opset 18 the last one may be smaller.
std::vector<int64_t> equal_parts(const NodeCall& call, size_t size, size_t parts) {
  const int64_t stated = call.integer("num_outputs", static_cast<int64_t>(parts));
  if (parts == 0 || stated != static_cast<int64_t>(parts)) {
    throw ConvertError("splits into another number of parts than it has outputs");
  }
  if (call.opset < 18 && size % parts != 0) throw ConvertError("splits into equal parts what cannot be");
  const size_t each = (size + parts - 1) / parts;
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < parts; ++i) {
    sizes.push_back(static_cast<int64_t>(std::min(each, size - std::min(size, i * each))));
  }
  return sizes;
}

NodeResults split(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const size_t axis = resolve_axis(call.integer("axis", 0), value.rank());
  require_no_batch(value, axis);
  const size_t parts = call.node.outputs.size();
  std::vector<int64_t> sizes = call.list("split", 1);
  if (sizes.empty()) sizes = equal_parts(call, value.shape[axis], parts);
  if (sizes.size() != parts) throw ConvertError("splits into another number of parts than it has outputs");
  NodeResults results;
  size_t at = 0;
  for (const int64_t size : sizes) {
    if (size < 0 || static_cast<size_t>(size) > value.shape[axis] - at) throw ConvertError("splits off more than there is");
    std::vector<size_t> taken = all_positions(static_cast<size_t>(size));
    for (size_t& position : taken) position += at;
    results.push_back(take(value, axis, taken));
    at += static_cast<size_t>(size);
  }
  if (at != value.shape[axis]) throw ConvertError("splits off less than there is");
  return results;
}

std::vector<size_t> slice_positions(int64_t start, int64_t end, int64_t step, size_t size) {
  const auto count = static_cast<int64_t>(size);
  if (step == 0) throw ConvertError("slices with a step of 0");
  const auto from_end = [count](int64_t at) { return at < 0 ? at + count : at; };
  std::vector<size_t> taken;
  if (step > 0) {
    start = std::clamp(from_end(start), int64_t{0}, count);
    end = std::clamp(from_end(end), int64_t{0}, count);
    for (int64_t at = start; at < end; at += std::min(step, count)) taken.push_back(static_cast<size_t>(at));
  } else {
    start = std::clamp(from_end(start), int64_t{-1}, count - 1);
    end = end < -count ? -1 : std::clamp(from_end(end), int64_t{-1}, count - 1);
    for (int64_t at = start; at > end; at += std::max(step, -count)) taken.push_back(static_cast<size_t>(at));
  }
  return taken;
}

/// A batch is never as large; exporters write "to the end" so.
constexpr int64_t kBeyondAnyBatch = 1000000000;

/// Whether a slice leaves the batch as it is.
bool takes_all_rows(const NodeCall& call, int64_t start, int64_t end, int64_t step) {
  const bool to_end = end == kBatchSize || end >= kBeyondAnyBatch ||
                      (call.fixed_batch != 0 && end >= static_cast<int64_t>(call.fixed_batch));
  return start == 0 && step == 1 && to_end;
}

NodeResults slice(const NodeCall& call) {
  TensorValue value = call.input(0);
  const std::vector<int64_t> starts = call.list("starts", 1), ends = call.list("ends", 2);
  std::vector<int64_t> axes = call.list("axes", 3), steps = call.list("steps", 4);
  if (axes.empty()) {
    for (size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  }
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
    throw ConvertError("slices with lists of different lengths");
  }
  std::vector<bool> sliced(value.rank(), false);
  for (size_t i = 0; i < starts.size(); ++i) {
    const size_t axis = resolve_axis(axes[i], value.rank());
    if (sliced[axis]) throw ConvertError("slices one axis twice");
    sliced[axis] = true;
    if (value.has_batch() && axis == value.batch_axis && takes_all_rows(call, starts[i], ends[i], steps[i])) continue;
    require_no_batch(value, axis);
    if (starts[i] == kBatchSize || ends[i] == kBatchSize) throw ConvertError("slices another axis by the batch's size");
    value = take(value, axis, slice_positions(starts[i], ends[i], steps[i], value.shape[axis]));
  }
  return one(std::move(value));
}

/// Elements of the frame, each from where `value` has it when sizes of 1 are repeated.
TensorValue repeat(const NodeCall& call, const TensorValue& value, const TensorValue& frame) {
  const size_t count = count_elements(frame.shape);
  call.expressions.charge(count);
  std::vector<size_t> sources, index(frame.rank(), 0);
  for (size_t i = 0; i < count; ++i, next_index(frame.shape, index)) {
    sources.push_back(broadcast_position(value.shape, index));
  }
  TensorValue result = pick(value, frame.shape, sources, frame.batch_axis);
  result.per_row = frame.per_row && !value.is_rows();
  return result;
}

NodeResults expand(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  std::vector<int64_t> sizes = call.integers(1);
  if (sizes.size() > 64) throw ConvertError("expands to more than 64 axes");
  const size_t rank = std::max(sizes.size(), value.rank());
  const size_t batch_axis = value.batch_axis + (rank - value.rank());
  if (value.has_batch() && call.fixed_batch != 0 && batch_axis + sizes.size() >= rank) {
    int64_t& size = sizes[batch_axis - (rank - sizes.size())];
    if (size == static_cast<int64_t>(call.fixed_batch)) size = 1;
  }
  TensorValue target;
  take_batch_axis(sizes, target);
  for (const int64_t size : sizes) {
    if (size < 0) throw ConvertError("expands to a negative size");
    target.shape.push_back(static_cast<size_t>(size));
  }
  return one(repeat(call, value, broadcast_frame(value, target)));
}

/// The whole tensor so many times along each axis.
NodeResults tile(const NodeCall& call) {
  TensorValue value = call.input(0);
  const std::vector<int64_t> repeats = call.integers(1);
  if (repeats.size() != value.rank()) throw ConvertError("repeats another number of axes than there are");
  for (size_t axis = 0; axis < repeats.size(); ++axis) {
    if (repeats[axis] == 1) continue;
    require_no_batch(value, axis);
    if (repeats[axis] < 0) throw ConvertError("repeats an axis a negative number of times");
    std::vector<size_t> shape = value.shape;
    shape[axis] *= static_cast<size_t>(std::min<int64_t>(repeats[axis], int64_t{1} << 26));
    call.expressions.charge(count_elements(shape));
    std::vector<size_t> taken;
    for (int64_t i = 0; i < repeats[axis]; ++i) {
      for (size_t at = 0; at < value.shape[axis]; ++at) taken.push_back(at);
    }
    value = take(value, axis, taken);
  }
  return one(std::move(value));
}

// ------------------------------------------------------------------------------------ gather

/// Rows of a table, looked up by ids of the batch.
TensorValue look_up(const NodeCall& call, const TensorValue& table, const TensorValue& ids, size_t axis) {
  if (axis != 0 || table.rank() == 0) throw ConvertError("looks up something else than rows of a table");
  if (!ids.ids) throw ConvertError("looks rows up by numbers that are not whole");
  const size_t width = product(table.shape, 1, table.rank());
  call.expressions.charge(count_elements({ids.refs.size(), width}));
  std::shared_ptr<const Matrix>& matrix = call.tables[&call.floats(0)];
  if (!matrix) matrix = std::make_shared<const Matrix>(Matrix{table.shape[0], width, table.floats});
  TensorValue result;
  result.kind = TensorKind::kRows;
  result.shape = ids.shape;
  result.shape.insert(result.shape.end(), table.shape.begin() + 1, table.shape.end());
  result.batch_axis = ids.batch_axis;
  for (const Ref id : ids.refs) {
    Expression row;
    row.kind = ExpressionKind::kEmbedding;
    row.node = call.index;
    row.columns = width;
    row.inputs = {id};
    row.name = table.name;
    row.weight = matrix;
    const Vector columns = call.expressions.all(call.expressions.add(std::move(row)));
    result.refs.insert(result.refs.end(), columns.begin(), columns.end());
  }
  return result;
}

size_t position_of(int64_t index, size_t size) {
  const auto count = static_cast<int64_t>(size);
  if (index < -count || index >= count) {
    throw ConvertError("takes element " + std::to_string(index) + " of an axis of " + std::to_string(size));
  }
  return static_cast<size_t>(index < 0 ? index + count : index);
}

NodeResults gather(const NodeCall& call) {
  const TensorValue &value = call.input(0), &indices = call.input(1);
  const size_t axis = resolve_axis(call.integer("axis", 0), value.rank());
  if (indices.is_rows()) {
    if (value.has_batch()) throw ConvertError("looks up in rows of the batch; expected a table of constants");
    return one(look_up(call, value, indices, axis));
  }
  if (indices.per_row) throw ConvertError("looks up the same elements for every row; expected them without the batch");
  require_no_batch(value, axis);
  std::vector<size_t> taken;
  for (const int64_t index : call.integers(1)) taken.push_back(position_of(index, value.shape[axis]));
  call.expressions.charge(taken.size() * (value.size() / std::max<size_t>(1, value.shape[axis])));
  TensorValue result = take(value, axis, taken);
  result.shape.erase(result.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  result.shape.insert(result.shape.begin() + static_cast<std::ptrdiff_t>(axis), indices.shape.begin(),
                      indices.shape.end());
  if (value.batch_axis > axis) result.batch_axis = value.batch_axis + indices.rank() - 1;
  return one(std::move(result));
}

/// Slices at tuples of indices into the axes behind `batch_dims`, which the batch is among or which lie before it.
NodeResults gather_nd(const NodeCall& call) {
  const TensorValue &value = call.input(0), &indices = call.input(1);
  const std::vector<int64_t> numbers = call.integers(1);
  const int64_t given = call.integer("batch_dims", 0);
  const auto least = static_cast<int64_t>(std::min(value.rank(), indices.rank()));
  if (given < 0 || given >= least) throw ConvertError("has batch_dims that do not fit");
  const size_t shared = static_cast<size_t>(given), tuple = indices.shape.back(), first = shared + tuple;
  if (tuple == 0 || first > value.rank()) throw ConvertError("has tuples of indices that do not fit");
  for (size_t axis = 0; axis < shared; ++axis) {
    const bool same_batch = value.has_batch() && axis == value.batch_axis
                                ? (indices.per_row && indices.batch_axis == axis) || indices.shape[axis] == 1
                                : value.shape[axis] == indices.shape[axis];
    if (!same_batch) throw ConvertError("has indices that differ from row to row");
  }
  if (indices.per_row && indices.batch_axis >= shared) throw ConvertError("looks up the same elements for every row");
  for (size_t axis = shared; axis < first; ++axis) require_no_batch(value, axis);
  TensorValue frame;
  frame.shape.assign(indices.shape.begin(), indices.shape.end() - 1);
  frame.batch_axis = value.batch_axis < shared ? value.batch_axis : value.batch_axis - first + frame.shape.size();
  frame.shape.insert(frame.shape.end(), value.shape.begin() + static_cast<std::ptrdiff_t>(first), value.shape.end());
  const size_t inner = product(value.shape, first, value.rank());
  const size_t tuples = indices.size() / tuple, per_shared = tuples / std::max<size_t>(1, product(value.shape, 0, shared));
  call.expressions.charge(count_elements(frame.shape));
  std::vector<size_t> sources;
  for (size_t i = 0; i < tuples; ++i) {
    size_t at = i / std::max<size_t>(1, per_shared);
    for (size_t k = 0; k < tuple; ++k) {
      at = at * value.shape[shared + k] + position_of(numbers[i * tuple + k], value.shape[shared + k]);
    }
    for (size_t k = 0; k < inner; ++k) sources.push_back(at * inner + k);
  }
  return one(pick(value, frame.shape, sources, frame.batch_axis));
}

}  // namespace

NodeFunction find_layout_operation(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {
      {"Identity", identity},   {"Dropout", dropout},     {"Cast", cast},           {"Constant", constant},
      {"Shape", shape_of},      {"Reshape", reshape},     {"Flatten", flatten},     {"Squeeze", squeeze},
      {"Unsqueeze", unsqueeze}, {"Concat", concat},       {"Transpose", transpose}, {"Split", split},
      {"Slice", slice},         {"Expand", expand},       {"Gather", gather},       {"ConstantOfShape", constant_of_shape},
      {"Tile", tile},           {"GatherND", gather_nd},  {"Size", number_of_elements}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
