// Operations that sum products: Gemm, MatMul, Einsum, ReduceSum, ReduceMean. All are followed as an Einsum.
#include <algorithm>
#include <map>
#include <string_view>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/recognise/functions.h"
#include "converter/recognise/graph_evaluator.h"
#include "converter/recognise/pooling.h"
#include "converter/recognise/selections.h"

namespace mmoe::converter {
namespace {

/// Axes as letters: those of the two operands, and those that the result keeps.
struct Equation {
  std::string a, b, out;
};

/// Every letter's size, and which of them are summed over.
class Plan {
 public:
  Plan(const Equation& equation, const TensorValue& a, const TensorValue& b) : equation_(equation) {
    add(equation.a, a);
    add(equation.b, b);
    for (const char letter : equation.out) {
      if (sizes_.count(letter) == 0) throw ConvertError("keeps an axis that no operand has");
    }
    for (const auto& entry : sizes_) {
      if (equation.out.find(entry.first) == std::string::npos) summed_ += entry.first;
    }
    if (batch_ != '\0' && equation.out.find(batch_) == std::string::npos) throw ConvertError("sums over the batch");
    require_same_for_all(equation.a, a);
    require_same_for_all(equation.b, b);
  }

  std::string summed() const { return summed_; }
  size_t size(char letter) const { return sizes_.at(letter); }
  char batch() const { return batch_; }

  std::vector<size_t> shape(const std::string& letters) const {
    std::vector<size_t> shape;
    for (const char letter : letters) shape.push_back(sizes_.at(letter));
    return shape;
  }

 private:
  void add(const std::string& letters, const TensorValue& value) {
    if (letters.size() != value.rank())
      throw ConvertError("names another number of axes than " + value_shape_text(value));
    for (size_t axis = 0; axis < letters.size(); ++axis) {
      const char letter = letters[axis];
      if (letters.find(letter) != axis) throw ConvertError("takes a diagonal");
      if (value.is_rows() && axis == value.batch_axis) {
        if (batch_ != '\0' && batch_ != letter) throw ConvertError("has the batch on two axes");
        batch_ = letter;
      }
      const auto [at, fresh] = sizes_.emplace(letter, value.shape[axis]);
      if (!fresh && at->second != value.shape[axis]) {
        throw ConvertError("sizes " + std::to_string(at->second) + " and " + std::to_string(value.shape[axis]) +
                           " do not go together");
      }
    }
  }

  void require_same_for_all(const std::string& letters, const TensorValue& value) const {
    const size_t axis = letters.find(batch_);
    const bool differs = !value.is_rows() && axis != std::string::npos && value.shape[axis] != 1;
    if (differs) throw ConvertError("multiplies by a constant that differs along the batch");
  }

  Equation equation_;
  std::map<char, size_t> sizes_;
  std::string summed_;
  char batch_ = '\0';
};

/// Where the letters' current numbers lie in a row-major operand.
class Cursor {
 public:
  Cursor(const std::string& letters, const Plan& plan) : letters_(letters), shape_(plan.shape(letters)) {}
  size_t position(const std::map<char, size_t>& numbers) const {
    size_t position = 0;
    for (size_t axis = 0; axis < letters_.size(); ++axis)
      position = position * shape_[axis] + numbers.at(letters_[axis]);
    return position;
  }

 private:
  std::string letters_;
  std::vector<size_t> shape_;
};

/// Calls `visit` for all numbers of `letters`, last one fastest.
template <typename Visit>
void for_each(const Plan& plan, const std::string& letters, std::map<char, size_t>& numbers, Visit visit) {
  const std::vector<size_t> shape = plan.shape(letters);
  std::vector<size_t> index(shape.size(), 0);
  const size_t count = count_elements(shape);
  for (size_t i = 0; i < count; ++i) {
    for (size_t axis = 0; axis < letters.size(); ++axis) numbers[letters[axis]] = index[axis];
    visit();
    next_index(shape, index);
  }
}

TensorValue result_like(const Plan& plan, const std::string& out) {
  TensorValue like;
  like.kind = TensorKind::kRows;
  like.shape = plan.shape(out);
  like.batch_axis = out.find(plan.batch());
  return like;
}

std::string letters_in(const std::string& letters, const std::string& set, bool wanted) {
  std::string result;
  for (const char letter : letters) {
    if ((set.find(letter) != std::string::npos) == wanted) result += letter;
  }
  return result;
}

/// Rows times rows: sums of products.
TensorValue multiply_rows(const NodeCall& call, const Equation& equation, const TensorValue& a, const TensorValue& b) {
  const Plan plan(equation, a, b);
  const Cursor in_a(equation.a, plan), in_b(equation.b, plan);
  const size_t outputs = count_elements(plan.shape(equation.out));
  const size_t terms = count_elements(plan.shape(plan.summed()));
  call.expressions.charge(count_elements({outputs, terms}));
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  std::map<char, size_t> numbers;
  for_each(plan, equation.out, numbers, [&] {
    std::vector<Term> of_output;
    for_each(plan, plan.summed(), numbers, [&] {
      Term term;
      term.a = a.refs[in_a.position(numbers)];
      term.product = true;
      term.b = b.refs[in_b.position(numbers)];
      of_output.push_back(term);
    });
    sum.terms.push_back(std::move(of_output));
  });
  sum.columns = sum.terms.size();
  const TensorValue like = result_like(plan, equation.out);
  if (auto pooled = find_pooled_sum(call, sum, like)) return std::move(*pooled);
  if (auto scattered = find_scattered(call, sum, like)) return std::move(*scattered);
  return call.rows_of(std::move(sum), like);
}

/// Inputs that are constants, as a column of ones that is joined to x, are a bias.
void move_constants_to_bias(const Expressions& expressions, Expression& dense, Matrix& weight) {
  const auto is_constant = [&](Ref ref) { return expressions.of(ref).kind == ExpressionKind::kConstant; };
  const auto constants = static_cast<size_t>(std::count_if(dense.inputs.begin(), dense.inputs.end(), is_constant));
  if (constants == 0) return;
  if (constants == dense.inputs.size()) throw ConvertError("multiplies constants alone");
  std::vector<double> bias(weight.rows, 0.0);
  Matrix kept{weight.rows, weight.cols - constants, {}};
  for (size_t row = 0; row < weight.rows; ++row) {
    for (size_t i = 0; i < weight.cols; ++i) {
      const Ref input = dense.inputs[i];
      if (!is_constant(input)) kept.data.push_back(weight.at(row, i));
      if (is_constant(input)) bias[row] += double{weight.at(row, i)} * double{expressions.of(input).bias[input.column]};
    }
  }
  dense.inputs.erase(std::remove_if(dense.inputs.begin(), dense.inputs.end(), is_constant), dense.inputs.end());
  dense.bias.assign(bias.begin(), bias.end());
  weight = std::move(kept);
}

/// Rows times a constant: a dense layer for every combination of the axes that only the rows, or both, have.
TensorValue multiply_constant(const NodeCall& call, const Equation& equation, const TensorValue& rows,
                              const TensorValue& constant) {
  const Plan plan(equation, rows, constant);
  const std::string outputs = letters_in(letters_in(equation.out, equation.a, false), equation.b, true);
  const std::string outer = letters_in(equation.out, outputs, false);
  const std::string summed = plan.summed();
  for (const char letter : summed) {
    const bool in_rows = equation.a.find(letter) != std::string::npos;
    const bool in_constant = equation.b.find(letter) != std::string::npos;
    if (!in_rows || !in_constant) throw ConvertError("sums one operand alone");
  }
  const Cursor in_rows(equation.a, plan), in_constant(equation.b, plan), in_out(equation.out, plan);
  const size_t num_outputs = count_elements(plan.shape(outputs)), num_inputs = count_elements(plan.shape(summed));
  const size_t num_outer = count_elements(plan.shape(outer));
  call.expressions.charge(count_elements({num_outputs, num_inputs, num_outer}));
  TensorValue result = result_like(plan, equation.out);
  result.refs.resize(count_elements(result.shape));
  std::map<char, size_t> numbers;
  for_each(plan, outer, numbers, [&] {
    Expression dense;
    dense.kind = ExpressionKind::kDense;
    dense.node = call.index;
    dense.name = constant.name;
    dense.coded = constant.coded;
    dense.columns = num_outputs;
    Matrix weight{num_outputs, num_inputs, {}};
    std::vector<size_t> targets;
    for_each(plan, outputs, numbers, [&] {
      targets.push_back(in_out.position(numbers));
      for_each(plan, summed, numbers, [&] { weight.data.push_back(constant.floats[in_constant.position(numbers)]); });
    });
    if (num_outputs == 0 || num_inputs == 0) throw ConvertError("is a layer without inputs or outputs");
    for_each(plan, summed, numbers, [&] { dense.inputs.push_back(rows.refs[in_rows.position(numbers)]); });
    move_constants_to_bias(call.expressions, dense, weight);
    dense.weight = std::make_shared<const Matrix>(std::move(weight));
    const Vector columns = call.expressions.all(call.expressions.add(std::move(dense)));
    for (size_t i = 0; i < targets.size(); ++i) result.refs[targets[i]] = columns[i];
  });
  return result;
}

/// An axis of size 1 that the other operand has larger is repeated: the letter is left out instead.
void leave_out_ones(const std::string& shared, std::string& letters, TensorValue& value, const std::string& others,
                    const TensorValue& other) {
  for (const char letter : shared) {
    const size_t axis = letters.find(letter), in_other = others.find(letter);
    if (axis == std::string::npos || in_other == std::string::npos) continue;
    const bool batch = value.is_rows() && axis == value.batch_axis;
    const bool other_batch = other.is_rows() && in_other == other.batch_axis;
    if (batch || value.shape[axis] != 1 || (other.shape[in_other] == 1 && !other_batch)) continue;
    letters.erase(axis, 1);
    value.shape.erase(value.shape.begin() + static_cast<std::ptrdiff_t>(axis));
    if (value.is_rows() && value.batch_axis > axis) --value.batch_axis;
  }
}

TensorValue multiply(const NodeCall& call, Equation equation, const std::string& shared = "") {
  for (const size_t i : {size_t{0}, size_t{1}})
    static_cast<void>(call.input(i).is_rows() ? call.rows(i) : call.floats(i));
  TensorValue a = call.input(0), b = call.input(1);
  leave_out_ones(shared, equation.a, a, equation.b, b);
  leave_out_ones(shared, equation.b, b, equation.a, a);
  if (a.is_rows() && b.is_rows()) return multiply_rows(call, equation, a, b);
  if (a.is_rows()) return multiply_constant(call, equation, a, b);
  if (b.is_rows()) return multiply_constant(call, {equation.b, equation.a, equation.out}, b, a);
  throw ConvertError("multiplies two constants");
}

/// As numpy.matmul: the last two axes are matrices, the others repeat.
NodeResults matmul(const NodeCall& call) {
  const size_t rank_a = call.input(0).rank(), rank_b = call.input(1).rank();
  if (rank_a == 0 || rank_b == 0 || std::max(rank_a, rank_b) > 20) throw ConvertError("multiplies scalars");
  const size_t common = std::max(rank_a, rank_b) - std::min<size_t>(2, std::max(rank_a, rank_b));
  std::string shared;
  for (size_t i = 0; i < common; ++i) shared += static_cast<char>('A' + i);
  const auto leading = [&](size_t rank) {
    return rank > 2 ? shared.substr(shared.size() - (rank - 2)) : std::string();
  };
  Equation equation;
  equation.a = leading(rank_a) + (rank_a == 1 ? "k" : "mk");
  equation.b = leading(rank_b) + (rank_b == 1 ? "k" : "kn");
  equation.out = (rank_a > 2 || rank_b > 2 ? shared : "") + (rank_a == 1 ? "" : "m") + (rank_b == 1 ? "" : "n");
  return one(multiply(call, equation, shared));
}

constexpr std::string_view kDots = "ABCDEFGH";  // axes that dots stand for, the last ones of these

NodeResults einsum(const NodeCall& call) {
  const auto found = call.node.attributes.find("equation");
  std::string text = found != call.node.attributes.end() ? found->second.text : "";
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  const size_t comma = text.find(','), arrow = text.find("->");
  const bool supported = comma != std::string::npos && arrow != std::string::npos && comma < arrow &&
                         text.find(',', comma + 1) == std::string::npos;
  if (!supported) throw ConvertError("has the equation " + in_quotes(text) + "; expected two operands and a result");
  size_t most = 0;  // axes that the dots stand for
  const auto spell = [&](const std::string& part, size_t axes) {
    const size_t dots = part.find("...");
    if (dots == std::string::npos) return part;
    if (axes > kDots.size()) throw ConvertError("has the equation " + in_quotes(text) + ", whose dots do not fit");
    most = std::max(most, axes);
    return part.substr(0, dots) + std::string(kDots.substr(kDots.size() - axes)) + part.substr(dots + 3);
  };
  const auto operand = [&](const std::string& part, size_t rank) { return spell(part, rank + 3 - part.size()); };
  const std::string a = operand(text.substr(0, comma), call.input(0).rank());
  const std::string b = operand(text.substr(comma + 1, arrow - comma - 1), call.input(1).rank());
  return one(multiply(call, {a, b, spell(text.substr(arrow + 2), most)}));
}

void scale(Expressions& expressions, Expression& dense, float factor) {
  expressions.charge(dense.weight->data.size());
  Matrix scaled = *dense.weight;
  for (float& weight : scaled.data) weight *= factor;
  for (float& bias : dense.bias) bias *= factor;
  dense.weight = std::make_shared<const Matrix>(std::move(scaled));
}

void add_bias(Expression& dense, const TensorValue& bias, size_t outputs, float factor) {
  const std::vector<size_t> shape = {1, outputs};
  if (broadcast_shape(shape, bias.shape) != shape) throw ConvertError("has a bias that does not fit");
  dense.bias.resize(dense.columns, 0.0f);
  for (size_t i = 0; i < dense.columns; ++i) dense.bias[i] += factor * bias.floats[bias.floats.size() == 1 ? 0 : i];
}

/// alpha * a * b + beta * c, with a and b as they are or transposed.
NodeResults gemm(const NodeCall& call) {
  const float alpha = call.real("alpha", 1), beta = call.real("beta", 1);
  if (call.input(0).rank() != 2 || call.input(1).rank() != 2)
    throw ConvertError("multiplies something else than matrices");
  Equation equation;
  equation.a = call.integer("transA", 0) != 0 ? "km" : "mk";
  equation.b = call.integer("transB", 0) != 0 ? "nk" : "kn";
  equation.out = "mn";
  const TensorValue product = multiply(call, equation);
  const bool biased = call.has(2) && beta != 0;
  if (!biased && alpha == 1) return one(product);
  if (product.batch_axis != 0) throw ConvertError("scales, or adds to, a product that is no layer");
  // The dense layers made above, one for each row of the batch's axis, now scaled and with a bias.
  TensorValue result = product;
  const size_t outputs = product.shape[1];
  for (size_t at = 0; at < result.refs.size(); at += outputs) {
    Expression dense = call.expressions.of(result.refs[at]);
    if (dense.kind != ExpressionKind::kDense) throw ConvertError("scales, or adds to, a product that is no layer");
    if (alpha != 1) scale(call.expressions, dense, alpha);
    if (biased) add_bias(dense, call.floats(2), outputs, beta);
    const Vector columns = call.expressions.all(call.expressions.add(std::move(dense)));
    std::copy(columns.begin(), columns.end(), result.refs.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return one(std::move(result));
}

Ref larger_of(const NodeCall& call, Ref a, Ref b) {
  const auto add = [&](ExpressionKind kind, std::vector<Term> terms, const Vector& inputs) {
    Expression expression;
    expression.kind = kind;
    expression.node = call.index;
    expression.columns = 1;
    expression.inputs = inputs;
    expression.activation.kind = ActivationKind::kRelu;
    if (kind == ExpressionKind::kSum) expression.terms = {std::move(terms)};
    return Ref{call.expressions.add(std::move(expression)), 0};
  };
  const Ref difference = add(ExpressionKind::kSum, {{1, a, false, {}}, {-1, b, false, {}}}, {});
  const Ref positive = add(ExpressionKind::kActivation, {}, {difference});
  return add(ExpressionKind::kSum, {{1, b, false, {}}, {1, positive, false, {}}}, {});
}

/// What is reduced to each element of `like`; nothing where the node changes nothing.
struct Reduced {
  TensorValue like;
  std::vector<Vector> of_elements;
};

std::optional<Reduced> reduced(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  const std::vector<int64_t> given = call.list("axes", 1);
  if (given.empty() && call.integer("noop_with_empty_axes", 0) != 0) return std::nullopt;
  if (given.empty()) throw ConvertError("reduces all axes, the batch too");
  std::vector<bool> gone(value.rank(), false);
  for (const int64_t axis : given) gone[resolve_axis(axis, value.rank())] = true;
  if (gone[value.batch_axis]) throw ConvertError("reduces the batch");
  const bool keep = call.integer("keepdims", 1) != 0;
  std::vector<size_t> kept_shape;
  Reduced result;
  result.like.kind = TensorKind::kRows;
  for (size_t axis = 0; axis < value.rank(); ++axis) {
    kept_shape.push_back(gone[axis] ? 1 : value.shape[axis]);
    if (axis == value.batch_axis) result.like.batch_axis = result.like.shape.size();
    if (!gone[axis] || keep) result.like.shape.push_back(kept_shape.back());
  }
  result.of_elements.resize(count_elements(kept_shape));
  std::vector<size_t> index(value.rank(), 0);
  call.expressions.charge(value.refs.size());
  for (const Ref ref : value.refs) {
    result.of_elements[broadcast_position(kept_shape, index)].push_back(ref);
    next_index(value.shape, index);
  }
  return result;
}

NodeResults reduce(const NodeCall& call, bool mean) {
  const std::optional<Reduced> found = reduced(call);
  if (!found) return one(call.rows(0));
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  for (const Vector& vector : found->of_elements) {
    const float coefficient = mean ? 1 / static_cast<float>(vector.size()) : 1.0f;
    sum.terms.emplace_back();
    for (const Ref ref : vector) sum.terms.back().push_back({coefficient, ref, false, {}});
  }
  sum.columns = sum.terms.size();
  if (auto pooled = find_pooled_sum(call, sum, found->like)) return one(std::move(*pooled));
  if (auto scattered = find_scattered(call, sum, found->like)) return one(std::move(*scattered));
  return one(call.rows_of(std::move(sum), found->like));
}

NodeResults reduce_sum_of_squares(const NodeCall& call) {
  const std::optional<Reduced> found = reduced(call);
  if (!found) throw ConvertError("reduces no axis");
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  for (const Vector& vector : found->of_elements) {
    sum.terms.emplace_back();
    for (const Ref ref : vector) sum.terms.back().push_back({1, ref, true, ref});
  }
  sum.columns = sum.terms.size();
  return one(call.rows_of(std::move(sum), found->like));
}

NodeResults reduce_l2(const NodeCall& call) {
  const TensorValue squares = reduce_sum_of_squares(call).front();
  return one(apply_function(call, FunctionKind::kSqrt, {squares.refs}, squares));
}

/// Of numbers that are 1 or 0 the largest is their sum, kept below 2; nothing for others.
std::optional<TensorValue> find_any(const NodeCall& call, const std::vector<Vector>& of_elements,
                                    const TensorValue& like) {
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  sum.columns = of_elements.size();
  for (const Vector& vector : of_elements) {
    const bool truths =
        std::all_of(vector.begin(), vector.end(), [&](Ref ref) { return is_truth(call.expressions, ref); });
    if (!truths || vector.size() < 2) return std::nullopt;
    sum.terms.emplace_back();
    for (const Ref ref : vector) sum.terms.back().push_back({1, ref, false, {}});
  }
  Expression any;
  any.kind = ExpressionKind::kActivation;
  any.activation.kind = ActivationKind::kClamp;
  any.activation.alpha = 0;
  any.activation.beta = 1;
  any.truths = true;
  any.columns = sum.columns;
  any.inputs = call.rows_of(std::move(sum), like).refs;
  return call.rows_of(std::move(any), like);
}

NodeResults reduce_max(const NodeCall& call) {
  std::optional<Reduced> found = reduced(call);
  if (!found) return one(call.rows(0));
  for (const auto find : {find_pooled_maximum, find_masked_maximum, find_chosen_maximum}) {
    if (auto pooled = find(call, found->of_elements, found->like)) return one(std::move(*pooled));
  }
  if (auto any = find_any(call, found->of_elements, found->like)) return one(std::move(*any));
  require_no_masked_maximum(call.expressions, found->of_elements);
  TensorValue like = found->like;
  for (const Vector& vector : found->of_elements) like.refs.push_back(largest_of(call, vector));
  return one(std::move(like));
}

/// Sums of products that others read too are made once for each pair.
NodeResults reduce_product(const NodeCall& call) {
  const std::optional<Reduced> found = reduced(call);
  if (!found) return one(call.rows(0));
  std::vector<Vector> vectors = found->of_elements;
  if (vectors.empty() || vectors.front().empty()) throw ConvertError("is the product of nothing");
  while (vectors.front().size() > 1) {
    Expression products;
    products.kind = ExpressionKind::kSum;
    products.node = call.index;
    products.columns = vectors.size();
    for (const Vector& vector : vectors) products.terms.push_back({{1, vector[0], true, vector[1]}});
    const Vector made = call.expressions.all(call.expressions.add(std::move(products)));
    for (size_t i = 0; i < vectors.size(); ++i) {
      vectors[i].erase(vectors[i].begin());
      vectors[i].front() = made[i];
    }
  }
  TensorValue like = found->like;
  for (const Vector& vector : vectors) like.refs.push_back(vector.front());
  return one(std::move(like));
}

NodeResults reduce_sum(const NodeCall& call) { return reduce(call, false); }
NodeResults reduce_mean(const NodeCall& call) { return reduce(call, true); }

}  // namespace

/// Pairs become b + relu(a - b), until one is left.
Ref largest_of(const NodeCall& call, Vector vector) {
  if (vector.empty()) throw ConvertError("is the largest of nothing");
  while (vector.size() > 1) {
    Vector larger;
    for (size_t i = 0; i + 1 < vector.size(); i += 2) larger.push_back(larger_of(call, vector[i], vector[i + 1]));
    if (vector.size() % 2 != 0) larger.push_back(vector.back());
    vector = std::move(larger);
  }
  return vector.front();
}

NodeFunction find_contraction(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {{"Gemm", gemm},
                                                             {"MatMul", matmul},
                                                             {"Einsum", einsum},
                                                             {"ReduceSum", reduce_sum},
                                                             {"ReduceMean", reduce_mean},
                                                             {"ReduceMax", reduce_max},
                                                             {"ReduceProd", reduce_product},
                                                             {"ReduceL2", reduce_l2},
                                                             {"ReduceSumSquare", reduce_sum_of_squares}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
