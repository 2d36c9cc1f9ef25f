#include "converter/proof/reference_tensor.h"

#include <algorithm>
#include <cmath>

#include "converter/error.h"
#include "converter/importers/messages.h"

namespace mmoe::converter {
namespace {

constexpr size_t kMaxWork = size_t{1} << 31;      // of one evaluation: some seconds
constexpr size_t kMaxElements = size_t{1} << 25;  // of one tensor that is calculated

}  // namespace

size_t num_elements(const Shape& shape) {
  size_t count = 1;
  for (const size_t size : shape) {
    if (size == 0) return 0;
    if (count > (size_t{1} << 40) / size) throw ConvertError("a tensor of more than 2^40 elements");
    count *= size;
  }
  return count;
}

size_t product(const Shape& shape, size_t begin, size_t end) {
  size_t count = 1;
  for (size_t axis = begin; axis < end; ++axis) count *= shape[axis];
  return count;
}

namespace {

size_t checked(const Shape& shape) {
  const size_t count = num_elements(shape);
  if (count > kMaxElements) throw ConvertError("makes a tensor of more than 2^25 elements");
  return count;
}

}  // namespace

RefTensor make_reals(Shape shape) {
  RefTensor tensor;
  tensor.reals.resize(checked(shape));
  tensor.shape = std::move(shape);
  return tensor;
}

RefTensor make_integers(Shape shape) {
  RefTensor tensor;
  tensor.whole = true;
  tensor.integers.resize(checked(shape));
  tensor.shape = std::move(shape);
  return tensor;
}

RefTensor from_constant(const OnnxTensor& tensor) {
  RefTensor result;
  result.shape.assign(tensor.shape.begin(), tensor.shape.end());
  result.whole = tensor.is_integer;
  result.dtype = tensor.dtype;
  result.integers = tensor.integers;
  if (!tensor.is_integer) result.constant = &tensor.floats;
  const size_t found = tensor.is_integer ? tensor.integers.size() : tensor.floats.size();
  if (found != result.size()) throw ConvertError("a constant that is not of numbers");
  return result;
}

RefTensor select(const RefTensor& tensor, Shape shape, const std::vector<size_t>& sources) {
  RefTensor result;
  result.shape = std::move(shape);
  result.whole = tensor.whole;
  if (tensor.whole) {
    result.integers.reserve(sources.size());
    for (const size_t source : sources) result.integers.push_back(tensor.integers[source]);
  } else {
    result.reals.reserve(sources.size());
    for (const size_t source : sources) result.reals.push_back(tensor.real(source));
  }
  return result;
}

int64_t whole_number(double number) {
  if (!(std::fabs(number) < 9.2e18)) throw ConvertError("makes a whole number of one beyond 2^63");
  return static_cast<int64_t>(number);
}

size_t axis_of(int64_t axis, size_t rank) {
  const auto axes = static_cast<int64_t>(rank);
  if (axis < -axes || axis >= axes) throw ConvertError("has no axis " + std::to_string(axis));
  return static_cast<size_t>(axis < 0 ? axis + axes : axis);
}

std::vector<size_t> strides_of(const Shape& shape) {
  std::vector<size_t> strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

Shape broadcast(const Shape& a, const Shape& b) {
  const Shape &longer = a.size() < b.size() ? b : a, &shorter = a.size() < b.size() ? a : b;
  Shape shape = longer;
  for (size_t i = 0; i < shorter.size(); ++i) {
    size_t& size = shape[shape.size() - 1 - i];
    const size_t other = shorter[shorter.size() - 1 - i];
    if (size != other && size != 1 && other != 1) throw ConvertError("has operands whose shapes do not go together");
    if (size == 1) size = other;
  }
  return shape;
}

Walk::Walk(const Shape& shape, const std::vector<const RefTensor*>& operands)
    : shape_(shape), positions_(operands.size(), 0), index_(shape.size(), 0), left_(checked(shape)) {
  for (const RefTensor* operand : operands) {
    if (broadcast(shape, operand->shape) != shape) throw ConvertError("has operands whose shapes do not go together");
    const std::vector<size_t> own = strides_of(operand->shape);
    std::vector<size_t> strides(shape.size(), 0);
    const size_t skipped = shape.size() - operand->shape.size();
    for (size_t axis = 0; axis < own.size(); ++axis) {
      if (operand->shape[axis] != 1) strides[axis + skipped] = own[axis];
    }
    strides_.push_back(std::move(strides));
  }
}

void Walk::next() {
  --left_;
  for (size_t axis = shape_.size(); axis-- > 0;) {
    const bool wraps = index_[axis] + 1 == shape_[axis];
    for (size_t i = 0; i < positions_.size(); ++i) {
      positions_[i] = wraps ? positions_[i] - index_[axis] * strides_[i][axis] : positions_[i] + strides_[i][axis];
    }
    index_[axis] = wraps ? 0 : index_[axis] + 1;
    if (!wraps) return;
  }
}

const RefTensor& RefCall::input(size_t which) const {
  if (!has(which)) throw ConvertError("has no input " + std::to_string(which));
  return *inputs[which];
}

double RefCall::scalar(size_t which) const {
  if (input(which).size() == 0) throw ConvertError("has an input without elements");
  return input(which).number(0);
}

const RefTensor& RefCall::whole(size_t which) const {
  if (!input(which).whole) throw ConvertError("has numbers that are not whole where whole ones are expected");
  return input(which);
}

int64_t RefCall::integer(const std::string& name, int64_t otherwise) const {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? otherwise : found->second.integer;
}

double RefCall::real(const std::string& name, double otherwise) const {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? otherwise : static_cast<double>(found->second.real);
}

std::string RefCall::text(const std::string& name, const std::string& otherwise) const {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? otherwise : found->second.text;
}

std::vector<int64_t> RefCall::list(const std::string& name, size_t which) const {
  const auto found = node.attributes.find(name);
  if (found != node.attributes.end()) return found->second.integers;
  if (!has(which)) return {};
  if (!input(which).whole) throw ConvertError("has a list that is not of whole numbers");
  return input(which).integers;
}

void RefCall::spend(size_t count) const {
  if (count > kMaxWork - work) throw ConvertError("takes more than 2^31 multiplications and copies");
  work += count;
}

}  // namespace mmoe::converter
