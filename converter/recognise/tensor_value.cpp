#include "converter/recognise/tensor_value.h"

#include <algorithm>

#include "converter/error.h"

namespace mmoe::converter {

size_t TensorValue::size() const {
  switch (kind) {
    case TensorKind::kFloats: return floats.size();
    case TensorKind::kIntegers: return integers.size();
    case TensorKind::kRows: return refs.size();
  }
  return 0;
}

void require_plain(const std::vector<int64_t>& integers) {
  for (const int64_t integer : integers) {
    if (depends_on_batch(integer)) {
      throw ConvertError("has the number " + std::to_string(integer) +
                         ", which the converter keeps for the batch's size");
    }
  }
}

size_t count_elements(const std::vector<size_t>& shape) {
  constexpr size_t kMax = size_t{1} << 26;
  size_t count = 1;
  for (const size_t size : shape) {
    if (size == 0) return 0;
  }
  for (const size_t size : shape) {
    if (size > kMax / count) throw ConvertError("makes a tensor of more than 2^26 elements");
    count *= size;
  }
  return count;
}

TensorValue pick(const TensorValue& value, std::vector<size_t> shape, const std::vector<size_t>& sources,
                 size_t batch_axis) {
  TensorValue result;
  result.kind = value.kind;
  result.shape = std::move(shape);
  result.batch_axis = batch_axis;
  result.per_row = value.per_row;
  result.ids = value.ids;
  result.name = value.name;
  result.dtype = value.dtype;
  result.coded = value.coded;
  for (const size_t source : sources) {
    if (value.kind == TensorKind::kFloats) result.floats.push_back(value.floats[source]);
    if (value.kind == TensorKind::kIntegers) result.integers.push_back(value.integers[source]);
    if (value.kind == TensorKind::kRows) result.refs.push_back(value.refs[source]);
  }
  return result;
}

size_t resolve_axis(int64_t axis, size_t rank) {
  const auto dims = static_cast<int64_t>(rank);
  if (axis < -dims || axis >= dims) {
    throw ConvertError("axis " + std::to_string(axis) + " of a tensor with " + std::to_string(rank) + " axes");
  }
  return static_cast<size_t>(axis < 0 ? axis + dims : axis);
}

bool next_index(const std::vector<size_t>& shape, std::vector<size_t>& index) {
  for (size_t axis = shape.size(); axis-- > 0;) {
    if (++index[axis] < shape[axis]) return true;
    index[axis] = 0;
  }
  return false;
}

size_t broadcast_position(const std::vector<size_t>& shape, const std::vector<size_t>& index) {
  size_t position = 0;
  const size_t skipped = index.size() - shape.size();
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    position = position * shape[axis] + (shape[axis] == 1 ? 0 : index[axis + skipped]);
  }
  return position;
}

std::vector<size_t> broadcast_shape(const std::vector<size_t>& a, const std::vector<size_t>& b) {
  std::vector<size_t> shape(std::max(a.size(), b.size()), 1);
  for (size_t back = 0; back < shape.size(); ++back) {
    const size_t in_a = back < a.size() ? a[a.size() - 1 - back] : 1;
    const size_t in_b = back < b.size() ? b[b.size() - 1 - back] : 1;
    if (in_a != in_b && in_a != 1 && in_b != 1) {
      throw ConvertError("sizes " + std::to_string(in_a) + " and " + std::to_string(in_b) + " do not go together");
    }
    shape[shape.size() - 1 - back] = in_a == 1 ? in_b : in_a;
  }
  return shape;
}

TensorValue broadcast_frame(const TensorValue& a, const TensorValue& b) {
  TensorValue frame;
  frame.shape = broadcast_shape(a.shape, b.shape);
  frame.per_row = a.has_batch() || b.has_batch();
  if (!frame.per_row) return frame;
  const size_t rank = frame.shape.size();
  const size_t in_a = a.batch_axis + rank - a.rank(), in_b = b.batch_axis + rank - b.rank();
  if (a.has_batch() && b.has_batch() && in_a != in_b) throw ConvertError("has the batch on two axes");
  frame.batch_axis = a.has_batch() ? in_a : in_b;
  if (frame.shape[frame.batch_axis] != 1) {
    throw ConvertError("puts " + value_shape_text(a) + " and " + value_shape_text(b) +
                       " together: a constant differs along the batch");
  }
  return frame;
}

TensorValue fold_fixed_batch(const TensorValue& constant, size_t batch_axis, size_t fixed_batch) {
  const bool written_out = !constant.has_batch() && fixed_batch > 1 && batch_axis < constant.rank() &&
                           constant.shape[batch_axis] == fixed_batch;
  if (!written_out) return constant;
  std::vector<size_t> shape = constant.shape;
  shape[batch_axis] = 1;
  std::vector<size_t> sources, index(shape.size(), 0);
  const size_t count = count_elements(shape);
  for (size_t i = 0; i < count; ++i, next_index(shape, index)) {
    sources.push_back(broadcast_position(constant.shape, index));
    std::vector<size_t> row = index;
    for (row[batch_axis] = 1; row[batch_axis] < fixed_batch; ++row[batch_axis]) {
      const size_t other = broadcast_position(constant.shape, row);
      const bool same = constant.kind == TensorKind::kFloats
                            ? constant.floats[other] == constant.floats[sources.back()]
                            : constant.integers[other] == constant.integers[sources.back()];
      if (!same) return constant;
    }
  }
  TensorValue result = pick(constant, shape, sources, batch_axis);
  result.per_row = true;
  return result;
}

std::string value_shape_text(const TensorValue& value) {
  std::string text = "[";
  for (size_t axis = 0; axis < value.rank(); ++axis) {
    const bool batch = value.has_batch() && axis == value.batch_axis;
    text += (axis == 0 ? "" : ", ") + (batch ? std::string("batch") : std::to_string(value.shape[axis]));
  }
  return text + "]";
}

}  // namespace mmoe::converter
