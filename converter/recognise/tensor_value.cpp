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
  result.ids = value.ids;
  result.name = value.name;
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

std::string value_shape_text(const TensorValue& value) {
  std::string text = "[";
  for (size_t axis = 0; axis < value.rank(); ++axis) {
    const bool batch = value.is_rows() && axis == value.batch_axis;
    text += (axis == 0 ? "" : ", ") + (batch ? std::string("batch") : std::to_string(value.shape[axis]));
  }
  return text + "]";
}

}  // namespace mmoe::converter
