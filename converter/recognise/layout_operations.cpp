// Operations that move elements about and change none: the same for constants and for rows.
#include <algorithm>
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
  if (value.is_rows() && axis == value.batch_axis) throw ConvertError("works along the batch");
}

NodeResults identity(const NodeCall& call) { return one(call.input(0)); }

/// Inputs may become whole numbers, to look rows up with, and whole inputs floats; nothing else is rounded.
void cast_rows(const NodeCall& call, bool to_floats, TensorValue& value) {
  const bool allowed = std::all_of(value.refs.begin(), value.refs.end(), [&](Ref ref) {
    const Expression& source = call.expressions.of(ref);
    return source.kind == ExpressionKind::kInput && (!to_floats || source.whole_numbers);
  });
  if (value.ids == to_floats && !allowed) throw ConvertError("rounds what is not a whole number");
  value.ids = !to_floats;
}

NodeResults cast(const NodeCall& call) {
  TensorValue value = call.input(0);
  const int64_t to = call.integer("to", 1);
  const bool to_floats = to == 1 || to == 10 || to == 11 || to == 16;
  if (value.is_rows()) {
    cast_rows(call, to_floats, value);
  } else if (to_floats && value.kind == TensorKind::kIntegers) {
    value.kind = TensorKind::kFloats;
    for (const int64_t integer : value.integers) value.floats.push_back(static_cast<float>(integer));
    value.integers.clear();
  } else if (!to_floats && value.kind == TensorKind::kFloats) {
    throw ConvertError("rounds a constant");
  }
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
  return one(std::move(value));
}

NodeResults shape_of(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  TensorValue result;
  result.kind = TensorKind::kIntegers;
  for (size_t axis = 0; axis < value.rank(); ++axis) {
    const bool batch = value.is_rows() && axis == value.batch_axis;
    result.integers.push_back(batch ? kBatchSize : static_cast<int64_t>(value.shape[axis]));
  }
  result.shape = {value.rank()};
  return one(std::move(result));
}

NodeResults constant_of_shape(const NodeCall& call) {
  TensorValue value;
  const auto found = call.node.attributes.find("value");
  const OnnxTensor* tensor = found != call.node.attributes.end() ? found->second.tensor.get() : nullptr;
  for (const int64_t size : call.integers(0)) {
    if (size < 0) throw ConvertError("makes a constant of the batch's size");
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
    copy_zeros(zero_is_zero);
    if (value_.is_rows()) find_batch(fixed_batch);
    resolve();
  }

  std::vector<size_t> shape;
  size_t batch_axis = 0;

 private:
  void copy_zeros(bool zero_is_zero) {
    for (size_t i = 0; i < sizes_.size(); ++i) {
      if (sizes_[i] != 0 || zero_is_zero) continue;
      if (i >= value_.rank()) throw ConvertError("copies a size that its input does not have");
      const bool batch = value_.is_rows() && i == value_.batch_axis;
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
    if (!value_.is_rows()) return;
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
  if (value.is_rows() && (shape[batch_axis] != 1)) throw ConvertError("mixes the batch with other axes");
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
    const bool batch = value.is_rows() && axis == value.batch_axis;
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
    if (value.is_rows() && axis == value.batch_axis) batch_axis = axes.size();
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

NodeResults concat(const NodeCall& call) {
  const TensorValue& first = call.input(0);
  const size_t axis = resolve_axis(call.integer("axis", 0), first.rank());
  require_no_batch(first, axis);
  TensorValue result = first;
  std::vector<size_t> shape = first.shape;
  shape[axis] = 0;
  for (size_t i = 0; i < call.num_inputs(); ++i) {
    const TensorValue& value = call.input(i);
    const bool alike = value.kind == first.kind && value.ids == first.ids && value.rank() == first.rank() &&
                       (!value.is_rows() || value.batch_axis == first.batch_axis);
    if (!alike) {
      throw ConvertError("joins " + value_shape_text(first) + " and " + value_shape_text(value) +
                         (value.kind == first.kind ? "" : ", a constant and rows"));
    }
    for (size_t other = 0; other < value.rank(); ++other) {
      if (other != axis && value.shape[other] != first.shape[other]) throw ConvertError("joins sizes that do not fit");
    }
    shape[axis] += value.shape[axis];
  }
  call.expressions.charge(count_elements(shape));
  result.shape = shape;
  result.floats.clear(), result.integers.clear(), result.refs.clear();
  const size_t outer = product(shape, 0, axis);
  for (size_t i = 0; i < outer; ++i) {
    for (size_t k = 0; k < call.num_inputs(); ++k) {
      const TensorValue& value = call.input(k);
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

NodeResults split(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const size_t axis = resolve_axis(call.integer("axis", 0), value.rank());
  require_no_batch(value, axis);
  std::vector<int64_t> sizes = call.list("split", 1);
  const size_t parts = call.node.outputs.size();
  if (sizes.empty() && parts > 0) {
    const size_t each = (value.shape[axis] + parts - 1) / parts;
    for (size_t i = 0; i < parts; ++i) {
      sizes.push_back(static_cast<int64_t>(std::min(each, value.shape[axis] - std::min(value.shape[axis], i * each))));
    }
  }
  NodeResults results;
  size_t at = 0;
  for (const int64_t size : sizes) {
    if (size < 0 || static_cast<size_t>(size) > value.shape[axis] - at) throw ConvertError("splits off more than there is");
    std::vector<size_t> taken = all_positions(static_cast<size_t>(size));
    for (size_t& position : taken) position += at;
    results.push_back(take(value, axis, taken));
    at += static_cast<size_t>(size);
  }
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
  for (size_t i = 0; i < starts.size(); ++i) {
    const size_t axis = resolve_axis(axes[i], value.rank());
    const bool everything = starts[i] == 0 && steps[i] == 1 &&
                            (ends[i] == kBatchSize || ends[i] >= std::numeric_limits<int32_t>::max());
    if (value.is_rows() && axis == value.batch_axis && everything) continue;
    require_no_batch(value, axis);
    value = take(value, axis, slice_positions(starts[i], ends[i], steps[i], value.shape[axis]));
  }
  return one(std::move(value));
}

NodeResults expand(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  std::vector<size_t> target;
  for (const int64_t size : call.integers(1)) {
    if (size < 0 && size != kBatchSize) throw ConvertError("expands to a negative size");
    target.push_back(size == kBatchSize ? 1 : static_cast<size_t>(size));
  }
  if (target.size() > 64) throw ConvertError("expands to more than 64 axes");
  const size_t rank = std::max(target.size(), value.rank());
  const size_t batch_axis = value.batch_axis + (rank - value.rank());
  const size_t in_target = batch_axis - (rank - target.size());
  if (value.is_rows() && call.fixed_batch != 0 && batch_axis + target.size() >= rank &&
      target[in_target] == call.fixed_batch) {
    target[in_target] = 1;
  }
  const std::vector<size_t> shape = broadcast_shape(value.shape, target);
  if (value.is_rows() && shape[batch_axis] != 1) throw ConvertError("expands the batch");
  const size_t count = count_elements(shape);
  call.expressions.charge(count);
  std::vector<size_t> sources, index(shape.size(), 0);
  if (count > 0) {
    do {
      sources.push_back(broadcast_position(value.shape, index));
    } while (next_index(shape, index));
  }
  return one(pick(value, shape, sources, batch_axis));
}

// ------------------------------------------------------------------------------------ gather

/// Rows of a table, looked up by ids of the batch.
TensorValue look_up(const NodeCall& call, const TensorValue& table, const TensorValue& ids, size_t axis) {
  if (axis != 0 || table.rank() != 2) throw ConvertError("looks up something else than rows of a table");
  if (!ids.ids) throw ConvertError("looks rows up by numbers that are not whole");
  std::shared_ptr<const Matrix>& matrix = call.tables[&call.floats(0)];
  if (!matrix) matrix = std::make_shared<const Matrix>(Matrix{table.shape[0], table.shape[1], table.floats});
  TensorValue result;
  result.kind = TensorKind::kRows;
  result.shape = ids.shape;
  result.shape.push_back(table.shape[1]);
  result.batch_axis = ids.batch_axis;
  for (const Ref id : ids.refs) {
    Expression row;
    row.kind = ExpressionKind::kEmbedding;
    row.node = call.index;
    row.columns = table.shape[1];
    row.inputs = {id};
    row.name = table.name;
    row.weight = matrix;
    const Vector columns = call.expressions.all(call.expressions.add(std::move(row)));
    result.refs.insert(result.refs.end(), columns.begin(), columns.end());
  }
  return result;
}

NodeResults gather(const NodeCall& call) {
  const TensorValue &value = call.input(0), &indices = call.input(1);
  const size_t axis = resolve_axis(call.integer("axis", 0), value.rank());
  if (indices.is_rows()) {
    if (value.is_rows()) throw ConvertError("looks up in rows of the batch");
    return one(look_up(call, value, indices, axis));
  }
  require_no_batch(value, axis);
  std::vector<size_t> taken;
  for (const int64_t index : call.integers(1)) taken.push_back(resolve_axis(index, value.shape[axis]));
  call.expressions.charge(taken.size() * (value.size() / std::max<size_t>(1, value.shape[axis])));
  TensorValue result = take(value, axis, taken);
  result.shape.erase(result.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  result.shape.insert(result.shape.begin() + static_cast<std::ptrdiff_t>(axis), indices.shape.begin(),
                      indices.shape.end());
  if (value.batch_axis > axis) result.batch_axis = value.batch_axis + indices.rank() - 1;
  return one(std::move(result));
}

}  // namespace

NodeFunction find_layout_operation(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {
      {"Identity", identity},   {"Dropout", identity},  {"Cast", cast},           {"Constant", constant},
      {"Shape", shape_of},      {"Reshape", reshape},   {"Flatten", flatten},     {"Squeeze", squeeze},
      {"Unsqueeze", unsqueeze}, {"Concat", concat},     {"Transpose", transpose}, {"Split", split},
      {"Slice", slice},         {"Expand", expand},     {"Gather", gather},       {"ConstantOfShape", constant_of_shape}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
