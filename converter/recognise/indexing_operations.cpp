// Operations that join, repeat and take elements, and change none: the same for constants and for rows.
#include <algorithm>
#include <map>
#include <numeric>

#include "converter/error.h"
#include "converter/recognise/axes.h"
#include "converter/recognise/graph_evaluator.h"
#include "converter/recognise/places.h"
#include "converter/recognise/pooling.h"

namespace mmoe::converter {
namespace {

std::vector<size_t> all_positions(size_t count) {
  std::vector<size_t> positions(count);
  std::iota(positions.begin(), positions.end(), size_t{0});
  return positions;
}

/// The elements `taken` along `axis`, in that order.
TensorValue take(const TensorValue& value, size_t axis, const std::vector<size_t>& taken) {
  std::vector<size_t> shape = value.shape;
  shape[axis] = taken.size();
  const size_t outer = count_elements(value.shape, 0, axis),
               inner = count_elements(value.shape, axis + 1, value.rank());
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
    const bool truths = rows != nullptr && !rows->ids && !value.is_rows() && value.kind == TensorKind::kIntegers &&
                        compares_ids(call.expressions, rows->refs);
    if (truths) {
      for (const int64_t truth : value.integers) value.floats.push_back(truth != 0 ? 1.0f : 0.0f);
      value.integers.clear();
      value.kind = TensorKind::kFloats;
    }
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
  if (value.is_rows() != first.is_rows())
    throw ConvertError(which + ", of which one is a constant that rows do not repeat");
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
  const size_t outer = count_elements(shape, 0, axis);
  for (size_t i = 0; i < outer; ++i) {
    for (const TensorValue& value : values) {
      const size_t run = count_elements(value.shape, axis, value.rank());
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
    if (size < 0 || static_cast<size_t>(size) > value.shape[axis] - at)
      throw ConvertError("splits off more than there is");
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
    const bool batch = value.has_batch() && axis == value.batch_axis && value.shape[axis] == 1;
    if (batch && takes_all_rows(call, starts[i], ends[i], steps[i])) continue;
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

/// A constant of numbers as floats; whole ones as they are.
std::vector<float> numbers_of(const NodeCall& call) {
  constexpr int64_t kExact = 1 << 24;  // as a float
  if (call.input(0).kind == TensorKind::kFloats) return call.floats(0).floats;
  std::vector<float> numbers;
  for (const int64_t number : call.integers(0)) {
    if (number < -kExact || number > kExact) throw ConvertError("looks up whole numbers beyond 2^24");
    numbers.push_back(static_cast<float>(number));
  }
  return numbers;
}

/// Rows of a table, looked up by ids of the batch.
TensorValue look_up(const NodeCall& call, const TensorValue& table, const TensorValue& ids, size_t axis) {
  if (axis != 0 || table.rank() == 0) throw ConvertError("looks up something else than rows of a table");
  if (!ids.ids)
    throw ConvertError("looks rows up by numbers that are calculated; expected ids, or ids plus a constant");
  const size_t width = count_elements(table.shape, 1, table.rank());
  call.expressions.charge(count_elements({ids.refs.size(), width}));
  std::shared_ptr<const Matrix>& matrix = call.tables[&call.input(0)];
  if (!matrix) matrix = std::make_shared<const Matrix>(Matrix{table.shape[0], width, numbers_of(call)});
  const bool whole = table.kind == TensorKind::kIntegers;
  const bool truths = whole && std::all_of(table.integers.begin(), table.integers.end(),
                                           [](int64_t number) { return number == 0 || number == 1; });
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
    row.whole_numbers = whole;
    row.truths = truths;
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
  if (indices.per_row && value.has_batch())
    throw ConvertError("looks up the same elements for every row; expected them without the batch");
  require_no_batch(value, axis);
  std::vector<size_t> taken;
  for (const int64_t index : call.integers(1)) taken.push_back(position_of(index, value.shape[axis]));
  call.expressions.charge(taken.size() * (value.size() / std::max<size_t>(1, value.shape[axis])));
  TensorValue result = take(value, axis, taken);
  result.shape.erase(result.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  result.shape.insert(result.shape.begin() + static_cast<std::ptrdiff_t>(axis), indices.shape.begin(),
                      indices.shape.end());
  if (value.batch_axis > axis) result.batch_axis = value.batch_axis + indices.rank() - 1;
  if (indices.per_row) result.per_row = true, result.batch_axis = axis + indices.batch_axis;
  return one(std::move(result));
}

/// Rows of a table, by tuples of one id.
TensorValue look_up_by_tuples(const NodeCall& call) {
  TensorValue ids = call.input(1);
  if (ids.shape.back() != 1 || ids.batch_axis + 1 == ids.rank() || call.integer("batch_dims", 0) != 0)
    throw ConvertError("looks up in another way than by one id each");
  ids.shape.pop_back();
  return look_up(call, call.input(0), ids, 0);
}

/// Slices at tuples of indices into the axes behind `batch_dims`, which the batch is among or which lie before it.
NodeResults gather_nd(const NodeCall& call) {
  const TensorValue &value = call.input(0), &indices = call.input(1);
  if (indices.is_rows() && !value.is_rows()) return one(look_up_by_tuples(call));
  if (indices.is_rows()) return take_by_tuples(call);
  const std::vector<int64_t> numbers = call.integers(1);
  const int64_t given = call.integer("batch_dims", 0);
  const auto least = static_cast<int64_t>(std::min(value.rank(), indices.rank()));
  if (given < 0 || given >= least) throw ConvertError("has batch_dims that do not fit");
  const size_t shared = static_cast<size_t>(given), tuple = indices.shape.back(), first = shared + tuple;
  if (tuple == 0 || first > value.rank()) throw ConvertError("has tuples of indices that do not fit");
  for (size_t axis = 0; axis < shared; ++axis) {
    const bool same_batch = value.has_batch() && axis == value.batch_axis && value.shape[axis] == 1
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
  const size_t inner = count_elements(value.shape, first, value.rank());
  const size_t tuples = indices.size() / tuple,
               per_shared = tuples / std::max<size_t>(1, count_elements(value.shape, 0, shared));
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

NodeFunction find_indexing_operation(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {
      {"Concat", concat}, {"Split", split},   {"Slice", slice},       {"Expand", expand},
      {"Tile", tile},     {"Gather", gather}, {"GatherND", gather_nd}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
