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
                          find_reference_sums, find_reference_quantised}) {
    if (const RefFunction function = find(operation)) return function;
  }
  throw ConvertError("the reference evaluation does not know this operation");
}

bool reads_any(const OnnxNode& node, const std::set<std::string>& values) {
  return std::any_of(node.inputs.begin(), node.inputs.end(),
                     [&](const std::string& input) { return values.count(input) != 0; });
}

/// Values that depend on the graph's inputs.
std::set<std::string> values_of_rows(const OnnxGraph& graph) {
  std::set<std::string> values;
  for (const OnnxValue& input : graph.inputs) values.insert(input.name);
  for (const OnnxNode& node : graph.nodes) {
    if (reads_any(node, values)) values.insert(node.outputs.begin(), node.outputs.end());
  }
  values.erase("");
  return values;
}

}  // namespace

bool rounds_results(const OnnxGraph& graph) {
  const std::set<std::string> values = values_of_rows(graph);
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const OnnxNode& node) {
    return (node.operation == "QuantizeLinear" || node.operation == "DynamicQuantizeLinear") && reads_any(node, values);
  });
}

Reference::Reference(const OnnxGraph& graph, bool real_codes)
    : graph_(graph), needed_(graph.nodes.size(), false), of_rows_(values_of_rows(graph)), real_codes_(real_codes) {
  for (const OnnxValue& output : graph.outputs) last_use_[output.name] = graph.nodes.size();
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    for (const std::string& output : graph.nodes[i].outputs) {
      needed_[i] = needed_[i] || (!output.empty() && last_use_.count(output) != 0);
    }
    if (!needed_[i]) continue;
    for (const std::string& input : graph.nodes[i].inputs) last_use_.emplace(input, i);
  }
}

std::vector<RefTensor> Reference::run(std::map<std::string, RefTensor> values) {
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (needed_[i]) run_node(i, values);
  }
  std::vector<RefTensor> outputs;
  for (const OnnxValue& output : graph_.outputs) {
    const auto found = values.find(output.name);
    if (found == values.end()) throw NotEvaluated("output " + in_quotes(output.name) + " is of no node");
    outputs.push_back(found->second);
  }
  return outputs;
}

void Reference::run_node(size_t index, std::map<std::string, RefTensor>& values) {
  const OnnxNode& node = graph_.nodes[index];
  try {
    RefCall call{node, graph_.opset, {}, work_, real_codes_, reads_any(node, of_rows_)};
    for (const std::string& name : node.inputs) {
      const auto value = values.find(name);
      const auto initializer = graph_.initializers.find(name);
      if (value == values.end() && initializer != graph_.initializers.end() && constants_.count(name) == 0) {
        constants_[name] = from_constant(*initializer->second);
      }
      const auto constant = constants_.find(name);
      if (!name.empty() && value == values.end() && constant == constants_.end()) {
        throw ConvertError("reads " + in_quotes(name) + ", which no node before it gives");
      }
      call.inputs.push_back(name.empty() ? nullptr : value != values.end() ? &value->second : &constant->second);
    }
    RefResults results = function_of(node.operation)(call);
    for (size_t i = 0; i < node.outputs.size() && i < results.size(); ++i)
      values[node.outputs[i]] = std::move(results[i]);
  } catch (const std::exception& error) {  // also of at(), where a node has not what it must have
    throw NotEvaluated(node_name(graph_, index) + ": " + error.what());
  }
  for (const std::string& name : node.inputs) {
    const auto last = last_use_.find(name);
    if (last != last_use_.end() && last->second == index) values.erase(name);
  }
}

}  // namespace mmoe::converter
