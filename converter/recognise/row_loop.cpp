#include "converter/recognise/row_loop.h"

#include <algorithm>
#include <map>
#include <set>

#include "converter/error.h"

namespace mmoe::converter {
namespace {

using Find = std::function<const TensorValue*(const std::string&)>;
using Run = std::function<NodeResults(const OnnxNode&, const std::vector<const TensorValue*>&)>;

[[noreturn]] void refuse_loop(const std::string& why) {
  throw ConvertError("is a loop that " + why +
                     "; only loops that look up and pool each row's ids, as those of nn.EmbeddingBag, are read");
}

bool is_true_value(const TensorValue& value) {
  return value.kind == TensorKind::kIntegers && value.size() == 1 && value.row_numbers.step == 0 &&
         value.integers[0] == 1;
}

bool is_only(const std::vector<int64_t>& list, int64_t number) { return list == std::vector<int64_t>{number}; }

/// The values of one step. In the row's own part of the ids, and in what is looked up by them, the batch lies behind
/// the axis that the step knows as the first.
class RowStep {
 public:
  RowStep(const OnnxGraph& body, const Find& find, const Run& run) : body_(body), find_(find), run_(run) {}

  NodeResults follow() {
    if (body_.inputs.size() != 2 || body_.outputs.size() != 2) refuse_loop("hands values from one step to the next");
    if (!body_.initializers.empty()) refuse_loop("has constants of its own");
    for (const OnnxNode& node : body_.nodes) {
      if (node.outputs.size() != 1) refuse_loop("has an operation of several results");
      values_[node.outputs[0]] = result_of(node);
    }
    const TensorValue* again = value_of(body_.outputs[0].name);
    if (again == nullptr || !is_true_value(*again)) refuse_loop("ends where its results say so");
    const std::string& result = body_.outputs[1].name;
    if (pooled_.count(result) == 0) refuse_loop("gives something else than a pooled vector");
    return one(values_.at(result));
  }

 private:
  const TensorValue* value_of(const std::string& name) const {
    const auto own = values_.find(name);
    return own != values_.end() ? &own->second : find_(name);
  }

  TensorValue result_of(const OnnxNode& node) {
    std::vector<const TensorValue*> inputs;
    bool counted = false, parts = false;
    for (const std::string& name : node.inputs) {
      counted = counted || name == body_.inputs[0].name;
      parts = parts || parts_.count(name) != 0;
      if (pooled_.count(name) != 0) refuse_loop("goes on with what it has pooled");
      const bool of_step = name.empty() || name == body_.inputs[0].name || name == body_.inputs[1].name;
      inputs.push_back(of_step ? nullptr : value_of(name));
    }
    if (counted) return bound_of(node, inputs);
    if (parts) return of_parts(node, inputs);
    const bool slices = node.operation == "Slice" && inputs.at(0) != nullptr && inputs[0]->is_rows();
    return slices ? part_of(node, inputs) : std::move(run_(node, inputs).at(0));
  }

  /// Where the row's ids begin, or end.
  TensorValue bound_of(const OnnxNode& node, const std::vector<const TensorValue*>& inputs) const {
    const auto axis = node.attributes.find("axis");
    const bool taken = node.operation == "Gather" && (axis == node.attributes.end() || axis->second.integer == 0) &&
                       inputs.size() == 2 && inputs[0] != nullptr && inputs[0]->row_numbers.step != 0 &&
                       !inputs[0]->row_numbers.tuples && inputs[0]->rank() == 1 &&
                       inputs[0]->kind == TensorKind::kIntegers;
    if (!taken) refuse_loop("counts its steps for something else than the bounds of rows");
    TensorValue bound;
    bound.kind = TensorKind::kIntegers;
    bound.integers = inputs[0]->integers;
    bound.row_numbers = inputs[0]->row_numbers;
    bound.row_numbers.bounds = false;
    return bound;
  }

  /// [ids of a row, batch]
  TensorValue part_of(const OnnxNode& node, const std::vector<const TensorValue*>& inputs) {
    const TensorValue& all = *inputs[0];
    const auto given = [&](size_t which) { return which < inputs.size() ? inputs[which] : nullptr; };
    const TensorValue *begin = given(1), *end = given(2);
    const size_t length = all.shape.empty() ? 0 : all.shape[0];
    RowNumbers own{length}, next{length};
    next.next = true;
    const bool first_axis = inputs.size() < 4 || (given(3) != nullptr && is_only(given(3)->integers, 0));
    const bool one_by_one = inputs.size() < 5 || (given(4) != nullptr && is_only(given(4)->integers, 1));
    const bool fits = begin != nullptr && end != nullptr && begin->row_numbers == own && end->row_numbers == next &&
                      is_only(begin->integers, 0) && is_only(end->integers, 0) && first_axis && one_by_one &&
                      all.batch_axis == 0 && all.rank() == 1 && !all.batch_inside;
    if (!fits) refuse_loop("takes something else than the row's own part");
    parts_.insert(node.outputs[0]);
    TensorValue part = all;
    part.shape = {length, 1};
    part.batch_axis = 1;
    return part;
  }

  /// Rows of a table, or their sum, mean or largest.
  TensorValue of_parts(const OnnxNode& node, const std::vector<const TensorValue*>& inputs) {
    const std::string& operation = node.operation;
    const auto integer = [&](const char* name, int64_t otherwise) {
      const auto found = node.attributes.find(name);
      return found != node.attributes.end() ? found->second.integer : otherwise;
    };
    if (operation == "Gather" && inputs.size() == 2 && parts_.count(node.inputs[0]) == 0 && integer("axis", 0) == 0) {
      parts_.insert(node.outputs[0]);
      return std::move(run_(node, inputs).at(0));
    }
    const bool pools = operation == "ReduceSum" || operation == "ReduceMean" || operation == "ReduceMax";
    const auto listed = node.attributes.find("axes");
    const bool by_input = inputs.size() > 1 && inputs[1] != nullptr && inputs[1]->kind == TensorKind::kIntegers;
    const bool first_axis = listed != node.attributes.end() ? is_only(listed->second.integers, 0)
                                                            : by_input && is_only(inputs[1]->integers, 0);
    if (!pools || !first_axis || integer("keepdims", 1) != 0) refuse_loop("has the operation " + operation);
    pooled_.insert(node.outputs[0]);
    return std::move(run_(node, inputs).at(0));
  }

  const OnnxGraph& body_;
  const Find& find_;
  const Run& run_;
  std::map<std::string, TensorValue> values_;
  std::set<std::string> parts_, pooled_;
};

}  // namespace

NodeResults follow_row_loop(const OnnxNode& loop, const Find& find, const Run& run) {
  const auto body = loop.attributes.find("body");
  if (body == loop.attributes.end() || !body->second.branch) refuse_loop("holds a graph of its own that is not read");
  const TensorValue *times = find(loop.inputs[0]), *condition = find(loop.inputs[1]);
  const bool each_row = times != nullptr && times->kind == TensorKind::kIntegers && times->size() == 1 &&
                        times->integers[0] == kBatchSize && times->row_numbers.step == 0;
  if (!each_row || loop.inputs.size() != 2 || loop.outputs.size() != 1)
    refuse_loop("does not go through the batch's rows");
  if (condition != nullptr && !is_true_value(*condition)) refuse_loop("ends where its results say so");
  return RowStep(*body->second.branch, find, run).follow();
}

}  // namespace mmoe::converter
