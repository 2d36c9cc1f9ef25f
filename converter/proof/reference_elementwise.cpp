// Reference semantics of ONNX's operators on every element for itself, and of casts.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "converter/error.h"
#include "converter/proof/reference_tensor.h"

namespace mmoe::converter {
namespace {

// ------------------------------------------------------------------------------------ one number

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }
double normal_distribution(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

template <typename Function>
RefResults map_reals(const RefCall& call, Function function) {
  const RefTensor& x = call.input(0);
  call.spend(x.size());
  RefTensor result = make_reals(x.shape);
  for (size_t i = 0; i < result.reals.size(); ++i) result.reals[i] = function(x.number(i));
  return single(std::move(result));
}

/// Without attributes. Whole numbers stay whole.
RefResults simple(const RefCall& call) {
  static const std::map<std::string, double (*)(double)> kTable = {
      {"Abs", std::fabs},
      {"Ceil", std::ceil},
      {"Erf", std::erf},
      {"Erfc", std::erfc},
      {"Exp", std::exp},
      {"Floor", std::floor},
      {"HardSwish", [](double x) { return x * std::clamp(x / 6 + 0.5, 0.0, 1.0); }},
      {"Log", std::log},
      {"Mish", [](double x) { return x * std::tanh(softplus(x)); }},
      {"Neg", [](double x) { return -x; }},
      {"Reciprocal", [](double x) { return 1 / x; }},
      {"Relu", [](double x) { return x < 0 ? 0 : x; }},
      {"Round", std::nearbyint},
      {"Sigmoid", sigmoid},
      {"Sign", sign},
      {"Softplus", softplus},
      {"Softsign", [](double x) { return x / (1 + std::fabs(x)); }},
      {"Sqrt", std::sqrt},
      {"Tanh", std::tanh}};
  const auto function = kTable.at(call.node.operation);
  RefResults results = map_reals(call, function);
  if (!call.input(0).whole) return results;
  RefTensor whole = make_integers(call.input(0).shape);
  for (size_t i = 0; i < whole.integers.size(); ++i) whole.integers[i] = whole_number(results[0].reals[i]);
  return single(std::move(whole));
}

/// Of ONNX's own domain for machine learning: (x - offset) * scale, by the last axis.
RefResults scale_columns(const RefCall& call) {
  const RefTensor& x = call.input(0);
  const auto number = [&](const char* name, size_t column, double otherwise) {
    const auto found = call.node.attributes.find(name);
    if (found == call.node.attributes.end() || found->second.reals.empty()) return otherwise;
    const std::vector<float>& given = found->second.reals;
    return static_cast<double>(given.size() == 1 ? given[0] : given.at(column));
  };
  call.spend(x.size());
  RefTensor result = make_reals(x.shape);
  const size_t columns = x.shape.empty() ? 1 : x.shape.back();
  for (size_t i = 0; i < result.reals.size(); ++i)
    result.reals[i] = (x.number(i) - number("offset", i % columns, 0)) * number("scale", i % columns, 1);
  return single(std::move(result));
}

RefResults leaky_relu(const RefCall& call) {
  const double alpha = call.real("alpha", 0.01);
  return map_reals(call, [=](double x) { return x < 0 ? alpha * x : x; });
}

RefResults elu(const RefCall& call) {
  const double alpha = call.real("alpha", 1);
  return map_reals(call, [=](double x) { return x < 0 ? alpha * std::expm1(x) : x; });
}

RefResults celu(const RefCall& call) {
  const double alpha = call.real("alpha", 1);
  return map_reals(call, [=](double x) { return x < 0 ? alpha * std::expm1(x / alpha) : x; });
}

RefResults selu(const RefCall& call) {
  const double alpha = call.real("alpha", 1.67326319217681884765625),
               gamma = call.real("gamma", 1.05070102214813232421875);
  return map_reals(call, [=](double x) { return gamma * (x <= 0 ? alpha * std::expm1(x) : x); });
}

RefResults hard_sigmoid(const RefCall& call) {
  const double alpha = call.real("alpha", 0.2), beta = call.real("beta", 0.5);
  return map_reals(call, [=](double x) { return std::clamp(alpha * x + beta, 0.0, 1.0); });
}

RefResults thresholded_relu(const RefCall& call) {
  const double alpha = call.real("alpha", 1);
  return map_reals(call, [=](double x) { return x > alpha ? x : 0; });
}

RefResults swish(const RefCall& call) {
  const double alpha = call.real("alpha", 1);
  return map_reals(call, [=](double x) { return x * sigmoid(alpha * x); });
}

RefResults gelu(const RefCall& call) {
  const std::string approximate = call.text("approximate", "none");
  if (approximate == "none") return map_reals(call, [](double x) { return x * normal_distribution(x); });
  if (approximate != "tanh") throw ConvertError("has an unknown approximation");
  return map_reals(call, [](double x) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
  });
}

RefResults clip(const RefCall& call) {
  double lower = -std::numeric_limits<double>::infinity(), upper = std::numeric_limits<double>::infinity();
  if (call.opset < 11) {
    lower = call.real("min", lower);
    upper = call.real("max", upper);
  } else {
    if (call.has(1)) lower = call.scalar(1);
    if (call.has(2)) upper = call.scalar(2);
  }
  const RefTensor& x = call.input(0);
  if (!x.whole) return map_reals(call, [=](double value) { return std::min(std::max(value, lower), upper); });
  RefTensor result = x;
  for (int64_t& value : result.integers) {
    const auto number = static_cast<double>(value);
    value = number > upper ? whole_number(upper) : number < lower ? whole_number(lower) : value;
  }
  return single(std::move(result));
}

RefResults logical_not(const RefCall& call) {
  RefTensor result = call.whole(0);
  for (int64_t& value : result.integers) value = value == 0;
  return single(std::move(result));
}

RefResults is_nan(const RefCall& call) {
  const RefTensor& x = call.input(0);
  RefTensor result = make_integers(x.shape);
  for (size_t i = 0; i < result.integers.size(); ++i) result.integers[i] = std::isnan(x.number(i));
  return single(std::move(result));
}

RefResults is_infinite(const RefCall& call) {
  const bool negative = call.integer("detect_negative", 1) != 0, positive = call.integer("detect_positive", 1) != 0;
  const RefTensor& x = call.input(0);
  RefTensor result = make_integers(x.shape);
  for (size_t i = 0; i < result.integers.size(); ++i)
    result.integers[i] = std::isinf(x.number(i)) && (x.number(i) < 0 ? negative : positive);
  return single(std::move(result));
}

// ------------------------------------------------------------------------------------ casts

/// To the nearest number with so many bits of significand, ties to even; subnormal below `smallest`, infinite beyond
/// `largest`.
double round_to(double x, int bits, int smallest_exponent, double largest) {
  if (!std::isfinite(x) || x == 0) return x;
  int exponent = 0;
  std::frexp(x, &exponent);
  const double unit = std::ldexp(1.0, std::max(exponent, smallest_exponent) - bits);
  const double rounded = std::nearbyint(x / unit) * unit;
  return std::fabs(rounded) > largest ? std::copysign(std::numeric_limits<double>::infinity(), x) : rounded;
}

double to_type(double x, int64_t type) {
  switch (type) {
    case 10: return round_to(x, 11, -13, 65504.0);
    case 16: return round_to(x, 8, -125, 3.3895313892515355e38);
    default: return x;
  }
}

int64_t to_integer(double x, int64_t type) {
  if (type == 9) return x != 0;
  const int64_t whole = whole_number(x);
  switch (type) {
    case 2: return static_cast<uint8_t>(whole);
    case 3: return static_cast<int8_t>(whole);
    case 4: return static_cast<uint16_t>(whole);
    case 5: return static_cast<int16_t>(whole);
    case 6: return static_cast<int32_t>(whole);
    case 12: return static_cast<uint32_t>(whole);
    default: return whole;
  }
}

RefResults cast(const RefCall& call) {
  const RefTensor& x = call.input(0);
  const int64_t type = call.integer("to", 0);
  call.spend(x.size());
  if (type == 1 || type == 11 || type == 10 || type == 16) {
    return map_reals(call, [type](double value) { return to_type(value, type); });
  }
  if (type < 2 || type > 13 || type == 8) throw ConvertError("casts to an unknown type");
  RefTensor result = make_integers(x.shape);
  for (size_t i = 0; i < result.integers.size(); ++i) {
    const bool same = x.whole && (type == 7 || type == 13);
    result.integers[i] = same                   ? x.integers[i]
                         : x.whole && type == 9 ? x.integers[i] != 0
                         : x.whole              ? to_integer(static_cast<double>(x.integers[i]), type)
                                                : to_integer(x.real(i), type);
  }
  return single(std::move(result));
}

/// Of which bits the other tensor's numbers have is not known here: floats are not rounded, whole numbers are cut.
RefResults cast_like(const RefCall& call) {
  const RefTensor& x = call.input(0);
  call.spend(x.size());
  if (call.input(1).whole == x.whole) return single(x);
  if (!call.input(1).whole) return map_reals(call, [](double value) { return value; });
  RefTensor result = make_integers(x.shape);
  for (size_t i = 0; i < result.integers.size(); ++i) result.integers[i] = whole_number(x.real(i));
  return single(std::move(result));
}

// ------------------------------------------------------------------------------------ two and three numbers

double calculate(const std::string& operation, double a, double b) {
  if (operation == "Add" || operation == "Sum" || operation == "Mean") return a + b;
  if (operation == "Sub") return a - b;
  if (operation == "Mul") return a * b;
  if (operation == "Div") return a / b;
  if (operation == "Pow") return std::pow(a, b);
  if (operation == "Max") return std::isnan(a) || a > b ? a : b;
  if (operation == "Min") return std::isnan(a) || a < b ? a : b;
  if (operation == "PRelu") return a < 0 ? a * b : a;
  return std::fmod(a, b);
}

int64_t calculate(const std::string& operation, int64_t a, int64_t b) {
  // Wraps like the 64-bit numbers of the format.
  const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  if (operation == "Add" || operation == "Sum") return static_cast<int64_t>(x + y);
  if (operation == "Sub") return static_cast<int64_t>(x - y);
  if (operation == "Mul") return static_cast<int64_t>(x * y);
  if (operation == "Max") return std::max(a, b);
  if (operation == "Min") return std::min(a, b);
  if (operation == "Pow") return whole_number(std::pow(static_cast<double>(a), static_cast<double>(b)));
  if (b == 0 || (b == -1 && a == std::numeric_limits<int64_t>::min())) throw ConvertError("divides by zero");
  if (operation == "Div") return a / b;
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

RefTensor combine(const RefCall& call, const RefTensor& a, const RefTensor& b) {
  const Shape shape = broadcast(a.shape, b.shape);
  const std::string& operation = call.node.operation;
  call.spend(num_elements(shape));
  const bool whole = a.whole && b.whole;
  RefTensor result = whole ? make_integers(shape) : make_reals(shape);
  size_t i = 0;
  for (Walk walk(shape, {&a, &b}); !walk.done(); walk.next(), ++i) {
    if (whole) {
      result.integers[i] = calculate(operation, a.integers[walk.at(0)], b.integers[walk.at(1)]);
    } else {
      result.reals[i] = calculate(operation, a.number(walk.at(0)), b.number(walk.at(1)));
    }
  }
  return result;
}

RefResults arithmetic(const RefCall& call) {
  RefTensor result = call.input(0);
  for (size_t i = 1; i < call.inputs.size(); ++i) result = combine(call, result, call.input(i));
  if (call.node.operation != "Mean") return single(std::move(result));
  RefTensor mean = make_reals(result.shape);
  for (size_t i = 0; i < mean.reals.size(); ++i)
    mean.reals[i] = result.number(i) / static_cast<double>(call.inputs.size());
  return single(std::move(mean));
}

/// Slopes are aligned at the last axis, as in broadcasting.
RefResults prelu(const RefCall& call) { return single(combine(call, call.input(0), call.input(1))); }

template <typename Number>
bool compare(const std::string& operation, Number a, Number b) {
  if (operation == "Equal") return a == b;
  if (operation == "Less") return a < b;
  if (operation == "LessOrEqual") return a <= b;
  if (operation == "Greater") return a > b;
  if (operation == "GreaterOrEqual") return a >= b;
  const bool x = a != 0, y = b != 0;
  return operation == "And" ? x && y : operation == "Or" ? x || y : x != y;
}

RefResults comparison(const RefCall& call) {
  const RefTensor &a = call.input(0), &b = call.input(1);
  const Shape shape = broadcast(a.shape, b.shape);
  call.spend(num_elements(shape));
  RefTensor result = make_integers(shape);
  size_t i = 0;
  for (Walk walk(shape, {&a, &b}); !walk.done(); walk.next(), ++i) {
    result.integers[i] = a.whole && b.whole
                             ? compare(call.node.operation, a.integers[walk.at(0)], b.integers[walk.at(1)])
                             : compare(call.node.operation, a.number(walk.at(0)), b.number(walk.at(1)));
  }
  return single(std::move(result));
}

RefResults where(const RefCall& call) {
  const RefTensor &condition = call.input(0), &a = call.input(1), &b = call.input(2);
  const Shape shape = broadcast(broadcast(condition.shape, a.shape), b.shape);
  call.spend(num_elements(shape));
  const bool whole = a.whole && b.whole;
  RefTensor result = whole ? make_integers(shape) : make_reals(shape);
  size_t i = 0;
  for (Walk walk(shape, {&condition, &a, &b}); !walk.done(); walk.next(), ++i) {
    const bool first = condition.number(walk.at(0)) != 0;
    const RefTensor& from = first ? a : b;
    const size_t at = walk.at(first ? 1 : 2);
    if (whole) result.integers[i] = from.integers[at];
    if (!whole) result.reals[i] = from.number(at);
  }
  return single(std::move(result));
}

}  // namespace

RefFunction find_reference_elementwise(const std::string& operation) {
  static const std::map<std::string, RefFunction> kTable = {{"Abs", simple},
                                                            {"Ceil", simple},
                                                            {"Erf", simple},
                                                            {"Erfc", simple},
                                                            {"Exp", simple},
                                                            {"Floor", simple},
                                                            {"HardSwish", simple},
                                                            {"Log", simple},
                                                            {"Mish", simple},
                                                            {"Neg", simple},
                                                            {"Reciprocal", simple},
                                                            {"Relu", simple},
                                                            {"Round", simple},
                                                            {"Sigmoid", simple},
                                                            {"Sign", simple},
                                                            {"Softplus", simple},
                                                            {"Softsign", simple},
                                                            {"Sqrt", simple},
                                                            {"Tanh", simple},
                                                            {"LeakyRelu", leaky_relu},
                                                            {"ai.onnx.ml.Scaler", scale_columns},
                                                            {"Elu", elu},
                                                            {"Celu", celu},
                                                            {"Selu", selu},
                                                            {"HardSigmoid", hard_sigmoid},
                                                            {"ThresholdedRelu", thresholded_relu},
                                                            {"Swish", swish},
                                                            {"Gelu", gelu},
                                                            {"Clip", clip},
                                                            {"IsInf", is_infinite},
                                                            {"IsNaN", is_nan},
                                                            {"Not", logical_not},
                                                            {"Cast", cast},
                                                            {"CastLike", cast_like},
                                                            {"PRelu", prelu},
                                                            {"Add", arithmetic},
                                                            {"Sub", arithmetic},
                                                            {"Mul", arithmetic},
                                                            {"Div", arithmetic},
                                                            {"Pow", arithmetic},
                                                            {"Max", arithmetic},
                                                            {"Min", arithmetic},
                                                            {"Mod", arithmetic},
                                                            {"Sum", arithmetic},
                                                            {"Mean", arithmetic},
                                                            {"Equal", comparison},
                                                            {"Less", comparison},
                                                            {"LessOrEqual", comparison},
                                                            {"Greater", comparison},
                                                            {"GreaterOrEqual", comparison},
                                                            {"And", comparison},
                                                            {"Or", comparison},
                                                            {"Xor", comparison},
                                                            {"Where", where}};
  const auto found = kTable.find(operation);
  return found == kTable.end() ? nullptr : found->second;
}

}  // namespace mmoe::converter
