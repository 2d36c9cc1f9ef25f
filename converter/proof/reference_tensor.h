// Tensors with numbers in them, for the reference evaluation of an ONNX graph.
//
// The reference is plain: node by node, as ONNX's specification says, on concrete rows. It is what the recogniser's
// result is compared with, so the two share nothing but the parsed graph.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "converter/importers/onnx_graph.h"

namespace mmoe::converter {

using Shape = std::vector<size_t>;

/// The product of `shape`.
size_t num_elements(const Shape& shape);
/// The same of the axes from `begin` up to `end`, of a shape whose elements were counted.
size_t product(const Shape& shape, size_t begin, size_t end);

/// Row-major. Floats are doubles here: what a graph rounds is rounded where it says so, by a cast.
struct RefTensor {
  Shape shape;
  bool whole = false;  ///< whole numbers and booleans
  std::vector<int64_t> integers;
  std::vector<double> reals;
  const std::vector<float>* constant = nullptr;  ///< in place of `reals`: of the graph
  std::string dtype;                             ///< of a constant of whole numbers

  size_t size() const { return num_elements(shape); }
  double real(size_t at) const { return constant != nullptr ? static_cast<double>((*constant)[at]) : reals[at]; }
  /// As a float, of either kind.
  double number(size_t at) const { return whole ? static_cast<double>(integers[at]) : real(at); }
};

RefTensor make_reals(Shape shape);
RefTensor make_integers(Shape shape);
RefTensor from_constant(const OnnxTensor& tensor);

/// A tensor of `shape` whose element i is element sources[i].
RefTensor select(const RefTensor& tensor, Shape shape, const std::vector<size_t>& sources);

/// Cut to a whole number. Throws where there is none of 64 bits.
int64_t whole_number(double number);

size_t axis_of(int64_t axis, size_t rank);
std::vector<size_t> strides_of(const Shape& shape);
Shape broadcast(const Shape& a, const Shape& b);

/// Goes through all positions of a shape, and keeps where operands that are repeated along it have their elements.
class Walk {
 public:
  Walk(const Shape& shape, const std::vector<const RefTensor*>& operands);
  bool done() const { return left_ == 0; }
  void next();
  size_t at(size_t operand) const { return positions_[operand]; }
  size_t index(size_t axis) const { return index_[axis]; }

 private:
  Shape shape_;
  std::vector<std::vector<size_t>> strides_;  // per operand; 0 where it is repeated
  std::vector<size_t> positions_, index_;
  size_t left_;
};

/// One node's inputs and attributes.
struct RefCall {
  const OnnxNode& node;
  int64_t opset;
  std::vector<const RefTensor*> inputs;
  size_t& work;             ///< how many numbers were multiplied or copied
  bool real_codes = false;  ///< results are not rounded to codes
  bool of_rows = false;     ///< an input depends on the graph's inputs

  bool has(size_t which) const { return which < inputs.size() && inputs[which] != nullptr; }
  const RefTensor& input(size_t which) const;
  /// The first element.
  double scalar(size_t which) const;
  /// An input of whole numbers.
  const RefTensor& whole(size_t which) const;
  int64_t integer(const std::string& name, int64_t otherwise) const;
  double real(const std::string& name, double otherwise) const;
  std::string text(const std::string& name, const std::string& otherwise) const;
  /// An attribute of older operator sets that became an input; empty without either.
  std::vector<int64_t> list(const std::string& name, size_t which) const;
  /// Counts work; throws past what one evaluation may take.
  void spend(size_t count) const;
};

using RefResults = std::vector<RefTensor>;
using RefFunction = RefResults (*)(const RefCall&);

/// Null where the operator is not one of the file's. One table per file.
RefFunction find_reference_elementwise(const std::string& operation);
RefFunction find_reference_layout(const std::string& operation);
RefFunction find_reference_indexing(const std::string& operation);
RefFunction find_reference_sums(const std::string& operation);
RefFunction find_reference_windows(const std::string& operation);
RefFunction find_reference_quantised(const std::string& operation);

/// As MatMul.
RefTensor multiply_matrices(const RefCall& call, const RefTensor& a, const RefTensor& b);

inline RefResults single(RefTensor tensor) {
  RefResults results;
  results.push_back(std::move(tensor));
  return results;
}

}  // namespace mmoe::converter
