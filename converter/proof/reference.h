// Reference evaluation of an ONNX graph on concrete rows.
#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "converter/proof/reference_tensor.h"

namespace mmoe::converter {

/// A graph that cannot be evaluated, which says nothing about whether it was converted rightly; what() names the node.
class NotEvaluated : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Reference {
 public:
  /// `graph` must stay. `real_codes`: what depends on inputs is not rounded to codes of 8 bits where the graph does
  /// that.
  explicit Reference(const OnnxGraph& graph, bool real_codes = false) : Reference(graph, graph.opset, {}, real_codes) {}

  /// The outputs for these inputs, by the graph's names; in the graph's order. Evaluates only what outputs need.
  /// Throws NotEvaluated.
  std::vector<RefTensor> run(std::map<std::string, RefTensor> inputs);

  /// Whether an output depends on the input.
  bool needs(const std::string& input) const { return last_use_.count(input) != 0; }
  /// How many numbers have been multiplied or copied so far.
  size_t work() const { return work_; }

 private:
  using Values = std::map<std::string, RefTensor>;

  /// A branch: `of_rows` are values around it that depend on inputs.
  Reference(const OnnxGraph& graph, int64_t opset, std::set<std::string> of_rows, bool real_codes);

  void run_node(size_t index, Values& values);
  const RefTensor& value_of(const std::string& name, const Values& values);
  std::vector<RefTensor> run_branch(const OnnxNode& node, const Values& values);
  std::vector<RefTensor> run_loop(const OnnxNode& node, const Values& values);
  void split_to_sequence(const OnnxNode& node, Values& values);
  const RefTensor& part_of_sequence(const OnnxNode& node, const Values& values);

  const OnnxGraph& graph_;
  int64_t opset_;
  std::vector<bool> needed_;                // of the nodes
  std::map<std::string, size_t> last_use_;  // of a value: the node behind which it is forgotten
  std::map<std::string, RefTensor> constants_;
  std::set<std::string> of_rows_;  // values that depend on the graph's inputs
  bool real_codes_;
  bool doubles_;  // results are not of floats
  size_t work_ = 0;
};

/// Whether the graph rounds something that depends on its inputs to codes of 8 bits.
bool rounds_results(const OnnxGraph& graph);

}  // namespace mmoe::converter
