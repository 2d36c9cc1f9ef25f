// Reference semantics of ONNX's operators that look elements up, put them elsewhere and find the largest.
#include <algorithm>
#include <map>
#include <numeric>

#include "converter/error.h"
#include "converter/proof/reference_tensor.h"

namespace mmoe::converter {
namespace {

/// Indices below 0 count from the end.
size_t position(int64_t index, size_t size) {
  const auto count = static_cast<int64_t>(size);
  if (index < -count || index >= count) throw ConvertError("looks up element " + std::to_string(index));
  return static_cast<size_t>(index < 0 ? index + count : index);
}

RefResults gather(const RefCall& call) {
  const RefTensor &x = call.input(0), &indices = call.whole(1);
  const size_t axis = axis_of(call.integer("axis", 0), x.shape.size());
  Shape shape(x.shape.begin(), x.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), x.shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.shape.end());
  call.spend(num_elements(shape));
  const size_t outer = product(x.shape, 0, axis), inner = product(x.shape, axis + 1, x.shape.size());
  std::vector<size_t> sources;
  for (size_t i = 0; i < outer; ++i) {
    for (const int64_t index : indices.integers) {
      const size_t at = (i * x.shape[axis] + position(index, x.shape[axis])) * inner;
      for (size_t k = 0; k < inner; ++k) sources.push_back(at + k);
    }
  }
  return single(select(x, shape, sources));
}

/// As many axes, and none longer but the one that is indexed.
void require_within(const Shape& indices, const Shape& shape, size_t indexed) {
  bool within = indices.size() == shape.size();
  for (size_t axis = 0; within && axis < shape.size(); ++axis) within = axis == indexed || indices[axis] <= shape[axis];
  if (!within) throw ConvertError("has indices that do not fit");
}

RefResults gather_elements(const RefCall& call) {
  const RefTensor &x = call.input(0), &indices = call.whole(1);
  const size_t axis = axis_of(call.integer("axis", 0), x.shape.size());
  const std::vector<size_t> strides = strides_of(x.shape);
  require_within(indices.shape, x.shape, axis);
  call.spend(indices.size());
  std::vector<size_t> sources;
  size_t i = 0;
  for (Walk walk(indices.shape, {}); !walk.done(); walk.next(), ++i) {
    size_t at = 0;
    for (size_t k = 0; k < strides.size(); ++k) {
      at += strides[k] * (k == axis ? position(indices.integers[i], x.shape[axis]) : walk.index(k));
    }
    sources.push_back(at);
  }
  return single(select(x, indices.shape, sources));
}

/// Where the tuples of indices of GatherND and ScatterND lead, as the first element of each slice.
std::vector<size_t> slices_at(const Shape& shape, const RefTensor& indices, size_t batch_dims) {
  const size_t tuple = indices.shape.at(indices.shape.size() - 1);
  if (batch_dims + tuple > shape.size() || tuple == 0) throw ConvertError("has tuples of indices that do not fit");
  const std::vector<size_t> strides = strides_of(shape);
  const size_t tuples = indices.size() / tuple, batches = product(indices.shape, 0, batch_dims);
  std::vector<size_t> firsts;
  for (size_t i = 0; i < tuples; ++i) {
    const size_t batch = i / std::max<size_t>(1, tuples / std::max<size_t>(1, batches));
    size_t at = batch * product(shape, batch_dims, shape.size());
    for (size_t k = 0; k < tuple; ++k) {
      at += strides[batch_dims + k] * position(indices.integers[i * tuple + k], shape[batch_dims + k]);
    }
    firsts.push_back(at);
  }
  return firsts;
}

RefResults gather_nd(const RefCall& call) {
  const RefTensor &x = call.input(0), &indices = call.whole(1);
  const auto batch_dims = static_cast<size_t>(std::clamp<int64_t>(call.integer("batch_dims", 0), 0, 64));
  if (batch_dims >= std::min(x.shape.size(), indices.shape.size()))
    throw ConvertError("has batch_dims that do not fit");
  for (size_t axis = 0; axis < batch_dims; ++axis) {
    if (x.shape[axis] != indices.shape[axis]) throw ConvertError("has batch_dims that do not fit");
  }
  const std::vector<size_t> firsts = slices_at(x.shape, indices, batch_dims);
  Shape shape(indices.shape.begin(), indices.shape.end() - 1);
  const size_t sliced = batch_dims + indices.shape.back();
  shape.insert(shape.end(), x.shape.begin() + static_cast<std::ptrdiff_t>(sliced), x.shape.end());
  call.spend(num_elements(shape));
  std::vector<size_t> sources;
  for (const size_t first : firsts) {
    for (size_t k = 0; k < product(x.shape, sliced, x.shape.size()); ++k) sources.push_back(first + k);
  }
  return single(select(x, shape, sources));
}

RefTensor owned(const RefTensor& x) {
  RefTensor result = x;
  if (x.constant != nullptr) result.reals.assign(x.constant->begin(), x.constant->end());
  result.constant = nullptr;
  return result;
}

void put(RefTensor& to, size_t at, const RefTensor& from, size_t source, const std::string& reduction) {
  const auto joined = [&](auto old, auto fresh) {
    if (reduction == "none") return fresh;
    if (reduction == "add") return old + fresh;
    if (reduction == "mul") return old * fresh;
    if (reduction == "max") return std::max(old, fresh);
    if (reduction == "min") return std::min(old, fresh);
    throw ConvertError("has an unknown reduction");
  };
  if (to.whole) to.integers.at(at) = joined(to.integers[at], from.integers.at(source));
  if (!to.whole) to.reals.at(at) = joined(to.reals[at], from.real(source));
}

RefResults scatter_elements(const RefCall& call) {
  const RefTensor &indices = call.whole(1), &updates = call.input(2);
  RefTensor result = owned(call.input(0));
  if (updates.shape != indices.shape || updates.whole != result.whole || indices.shape.size() != result.shape.size()) {
    throw ConvertError("puts what does not fit");
  }
  const size_t axis = axis_of(call.integer("axis", 0), result.shape.size());
  require_within(indices.shape, result.shape, axis);
  const std::vector<size_t> strides = strides_of(result.shape);
  call.spend(result.size() + indices.size());
  size_t i = 0;
  for (Walk walk(indices.shape, {}); !walk.done(); walk.next(), ++i) {
    size_t at = 0;
    for (size_t k = 0; k < strides.size(); ++k) {
      at += strides[k] * (k == axis ? position(indices.integers[i], result.shape[axis]) : walk.index(k));
    }
    put(result, at, updates, i, call.text("reduction", "none"));
  }
  return single(std::move(result));
}

RefResults scatter_nd(const RefCall& call) {
  const RefTensor &indices = call.whole(1), &updates = call.input(2);
  RefTensor result = owned(call.input(0));
  const std::vector<size_t> firsts = slices_at(result.shape, indices, 0);
  const size_t run = product(result.shape, indices.shape.back(), result.shape.size());
  if (updates.size() != firsts.size() * run || updates.whole != result.whole)
    throw ConvertError("puts what does not fit");
  call.spend(result.size() + updates.size());
  for (size_t i = 0; i < firsts.size(); ++i) {
    for (size_t k = 0; k < run; ++k) put(result, firsts[i] + k, updates, i * run + k, call.text("reduction", "none"));
  }
  return single(std::move(result));
}

// ------------------------------------------------------------------------------------ the largest

/// Calls `visit(first, stride)` for every line along `axis`.
template <typename Visit>
void for_each_line(const Shape& shape, size_t axis, Visit visit) {
  const size_t inner = product(shape, axis + 1, shape.size()), size = shape[axis];
  for (size_t outer = 0; outer < product(shape, 0, axis); ++outer) {
    for (size_t k = 0; k < inner; ++k) visit(outer * size * inner + k, inner);
  }
}

/// Of equal ones the one with the lower index comes first.
RefResults top_k(const RefCall& call) {
  const RefTensor& x = call.input(0);
  const size_t axis = axis_of(call.integer("axis", -1), x.shape.size()), size = x.shape[axis];
  const int64_t wanted = call.opset < 10 ? call.integer("k", -1) : call.whole(1).integers.at(0);
  if (wanted < 0 || static_cast<size_t>(wanted) > size) throw ConvertError("takes more elements than there are");
  const bool largest = call.integer("largest", 1) != 0;
  const auto k = static_cast<size_t>(wanted);
  Shape shape = x.shape;
  shape[axis] = k;
  call.spend(x.size() * 8);
  std::vector<size_t> sources(num_elements(shape));
  RefTensor indices = make_integers(shape);
  const size_t inner = product(x.shape, axis + 1, x.shape.size());
  for_each_line(x.shape, axis, [&](size_t first, size_t stride) {
    std::vector<size_t> order(size);
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      const double left = x.number(first + a * stride), right = x.number(first + b * stride);
      return largest ? left > right : left < right;
    });
    const size_t outer = first / (size * inner), target = outer * k * inner + first % inner;
    for (size_t i = 0; i < k; ++i) {
      sources[target + i * inner] = first + order[i] * stride;
      indices.integers[target + i * inner] = static_cast<int64_t>(order[i]);
    }
  });
  RefResults results;
  results.push_back(select(x, shape, sources));
  results.push_back(std::move(indices));
  return results;
}

RefResults arg_max(const RefCall& call) {
  const RefTensor& x = call.input(0);
  if (call.integer("select_last_index", 0) != 0) throw ConvertError("selects the last of equal elements");
  const size_t axis = axis_of(call.integer("axis", 0), x.shape.size());
  Shape shape = x.shape;
  shape[axis] = 1;
  call.spend(x.size());
  RefTensor result = make_integers(shape);
  size_t to = 0;
  for_each_line(x.shape, axis, [&](size_t first, size_t stride) {
    size_t best = 0;
    for (size_t i = 1; i < x.shape[axis]; ++i) {
      if (x.number(first + i * stride) > x.number(first + best * stride)) best = i;
    }
    result.integers[to++] = static_cast<int64_t>(best);
  });
  if (call.integer("keepdims", 1) == 0) result.shape.erase(result.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  return single(std::move(result));
}

RefResults non_zero(const RefCall& call) {
  const RefTensor& x = call.input(0);
  call.spend(x.size());
  std::vector<std::vector<size_t>> found;
  size_t i = 0;
  for (Walk walk(x.shape, {}); !walk.done(); walk.next(), ++i) {
    if (x.number(i) == 0) continue;
    found.emplace_back();
    for (size_t axis = 0; axis < x.shape.size(); ++axis) found.back().push_back(walk.index(axis));
  }
  RefTensor result = make_integers({x.shape.size(), found.size()});
  for (size_t axis = 0; axis < x.shape.size(); ++axis) {
    for (size_t k = 0; k < found.size(); ++k) {
      result.integers[axis * found.size() + k] = static_cast<int64_t>(found[k][axis]);
    }
  }
  return single(std::move(result));
}

/// values: what is elsewhere, and what is at the index.
RefResults one_hot(const RefCall& call) {
  const RefTensor &indices = call.input(0), &values = call.input(2);
  const int64_t depth = whole_number(call.scalar(1));
  const auto rank = static_cast<int64_t>(indices.shape.size());
  const size_t axis = axis_of(call.integer("axis", -1), static_cast<size_t>(rank + 1));
  if (depth < 1 || values.size() != 2) throw ConvertError("has no depth, or another number of values than two");
  Shape shape = indices.shape;
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), static_cast<size_t>(depth));
  call.spend(num_elements(shape));
  const size_t inner = product(indices.shape, axis, indices.shape.size());
  std::vector<size_t> sources;
  for (Walk walk(shape, {}); !walk.done(); walk.next()) {
    const size_t to = sources.size();
    const size_t from = to / (inner * static_cast<size_t>(depth)) * inner + to % inner;
    const int64_t index = whole_number(indices.number(from));
    const int64_t wrapped = index < 0 ? index + depth : index;
    sources.push_back(wrapped == static_cast<int64_t>(walk.index(axis)) ? 1 : 0);
  }
  return single(select(values, shape, sources));
}

}  // namespace

RefFunction find_reference_indexing(const std::string& operation) {
  static const std::map<std::string, RefFunction> kTable = {
      {"Gather", gather},        {"GatherElements", gather_elements},
      {"GatherND", gather_nd},   {"ScatterElements", scatter_elements},
      {"ScatterND", scatter_nd}, {"TopK", top_k},
      {"ArgMax", arg_max},       {"NonZero", non_zero},
      {"OneHot", one_hot}};
  const auto found = kTable.find(operation);
  return found == kTable.end() ? nullptr : found->second;
}

}  // namespace mmoe::converter
