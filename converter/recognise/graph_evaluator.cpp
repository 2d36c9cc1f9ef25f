#include "converter/recognise/graph_evaluator.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <set>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/recognise/operators.h"
#include "converter/recognise/places.h"
#include "converter/recognise/row_loop.h"

namespace mmoe::converter {
namespace {

constexpr size_t kMaxInputColumns = size_t{1} << 20;
constexpr size_t kMaxRank = 64;
constexpr size_t kScannedPerCharge = 64;  // to look at a number costs that much less than to make one

/// How many numbers the graph has: elements of constants, and nodes.
size_t count_numbers(const OnnxGraph& graph) {
  size_t count = graph.nodes.size();
  for (const auto& entry : graph.initializers) count += entry.second->floats.size() + entry.second->integers.size();
  for (const OnnxNode& node : graph.nodes) {
    count += node.inputs.size();
    for (const auto& entry : node.attributes) {
      const OnnxAttribute& attribute = entry.second;
      count += attribute.reals.size() + attribute.integers.size();
      if (attribute.tensor) count += attribute.tensor->floats.size() + attribute.tensor->integers.size();
      if (attribute.branch) count += count_numbers(*attribute.branch);
    }
  }
  return count;
}

TensorValue constant_value(const OnnxTensor& tensor) {
  TensorValue value;
  value.kind = tensor.is_integer ? TensorKind::kIntegers : TensorKind::kFloats;
  value.shape.assign(tensor.shape.begin(), tensor.shape.end());
  value.floats = tensor.floats;
  value.integers = tensor.integers;
  require_plain(value.integers);
  value.name = tensor.name;
  value.dtype = tensor.dtype;
  const size_t elements = std::accumulate(value.shape.begin(), value.shape.end(), size_t{1}, std::multiplies<>());
  if (value.size() != elements) throw ConvertError("is a constant that is not of numbers");
  return value;
}

/// Whether both are the same numbers in the same order; not whether they are calculated alike.
bool are_same(const TensorValue& a, const TensorValue& b) {
  const bool same_axes =
      a.shape == b.shape && a.has_batch() == b.has_batch() && (!a.has_batch() || a.batch_axis == b.batch_axis);
  return same_axes && a.kind == b.kind && a.ids == b.ids && a.refs == b.refs && a.floats == b.floats &&
         a.integers == b.integers && a.quantiser == b.quantiser && a.row_numbers == b.row_numbers;
}

/// Of the parts of SplitToSequence: as long as the input says, the last one perhaps shorter.
std::vector<int64_t> sizes_of_parts(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const size_t axis = resolve_axis(call.integer("axis", 0), value.rank());
  const auto length = static_cast<int64_t>(value.shape[axis]);
  if (!call.has(1) && call.integer("keepdims", 1) == 0) throw ConvertError("removes the axis that it splits");
  std::vector<int64_t> sizes = call.has(1) ? call.integers(1) : std::vector<int64_t>{1};
  if (call.has(1) && call.input(1).rank() != 0) return sizes;
  const int64_t each = sizes.at(0);
  if (each < 1) throw ConvertError("splits into parts of no elements");
  sizes.clear();
  for (int64_t at = 0; at < length; at += each) sizes.push_back(std::min(each, length - at));
  return sizes;
}

class Evaluator {
 public:
  explicit Evaluator(const OnnxGraph& graph) : graph_(graph), result_{Expressions(count_numbers(graph)), {}} {}

  FollowedGraph run() {
    try {
      check_opset(graph_.opset);
    } catch (const ConvertError& error) {
      throw ConvertError(std::string("not recognised: ") + error.what());
    }
    add_constants(graph_);
    for (size_t i = 0; i < graph_.inputs.size(); ++i) add_input(i);
    const std::vector<bool> needed = needed_nodes();
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (needed[i]) run_node(i);
    }
    for (const OnnxValue& output : graph_.outputs) {
      const auto found = values_.find(output.name);
      if (found == values_.end()) throw ConvertError("output " + in_quotes(output.name) + " is of no node");
      if (found->second.quantiser) {
        throw ConvertError("not recognised: output " + in_quotes(output.name) + " is rounded to codes, not to floats");
      }
      if (found->second.row_numbers.step != 0)
        throw ConvertError("not recognised: output " + in_quotes(output.name) + " counts the rows of the batch");
      result_.outputs.push_back(found->second);
    }
    return std::move(result_);
  }

 private:
  /// Those that an output comes from. What an exporter leaves beside them, or a person has cut off, is not read.
  std::vector<bool> needed_nodes() const {
    std::vector<bool> needed(graph_.nodes.size(), false);
    std::set<std::string> wanted;
    for (const OnnxValue& output : graph_.outputs) wanted.insert(output.name);
    for (size_t i = graph_.nodes.size(); i-- > 0;) {
      const OnnxNode& node = graph_.nodes[i];
      needed[i] = std::any_of(node.outputs.begin(), node.outputs.end(),
                              [&](const std::string& name) { return wanted.count(name) != 0; });
      if (!needed[i]) continue;
      wanted.insert(node.inputs.begin(), node.inputs.end());
      wanted.insert(node.captured.begin(), node.captured.end());
    }
    return needed;
  }

  void add_constants(const OnnxGraph& graph) {
    for (const std::string& name : graph.sparse_constants) unusable_[name] = "is a sparse tensor, which is not read";
    for (const auto& [name, tensor] : graph.initializers) {
      try {
        keep(name, constant_value(*tensor));
      } catch (const ConvertError& error) {
        unusable_[name] = error.what();
      }
    }
  }

  /// The first axis is the batch.
  void add_input(size_t index) {
    const OnnxValue& input = graph_.inputs[index];
    const std::string where = "input " + in_quotes(input.name) + ": ";
    if (!input.is_integer && input.dtype != "" && input.dtype != "f32" && input.dtype != "f64") {
      const bool half = input.dtype == "f16" || input.dtype == "bf16";
      throw ConvertError(where + "is of " + input.dtype + "; expected floats or whole numbers" +
                         (half ? ". A model in half precision rounds every result: export it in float32" : ""));
    }
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
    try {
      follow(graph_.nodes[index], index);
    } catch (const ConvertError& error) {
      throw ConvertError("not recognised: stopped at " + node_text(graph_, index) + ": " + error.what());
    }
  }

  /// `index`: of the graph's node, which is the node itself or the one within whose branch it is.
  void follow(const OnnxNode& node, size_t index) {
    check_operator(node, graph_.opset);
    if (node.outputs.empty()) throw ConvertError("gives nothing");
    std::vector<const TensorValue*> inputs;
    for (const std::string& name : node.inputs) inputs.push_back(is_sequence(name) ? nullptr : find(name));
    if (node.operation == "SplitToSequence") return split_to_sequence(node, index, inputs);
    NodeResults results = follow_any(node, index, inputs);
    for (size_t i = 0; i < node.outputs.size() && i < results.size(); ++i) {
      if (node.outputs[i].empty()) continue;
      result_.expressions.charge(results[i].size());
      if (results[i].rank() > kMaxRank) throw ConvertError("makes a tensor of more than 64 axes");
      keep(node.outputs[i], std::move(results[i]));
    }
  }

  NodeResults follow_any(const OnnxNode& node, size_t index, const std::vector<const TensorValue*>& inputs) {
    if (node.operation == "If") return choose_branch(node, index);
    if (node.operation == "Loop") return loop_over_rows(node, index);
    if (node.operation == "SequenceAt") return one(*find(part_name(node, inputs)));
    return follow_operation(NodeCall(node, index, inputs, result_.expressions, tables_, fixed_batch_, graph_.opset));
  }

  // ------------------------------------------------------------------ sequences: their parts are values

  void split_to_sequence(const OnnxNode& node, size_t index, std::vector<const TensorValue*> inputs) {
    const NodeCall call(node, index, inputs, result_.expressions, tables_, fixed_batch_, graph_.opset);
    OnnxNode split;
    split.operation = "Split";
    if (call.has_attribute("axis")) split.attributes["axis"] = node.attributes.at("axis");
    TensorValue sizes;
    sizes.kind = TensorKind::kIntegers;
    sizes.integers = sizes_of_parts(call);
    sizes.shape = {sizes.integers.size()};
    split.outputs.resize(sizes.integers.size());
    inputs = {inputs.at(0), &sizes};
    const NodeCall parts(split, index, inputs, result_.expressions, tables_, fixed_batch_, graph_.opset);
    NodeResults results = follow_operation(parts);
    for (size_t i = 0; i < results.size(); ++i) keep(node.outputs[0] + "#" + std::to_string(i), std::move(results[i]));
  }

  /// The value that a SequenceAt takes.
  std::string part_name(const OnnxNode& node, const std::vector<const TensorValue*>& inputs) const {
    const bool constant = inputs.size() == 2 && inputs[1] != nullptr && inputs[1]->kind == TensorKind::kIntegers &&
                          inputs[1]->size() == 1 && inputs[1]->row_numbers.step == 0;
    if (!constant) throw ConvertError("takes a part of a sequence by something else than a constant");
    int64_t place = inputs[1]->integers[0], count = 0;
    const auto name_of = [&](int64_t at) { return node.inputs[0] + "#" + std::to_string(at); };
    while (values_.count(name_of(count)) != 0) ++count;
    if (place < 0) place += count;
    if (place < 0 || place >= count) throw ConvertError("takes a part that the sequence does not have");
    return name_of(place);
  }

  // ------------------------------------------------------------------ a loop over the batch

  NodeResults loop_over_rows(const OnnxNode& node, size_t index) {
    const auto run = [&](const OnnxNode& inner, const std::vector<const TensorValue*>& inputs) {
      check_operator(inner, graph_.opset);
      return follow_operation(NodeCall(inner, index, inputs, result_.expressions, tables_, fixed_batch_, graph_.opset));
    };
    return follow_row_loop(
        node, [&](const std::string& name) { return find(name); }, run);
  }

  void keep(const std::string& name, TensorValue value) {
    if (!values_.emplace(name, std::move(value)).second)
      throw ConvertError("gives " + in_quotes(name) + " a second time");
    kept_.push_back(name);
  }

  // ------------------------------------------------------------------ branches

  /// What of the branch comes out. Its own values are forgotten.
  NodeResults follow_branch(const OnnxNode& node, size_t index, const std::string& which) {
    const auto found = node.attributes.find(which);
    if (found == node.attributes.end() || !found->second.branch) throw ConvertError("has no " + which);
    const OnnxGraph& branch = *found->second.branch;
    const size_t before = kept_.size();
    add_constants(branch);
    for (size_t i = 0; i < branch.nodes.size(); ++i) {
      try {
        follow(branch.nodes[i], index);
      } catch (const ConvertError& error) {
        throw ConvertError("in its " + which + ", " + node_text(branch, i) + ": " + error.what());
      }
    }
    NodeResults results;
    for (const OnnxValue& output : branch.outputs) results.push_back(*find(output.name));
    for (; kept_.size() > before; kept_.pop_back()) values_.erase(kept_.back());
    return results;
  }

  /// What constants and shapes decide is taken; else both branches must give the same numbers.
  NodeResults choose_branch(const OnnxNode& node, size_t index) {
    const TensorValue& condition = *find(node.inputs[0]);
    const bool one_number =
        condition.size() == 1 && condition.kind == TensorKind::kIntegers && condition.row_numbers.step == 0;
    if (one_number && !depends_on_batch(condition.integers[0]))
      return follow_branch(node, index, condition.integers[0] != 0 ? "then_branch" : "else_branch");
    const std::string why = condition.is_rows() ? "the rows decide which of its branches is taken"
                                                : "the batch's size decides which of its branches is taken";
    try {
      NodeResults taken = follow_branch(node, index, "then_branch");
      const NodeResults other = follow_branch(node, index, "else_branch");
      if (std::equal(taken.begin(), taken.end(), other.begin(), other.end(), are_same)) return taken;
    } catch (const ConvertError& error) {
      throw ConvertError(why + "; " + error.what());
    }
    throw ConvertError(why + ", and they give different numbers; a model file computes the same for every row");
  }

  bool is_sequence(const std::string& name) const { return values_.count(name + "#0") != 0; }

  const TensorValue* find(const std::string& name) const {
    if (name.empty()) return nullptr;
    const auto found = values_.find(name);
    if (found != values_.end()) return &found->second;
    const auto unusable = unusable_.find(name);
    if (unusable != unusable_.end()) throw ConvertError(in_quotes(name) + " " + unusable->second);
    throw ConvertError("reads " + in_quotes(name) + ", which no node before it gives");
  }

  NodeResults follow_operation(const NodeCall& call) const {
    if (call.any_row_numbers()) {
      if (const NodeFunction function = find_row_place_operation(call.node.operation)) return function(call);
      throw ConvertError(
          "calculates with what counts the rows of the batch; it may only take elements of them, or the "
          "parts of an nn.EmbeddingBag as torch's older exporter writes it");
    }
    return call.any_batch_inside() ? run_batch_inside(call) : run(call);
  }

  /// What lies row by row of another axis is added, multiplied by constants and put in order again, no more.
  NodeResults run_batch_inside(const NodeCall& call) const {
    const std::string& operation = call.node.operation;
    for (const char* known : {"Reshape", "Shape", "Identity", "Dropout"}) {
      if (operation == known) return run(call);
    }
    for (const char* known : {"Gemm", "MatMul", "Add", "Sub", "Mul", "Div"}) {
      if (operation != known || call.num_inputs() < 2 || call.input(0).is_rows() == call.input(1).is_rows()) continue;
      NodeResults results = run(call);
      for (TensorValue& result : results) result.batch_inside = true;
      return results;
    }
    throw ConvertError(
        "calculates with rows of the batch that lie within another axis; expected them one after another");
  }

  NodeResults run(const NodeCall& call) const {
    const std::string& operation = call.node.operation;
    if (call.any_codes()) {
      if (const NodeFunction function = find_operation_on_codes(operation)) return function(call);
      throw ConvertError(
          "calculates with results that were rounded to codes, which only QuantizeLinear followed by "
          "DequantizeLinear, and MatMulInteger, may do here; quantise with QuantFormat.QDQ");
    }
    if (const NodeFunction function = find_quantising_operation(operation, call.any_rows())) return function(call);
    const NodeFunction on_constants = call.any_rows() ? nullptr : find_constant_operation(operation);
    if (on_constants != nullptr) return on_constants(call);
    if (std::optional<NodeResults> decided = follow_decided(call)) return std::move(*decided);
    for (const auto find : {find_value_operation, find_layout_operation, find_indexing_operation,
                            find_elementwise_operation, find_activation, find_function, find_comparison, find_selection,
                            find_normalisation, find_contraction, find_window_operation}) {
      if (const NodeFunction function = find(operation)) return function(call);
    }
    throw ConvertError(why_unknown(call));
  }

  std::string why_unknown(const NodeCall& call) const {
    const OnnxNode& node = call.node;
    if (graph_.functions.count(node.operation) != 0) {
      return "is a function that the model itself defines; write its nodes out with "
             "onnx.inliner.inline_local_functions";
    }
    const bool nested = std::any_of(node.attributes.begin(), node.attributes.end(),
                                    [](const auto& attribute) { return attribute.second.graph; });
    if (nested) return "holds a graph of its own, which is not read; export without loops";
    if (node.operation.find("QLinear") != std::string::npos || node.operation.find("QGemm") != std::string::npos) {
      return "is an operation on codes of QuantFormat.QOperator; quantise with QuantFormat.QDQ, or dynamically";
    }
    for (const char* recurrent : {"GRU", "LSTM", "RNN"}) {
      if (node.operation == recurrent)
        return "is a recurrent layer, which a model file does not have; an attention or a pooled sequence may take its "
               "place (ONNX.md)";
    }
    if (node.operation.find("Sequence") != std::string::npos) {
      return "makes a sequence in a loop, as torch's newer exporter writes nn.EmbeddingBag; use nn.Embedding and a "
             "sum, or the older exporter";
    }
    const size_t dot = node.operation.rfind('.');
    if (dot != std::string::npos) {
      return "is an operation of the domain " + in_quotes(node.operation.substr(0, dot)) +
             ", not of ONNX's own; export before a runtime's optimiser has joined operations";
    }
    if (!call.any_rows()) {
      return "this operation on constants is not one that the converter calculates; fold them first, with onnxslim "
             "(onnxslim model.onnx folded.onnx) or onnxruntime's basic optimisation";
    }
    return "this operation is not supported (ONNX.md lists those that are)";
  }

  const OnnxGraph& graph_;
  FollowedGraph result_;
  std::map<std::string, TensorValue> values_;
  std::vector<std::string> kept_;  // of nodes and constants, in the order in which they came
  Tables tables_;
  std::map<std::string, std::string> unusable_;  // constants, and why
  size_t fixed_batch_ = 0;
};

}  // namespace

bool NodeCall::any_rows() const {
  return std::any_of(inputs_.begin(), inputs_.end(),
                     [](const TensorValue* input) { return input != nullptr && input->is_rows(); });
}

bool NodeCall::any_batch_inside() const {
  return std::any_of(inputs_.begin(), inputs_.end(),
                     [](const TensorValue* input) { return input != nullptr && input->batch_inside; });
}

bool NodeCall::any_row_numbers() const {
  return std::any_of(inputs_.begin(), inputs_.end(),
                     [](const TensorValue* input) { return input != nullptr && input->row_numbers.step != 0; });
}

const TensorValue& NodeCall::input(size_t which) const {
  if (!has(which)) throw ConvertError("has no input " + std::to_string(which));
  return *inputs_[which];
}

const TensorValue& NodeCall::rows(size_t which) const {
  const TensorValue& value = input(which);
  if (!value.is_rows()) {
    throw ConvertError("input " + std::to_string(which) +
                       " is the same for every row; expected what depends on the model's inputs");
  }
  if (value.ids) {
    throw ConvertError(
        "calculates with whole numbers of the model's inputs; ids may be looked up, and shifted before, and a "
        "number must be cast to float32 first");
  }
  return value;
}

const TensorValue& NodeCall::floats(size_t which) const {
  const TensorValue& value = input(which);
  if (value.kind != TensorKind::kFloats) {
    throw ConvertError("input " + std::to_string(which) + " is not a constant of floats");
  }
  expressions.charge(value.floats.size() / kScannedPerCharge);
  const bool finite = std::all_of(value.floats.begin(), value.floats.end(), [](float x) { return std::isfinite(x); });
  if (!finite) throw ConvertError("the constant " + in_quotes(value.name) + " has an element that is not finite");
  return value;
}

std::vector<int64_t> NodeCall::integers(size_t which) const {
  std::vector<int64_t> values = sizes(which);
  const auto several = [](int64_t value) { return times_of_batch(value) > 1; };
  if (std::any_of(values.begin(), values.end(), several))
    throw ConvertError("depends on the batch's size in another way than by repeating");
  return values;
}

std::vector<int64_t> NodeCall::sizes(size_t which) const {
  const TensorValue& value = input(which);
  if (value.kind != TensorKind::kIntegers) {
    throw ConvertError("input " + std::to_string(which) + " is not a constant of whole numbers");
  }
  expressions.charge(value.integers.size());
  for (const int64_t integer : value.integers) {
    if (integer == kUnknownSize) throw ConvertError("depends on the batch's size in another way than by repeating");
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
