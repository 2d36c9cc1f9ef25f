// Follows an ONNX graph from its inputs to its outputs, and keeps what each number of an output comes from.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "converter/importers/onnx_graph.h"
#include "converter/recognise/expressions.h"
#include "converter/recognise/tensor_value.h"

namespace mmoe::converter {

/// Constants that rows are looked up in, as matrices: one of each, however many nodes look it up.
using Tables = std::map<const TensorValue*, std::shared_ptr<const Matrix>>;

/// One node's inputs and attributes, for the functions that say what an operation does.
class NodeCall {
 public:
  NodeCall(const OnnxNode& called, size_t at, std::vector<const TensorValue*> inputs, Expressions& made,
           Tables& looked_up, size_t batch, int64_t operator_set)
      : node(called),
        index(at),
        expressions(made),
        tables(looked_up),
        fixed_batch(batch),
        opset(operator_set),
        inputs_(std::move(inputs)) {}

  const OnnxNode& node;
  const size_t index;
  Expressions& expressions;
  Tables& tables;
  const size_t fixed_batch;  ///< the batch's size where the graph has it fixed; 0: it has not
  const int64_t opset;       ///< of the graph, from kOldestOpset to kNewestOpset

  size_t num_inputs() const { return inputs_.size(); }
  bool has(size_t input) const { return input < inputs_.size() && inputs_[input] != nullptr; }
  bool any_rows() const;   ///< whether an input is of rows
  bool any_codes() const;  ///< whether an input has a quantiser
  bool any_batch_inside() const;
  bool any_row_numbers() const;
  /// Throws ConvertError when the node has no such input.
  const TensorValue& input(size_t which) const;
  const TensorValue& rows(size_t which) const;        ///< of scalars that are no ids
  const TensorValue& floats(size_t which) const;      ///< a constant of finite floats
  std::vector<int64_t> integers(size_t which) const;  ///< a constant
  std::vector<int64_t> sizes(size_t which) const;     ///< a constant, of which some may be batch_times()

  bool has_attribute(const std::string& name) const { return node.attributes.count(name) != 0; }
  int64_t integer(const std::string& name, int64_t otherwise) const;
  float real(const std::string& name, float otherwise) const;
  /// The attribute of older opsets or the input of newer ones; empty when there is neither.
  std::vector<int64_t> list(const std::string& name, size_t which) const;

  /// A tensor like `like`, of the columns of a new expression, one per element.
  TensorValue rows_of(Expression expression, const TensorValue& like) const;

 private:
  std::vector<const TensorValue*> inputs_;
};

using NodeResults = std::vector<TensorValue>;

/// The results of a node that gives one.
inline NodeResults one(TensorValue value) {
  NodeResults results;
  results.push_back(std::move(value));
  return results;
}

using NodeFunction = NodeResults (*)(const NodeCall& call);

/// What the operation does; null when it is not known. One table per file.
NodeFunction find_value_operation(const std::string& operation);
NodeFunction find_layout_operation(const std::string& operation);
NodeFunction find_indexing_operation(const std::string& operation);
NodeFunction find_elementwise_operation(const std::string& operation);
NodeFunction find_activation(const std::string& operation);
NodeFunction find_function(const std::string& operation);
NodeFunction find_comparison(const std::string& operation);
NodeFunction find_selection(const std::string& operation);
NodeFunction find_normalisation(const std::string& operation);
NodeFunction find_contraction(const std::string& operation);
NodeFunction find_window_operation(const std::string& operation);
/// On constants alone.
NodeFunction find_constant_operation(const std::string& operation);

/// On codes, their scale or zero point: no other operation may take them.
NodeFunction find_operation_on_codes(const std::string& operation);
/// What makes codes, or numbers of codes in the file.
NodeFunction find_quantising_operation(const std::string& operation, bool of_rows);

/// An operation on rows whose result constants decide: a choice by a constant condition, and what is done with ids,
/// which are never below 0. Nothing for all others.
std::optional<NodeResults> follow_decided(const NodeCall& call);

/// The largest of several numbers, in which no node of the runtime but relu tells larger from smaller.
Ref largest_of(const NodeCall& call, Vector vector);

/// Rows of an expression of constants.
TensorValue constant_rows(const NodeCall& call, const TensorValue& constant);

struct FollowedGraph {
  Expressions expressions;
  std::vector<TensorValue> outputs;  ///< of OnnxGraph::outputs
};

/// Throws ConvertError naming the first node that cannot be followed, and why.
FollowedGraph follow_graph(const OnnxGraph& graph);

/// "node 12 '/experts.0/Erf' (Erf)"
std::string node_text(const OnnxGraph& graph, size_t node);

}  // namespace mmoe::converter
