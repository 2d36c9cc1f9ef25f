#include "converter/proof/reference.h"

#include <algorithm>

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

bool rounds_results(const OnnxGraph& graph) { return rounds(graph, {}); }

Reference::Reference(const OnnxGraph& graph, int64_t opset, std::set<std::string> of_rows, bool real_codes)
    : graph_(graph),
      opset_(opset),
      needed_(graph.nodes.size(), false),
      of_rows_(values_of_rows(graph, std::move(of_rows))),
      real_codes_(real_codes) {
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
  std::vector<RefTensor> results = branch.run(std::move(captured));
  work_ = branch.work_;
  return results;
}

void Reference::run_node(size_t index, Values& values) {
  const OnnxNode& node = graph_.nodes[index];
  try {
    RefResults results;
    if (node.operation == "If") {
      results = run_branch(node, values);
    } else {
      RefCall call{node, opset_, {}, work_, real_codes_, reads_any(node, of_rows_)};
      for (const std::string& name : node.inputs)
        call.inputs.push_back(name.empty() ? nullptr : &value_of(name, values));
      results = function_of(node.operation)(call);
    }
    for (size_t i = 0; i < node.outputs.size() && i < results.size(); ++i)
      values[node.outputs[i]] = std::move(results[i]);
  } catch (const std::exception& error) {  // also of at(), where a node has not what it must have
    throw NotEvaluated(node_name(graph_, index) + ": " + error.what());
  }
  for_each_read(node, [&](const std::string& name) {
    const auto last = last_use_.find(name);
    if (last != last_use_.end() && last->second == index) values.erase(name);
  });
}

}  // namespace mmoe::converter
