// Operations that give elements other axes and change none: the same for constants and for rows.
#include <algorithm>
#include <map>
#include <optional>

#include "converter/error.h"
#include "converter/recognise/axes.h"
#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {
namespace {

TensorValue with_shape(const TensorValue& value, std::vector<size_t> shape, size_t batch_axis) {
  TensorValue result = value;
  result.shape = std::move(shape);
  result.batch_axis = batch_axis;
  return result;
}

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
  bool batch_inside = false;

 private:
  void copy_zeros(bool zero_is_zero) {
    for (size_t i = 0; i < sizes_.size(); ++i) {
      if (sizes_[i] != 0 || zero_is_zero) continue;
      if (i >= value_.rank()) throw ConvertError("copies a size that its input does not have");
      const bool batch = value_.has_batch() && i == value_.batch_axis;
      sizes_[i] = batch ? batch_times(value_.shape[i]) : static_cast<int64_t>(value_.shape[i]);
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
    const auto is_batch = [](int64_t size) { return times_of_batch(size) != 0; };
    if (std::count_if(sizes_.begin(), sizes_.end(), is_batch) > 1) throw ConvertError("has the batch on two axes");
    auto found = std::find_if(sizes_.begin(), sizes_.end(), is_batch);
    for (auto it = sizes_.begin(); found == sizes_.end() && it != sizes_.end(); ++it) {
      const bool candidate = *it == -1 || (fixed_batch != 0 && *it == static_cast<int64_t>(fixed_batch));
      if (!candidate) continue;
      if (product_without(static_cast<size_t>(it - sizes_.begin())) == count_) found = it;
    }
    // With a fixed batch, -1 may be another axis than the batch.
    for (auto it = sizes_.begin(); found == sizes_.end() && it != sizes_.end(); ++it) {
      if (fixed_batch != 0 && *it == static_cast<int64_t>(fixed_batch)) found = it;
    }
    if (found == sizes_.end() && fixed_batch == 0) found = merge();
    if (found == sizes_.end()) throw ConvertError("mixes the batch with other axes of " + value_shape_text(value_));
    batch_axis = static_cast<size_t>(found - sizes_.begin());
    const size_t times = times_of_batch(*found);
    if (*found < 0) *found = times != 0 ? static_cast<int64_t>(times) : 1;
  }

  /// -1 where each row of the batch gives as many rows of that axis: [batch, length, width] as [batch * length, width].
  std::vector<int64_t>::iterator merge() {
    const auto found = std::find(sizes_.begin(), sizes_.end(), int64_t{-1});
    if (found == sizes_.end() || !value_.is_rows()) return sizes_.end();
    const std::optional<size_t> rest = product_without(static_cast<size_t>(found - sizes_.begin()));
    if (!rest || *rest == 0 || count_ % *rest != 0) return sizes_.end();
    *found = static_cast<int64_t>(count_ / *rest);
    return found;
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
    place_batch();
  }

  /// The axes before the batch stay; or become one with it, and its own again.
  void place_batch() {
    const size_t before = count_elements(value_.shape, 0, value_.batch_axis);
    const size_t now_before = count_elements(shape, 0, batch_axis);
    const size_t rows = value_.shape[value_.batch_axis], now_rows = shape[batch_axis];
    const bool joins = before > 1 && now_before == 1 && now_rows == before && value_.is_rows();
    const bool parts = before == 1 && now_before == rows;
    const bool stays = before == now_before && rows == now_rows;
    batch_inside = value_.batch_inside ? stays : joins;
    if (value_.batch_inside ? !stays && !parts : !joins && before != now_before) {
      throw ConvertError("moves other axes of " + value_shape_text(value_) + " across the batch");
    }
  }

  [[noreturn]] void fail() const {
    throw ConvertError("gives " + value_shape_text(value_) + " a shape that does not fit");
  }

  const TensorValue& value_;
  std::vector<int64_t> sizes_;
  size_t count_;
};

NodeResults reshape(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const NewShape fitted(value, call.sizes(1), call.integer("allowzero", 0) != 0, call.fixed_batch);
  TensorValue result = with_shape(value, fitted.shape, fitted.batch_axis);
  result.batch_inside = fitted.batch_inside;
  return one(std::move(result));
}

NodeResults flatten(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const int64_t given = call.integer("axis", 1);
  const size_t axis = given == static_cast<int64_t>(value.rank()) ? value.rank() : resolve_axis(given, value.rank());
  const std::vector<size_t> shape = {count_elements(value.shape, 0, axis),
                                     count_elements(value.shape, axis, value.rank())};
  const size_t batch_axis = value.batch_axis < axis ? 0 : 1;
  const size_t before = count_elements(value.shape, batch_axis == 0 ? 0 : axis, value.batch_axis);
  const bool merged = shape[batch_axis] != 1 && (!value.is_rows() || call.fixed_batch != 0);
  if (value.has_batch() && (merged || before != 1)) throw ConvertError("mixes the batch with other axes");
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

}  // namespace

NodeFunction find_layout_operation(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {{"Reshape", reshape},
                                                             {"Flatten", flatten},
                                                             {"Squeeze", squeeze},
                                                             {"Unsqueeze", unsqueeze},
                                                             {"Transpose", transpose}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
