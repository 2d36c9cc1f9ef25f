// Operations on constants alone: what a graph calculates of shapes and weights before any row comes.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "converter/error.h"
#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {
namespace {

bool is_symbol(int64_t value) { return depends_on_batch(value); }

// ------------------------------------------------------------------------------------ two numbers

using FloatFunction = float (*)(float, float);
using IntegerFunction = int64_t (*)(int64_t, int64_t);

[[noreturn]] void overflow() { throw ConvertError("calculates with whole numbers beyond 2^63"); }

int64_t add(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) overflow();
  return result;
}

int64_t subtract(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_sub_overflow(a, b, &result)) overflow();
  return result;
}

int64_t multiply(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) overflow();
  return result;
}

void require_divisor(int64_t a, int64_t b) {
  if (b == 0) throw ConvertError("divides by zero");
  if (b == -1 && a == std::numeric_limits<int64_t>::min()) overflow();
}

int64_t divide(int64_t a, int64_t b) {
  require_divisor(a, b);
  return a / b;
}

/// With the sign of the divisor, as Mod without fmod.
int64_t modulo(int64_t a, int64_t b) {
  require_divisor(a, b);
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

int64_t power(int64_t a, int64_t b) {
  if (b < 0 || b > 64) throw ConvertError("raises a whole number to the power of " + std::to_string(b));
  int64_t result = 1;
  for (int64_t i = 0; i < b; ++i) result = multiply(result, a);
  return result;
}

/// What is known of a result of the batch's size, which is 1 or more.
int64_t calculate_with_batch(const std::string& operation, int64_t a, int64_t b) {
  const bool first = is_symbol(a);
  const int64_t symbol = first ? a : b, other = first ? b : a;
  if (operation == "Mul" && other == 0) return 0;
  if ((operation == "Mul" && other == 1) || (operation == "Div" && first && other == 1)) return symbol;
  if ((operation == "Add" || (operation == "Sub" && first)) && other == 0) return symbol;
  const size_t times = times_of_batch(symbol);
  if (times != 0 && !is_symbol(other) && other > 0) {
    const auto number = static_cast<size_t>(other);
    if (operation == "Mul") return times <= kMostBatchTimes / number ? batch_times(times * number) : kUnknownSize;
    if (operation == "Div" && first && times % number == 0) return batch_times(times / number);
  }
  if (times != 0 && b == kBatchSize && operation == "Div") return static_cast<int64_t>(times);
  if (times != 0 && a == b) {
    if (operation == "Sub") return 0;
    if (operation == "Div") return 1;
    if (operation == "Max" || operation == "Min") return symbol;
  }
  if (symbol == kBatchSize && !is_symbol(other) && other <= 1) {
    if (operation == "Max") return kBatchSize;
    if (operation == "Min") return other;
  }
  return kUnknownSize;
}

struct Arithmetic {
  FloatFunction floats;
  IntegerFunction integers;
};

const std::map<std::string, Arithmetic>& arithmetic_table() {
  static const std::map<std::string, Arithmetic> kTable = {
      {"Add", {[](float a, float b) { return a + b; }, add}},
      {"Sub", {[](float a, float b) { return a - b; }, subtract}},
      {"Mul", {[](float a, float b) { return a * b; }, multiply}},
      {"Div", {[](float a, float b) { return a / b; }, divide}},
      {"Pow", {[](float a, float b) { return std::pow(a, b); }, power}},
      {"Max",
       {[](float a, float b) { return a < b || std::isnan(b) ? b : a; },
        [](int64_t a, int64_t b) { return std::max(a, b); }}},
      {"Min",
       {[](float a, float b) { return b < a || std::isnan(b) ? b : a; },
        [](int64_t a, int64_t b) { return std::min(a, b); }}},
      {"Mod", {[](float a, float b) { return std::fmod(a, b); }, modulo}},
      {"Sum", {[](float a, float b) { return a + b; }, add}}};
  return kTable;
}

template <typename Visit>
void for_each_pair(const TensorValue& frame, const TensorValue& a, const TensorValue& b, Visit visit) {
  std::vector<size_t> index(frame.rank(), 0);
  const size_t count = count_elements(frame.shape);
  for (size_t i = 0; i < count; ++i, next_index(frame.shape, index)) {
    visit(broadcast_position(a.shape, index), broadcast_position(b.shape, index));
  }
}

TensorValue frame_of(const NodeCall& call, const TensorValue& a, const TensorValue& b) {
  if (a.kind != b.kind) throw ConvertError("mixes floats and whole numbers");
  TensorValue frame = broadcast_frame(a, b);
  call.expressions.charge(count_elements(frame.shape));
  frame.name = a.name.empty() ? b.name : a.name;
  return frame;
}

TensorValue calculate(const NodeCall& call, const TensorValue& a, const TensorValue& b) {
  const std::string& operation = call.node.operation;
  const Arithmetic& function = arithmetic_table().at(operation);
  TensorValue result = frame_of(call, a, b);
  result.kind = a.kind;
  if (operation == "Mod" && a.kind == TensorKind::kFloats && call.integer("fmod", 0) == 0) {
    throw ConvertError("is a Mod of floats without fmod");
  }
  for_each_pair(result, a, b, [&](size_t in_a, size_t in_b) {
    if (a.kind == TensorKind::kFloats) {
      result.floats.push_back(function.floats(a.floats[in_a], b.floats[in_b]));
      return;
    }
    const int64_t x = a.integers[in_a], y = b.integers[in_b];
    const bool symbol = is_symbol(x) || is_symbol(y);
    result.integers.push_back(symbol ? calculate_with_batch(operation, x, y) : function.integers(x, y));
  });
  return result;
}

/// Two inputs, or any number that are joined one after the other.
NodeResults arithmetic(const NodeCall& call) {
  TensorValue result = call.input(0);
  for (size_t i = 1; i < call.num_inputs(); ++i) result = calculate(call, result, call.input(i));
  return one(std::move(result));
}

// ------------------------------------------------------------------------------------ comparisons and logic

template <typename Number>
bool holds(const std::string& operation, Number a, Number b) {
  if (operation == "Equal") return a == b;
  if (operation == "Less") return a < b;
  if (operation == "LessOrEqual") return a <= b;
  if (operation == "Greater") return a > b;
  return a >= b;
}

/// The batch's size, which is at least 1, is different from every number below and more. What it decides is not known.
int64_t holds_with_batch(const std::string& operation, int64_t a, int64_t b) {
  if (times_of_batch(a) != 0 && times_of_batch(b) != 0) return holds(operation, times_of_batch(a), times_of_batch(b));
  const int64_t other = is_symbol(a) ? b : a;
  if (a == kUnknownSize || b == kUnknownSize || is_symbol(other) || other > 0) return kUnknownSize;
  return is_symbol(a) ? holds<int64_t>(operation, 1, other) : holds<int64_t>(operation, other, 1);
}

NodeResults compare(const NodeCall& call) {
  const TensorValue &a = call.input(0), &b = call.input(1);
  TensorValue result = frame_of(call, a, b);
  result.kind = TensorKind::kIntegers;
  const std::string& operation = call.node.operation;
  for_each_pair(result, a, b, [&](size_t in_a, size_t in_b) {
    if (a.kind == TensorKind::kFloats) {
      result.integers.push_back(holds(operation, a.floats[in_a], b.floats[in_b]));
    } else {
      const int64_t x = a.integers[in_a], y = b.integers[in_b];
      result.integers.push_back(is_symbol(x) || is_symbol(y) ? holds_with_batch(operation, x, y)
                                                             : holds(operation, x, y));
    }
  });
  return one(std::move(result));
}

NodeResults logic(const NodeCall& call) {
  const TensorValue &a = call.input(0), &b = call.input(1);
  TensorValue result = frame_of(call, a, b);
  result.kind = TensorKind::kIntegers;
  const std::string& operation = call.node.operation;
  for_each_pair(result, a, b, [&](size_t in_a, size_t in_b) {
    const bool unknown = a.integers[in_a] == kUnknownSize || b.integers[in_b] == kUnknownSize;
    const int64_t other = a.integers[in_a] == kUnknownSize ? b.integers[in_b] : a.integers[in_a];
    const bool decided = operation == "And" ? other == 0 : operation == "Or" && other != 0 && other != kUnknownSize;
    const bool x = a.integers[in_a] != 0, y = b.integers[in_b] != 0;
    const bool holds = operation == "And" ? x && y : operation == "Or" ? x || y : x != y;
    result.integers.push_back(unknown && !decided ? kUnknownSize : holds);
  });
  return one(std::move(result));
}

NodeResults negate_truth(const NodeCall& call) {
  TensorValue value = call.input(0);
  if (value.kind != TensorKind::kIntegers) throw ConvertError("negates what is no truth value");
  for (int64_t& element : value.integers) element = element == kUnknownSize ? kUnknownSize : element == 0;
  return one(std::move(value));
}

// ------------------------------------------------------------------------------------ one number

NodeResults unary(const NodeCall& call) {
  static const std::map<std::string, double (*)(double)> kTable = {
      {"Abs", std::fabs},
      {"Ceil", std::ceil},
      {"Erf", std::erf},
      {"Exp", std::exp},
      {"Floor", std::floor},
      {"Log", std::log},
      {"Neg", [](double x) { return -x; }},
      {"Reciprocal", [](double x) { return 1 / x; }},
      {"Relu", [](double x) { return x < 0 ? 0 : x; }},
      {"Round", std::nearbyint},
      {"Sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
      {"Sign", [](double x) { return x > 0   ? 1.0
                                     : x < 0 ? -1.0
                                             : x; }},
      {"Softplus", [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }},
      {"Sqrt", std::sqrt},
      {"Tanh", std::tanh}};
  const auto function = kTable.at(call.node.operation);
  TensorValue value = call.input(0);
  for (float& element : value.floats) element = static_cast<float>(function(static_cast<double>(element)));
  if (value.kind == TensorKind::kIntegers) {
    value.integers = call.integers(0);
    for (int64_t& element : value.integers) {
      if (is_symbol(element)) throw ConvertError("calculates with the batch's size");
      const int64_t sign = (element > 0) - (element < 0);
      element = call.node.operation == "Neg"    ? subtract(0, element)
                : call.node.operation == "Abs"  ? multiply(sign, element)
                : call.node.operation == "Sign" ? sign
                : call.node.operation == "Relu" ? std::max<int64_t>(0, element)
                                                : throw ConvertError("calculates floats of whole numbers");
    }
  }
  return one(std::move(value));
}

/// Over one axis; before opset 13 over it and all behind it.
NodeResults softmax(const NodeCall& call) {
  TensorValue value = call.input(0);
  static_cast<void>(call.floats(0));
  const bool flattened = call.opset < 13;
  const size_t axis = resolve_axis(call.integer("axis", flattened ? 1 : -1), value.rank());
  if (value.has_batch() && (axis == value.batch_axis || (flattened && axis < value.batch_axis))) {
    throw ConvertError("is a softmax over the batch");
  }
  size_t size = value.shape[axis], inner = 1;
  for (size_t i = axis + 1; i < value.rank(); ++i) (flattened ? size : inner) *= value.shape[i];
  for (size_t block = 0; block < value.floats.size(); block += size * inner) {
    for (size_t k = block; k < block + inner; ++k) {
      double largest = -std::numeric_limits<double>::infinity(), sum = 0;
      const auto at = [&](size_t i) -> float& { return value.floats[k + i * inner]; };
      for (size_t i = 0; i < size; ++i) largest = std::max(largest, static_cast<double>(at(i)));
      for (size_t i = 0; i < size; ++i) sum += std::exp(static_cast<double>(at(i)) - largest);
      for (size_t i = 0; i < size; ++i) {
        at(i) = static_cast<float>(std::exp(static_cast<double>(at(i)) - largest) / sum);
      }
    }
  }
  return one(std::move(value));
}

/// The second of two values at the places of indices, the first elsewhere.
NodeResults one_hot_constant(const NodeCall& call) {
  const std::vector<int64_t> indices = call.integers(0), depth = call.integers(1);
  const TensorValue& values = call.input(2);
  if (depth.size() != 1 || depth[0] < 1 || depth[0] > 1 << 16 || values.size() != 2)
    throw ConvertError("is no one-hot vector of up to 65536 places");
  const auto size = static_cast<size_t>(depth[0]);
  if (resolve_axis(call.integer("axis", -1), call.input(0).rank() + 1) != call.input(0).rank())
    throw ConvertError("puts its places on another axis than the last");
  TensorValue result = call.input(0);
  result.shape.push_back(size);
  result.kind = values.kind;
  result.dtype.clear();
  result.integers.clear();
  call.expressions.charge(count_elements(result.shape));
  for (const int64_t index : indices) {
    const int64_t place = index < 0 ? index + depth[0] : index;
    for (size_t i = 0; i < size; ++i) {
      const size_t which = static_cast<int64_t>(i) == place ? 1 : 0;
      if (values.kind == TensorKind::kFloats) result.floats.push_back(values.floats[which]);
      if (values.kind == TensorKind::kIntegers) result.integers.push_back(values.integers[which]);
    }
  }
  return one(std::move(result));
}

// ------------------------------------------------------------------------------------ all numbers of some axes

/// The axes that a reduction sums over; nothing when it does nothing.
std::optional<std::vector<bool>> reduced_axes(const NodeCall& call, const TensorValue& value) {
  const std::vector<int64_t> given = call.list("axes", 1);
  if (given.empty() && call.integer("noop_with_empty_axes", 0) != 0) return std::nullopt;
  std::vector<bool> reduced(value.rank(), given.empty());
  for (const int64_t axis : given) reduced[resolve_axis(axis, value.rank())] = true;
  if (value.has_batch() && reduced[value.batch_axis]) throw ConvertError("sums over the batch");
  return reduced;
}

template <typename Number, typename Join>
std::vector<Number> join_into(const TensorValue& value, const std::vector<Number>& elements,
                              const std::vector<size_t>& kept, Join join) {
  std::vector<Number> results(count_elements(kept));
  std::vector<bool> begun(results.size(), false);
  std::vector<size_t> index(value.rank(), 0);
  for (const Number element : elements) {
    const size_t at = broadcast_position(kept, index);
    results[at] = begun[at] ? join(results[at], element) : element;
    begun[at] = true;
    next_index(value.shape, index);
  }
  if (std::count(begun.begin(), begun.end(), false) != 0) throw ConvertError("reduces an axis without elements");
  return results;
}

NodeResults reduce(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  const auto reduced = reduced_axes(call, value);
  if (!reduced) return one(value);
  const std::string operation = call.node.operation == "ReduceProd"  ? "Mul"
                                : call.node.operation == "ReduceMax" ? "Max"
                                : call.node.operation == "ReduceMin" ? "Min"
                                                                     : "Add";
  std::vector<size_t> kept = value.shape, shape;
  size_t count = 1, batch_axis = 0;
  const bool keep = call.integer("keepdims", 1) != 0;
  for (size_t axis = 0; axis < value.rank(); ++axis) {
    if ((*reduced)[axis]) {
      count *= kept[axis];
      kept[axis] = 1;
    }
    if (axis == value.batch_axis) batch_axis = shape.size();
    if (keep || !(*reduced)[axis]) shape.push_back(kept[axis]);
  }
  TensorValue result;
  result.kind = value.kind;
  result.per_row = value.per_row;
  result.batch_axis = batch_axis;
  result.shape = shape;
  const Arithmetic& function = arithmetic_table().at(operation);
  if (value.kind == TensorKind::kFloats) {
    const bool mean = call.node.operation == "ReduceMean";
    result.floats = join_into(value, value.floats, kept, function.floats);
    for (float& element : result.floats) element /= mean ? static_cast<float>(count) : 1.0f;
    return one(std::move(result));
  }
  if (call.node.operation == "ReduceMean") throw ConvertError("takes the mean of whole numbers");
  result.integers = join_into(value, value.integers, kept, [&](int64_t a, int64_t b) {
    return is_symbol(a) || is_symbol(b) ? calculate_with_batch(operation, a, b) : function.integers(a, b);
  });
  return one(std::move(result));
}

/// A triangle of the last two axes; zeros beside it.
NodeResults triangle(const NodeCall& call) {
  TensorValue value = call.input(0);
  const std::vector<int64_t> shifts = call.has(1) ? call.integers(1) : std::vector<int64_t>{0};
  if (value.rank() < 2 || shifts.size() != 1) throw ConvertError("takes a triangle of what is no matrix");
  const bool upper = call.integer("upper", 1) != 0;
  const size_t columns = value.shape.back(), rows = value.shape[value.rank() - 2];
  for (size_t i = 0; i < value.size(); ++i) {
    const auto row = static_cast<int64_t>(i / columns % rows), column = static_cast<int64_t>(i % columns);
    const double beyond = static_cast<double>(column - row) - static_cast<double>(shifts[0]);
    if (upper ? beyond >= 0 : beyond <= 0) continue;
    if (value.kind == TensorKind::kFloats) value.floats[i] = 0;
    if (value.kind == TensorKind::kIntegers) value.integers[i] = 0;
  }
  return one(std::move(value));
}

// ------------------------------------------------------------------------------------ counting

int64_t single(const NodeCall& call, size_t which) {
  const std::vector<int64_t> values = call.integers(which);
  if (values.size() != 1) throw ConvertError("has a list where one number is expected");
  if (is_symbol(values[0])) throw ConvertError("counts the rows of the batch");
  return values[0];
}

/// Of the rows of the batch: 0, step, 2 step, ..., one for each; nothing for other counts.
std::optional<TensorValue> count_rows(const NodeCall& call) {
  const std::vector<int64_t> start = call.sizes(0), limit = call.sizes(1), step = call.sizes(2);
  const size_t times = limit.size() == 1 ? times_of_batch(limit[0]) : 0;
  const bool each = start == std::vector<int64_t>{0} && times != 0 && step == std::vector<int64_t>{int64_t(times)};
  if (!each) return std::nullopt;
  TensorValue result;
  result.kind = TensorKind::kIntegers;
  result.shape = {1};
  result.integers = {0};
  result.per_row = true;
  result.row_numbers.step = times;
  return result;
}

NodeResults range(const NodeCall& call) {
  if (call.input(0).kind != TensorKind::kIntegers) throw ConvertError("counts in floats; expected whole numbers");
  if (auto rows = count_rows(call)) return one(std::move(*rows));
  const int64_t start = single(call, 0), limit = single(call, 1), step = single(call, 2);
  if (step == 0) throw ConvertError("counts in steps of 0");
  TensorValue result;
  result.kind = TensorKind::kIntegers;
  for (int64_t at = start; step > 0 ? at < limit : at > limit; at = add(at, step)) {
    call.expressions.charge(1);
    result.integers.push_back(at);
  }
  result.shape = {result.integers.size()};
  return one(std::move(result));
}

/// The positions of elements that are not 0, as [axes, how many].
NodeResults non_zero(const NodeCall& call) {
  const TensorValue& value = call.input(0);
  if (value.has_batch()) throw ConvertError("finds elements in rows of the batch");
  if (value.kind == TensorKind::kIntegers) static_cast<void>(call.integers(0));
  std::vector<std::vector<size_t>> found;
  std::vector<size_t> index(value.rank(), 0);
  for (size_t i = 0; i < value.size(); ++i, next_index(value.shape, index)) {
    const bool zero = value.kind == TensorKind::kFloats ? value.floats[i] == 0 : value.integers[i] == 0;
    if (!zero) found.push_back(index);
  }
  TensorValue result;
  result.kind = TensorKind::kIntegers;
  result.shape = {value.rank(), found.size()};
  call.expressions.charge(count_elements(result.shape));
  for (size_t axis = 0; axis < value.rank(); ++axis) {
    for (const std::vector<size_t>& position : found) result.integers.push_back(static_cast<int64_t>(position[axis]));
  }
  return one(std::move(result));
}

}  // namespace

NodeFunction find_constant_operation(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {{"Add", arithmetic},
                                                             {"Sub", arithmetic},
                                                             {"Mul", arithmetic},
                                                             {"Div", arithmetic},
                                                             {"Pow", arithmetic},
                                                             {"Max", arithmetic},
                                                             {"Min", arithmetic},
                                                             {"Mod", arithmetic},
                                                             {"Sum", arithmetic},
                                                             {"Equal", compare},
                                                             {"Less", compare},
                                                             {"LessOrEqual", compare},
                                                             {"Greater", compare},
                                                             {"GreaterOrEqual", compare},
                                                             {"And", logic},
                                                             {"Or", logic},
                                                             {"Xor", logic},
                                                             {"Not", negate_truth},
                                                             {"Abs", unary},
                                                             {"Ceil", unary},
                                                             {"Exp", unary},
                                                             {"Floor", unary},
                                                             {"Log", unary},
                                                             {"Neg", unary},
                                                             {"Reciprocal", unary},
                                                             {"Relu", unary},
                                                             {"Round", unary},
                                                             {"Sigmoid", unary},
                                                             {"Sign", unary},
                                                             {"Sqrt", unary},
                                                             {"Tanh", unary},
                                                             {"Softmax", softmax},
                                                             {"ReduceSum", reduce},
                                                             {"ReduceProd", reduce},
                                                             {"ReduceMax", reduce},
                                                             {"ReduceMin", reduce},
                                                             {"ReduceMean", reduce},
                                                             {"Range", range},
                                                             {"OneHot", one_hot_constant},
                                                             {"NonZero", non_zero},
                                                             {"Trilu", triangle},
                                                             {"Erf", unary},
                                                             {"Softplus", unary}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
