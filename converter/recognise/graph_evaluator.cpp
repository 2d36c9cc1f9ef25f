#include "converter/recognise/graph_evaluator.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "converter/error.h"
#include "converter/importers/messages.h"

namespace mmoe::converter {
namespace {

constexpr size_t kMaxInputColumns = size_t{1} << 20;

TensorValue constant_value(const OnnxTensor& tensor) {
  TensorValue value;
  value.kind = tensor.is_integer ? TensorKind::kIntegers : TensorKind::kFloats;
  value.shape.assign(tensor.shape.begin(), tensor.shape.end());
  value.floats = tensor.floats;
  value.integers = tensor.integers;
  value.name = tensor.name;
  const size_t elements = std::accumulate(value.shape.begin(), value.shape.end(), size_t{1}, std::multiplies<>());
  if (value.size() != elements) throw ConvertError("a constant that is not of numbers");
  return value;
}

class Evaluator {
 public:
  explicit Evaluator(const OnnxGraph& graph) : graph_(graph) {}

  FollowedGraph run() {
    for (const auto& [name, tensor] : graph_.initializers) {
      try {
        values_[name] = constant_value(*tensor);
      } catch (const ConvertError& error) {
        unusable_[name] = error.what();
      }
    }
    for (size_t i = 0; i < graph_.inputs.size(); ++i) add_input(i);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) run_node(i);
    for (const OnnxValue& output : graph_.outputs) {
      const auto found = values_.find(output.name);
      if (found == values_.end()) throw ConvertError("output " + in_quotes(output.name) + " is of no node");
      result_.outputs.push_back(found->second);
    }
    return std::move(result_);
  }

 private:
  /// The first axis is the batch.
  void add_input(size_t index) {
    const OnnxValue& input = graph_.inputs[index];
    const std::string where = "input " + in_quotes(input.name) + ": ";
    if (input.shape.empty()) throw ConvertError(where + "has no shape; expected [batch] or [batch, columns]");
    if (input.shape[0] != 0) fixed_batch_ = input.shape[0];
    TensorValue value;
    value.kind = TensorKind::kRows;
    value.ids = input.is_integer;
    value.shape.assign(input.shape.begin(), input.shape.end());
    value.shape[0] = 1;
    if (std::count(value.shape.begin(), value.shape.end(), size_t{0}) != 0) {
      throw ConvertError(where + "more than the first axis, the batch, is not fixed");
    }
    const size_t columns = count_elements(value.shape);
    if (columns > kMaxInputColumns) throw ConvertError(where + "is wider than 2^20 columns");
    Expression expression;
    expression.kind = ExpressionKind::kInput;
    expression.node = index;
    expression.columns = columns;
    expression.whole_numbers = input.is_integer;
    value.refs = result_.expressions.all(result_.expressions.add(std::move(expression)));
    values_[input.name] = std::move(value);
  }

  void run_node(size_t index) {
    const OnnxNode& node = graph_.nodes[index];
    try {
      std::vector<const TensorValue*> inputs;
      for (const std::string& name : node.inputs) inputs.push_back(find(name));
      NodeResults results = function_of(node)(NodeCall(node, index, inputs, result_.expressions, tables_, fixed_batch_));
      for (size_t i = 0; i < node.outputs.size() && i < results.size(); ++i) {
        if (node.outputs[i].empty()) continue;
        result_.expressions.charge(results[i].size());
        if (!values_.emplace(node.outputs[i], std::move(results[i])).second) {
          throw ConvertError("gives " + in_quotes(node.outputs[i]) + " a second time");
        }
      }
    } catch (const ConvertError& error) {
      throw ConvertError("not recognised: stopped at " + node_text(graph_, index) + ": " + error.what());
    }
  }

  const TensorValue* find(const std::string& name) const {
    if (name.empty()) return nullptr;
    const auto found = values_.find(name);
    if (found != values_.end()) return &found->second;
    const auto unusable = unusable_.find(name);
    if (unusable != unusable_.end()) throw ConvertError(in_quotes(name) + " is " + unusable->second);
    throw ConvertError("reads " + in_quotes(name) + ", which no node before it gives");
  }

  static NodeFunction function_of(const OnnxNode& node) {
    for (const auto find : {find_layout_operation, find_elementwise_operation, find_contraction}) {
      if (const NodeFunction function = find(node.operation)) return function;
    }
    throw ConvertError("this operation is not one of an MMoE model that the converter knows");
  }

  const OnnxGraph& graph_;
  FollowedGraph result_;
  std::map<std::string, TensorValue> values_;
  Tables tables_;
  std::map<std::string, std::string> unusable_;  // constants, and why
  size_t fixed_batch_ = 0;
};

}  // namespace

const TensorValue& NodeCall::input(size_t which) const {
  if (!has(which)) throw ConvertError("has no input " + std::to_string(which));
  return *inputs_[which];
}

const TensorValue& NodeCall::rows(size_t which) const {
  const TensorValue& value = input(which);
  if (!value.is_rows()) throw ConvertError("input " + std::to_string(which) + " is a constant; expected rows of the batch");
  if (value.ids) throw ConvertError("calculates with whole numbers; expected floats, and ids only as what Gather looks up");
  return value;
}

const TensorValue& NodeCall::floats(size_t which) const {
  const TensorValue& value = input(which);
  if (value.kind != TensorKind::kFloats) {
    throw ConvertError("input " + std::to_string(which) + " is not a constant of floats");
  }
  const bool finite = std::all_of(value.floats.begin(), value.floats.end(), [](float x) { return std::isfinite(x); });
  if (!finite) throw ConvertError("the constant " + in_quotes(value.name) + " has an element that is not finite");
  return value;
}

std::vector<int64_t> NodeCall::integers(size_t which) const {
  const TensorValue& value = input(which);
  if (value.kind != TensorKind::kIntegers) {
    throw ConvertError("input " + std::to_string(which) + " is not a constant of whole numbers");
  }
  return value.integers;
}

int64_t NodeCall::integer(const std::string& name, int64_t otherwise) const {
  const auto found = node.attributes.find(name);
  return found != node.attributes.end() ? found->second.integer : otherwise;
}

float NodeCall::real(const std::string& name, float otherwise) const {
  const auto found = node.attributes.find(name);
  return found != node.attributes.end() ? found->second.real : otherwise;
}

std::vector<int64_t> NodeCall::list(const std::string& name, size_t which) const {
  const auto found = node.attributes.find(name);
  if (found != node.attributes.end()) return found->second.integers;
  return has(which) ? integers(which) : std::vector<int64_t>();
}

TensorValue NodeCall::rows_of(Expression expression, const TensorValue& like) const {
  expression.node = index;
  TensorValue value = like;
  value.refs = expressions.all(expressions.add(std::move(expression)));
  return value;
}

FollowedGraph follow_graph(const OnnxGraph& graph) { return Evaluator(graph).run(); }

std::string node_text(const OnnxGraph& graph, size_t node) {
  const OnnxNode& found = graph.nodes[node];
  return "node " + std::to_string(node) + (found.name.empty() ? "" : " " + in_quotes(found.name)) + " (" +
         found.operation + ")";
}

}  // namespace mmoe::converter
