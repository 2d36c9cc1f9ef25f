#include "converter/proof/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "converter/error.h"
#include "converter/importers/messages.h"

namespace mmoe::converter {
namespace {

std::string node_name(const OnnxGraph& graph, size_t index) {
  const OnnxNode& node = graph.nodes[index];
  return "node " + std::to_string(index) + (node.name.empty() ? "" : " " + in_quotes(node.name)) + " (" +
         node.operation + ")";
}

RefFunction function_of(const std::string& operation) {
  for (const auto find : {find_reference_elementwise, find_reference_layout, find_reference_indexing,
                          find_reference_sums, find_reference_windows, find_reference_quantised}) {
    if (const RefFunction function = find(operation)) return function;
  }
  throw ConvertError("the reference evaluation does not know this operation");
}

/// Inputs, and what branches read.
template <typename Visit>
void for_each_read(const OnnxNode& node, Visit visit) {
  for (const std::string& name : node.inputs) visit(name);
  for (const std::string& name : node.captured) visit(name);
}

bool reads_any(const OnnxNode& node, const std::set<std::string>& values) {
  bool any = false;
  for_each_read(node, [&](const std::string& name) { any = any || values.count(name) != 0; });
  return any;
}

/// Values that depend on the graph's inputs, or on `values` around it.
std::set<std::string> values_of_rows(const OnnxGraph& graph, std::set<std::string> values) {
  for (const OnnxValue& input : graph.inputs) values.insert(input.name);
  for (const OnnxNode& node : graph.nodes) {
    if (reads_any(node, values)) values.insert(node.outputs.begin(), node.outputs.end());
  }
  values.erase("");
  return values;
}

bool rounds(const OnnxGraph& graph, std::set<std::string> around) {
  const std::set<std::string> values = values_of_rows(graph, std::move(around));
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const OnnxNode& node) {
    const bool to_codes = node.operation == "QuantizeLinear" || node.operation == "DynamicQuantizeLinear";
    if (to_codes) return reads_any(node, values);
    return std::any_of(node.attributes.begin(), node.attributes.end(), [&](const auto& attribute) {
      return attribute.second.branch && rounds(*attribute.second.branch, values);
    });
  });
}

}  // namespace

namespace {

/// What a float of the graph cannot hold is infinite, as it is when the graph is run.
void overflow_as_floats(RefTensor& tensor) {
  constexpr double kBeyond = 3.4028235677973366e38;  // halfway between the largest float and the next power of two
  if (tensor.whole || tensor.constant != nullptr) return;
  for (double& real : tensor.reals) {
    if (std::fabs(real) >= kBeyond) real = std::copysign(std::numeric_limits<double>::infinity(), real);
  }
}

/// Whether the graph says of an input or an output that it is of doubles.
bool has_doubles(const OnnxGraph& graph) {
  const auto is_double = [](const OnnxValue& value) { return value.dtype == "f64"; };
  return std::any_of(graph.inputs.begin(), graph.inputs.end(), is_double) ||
         std::any_of(graph.outputs.begin(), graph.outputs.end(), is_double);
}

}  // namespace

bool rounds_results(const OnnxGraph& graph) { return rounds(graph, {}); }

Reference::Reference(const OnnxGraph& graph, int64_t opset, std::set<std::string> of_rows, bool real_codes)
    : graph_(graph),
      opset_(opset),
      needed_(graph.nodes.size(), false),
      of_rows_(values_of_rows(graph, std::move(of_rows))),
      real_codes_(real_codes),
      doubles_(has_doubles(graph)) {
  for (const OnnxValue& output : graph.outputs) last_use_[output.name] = graph.nodes.size();
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    for (const std::string& output : graph.nodes[i].outputs) {
      needed_[i] = needed_[i] || (!output.empty() && last_use_.count(output) != 0);
    }
    if (!needed_[i]) continue;
    for_each_read(graph.nodes[i], [&](const std::string& name) { last_use_.emplace(name, i); });
  }
}

std::vector<RefTensor> Reference::run(std::map<std::string, RefTensor> values) {
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (needed_[i]) run_node(i, values);
  }
  std::vector<RefTensor> outputs;
  for (const OnnxValue& output : graph_.outputs) {
    try {
      outputs.push_back(value_of(output.name, values));
    } catch (const ConvertError&) {
      throw NotEvaluated("output " + in_quotes(output.name) + " is of no node");
    }
  }
  return outputs;
}

/// Of a node or the inputs, or a constant.
const RefTensor& Reference::value_of(const std::string& name, const Values& values) {
  const auto value = values.find(name);
  if (value != values.end()) return value->second;
  const auto initializer = graph_.initializers.find(name);
  if (initializer != graph_.initializers.end() && constants_.count(name) == 0)
    constants_[name] = from_constant(*initializer->second);
  const auto constant = constants_.find(name);
  if (constant == constants_.end()) throw ConvertError("reads " + in_quotes(name) + ", which no node before it gives");
  return constant->second;
}

/// The branch of an If that its condition chooses.
std::vector<RefTensor> Reference::run_branch(const OnnxNode& node, const Values& values) {
  const RefTensor& condition = value_of(node.inputs.at(0), values);
  if (condition.size() != 1) throw ConvertError("is decided by more than one number");
  const OnnxAttribute& chosen = node.attributes.at(condition.number(0) != 0 ? "then_branch" : "else_branch");
  if (!chosen.branch) throw ConvertError("has no branch");
  Values captured;
  for (const std::string& name : node.captured) captured[name] = value_of(name, values);
  Reference branch(*chosen.branch, opset_, of_rows_, real_codes_);
  branch.work_ = work_;
  branch.doubles_ = doubles_;
  std::vector<RefTensor> results = branch.run(std::move(captured));
  work_ = branch.work_;
  return results;
}

namespace {

/// What every step of a loop gives, one behind the other.
RefTensor stacked(const std::vector<RefTensor>& steps) {
  if (steps.empty()) throw ConvertError("is a loop of no step");
  RefTensor all = steps[0].whole ? make_integers({}) : make_reals({});
  all.integers.clear();
  all.reals.clear();
  all.shape = steps[0].shape;
  all.shape.insert(all.shape.begin(), steps.size());
  for (const RefTensor& step : steps) {
    if (step.shape != steps[0].shape || step.whole != all.whole) throw ConvertError("has steps of different shapes");
    for (size_t i = 0; i < step.size(); ++i) {
      if (all.whole) all.integers.push_back(step.integers[i]);
      if (!all.whole) all.reals.push_back(step.real(i));
    }
  }
  return all;
}

}  // namespace

/// Inputs of the body are the step's number, the condition, and values that are handed on; outputs the condition, these
/// values, and what is stacked.
std::vector<RefTensor> Reference::run_loop(const OnnxNode& node, const Values& values) {
  constexpr int64_t kMostSteps = 1 << 16;
  const OnnxGraph* body = node.attributes.at("body").branch.get();
  if (body == nullptr || body->inputs.size() != node.inputs.size()) throw ConvertError("has no body that fits");
  const size_t handed_on = node.inputs.size() - 2;
  if (body->outputs.size() < handed_on + 1) throw ConvertError("has no body that fits");
  std::vector<RefTensor> state;
  for (size_t i = 2; i < node.inputs.size(); ++i) state.push_back(value_of(node.inputs[i], values));
  const int64_t most = node.inputs[0].empty() ? kMostSteps : value_of(node.inputs[0], values).integers.at(0);
  bool goes_on = node.inputs[1].empty() || value_of(node.inputs[1], values).number(0) != 0;
  if (most > kMostSteps) throw ConvertError("is a loop of more than 65536 steps");
  std::vector<std::vector<RefTensor>> stacks(body->outputs.size() - 1 - handed_on);
  Reference step(*body, opset_, of_rows_, real_codes_);
  step.doubles_ = doubles_;
  for (int64_t number = 0; number < most && goes_on; ++number) {
    Values inner;
    for (const std::string& name : node.captured) inner[name] = value_of(name, values);
    inner[body->inputs[0].name] = make_integers({});
    inner[body->inputs[0].name].integers = {number};
    inner[body->inputs[1].name] = make_integers({});
    inner[body->inputs[1].name].integers = {1};
    for (size_t i = 0; i < handed_on; ++i) inner[body->inputs[i + 2].name] = std::move(state[i]);
    step.work_ = work_;
    std::vector<RefTensor> results = step.run(std::move(inner));
    work_ = step.work_;
    goes_on = results[0].number(0) != 0;
    for (size_t i = 0; i < handed_on; ++i) state[i] = std::move(results[i + 1]);
    for (size_t i = 0; i < stacks.size(); ++i) stacks[i].push_back(std::move(results[i + 1 + handed_on]));
  }
  for (const std::vector<RefTensor>& stack : stacks) state.push_back(stacked(stack));
  return state;
}

/// Parts are values, named after the sequence.
void Reference::split_to_sequence(const OnnxNode& node, Values& values) {
  const RefTensor& whole = value_of(node.inputs.at(0), values);
  const RefTensor* given = node.inputs.size() > 1 ? &value_of(node.inputs[1], values) : nullptr;
  const auto axis_given = node.attributes.find("axis"), keeps = node.attributes.find("keepdims");
  const size_t axis = axis_of(axis_given != node.attributes.end() ? axis_given->second.integer : 0, whole.shape.size());
  if (given == nullptr && keeps != node.attributes.end() && keeps->second.integer == 0)
    throw ConvertError("removes the axis that it splits");
  const size_t length = whole.shape[axis], inner = product(whole.shape, axis + 1, whole.shape.size());
  size_t begin = 0;
  for (size_t number = 0; begin < length; ++number) {
    const bool listed = given != nullptr && !given->shape.empty();
    const int64_t size = given == nullptr ? 1 : listed ? given->integers.at(number) : given->integers.at(0);
    if (size < 1) throw ConvertError("has a part of no elements");
    const size_t end = std::min(length, begin + static_cast<size_t>(size));
    Shape shape = whole.shape;
    shape[axis] = end - begin;
    std::vector<size_t> sources;
    for (size_t outer = 0; outer < product(whole.shape, 0, axis); ++outer) {
      for (size_t at = begin * inner; at < end * inner; ++at) sources.push_back(outer * length * inner + at);
    }
    work_ += sources.size();
    values[node.outputs[0] + "#" + std::to_string(number)] = select(whole, shape, sources);
    begin = end;
  }
}

const RefTensor& Reference::part_of_sequence(const OnnxNode& node, const Values& values) {
  int64_t place = value_of(node.inputs.at(1), values).integers.at(0), count = 0;
  const auto name_of = [&](int64_t at) { return node.inputs[0] + "#" + std::to_string(at); };
  while (values.count(name_of(count)) != 0) ++count;
  return value_of(name_of(place < 0 ? place + count : place), values);
}

void Reference::run_node(size_t index, Values& values) {
  const OnnxNode& node = graph_.nodes[index];
  try {
    RefResults results;
    if (node.operation == "If") {
      results = run_branch(node, values);
    } else if (node.operation == "Loop") {
      results = run_loop(node, values);
    } else if (node.operation == "SplitToSequence") {
      split_to_sequence(node, values);
    } else if (node.operation == "SequenceAt") {
      results.push_back(part_of_sequence(node, values));
    } else {
      RefCall call{node, opset_, {}, work_, real_codes_, reads_any(node, of_rows_)};
      for (const std::string& name : node.inputs)
        call.inputs.push_back(name.empty() ? nullptr : &value_of(name, values));
      results = function_of(node.operation)(call);
    }
    for (size_t i = 0; i < node.outputs.size() && i < results.size(); ++i) {
      if (!doubles_) overflow_as_floats(results[i]);
      values[node.outputs[i]] = std::move(results[i]);
    }
  } catch (const std::exception& error) {  // also of at(), where a node has not what it must have
    throw NotEvaluated(node_name(graph_, index) + ": " + error.what());
  }
  for_each_read(node, [&](const std::string& name) {
    const auto last = last_use_.find(name);
    if (last != last_use_.end() && last->second == index) values.erase(name);
  });
}

}  // namespace mmoe::converter
