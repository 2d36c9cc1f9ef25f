// Reference semantics of ONNX's operators that sum: products of matrices, reductions, softmax and norms.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "converter/error.h"
#include "converter/proof/reference_tensor.h"

namespace mmoe::converter {
namespace {

// ------------------------------------------------------------------------------------ products

/// The last two axes are matrices; a vector is a row on the left and a column on the right.
RefTensor multiply(const RefCall& call, const RefTensor& a, const RefTensor& b) {
  if (a.shape.empty() || b.shape.empty()) throw ConvertError("multiplies scalars");
  Shape left = a.shape, right = b.shape;
  if (left.size() == 1) left.insert(left.begin(), 1);
  if (right.size() == 1) right.push_back(1);
  const size_t rows = left[left.size() - 2], inner = left.back(), columns = right.back();
  if (right[right.size() - 2] != inner) throw ConvertError("multiplies matrices that do not fit");
  RefTensor batch_a, batch_b;  // numbers of matrices
  batch_a.shape.assign(left.begin(), left.end() - 2);
  batch_b.shape.assign(right.begin(), right.end() - 2);
  Shape shape = broadcast(batch_a.shape, batch_b.shape);
  const Shape batch = shape;
  call.spend(num_elements(batch) * rows * columns * std::max<size_t>(1, inner));
  if (a.shape.size() > 1) shape.push_back(rows);
  if (b.shape.size() > 1) shape.push_back(columns);
  RefTensor result = make_reals(shape);
  size_t to = 0;
  for (Walk walk(batch, {&batch_a, &batch_b}); !walk.done(); walk.next()) {
    const size_t in_a = walk.at(0) * rows * inner, in_b = walk.at(1) * inner * columns;
    for (size_t row = 0; row < rows; ++row, to += columns) {
      for (size_t k = 0; k < inner; ++k) {
        const double factor = a.number(in_a + row * inner + k);
        for (size_t i = 0; i < columns; ++i) result.reals[to + i] += factor * b.number(in_b + k * columns + i);
      }
    }
  }
  return result;
}

RefResults matmul(const RefCall& call) { return single(multiply(call, call.input(0), call.input(1))); }

RefTensor transposed(const RefTensor& matrix) {
  if (matrix.shape.size() != 2) throw ConvertError("multiplies something else than matrices");
  const size_t rows = matrix.shape[0], columns = matrix.shape[1];
  std::vector<size_t> sources;
  for (size_t i = 0; i < columns; ++i) {
    for (size_t k = 0; k < rows; ++k) sources.push_back(k * columns + i);
  }
  return select(matrix, {columns, rows}, sources);
}

RefResults gemm(const RefCall& call) {
  const RefTensor a = call.integer("transA", 0) != 0 ? transposed(call.input(0)) : call.input(0);
  const RefTensor b = call.integer("transB", 0) != 0 ? transposed(call.input(1)) : call.input(1);
  RefTensor result = multiply(call, a, b);
  const double alpha = call.real("alpha", 1), beta = call.real("beta", 1);
  for (double& value : result.reals) value *= alpha;
  if (!call.has(2) || beta == 0) return single(std::move(result));
  const RefTensor& c = call.input(2);
  if (broadcast(result.shape, c.shape) != result.shape) throw ConvertError("has a bias that does not fit");
  size_t i = 0;
  for (Walk walk(result.shape, {&c}); !walk.done(); walk.next(), ++i) result.reals[i] += beta * c.number(walk.at(0));
  return single(std::move(result));
}

/// Any number of operands with letters for their axes; repeated letters take a diagonal.
/// Dots stand for so many axes: the last ones of eight letters that no equation of ours has.
std::string without_dots(const std::string& part, size_t axes) {
  const std::string letters = "ABCDEFGH";
  const size_t dots = part.find("...");
  if (dots == std::string::npos) return part;
  if (axes > letters.size()) throw ConvertError("has dots that do not fit");
  return part.substr(0, dots) + letters.substr(letters.size() - axes) + part.substr(dots + 3);
}

RefResults einsum(const RefCall& call) {
  std::string equation = call.text("equation", "");
  equation.erase(std::remove(equation.begin(), equation.end(), ' '), equation.end());
  const size_t arrow = equation.find("->");
  if (arrow == std::string::npos) throw ConvertError("has another equation");
  std::vector<std::string> operands(1);
  for (const char letter : equation.substr(0, arrow)) {
    if (letter == ',') operands.emplace_back();
    if (letter != ',') operands.back() += letter;
  }
  if (operands.size() != call.inputs.size()) throw ConvertError("has another number of operands than its equation");
  size_t most = 0;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].find("...") == std::string::npos) continue;
    const size_t axes = call.input(i).shape.size() + 3 - operands[i].size();
    most = std::max(most, axes);
    operands[i] = without_dots(operands[i], axes);
  }
  const std::string out = without_dots(equation.substr(arrow + 2), most);
  std::string letters = out;  // those of the result first
  std::map<char, size_t> sizes;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].size() != call.input(i).shape.size()) throw ConvertError("names another number of axes");
    for (size_t axis = 0; axis < operands[i].size(); ++axis) {
      const auto [at, fresh] = sizes.emplace(operands[i][axis], call.input(i).shape[axis]);
      if (!fresh && at->second != call.input(i).shape[axis]) throw ConvertError("has sizes that do not go together");
      if (letters.find(operands[i][axis]) == std::string::npos) letters += operands[i][axis];
    }
  }
  Shape all;
  for (const char letter : letters) all.push_back(sizes.at(letter));
  call.spend(num_elements(all) * operands.size());
  std::vector<std::vector<size_t>> strides(operands.size(), std::vector<size_t>(letters.size(), 0));
  for (size_t i = 0; i < operands.size(); ++i) {
    const std::vector<size_t> own = strides_of(call.input(i).shape);
    for (size_t axis = 0; axis < own.size(); ++axis) strides[i][letters.find(operands[i][axis])] += own[axis];
  }
  RefTensor result = make_reals(Shape(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(out.size())));
  const size_t summed = product(all, out.size(), all.size());
  size_t count = 0;
  for (Walk walk(all, {}); !walk.done(); walk.next(), ++count) {
    double term = 1;
    for (size_t i = 0; i < operands.size(); ++i) {
      size_t at = 0;
      for (size_t axis = 0; axis < letters.size(); ++axis) at += walk.index(axis) * strides[i][axis];
      term *= call.input(i).number(at);
    }
    result.reals[count / summed] += term;
  }
  return single(std::move(result));
}

// ------------------------------------------------------------------------------------ reductions

struct Reduction {
  double first;
  double (*before)(double);
  double (*join)(double, double);
  double (*after)(double, double);  // of the result and of how many there were
};

double itself(double x) { return x; }
double first_of(double x, double) { return x; }

const std::map<std::string, Reduction>& reductions() {
  static constexpr double kInf = std::numeric_limits<double>::infinity();
  static const auto add = [](double a, double b) { return a + b; };
  static const std::map<std::string, Reduction> kTable = {
      {"ReduceSum", {0, itself, add, first_of}},
      {"ReduceMean", {0, itself, add, [](double x, double count) { return x / count; }}},
      {"ReduceProd", {1, itself, [](double a, double b) { return a * b; }, first_of}},
      {"ReduceMax", {-kInf, itself, [](double a, double b) { return std::max(a, b); }, first_of}},
      {"ReduceMin", {kInf, itself, [](double a, double b) { return std::min(a, b); }, first_of}},
      {"ReduceL1", {0, std::fabs, add, first_of}},
      {"ReduceL2", {0, [](double x) { return x * x; }, add, [](double x, double) { return std::sqrt(x); }}},
      {"ReduceSumSquare", {0, [](double x) { return x * x; }, add, first_of}},
      {"ReduceLogSumExp", {0, std::exp, add, [](double x, double) { return std::log(x); }}}};
  return kTable;
}

RefResults reduce(const RefCall& call) {
  const RefTensor& x = call.input(0);
  const Reduction& reduction = reductions().at(call.node.operation);
  const std::vector<int64_t> axes = call.list("axes", 1);
  // Without axes all are reduced, or none: then every element is reduced by itself.
  std::vector<bool> reduced(x.shape.size(), axes.empty() && call.integer("noop_with_empty_axes", 0) == 0);
  for (const int64_t axis : axes) reduced[axis_of(axis, reduced.size())] = true;
  Shape kept = x.shape, shape;
  double count = 1;
  for (size_t axis = 0; axis < kept.size(); ++axis) {
    if (reduced[axis]) count *= static_cast<double>(kept[axis]);
    if (reduced[axis]) kept[axis] = 1;
    if (!reduced[axis] || call.integer("keepdims", 1) != 0) shape.push_back(kept[axis]);
  }
  call.spend(x.size());
  RefTensor result = make_reals(kept);
  std::fill(result.reals.begin(), result.reals.end(), reduction.first);
  size_t from = 0;
  for (Walk walk(x.shape, {&result}); !walk.done(); walk.next(), ++from) {
    double& to = result.reals[walk.at(0)];
    to = reduction.join(to, reduction.before(x.number(from)));
  }
  for (double& value : result.reals) value = reduction.after(value, count);
  result.shape = shape;
  if (!x.whole) return single(std::move(result));
  RefTensor whole = make_integers(shape);
  for (size_t i = 0; i < whole.integers.size(); ++i) whole.integers[i] = whole_number(result.reals[i]);
  return single(std::move(whole));
}

// ------------------------------------------------------------------------------------ softmax

/// Since opset 13 over one axis; before, over it and all behind it.
RefResults softmax(const RefCall& call) {
  const RefTensor& x = call.input(0);
  const bool flattened = call.opset < 13, logarithm = call.node.operation == "LogSoftmax";
  const size_t axis = axis_of(call.integer("axis", flattened ? 1 : -1), x.shape.size());
  const size_t size = flattened ? product(x.shape, axis, x.shape.size()) : x.shape[axis];
  const size_t inner = flattened ? 1 : product(x.shape, axis + 1, x.shape.size());
  call.spend(x.size());
  RefTensor result = make_reals(x.shape);
  for (size_t line = 0; size > 0 && line < result.reals.size() / size; ++line) {
    const size_t first = line / inner * size * inner + line % inner;
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (size_t i = 0; i < size; ++i) largest = std::max(largest, x.number(first + i * inner));
    for (size_t i = 0; i < size; ++i) sum += std::exp(x.number(first + i * inner) - largest);
    for (size_t i = 0; i < size; ++i) {
      const double shifted = x.number(first + i * inner) - largest;
      result.reals[first + i * inner] = logarithm ? shifted - std::log(sum) : std::exp(shifted) / sum;
    }
  }
  return single(std::move(result));
}

// ------------------------------------------------------------------------------------ norms

RefResults batch_normalization(const RefCall& call) {
  const RefTensor& x = call.input(0);
  if (call.integer("training_mode", 0) != 0 || call.integer("spatial", 1) == 0)
    throw ConvertError("is in training mode");
  if (x.shape.size() < 2) throw ConvertError("normalises a tensor without channels");
  const double epsilon = call.real("epsilon", 9.9999997473787516e-06);  // 1e-5 as a float
  const size_t channels = x.shape[1], inner = product(x.shape, 2, x.shape.size());
  for (size_t i = 1; i < 5; ++i) {
    if (call.input(i).size() != channels) throw ConvertError("has another number of channels");
  }
  call.spend(x.size());
  RefTensor result = make_reals(x.shape);
  for (size_t i = 0; i < result.reals.size(); ++i) {
    const size_t c = i / inner % channels;
    const double deviation = std::sqrt(call.input(4).number(c) + epsilon);
    result.reals[i] =
        call.input(1).number(c) * (x.number(i) - call.input(3).number(c)) / deviation + call.input(2).number(c);
  }
  return single(std::move(result));
}

/// LayerNormalization, and RMSNormalization, which has no mean and no bias.
RefResults normalization(const RefCall& call) {
  const RefTensor& x = call.input(0);
  const bool centred = call.node.operation == "LayerNormalization";
  const size_t axis = axis_of(call.integer("axis", -1), x.shape.size());
  const size_t size = product(x.shape, axis, x.shape.size());
  const double epsilon = call.real("epsilon", 9.9999997473787516e-06);
  call.spend(x.size());
  RefTensor result = make_reals(x.shape);
  for (size_t line = 0; size > 0 && line < result.reals.size(); line += size) {
    double mean = 0, variance = 0;
    for (size_t i = 0; centred && i < size; ++i) mean += x.number(line + i) / static_cast<double>(size);
    for (size_t i = 0; i < size; ++i) {
      const double centred_value = x.number(line + i) - mean;
      variance += centred_value * centred_value / static_cast<double>(size);
    }
    for (size_t i = 0; i < size; ++i)
      result.reals[line + i] = (x.number(line + i) - mean) / std::sqrt(variance + epsilon);
  }
  const RefTensor& scale = call.input(1);
  const RefTensor nothing = make_reals({1});
  const RefTensor& bias = call.has(2) ? call.input(2) : nothing;
  size_t i = 0;
  for (Walk walk(x.shape, {&scale, &bias}); !walk.done(); walk.next(), ++i) {
    result.reals[i] = result.reals[i] * scale.number(walk.at(0)) + bias.number(walk.at(1));
  }
  return single(std::move(result));
}

/// Each number with all before it along an axis.
RefResults running_sum(const RefCall& call) {
  RefTensor result = call.input(0);
  if (result.constant != nullptr) result.reals.assign(result.constant->begin(), result.constant->end());
  result.constant = nullptr;
  const size_t axis = axis_of(call.whole(1).integers.at(0), result.shape.size());
  const size_t size = result.shape[axis], inner = product(result.shape, axis + 1, result.shape.size());
  const bool exclusive = call.integer("exclusive", 0) != 0, reverse = call.integer("reverse", 0) != 0;
  call.spend(result.size());
  for (size_t first = 0; first < result.size(); ++first) {
    if (first / inner % size != 0) continue;
    double real = 0;
    int64_t whole = 0;
    for (size_t step = 0; step < size; ++step) {
      const size_t at = first + (reverse ? size - 1 - step : step) * inner;
      const double own = result.whole ? 0 : result.reals[at];
      const int64_t own_whole = result.whole ? result.integers[at] : 0;
      if (result.whole) result.integers[at] = exclusive ? whole : whole + own_whole;
      if (!result.whole) result.reals[at] = exclusive ? real : real + own;
      real += own;
      whole += own_whole;
    }
  }
  return single(std::move(result));
}

}  // namespace

RefTensor multiply_matrices(const RefCall& call, const RefTensor& a, const RefTensor& b) {
  return multiply(call, a, b);
}

RefFunction find_reference_sums(const std::string& operation) {
  static const std::map<std::string, RefFunction> kTable = {{"MatMul", matmul},
                                                            {"Gemm", gemm},
                                                            {"Einsum", einsum},
                                                            {"ReduceSum", reduce},
                                                            {"ReduceMean", reduce},
                                                            {"ReduceProd", reduce},
                                                            {"ReduceMax", reduce},
                                                            {"ReduceMin", reduce},
                                                            {"ReduceL1", reduce},
                                                            {"ReduceL2", reduce},
                                                            {"ReduceSumSquare", reduce},
                                                            {"ReduceLogSumExp", reduce},
                                                            {"CumSum", running_sum},
                                                            {"Softmax", softmax},
                                                            {"LogSoftmax", softmax},
                                                            {"BatchNormalization", batch_normalization},
                                                            {"LayerNormalization", normalization},
                                                            {"RMSNormalization", normalization}};
  const auto found = kTable.find(operation);
  return found == kTable.end() ? nullptr : found->second;
}

}  // namespace mmoe::converter
