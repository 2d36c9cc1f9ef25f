// Reference semantics of ONNX's operators that give tensors other shapes, join, part and repeat them.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "converter/error.h"
#include "converter/proof/reference_tensor.h"

namespace mmoe::converter {
namespace {

RefTensor list_of(const std::vector<int64_t>& values) {
  RefTensor tensor = make_integers({values.size()});
  tensor.integers = values;
  return tensor;
}

RefTensor with_shape(const RefTensor& tensor, Shape shape) {
  if (num_elements(shape) != tensor.size()) throw ConvertError("gives a tensor a shape that does not fit");
  RefTensor result = tensor;
  result.shape = std::move(shape);
  return result;
}

/// Integers that are sizes.
Shape sizes_of(const std::vector<int64_t>& values) {
  Shape shape;
  for (const int64_t value : values) {
    if (value < 0) throw ConvertError("has a negative size");
    shape.push_back(static_cast<size_t>(value));
  }
  return shape;
}

RefResults same(const RefCall& call) {
  call.spend(call.input(0).size());
  return single(call.input(0));
}

RefResults dropout(const RefCall& call) {
  const bool training = call.has(2) && call.scalar(2) != 0;
  if (training && !(call.has(1) && call.scalar(1) == 0)) throw ConvertError("is random");
  return same(call);
}

RefResults constant(const RefCall& call) {
  const auto& attributes = call.node.attributes;
  if (attributes.size() != 1) throw ConvertError("has another number of values than one");
  const auto& [name, value] = *attributes.begin();
  if (value.tensor) return single(from_constant(*value.tensor));
  RefTensor result;
  if (name == "value_float") {
    result.reals = {static_cast<double>(value.real)};
  } else if (name == "value_floats") {
    result.shape = {value.reals.size()};
    result.reals.assign(value.reals.begin(), value.reals.end());
  } else if (name == "value_int") {
    result.whole = true;
    result.integers = {value.integer};
  } else if (name == "value_ints") {
    result = list_of(value.integers);
  } else {
    throw ConvertError("is a constant of an unknown kind");
  }
  return single(std::move(result));
}

RefResults shape_of(const RefCall& call) {
  const Shape& shape = call.input(0).shape;
  const auto rank = static_cast<int64_t>(shape.size());
  int64_t start = call.integer("start", 0), end = call.integer("end", rank);
  if (start < 0) start += rank;
  if (end < 0) end += rank;
  std::vector<int64_t> sizes;
  for (int64_t axis = std::max<int64_t>(start, 0); axis < std::min(end, rank); ++axis) {
    sizes.push_back(static_cast<int64_t>(shape[static_cast<size_t>(axis)]));
  }
  return single(list_of(sizes));
}

RefResults size_of(const RefCall& call) {
  RefTensor result = make_integers({});
  result.integers[0] = static_cast<int64_t>(call.input(0).size());
  return single(std::move(result));
}

RefResults constant_of_shape(const RefCall& call) {
  const Shape shape = sizes_of(call.whole(0).integers);
  const auto found = call.node.attributes.find("value");
  const OnnxTensor* value = found == call.node.attributes.end() ? nullptr : found->second.tensor.get();
  call.spend(num_elements(shape));
  const bool whole = value != nullptr && value->is_integer;
  RefTensor result = whole ? make_integers(shape) : make_reals(shape);
  if (whole) std::fill(result.integers.begin(), result.integers.end(), value->integers.at(0));
  if (!whole && value != nullptr)
    std::fill(result.reals.begin(), result.reals.end(), static_cast<double>(value->floats.at(0)));
  return single(std::move(result));
}

RefResults range(const RefCall& call) {
  const double start = call.scalar(0), step = call.scalar(2), steps = (call.scalar(1) - start) / step;
  const bool whole = call.input(0).whole && call.input(2).whole;
  if (!(steps < 1e9)) throw ConvertError("counts without an end");
  const auto count = static_cast<size_t>(std::max(0.0, std::ceil(steps)));
  call.spend(count);
  RefTensor result = whole ? make_integers({count}) : make_reals({count});
  for (size_t i = 0; i < count; ++i) {
    const double number = start + static_cast<double>(i) * step;
    if (whole) result.integers[i] = whole_number(number);
    if (!whole) result.reals[i] = number;
  }
  return single(std::move(result));
}

// ------------------------------------------------------------------------------------ other shapes

RefResults reshape(const RefCall& call) {
  const RefTensor& x = call.input(0);
  std::vector<int64_t> target = call.list("shape", 1);
  const bool zero_is_zero = call.integer("allowzero", 0) != 0;
  size_t known = 1, unknown = target.size();
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] == 0 && !zero_is_zero) target[i] = static_cast<int64_t>(x.shape.at(i));
    if (target[i] == -1) {
      unknown = i;
    } else {
      known *= static_cast<size_t>(target[i]);
    }
  }
  if (unknown < target.size()) target[unknown] = known == 0 ? 0 : static_cast<int64_t>(x.size() / known);
  call.spend(x.size());
  return single(with_shape(x, sizes_of(target)));
}

RefResults flatten(const RefCall& call) {
  const RefTensor& x = call.input(0);
  const auto rank = static_cast<int64_t>(x.shape.size());
  int64_t axis = call.integer("axis", 1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) throw ConvertError("has no such axis");
  const size_t cut = static_cast<size_t>(axis);
  return single(with_shape(x, {product(x.shape, 0, cut), product(x.shape, cut, x.shape.size())}));
}

RefResults squeeze(const RefCall& call) {
  const RefTensor& x = call.input(0);
  const std::vector<int64_t> axes = call.list("axes", 1);
  std::vector<bool> gone(x.shape.size(), false);
  for (const int64_t axis : axes) gone[axis_of(axis, gone.size())] = true;
  Shape shape;
  for (size_t axis = 0; axis < x.shape.size(); ++axis) {
    if (axes.empty() ? x.shape[axis] != 1 : !gone[axis]) shape.push_back(x.shape[axis]);
  }
  return single(with_shape(x, shape));
}

RefResults unsqueeze(const RefCall& call) {
  const RefTensor& x = call.input(0);
  const std::vector<int64_t> axes = call.list("axes", 1);
  std::vector<bool> added(x.shape.size() + axes.size(), false);
  for (const int64_t axis : axes) added[axis_of(axis, added.size())] = true;
  Shape shape;
  size_t next = 0;
  for (const bool one : added) shape.push_back(one ? 1 : x.shape.at(next++));
  return single(with_shape(x, shape));
}

RefResults transpose(const RefCall& call) {
  const RefTensor& x = call.input(0);
  std::vector<int64_t> order = call.list("perm", 1);
  if (order.empty()) {
    for (size_t axis = x.shape.size(); axis-- > 0;) order.push_back(static_cast<int64_t>(axis));
  }
  std::vector<bool> placed(x.shape.size(), false);
  for (const int64_t axis : order) placed[axis_of(axis, placed.size())] = true;
  if (order.size() != placed.size() || std::count(placed.begin(), placed.end(), false) != 0) {
    throw ConvertError("is no permutation of the axes");
  }
  const std::vector<size_t> strides = strides_of(x.shape);
  Shape shape;
  for (const int64_t axis : order) shape.push_back(x.shape.at(axis_of(axis, x.shape.size())));
  call.spend(x.size());
  std::vector<size_t> sources;
  for (Walk walk(shape, {}); !walk.done(); walk.next()) {
    size_t source = 0;
    for (size_t i = 0; i < order.size(); ++i) source += walk.index(i) * strides[axis_of(order[i], x.shape.size())];
    sources.push_back(source);
  }
  return single(select(x, shape, sources));
}

RefTensor repeat_to(const RefCall& call, const RefTensor& x, const Shape& shape) {
  call.spend(num_elements(shape));
  std::vector<size_t> sources;
  for (Walk walk(shape, {&x}); !walk.done(); walk.next()) sources.push_back(walk.at(0));
  return select(x, shape, sources);
}

RefResults expand(const RefCall& call) {
  const RefTensor& x = call.input(0);
  return single(repeat_to(call, x, broadcast(x.shape, sizes_of(call.whole(1).integers))));
}

// ------------------------------------------------------------------------------------ along one axis

/// The elements `taken` along `axis`.
RefTensor take(const RefCall& call, const RefTensor& x, size_t axis, const std::vector<size_t>& taken) {
  Shape shape = x.shape;
  shape[axis] = taken.size();
  call.spend(num_elements(shape));
  const size_t outer = product(x.shape, 0, axis), inner = product(x.shape, axis + 1, x.shape.size());
  std::vector<size_t> sources;
  for (size_t i = 0; i < outer; ++i) {
    for (const size_t at : taken) {
      for (size_t k = 0; k < inner; ++k) sources.push_back((i * x.shape[axis] + at) * inner + k);
    }
  }
  return select(x, shape, sources);
}

std::vector<size_t> count_from(size_t first, size_t count) {
  std::vector<size_t> positions(count);
  std::iota(positions.begin(), positions.end(), first);
  return positions;
}

RefResults tile(const RefCall& call) {
  RefTensor x = call.input(0);
  const Shape repeats = sizes_of(call.whole(1).integers);
  for (size_t axis = 0; axis < x.shape.size(); ++axis) {
    std::vector<size_t> taken;
    call.spend(repeats.at(axis));
    for (size_t i = 0; i < repeats.at(axis) * x.shape[axis]; ++i) taken.push_back(i % x.shape[axis]);
    x = take(call, x, axis, taken);
  }
  return single(std::move(x));
}

RefResults concat(const RefCall& call) {
  const size_t axis = axis_of(call.integer("axis", 0), call.input(0).shape.size());
  Shape shape = call.input(0).shape;
  const bool whole = call.input(0).whole;
  for (size_t i = 1; i < call.inputs.size(); ++i) {
    const Shape& other = call.input(i).shape;
    Shape expected = shape;
    expected.at(axis) = other.at(axis);
    if (other != expected || call.input(i).whole != whole) throw ConvertError("joins what does not fit");
    shape[axis] += other[axis];
  }
  call.spend(num_elements(shape));
  RefTensor result = whole ? make_integers(shape) : make_reals(shape);
  size_t to = 0;
  for (size_t outer = 0; outer < product(shape, 0, axis); ++outer) {
    for (const RefTensor* part : call.inputs) {
      const size_t run = product(part->shape, axis, part->shape.size());
      for (size_t at = outer * run; at < (outer + 1) * run; ++at, ++to) {
        if (whole) result.integers[to] = part->integers[at];
        if (!whole) result.reals[to] = part->real(at);
      }
    }
  }
  return single(std::move(result));
}

RefResults split(const RefCall& call) {
  const RefTensor& x = call.input(0);
  const size_t axis = axis_of(call.integer("axis", 0), x.shape.size());
  std::vector<int64_t> sizes = call.list("split", 1);
  const size_t parts = call.node.outputs.size(), size = x.shape[axis];
  if (sizes.empty()) {
    const size_t each = (size + parts - 1) / parts;
    for (size_t i = 0; i < parts; ++i)
      sizes.push_back(static_cast<int64_t>(std::min(each, size - std::min(size, i * each))));
  }
  RefResults results;
  size_t first = 0;
  for (const size_t count : sizes_of(sizes)) {
    if (count > size - first) throw ConvertError("splits off more than there is");
    results.push_back(take(call, x, axis, count_from(first, count)));
    first += count;
  }
  return results;
}

RefResults slice(const RefCall& call) {
  RefTensor x = call.input(0);
  const std::vector<int64_t> starts = call.list("starts", 1), ends = call.list("ends", 2), axes = call.list("axes", 3),
                             steps = call.list("steps", 4);
  for (size_t i = 0; i < starts.size(); ++i) {
    const size_t axis = axis_of(axes.empty() ? static_cast<int64_t>(i) : axes.at(i), x.shape.size());
    const auto size = static_cast<int64_t>(x.shape[axis]);
    const int64_t step = steps.empty() ? 1 : steps.at(i);
    if (step == 0) throw ConvertError("slices with a step of 0");
    int64_t start = starts[i] < 0 ? starts[i] + size : starts[i], end = ends.at(i) < 0 ? ends[i] + size : ends[i];
    start = std::clamp<int64_t>(start, 0, step > 0 ? size : std::max<int64_t>(size - 1, 0));
    end = std::clamp<int64_t>(end, step > 0 ? 0 : -1, size);
    std::vector<size_t> taken;
    for (int64_t at = start; size > 0 && (step > 0 ? at < end : at > end); at += std::clamp(step, -size, size)) {
      taken.push_back(static_cast<size_t>(at));
    }
    x = take(call, x, axis, taken);
  }
  return single(std::move(x));
}

/// With a constant, which is 0 unless said.
RefResults pad(const RefCall& call) {
  const std::string mode = call.text("mode", "constant");
  if (mode != "constant") throw ConvertError("pads with something else than a constant");
  const RefTensor& x = call.input(0);
  const std::vector<int64_t> pads = call.list("pads", 1);
  const size_t rank = x.shape.size();
  if (call.has(3) || pads.size() != 2 * rank || x.whole) throw ConvertError("pads some axes alone, or whole numbers");
  const double value = call.has(2) ? call.scalar(2) : call.real("value", 0);
  Shape shape;
  for (size_t axis = 0; axis < rank; ++axis) {
    constexpr int64_t kMost = int64_t{1} << 30;
    if (std::max(std::max(pads[axis], pads[axis + rank]), -std::min(pads[axis], pads[axis + rank])) > kMost) {
      throw ConvertError("pads by more than 2^30");
    }
    const int64_t size = static_cast<int64_t>(x.shape[axis]) + pads[axis] + pads[axis + rank];
    if (size < 0) throw ConvertError("pads to a negative size");
    shape.push_back(static_cast<size_t>(size));
  }
  call.spend(num_elements(shape));
  RefTensor result = make_reals(shape);
  size_t to = 0;
  const std::vector<size_t> strides = strides_of(x.shape);
  for (Walk walk(shape, {}); !walk.done(); walk.next(), ++to) {
    size_t from = 0;
    bool inside = true;
    for (size_t axis = 0; axis < rank; ++axis) {
      const int64_t at = static_cast<int64_t>(walk.index(axis)) - pads[axis];
      inside = inside && at >= 0 && at < static_cast<int64_t>(x.shape[axis]);
      from += inside ? static_cast<size_t>(at) * strides[axis] : 0;
    }
    result.reals[to] = inside ? x.real(from) : value;
  }
  return single(std::move(result));
}

RefResults triangle(const RefCall& call) {
  std::vector<size_t> sources(call.input(0).size());  // a copy, of a constant too
  std::iota(sources.begin(), sources.end(), size_t{0});
  RefTensor result = select(call.input(0), call.input(0).shape, sources);
  const size_t rank = result.shape.size();
  if (rank < 2) throw ConvertError("takes a triangle of what is no matrix");
  const double shift = call.has(1) ? call.whole(1).number(0) : 0;
  const bool upper = call.integer("upper", 1) != 0;
  for (Walk walk(result.shape, {&result}); !walk.done(); walk.next()) {
    const double beyond = static_cast<double>(walk.index(rank - 1)) - static_cast<double>(walk.index(rank - 2)) - shift;
    if (upper ? beyond >= 0 : beyond <= 0) continue;
    if (result.whole) result.integers[walk.at(0)] = 0;
    if (!result.whole) result.reals[walk.at(0)] = 0;
  }
  return single(std::move(result));
}

}  // namespace

RefFunction find_reference_layout(const std::string& operation) {
  static const std::map<std::string, RefFunction> kTable = {
      {"Identity", same},   {"Dropout", dropout},     {"Constant", constant},
      {"Shape", shape_of},  {"Size", size_of},        {"ConstantOfShape", constant_of_shape},
      {"Range", range},     {"Reshape", reshape},     {"Flatten", flatten},
      {"Squeeze", squeeze}, {"Unsqueeze", unsqueeze}, {"Transpose", transpose},
      {"Expand", expand},   {"Tile", tile},           {"Concat", concat},
      {"Split", split},     {"Slice", slice},         {"Pad", pad},
      {"Trilu", triangle}};
  const auto found = kTable.find(operation);
  return found == kTable.end() ? nullptr : found->second;
}

}  // namespace mmoe::converter
