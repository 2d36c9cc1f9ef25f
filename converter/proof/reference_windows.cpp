// Reference semantics of ONNX's operators on windows of axes: convolutions and pooling.
#include <algorithm>
#include <limits>
#include <map>

#include "converter/error.h"
#include "converter/proof/reference_tensor.h"

namespace mmoe::converter {
namespace {

/// What a node says about the axes behind [batch, channels].
struct Windows {
  Shape input, kernel, output;
  std::vector<int64_t> strides, dilations, pads;
};

std::vector<int64_t> attribute(const RefCall& call, const std::string& name, size_t size, int64_t otherwise) {
  const auto found = call.node.attributes.find(name);
  std::vector<int64_t> values(size, otherwise);
  if (found != call.node.attributes.end()) values = found->second.integers;
  const auto usual = [](int64_t value) { return value >= 0 && value <= int64_t{1} << 20; };
  if (values.size() != size || !std::all_of(values.begin(), values.end(), usual))
    throw ConvertError("has another number of " + name + ", or unusual ones");
  return values;
}

Windows windows_of(const RefCall& call, const Shape& kernel) {
  const RefTensor& x = call.input(0);
  if (x.shape.size() < 3) throw ConvertError("has no axis behind the channels");
  const std::string padding = call.text("auto_pad", "NOTSET");
  if ((padding != "NOTSET" && padding != "VALID") || call.integer("ceil_mode", 0) != 0)
    throw ConvertError("places windows by itself");
  Windows windows;
  windows.input.assign(x.shape.begin() + 2, x.shape.end());
  const size_t axes = windows.input.size();
  windows.kernel = kernel;
  if (kernel.empty()) {
    for (const int64_t size : attribute(call, "kernel_shape", axes, 0))
      windows.kernel.push_back(static_cast<size_t>(size));
  }
  windows.strides = attribute(call, "strides", axes, 1);
  windows.dilations = attribute(call, "dilations", axes, 1);
  windows.pads = attribute(call, "pads", 2 * axes, 0);
  for (size_t axis = 0; axis < axes; ++axis) {
    const int64_t size = static_cast<int64_t>(windows.input[axis]) + windows.pads[axis] + windows.pads[axes + axis];
    const int64_t reach = (static_cast<int64_t>(windows.kernel[axis]) - 1) * windows.dilations[axis] + 1;
    if (windows.strides[axis] < 1 || reach < 1 || size < reach) throw ConvertError("has no window");
    windows.output.push_back(static_cast<size_t>((size - reach) / windows.strides[axis] + 1));
  }
  return windows;
}

/// Calls visit(output, tap, input) for all that lies within.
template <typename Visit>
void for_each_pair(const Windows& windows, Visit visit) {
  size_t output = 0;
  for (Walk place(windows.output, {}); !place.done(); place.next(), ++output) {
    size_t tap = 0;
    for (Walk kernel(windows.kernel, {}); !kernel.done(); kernel.next(), ++tap) {
      int64_t input = 0;
      bool within = true;
      for (size_t axis = 0; axis < windows.input.size(); ++axis) {
        const auto size = static_cast<int64_t>(windows.input[axis]);
        const int64_t at = static_cast<int64_t>(place.index(axis)) * windows.strides[axis] +
                           static_cast<int64_t>(kernel.index(axis)) * windows.dilations[axis] - windows.pads[axis];
        within = within && at >= 0 && at < size;
        input = input * size + at;
      }
      if (within) visit(output, tap, static_cast<size_t>(input));
    }
  }
}

Shape joined(size_t batch, size_t channels, const Shape& inner) {
  Shape shape = {batch, channels};
  shape.insert(shape.end(), inner.begin(), inner.end());
  return shape;
}

RefResults convolution(const RefCall& call) {
  const RefTensor &x = call.input(0), &kernel = call.input(1);
  if (kernel.shape.size() != x.shape.size() || kernel.shape.size() < 3)
    throw ConvertError("has a kernel that does not fit");
  const Windows windows = windows_of(call, Shape(kernel.shape.begin() + 2, kernel.shape.end()));
  const auto groups = static_cast<size_t>(std::max<int64_t>(1, call.integer("group", 1)));
  const size_t batch = x.shape[0], channels = kernel.shape[1], outputs = kernel.shape[0];
  const bool biased = !call.has(2) || call.input(2).size() == outputs;
  if (channels * groups != x.shape[1] || outputs % groups != 0 || !biased)
    throw ConvertError("has a kernel that does not fit");
  const size_t inputs = num_elements(windows.input), places = num_elements(windows.output);
  const size_t taps = num_elements(windows.kernel);
  call.spend(batch * places * kernel.size());
  RefTensor result = make_reals(joined(batch, outputs, windows.output));
  for (size_t row = 0; row < batch; ++row) {
    for (size_t output = 0; output < outputs; ++output) {
      double* to = result.reals.data() + (row * outputs + output) * places;
      if (call.has(2)) std::fill(to, to + places, call.input(2).number(output));
      for (size_t channel = 0; channel < channels; ++channel) {
        const size_t from = (row * x.shape[1] + output / (outputs / groups) * channels + channel) * inputs;
        const size_t weights = (output * channels + channel) * taps;
        for_each_pair(windows, [&](size_t place, size_t tap, size_t input) {
          to[place] += x.number(from + input) * kernel.number(weights + tap);
        });
      }
    }
  }
  return single(std::move(result));
}

RefResults max_pool(const RefCall& call) {
  const RefTensor& x = call.input(0);
  const Windows windows = windows_of(call, {});
  const size_t lines = x.shape[0] * x.shape[1];
  const size_t inputs = num_elements(windows.input), places = num_elements(windows.output);
  call.spend(lines * places * num_elements(windows.kernel));
  RefTensor result = make_reals(joined(x.shape[0], x.shape[1], windows.output));
  std::fill(result.reals.begin(), result.reals.end(), -std::numeric_limits<double>::infinity());
  for (size_t line = 0; line < lines; ++line) {
    for_each_pair(windows, [&](size_t place, size_t, size_t input) {
      double& to = result.reals[line * places + place];
      to = std::max(to, x.number(line * inputs + input));
    });
  }
  return single(std::move(result));
}

/// Over all axes behind the channels.
RefResults pool_all(const RefCall& call) {
  const RefTensor& x = call.input(0);
  if (x.shape.size() < 3) throw ConvertError("has no axis behind the channels");
  const bool mean = call.node.operation == "GlobalAveragePool";
  const size_t inner = product(x.shape, 2, x.shape.size());
  call.spend(x.size());
  RefTensor result = make_reals(joined(x.shape[0], x.shape[1], Shape(x.shape.size() - 2, 1)));
  for (size_t line = 0; line < result.reals.size(); ++line) {
    double sum = 0, largest = -std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < inner; ++i) {
      sum += x.number(line * inner + i);
      largest = std::max(largest, x.number(line * inner + i));
    }
    result.reals[line] = mean ? sum / static_cast<double>(inner) : largest;
  }
  return single(std::move(result));
}

}  // namespace

RefFunction find_reference_windows(const std::string& operation) {
  static const std::map<std::string, RefFunction> kTable = {
      {"Conv", convolution}, {"MaxPool", max_pool}, {"GlobalAveragePool", pool_all}, {"GlobalMaxPool", pool_all}};
  const auto found = kTable.find(operation);
  return found == kTable.end() ? nullptr : found->second;
}

}  // namespace mmoe::converter
