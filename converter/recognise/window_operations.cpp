// Operations on windows of axes: convolutions, which are the same layer at every place, and pooling.
#include <algorithm>
#include <map>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/recognise/axes.h"
#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {
namespace {

using Sizes = std::vector<size_t>;

/// The axes behind [batch, channels], and how a kernel goes over them.
struct Window {
  Sizes input, kernel, steps, dilations, before, output;

  size_t outputs() const { return count_elements(output); }
  size_t taps() const { return count_elements(kernel); }

  /// Calls visit(tap, position) with all of the kernel's places that lie within the input.
  template <typename Visit>
  void for_each_tap(const Sizes& place, Visit visit) const {
    Sizes tap(kernel.size(), 0);
    for (size_t number = 0; number < taps(); ++number, next_index(kernel, tap)) {
      size_t position = 0;
      bool within = true;
      for (size_t axis = 0; axis < kernel.size(); ++axis) {
        const size_t at = place[axis] * steps[axis] + tap[axis] * dilations[axis];
        within = within && at >= before[axis] && at - before[axis] < input[axis];
        position = position * input[axis] + at - before[axis];
      }
      if (within) visit(number, position);
    }
  }
};

Sizes list_of(const NodeCall& call, const char* name, size_t size, size_t otherwise, size_t least) {
  const auto found = call.node.attributes.find(name);
  if (found == call.node.attributes.end()) return Sizes(size, otherwise);
  Sizes values;
  for (const int64_t value : found->second.integers) {
    if (value < static_cast<int64_t>(least) || value > 1 << 20) throw ConvertError(std::string("has unusual ") + name);
    values.push_back(static_cast<size_t>(value));
  }
  if (values.size() != size) throw ConvertError(std::string("has another number of ") + name + " than axes");
  return values;
}

Window window_of(const NodeCall& call, Sizes kernel) {
  const TensorValue& value = call.rows(0);
  if (value.rank() < 3 || value.batch_axis != 0 || value.shape[0] != 1)
    throw ConvertError("has another shape than [batch, channels, ...]");
  const auto padded = call.node.attributes.find("auto_pad");
  if (padded != call.node.attributes.end() && padded->second.text != "NOTSET" && padded->second.text != "VALID")
    throw ConvertError("pads by itself (auto_pad); expected pads");
  if (call.integer("ceil_mode", 0) != 0) throw ConvertError("has windows beyond the end (ceil_mode)");
  const size_t axes = value.rank() - 2;
  Window window;
  window.input.assign(value.shape.begin() + 2, value.shape.end());
  window.kernel = kernel.empty() ? list_of(call, "kernel_shape", axes, 0, 1) : std::move(kernel);
  if (window.kernel.size() != axes) throw ConvertError("has another number of kernel axes");
  window.steps = list_of(call, "strides", axes, 1, 1);
  window.dilations = list_of(call, "dilations", axes, 1, 1);
  const Sizes pads = list_of(call, "pads", 2 * axes, 0, 0);
  window.before.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(axes));
  for (size_t axis = 0; axis < axes; ++axis) {
    const size_t whole = window.input[axis] + pads[axis] + pads[axes + axis];
    const size_t reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1;
    if (reach > whole) throw ConvertError("has a kernel that is larger than its input");
    window.output.push_back((whole - reach) / window.steps[axis] + 1);
  }
  return window;
}

TensorValue result_of(const TensorValue& value, size_t channels, const Window& window) {
  TensorValue result = value;
  result.shape = {1, channels};
  result.shape.insert(result.shape.end(), window.output.begin(), window.output.end());
  result.refs.assign(count_elements(result.shape), Ref());
  return result;
}

/// The layer of one place and one group: rows of the kernel, without what lies beyond the input's ends.
Expression layer_at(const NodeCall& call, const Window& window, const Sizes& place, size_t group, size_t groups) {
  const TensorValue &value = call.rows(0), &kernel = call.floats(1);
  const size_t outputs = kernel.shape[0] / groups, channels = kernel.shape[1], taps = window.taps();
  const size_t places = count_elements(window.input);
  Expression dense;
  dense.kind = ExpressionKind::kDense;
  dense.node = call.index;
  dense.name = kernel.name;
  dense.columns = outputs;
  Sizes used;
  for (size_t channel = 0; channel < channels; ++channel) {
    window.for_each_tap(place, [&](size_t tap, size_t position) {
      dense.inputs.push_back(value.refs[(group * channels + channel) * places + position]);
      used.push_back(channel * taps + tap);
    });
  }
  Matrix weight{outputs, used.size(), {}};
  for (size_t output = 0; output < outputs; ++output) {
    const size_t first = (group * outputs + output) * channels * taps;
    for (const size_t at : used) weight.data.push_back(kernel.floats[first + at]);
    if (call.has(2)) dense.bias.push_back(call.floats(2).floats[group * outputs + output]);
  }
  dense.weight = std::make_shared<const Matrix>(std::move(weight));
  return dense;
}

NodeResults convolution(const NodeCall& call) {
  const TensorValue &value = call.rows(0), &kernel = call.floats(1);
  if (kernel.rank() != value.rank() || kernel.rank() < 3) throw ConvertError("has a kernel that does not fit");
  const Window window = window_of(call, Sizes(kernel.shape.begin() + 2, kernel.shape.end()));
  const int64_t given = call.integer("group", 1);
  const auto groups = static_cast<size_t>(given);
  const bool fits = given >= 1 && kernel.shape[0] % groups == 0 && kernel.shape[0] >= groups &&
                    kernel.shape[1] * groups == value.shape[1] &&
                    (!call.has(2) || call.floats(2).size() == kernel.shape[0]);
  if (!fits || kernel.size() == 0) throw ConvertError("has a kernel that does not fit");
  TensorValue result = result_of(value, kernel.shape[0], window);
  call.expressions.charge(count_elements({kernel.size(), window.outputs()}));
  const size_t outputs = kernel.shape[0] / groups, places = window.outputs();
  Sizes place(window.output.size(), 0);
  for (size_t at = 0; at < places; ++at, next_index(window.output, place)) {
    for (size_t group = 0; group < groups; ++group) {
      Expression dense = layer_at(call, window, place, group, groups);
      if (dense.inputs.empty()) throw ConvertError("has a place that reads nothing but padding");
      const uint32_t made = call.expressions.add(std::move(dense));
      for (size_t i = 0; i < outputs; ++i)
        result.refs[(group * outputs + i) * places + at] = {made, static_cast<uint32_t>(i)};
    }
  }
  return one(std::move(result));
}

/// b + relu(a - b) of pairs.
NodeResults max_pool(const NodeCall& call) {
  if (call.node.outputs.size() > 1) throw ConvertError("gives places too");
  const TensorValue& value = call.rows(0);
  const Window window = window_of(call, {});
  const size_t channels = value.shape[1], places = window.outputs(), inputs = count_elements(window.input);
  TensorValue result = result_of(value, channels, window);
  call.expressions.charge(count_elements({channels, places, window.taps()}));
  for (size_t channel = 0; channel < channels; ++channel) {
    Sizes place(window.output.size(), 0);
    for (size_t at = 0; at < places; ++at, next_index(window.output, place)) {
      Vector read;
      window.for_each_tap(place,
                          [&](size_t, size_t position) { read.push_back(value.refs[channel * inputs + position]); });
      if (read.empty()) throw ConvertError("has a place that reads nothing but padding");
      result.refs[channel * places + at] = largest_of(call, std::move(read));
    }
  }
  return one(std::move(result));
}

/// Over all axes behind the channels.
template <typename Join>
NodeResults pool_all(const NodeCall& call, Join join) {
  const TensorValue& value = call.rows(0);
  if (value.rank() < 3 || value.batch_axis != 0 || value.shape[0] != 1)
    throw ConvertError("has another shape than [batch, channels, ...]");
  const size_t channels = value.shape[1], inner = count_elements(value.shape, 2, value.rank());
  TensorValue result = value;
  result.shape.assign(value.rank(), 1);
  result.shape[1] = channels;
  result.refs.clear();
  std::vector<Vector> read;
  for (size_t channel = 0; channel < channels; ++channel) {
    const auto first = value.refs.begin() + static_cast<std::ptrdiff_t>(channel * inner);
    read.emplace_back(first, first + static_cast<std::ptrdiff_t>(inner));
  }
  if (inner == 0) throw ConvertError("pools nothing");
  join(read, result);
  return one(std::move(result));
}

NodeResults global_average(const NodeCall& call) {
  return pool_all(call, [&](const std::vector<Vector>& read, TensorValue& result) {
    Expression sum;
    sum.kind = ExpressionKind::kSum;
    sum.node = call.index;
    for (const Vector& vector : read) {
      sum.terms.emplace_back();
      for (const Ref ref : vector) sum.terms.back().push_back({1 / static_cast<float>(vector.size()), ref, false, {}});
    }
    sum.columns = sum.terms.size();
    call.expressions.charge(call.rows(0).refs.size());
    result.refs = call.expressions.all(call.expressions.add(std::move(sum)));
  });
}

NodeResults global_maximum(const NodeCall& call) {
  return pool_all(call, [&](const std::vector<Vector>& read, TensorValue& result) {
    for (const Vector& vector : read) result.refs.push_back(largest_of(call, vector));
  });
}

// ------------------------------------------------------------------------------------ constants around and between

Ref padding_number(const NodeCall& call, float number) {
  Expression constant;
  constant.kind = ExpressionKind::kConstant;
  constant.node = call.index;
  constant.columns = 1;
  constant.bias = {number};
  return {call.expressions.add(std::move(constant)), 0};
}

/// Before and behind each axis of rows, by one number. Negative: that much is left out.
NodeResults pad_rows(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  const auto mode = call.node.attributes.find("mode");
  if (mode != call.node.attributes.end() && mode->second.text != "constant")
    throw ConvertError("repeats elements; expected constants (mode)");
  const std::vector<int64_t> pads = call.list("pads", 1);
  const float number = call.opset < 11 ? call.real("value", 0) : call.has(2) ? call.floats(2).floats.at(0) : 0.0f;
  std::vector<size_t> axes;
  if (call.has(3)) {
    for (const int64_t axis : call.integers(3)) axes.push_back(resolve_axis(axis, value.rank()));
  } else {
    for (size_t axis = 0; axis < value.rank(); ++axis) axes.push_back(axis);
  }
  if (pads.size() != 2 * axes.size()) throw ConvertError("has another number of pads than of axes");
  std::vector<int64_t> before(value.rank(), 0);
  TensorValue result = value;
  for (size_t i = 0; i < axes.size(); ++i) {
    const size_t axis = axes[i];
    const int64_t size = static_cast<int64_t>(value.shape[axis]) + pads[i] + pads[axes.size() + i];
    if (axis == value.batch_axis && (pads[i] != 0 || pads[axes.size() + i] != 0)) throw ConvertError("pads the batch");
    if (std::abs(pads[i]) > 1 << 26 || size < 0 || size > 1 << 26) throw ConvertError("pads by an unusual number");
    before[axis] = pads[i];
    result.shape[axis] = static_cast<size_t>(size);
  }
  const size_t count = count_elements(result.shape);
  call.expressions.charge(count);
  const Ref constant = padding_number(call, number);
  result.refs.assign(count, constant);
  std::vector<size_t> index(value.rank(), 0);
  for (size_t at = 0; at < count; ++at, next_index(result.shape, index)) {
    size_t from = 0;
    bool within = true;
    for (size_t axis = 0; axis < index.size(); ++axis) {
      const int64_t place = static_cast<int64_t>(index[axis]) - before[axis];
      within = within && place >= 0 && place < static_cast<int64_t>(value.shape[axis]);
      from = from * value.shape[axis] + static_cast<size_t>(std::max<int64_t>(place, 0));
    }
    if (within) result.refs[at] = value.refs[from];
  }
  return one(std::move(result));
}

/// Zeros below or above a diagonal of the last two axes.
NodeResults triangle_of_rows(const NodeCall& call) {
  TensorValue value = call.rows(0);
  if (value.rank() < 2 || value.batch_axis + 2 >= value.rank()) throw ConvertError("takes a triangle of the batch");
  const bool upper = call.integer("upper", 1) != 0;
  const int64_t k = call.has(1) ? call.integers(1).at(0) : 0;
  if (k < -(1 << 26) || k > 1 << 26) throw ConvertError("has an unusual diagonal");
  const size_t columns = value.shape.back(), rows = value.shape[value.rank() - 2];
  const Ref zero = padding_number(call, 0);
  for (size_t i = 0; i < value.refs.size(); ++i) {
    const auto row = static_cast<int64_t>(i / columns % rows), column = static_cast<int64_t>(i % columns);
    if (upper ? column < row + k : column > row + k) value.refs[i] = zero;
  }
  return one(std::move(value));
}

/// Each number with all before it along one axis.
NodeResults running_sum(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  const std::vector<int64_t> given = call.integers(1);
  if (given.size() != 1) throw ConvertError("sums along several axes");
  const size_t axis = resolve_axis(given[0], value.rank());
  if (axis == value.batch_axis) throw ConvertError("sums over the batch");
  const bool exclusive = call.integer("exclusive", 0) != 0, reverse = call.integer("reverse", 0) != 0;
  const size_t size = value.shape[axis];
  size_t inner = 1;
  for (size_t i = axis + 1; i < value.rank(); ++i) inner *= value.shape[i];
  call.expressions.charge(count_elements({value.refs.size(), size}));
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  sum.columns = value.refs.size();
  std::vector<size_t> empty;
  for (size_t i = 0; i < value.refs.size(); ++i) {
    const size_t place = i / inner % size, first = i - place * inner;
    sum.terms.emplace_back();
    for (size_t at = 0; at < size; ++at) {
      const bool before = reverse ? at > place : at < place;
      if (before || (at == place && !exclusive))
        sum.terms.back().push_back({1, value.refs[first + at * inner], false, {}});
    }
    if (sum.terms.back().empty()) empty.push_back(i);
  }
  const Ref zero = padding_number(call, 0);
  for (const size_t i : empty) sum.terms[i].push_back({1, zero, false, {}});
  return one(call.rows_of(std::move(sum), value));
}

}  // namespace

NodeFunction find_window_operation(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {{"Conv", convolution},
                                                             {"MaxPool", max_pool},
                                                             {"GlobalAveragePool", global_average},
                                                             {"GlobalMaxPool", global_maximum},
                                                             {"Pad", pad_rows},
                                                             {"CumSum", running_sum},
                                                             {"Trilu", triangle_of_rows}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
