// Operations of ONNX on codes: quantised weights, which are numbers, and the rounding of results to 8 bits, which a
// model file does not do: a result goes through it as it is.
//
// QuantizeLinear gives round(x / scale) + zero point, cut to the range of its type. What it gives stands here for x
// itself, and may only become floats again. Its cut at 0 is kept: it is what quantisers leave of a Relu.
// DynamicQuantizeLinear chooses scale and zero point by the whole batch. Here the scale is 1 and the zero point 0; both
// may only be used to undo what it did.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "converter/error.h"
#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {
namespace {

struct Range {
  std::string_view type;
  int64_t lowest, highest;
};

constexpr std::array<Range, 4> kRanges = {
    {{"u8", 0, 255}, {"i8", -128, 127}, {"u16", 0, 65535}, {"i16", -32768, 32767}}};

/// Of the type that a zero point has; without one it is u8.
const Range& range_of(const NodeCall& call) {
  if (!call.has(2)) return kRanges[0];
  const auto found = std::find_if(kRanges.begin(), kRanges.end(),
                                  [&](const Range& range) { return range.type == call.input(2).dtype; });
  if (found == kRanges.end()) throw ConvertError("rounds to another type than 8 or 16 bits");
  return *found;
}

void refuse_blocks(const NodeCall& call) {
  for (const char* attribute : {"block_size", "output_dtype", "precision"}) {
    if (call.integer(attribute, 0) != 0) {
      throw ConvertError(std::string("has the attribute ") + attribute + ", which is not supported here");
    }
  }
}

/// Scales or zero points of each element: one, or as many as the axis has indices.
class PerAxis {
 public:
  PerAxis(const NodeCall& call, const TensorValue& value) {
    const size_t count = call.floats(1).floats.size();
    if (count == 1 && call.input(1).rank() <= 1) return;
    const size_t axis = resolve_axis(call.integer("axis", 1), value.rank());
    if (call.input(1).rank() != 1 || count != value.shape[axis]) {
      throw ConvertError("has scales that do not fit its axis");
    }
    size_ = count;
    for (size_t i = axis + 1; i < value.rank(); ++i) inner_ *= value.shape[i];
  }
  size_t at(size_t element) const { return element / inner_ % size_; }
  size_t size() const { return size_; }

 private:
  size_t size_ = 1, inner_ = 1;
};

std::vector<int64_t> zero_points(const NodeCall& call, size_t which, size_t size) {
  std::vector<int64_t> points = call.has(which) ? call.integers(which) : std::vector<int64_t>{0};
  if (points.size() == 1) points.resize(size, points[0]);
  if (points.size() != size) throw ConvertError("has zero points that do not fit its scales");
  return points;
}

/// Codes have at most 32 bits, whatever the file says.
float difference(int64_t code, int64_t zero_point) {
  constexpr int64_t kMost = int64_t{1} << 32;
  if (std::min(code, zero_point) < -kMost || std::max(code, zero_point) > kMost) {
    throw ConvertError("has codes of more than 32 bits");
  }
  return static_cast<float>(code - zero_point);
}

// ------------------------------------------------------------------------------------ constants

NodeResults dequantise_constant(const NodeCall& call) {
  refuse_blocks(call);
  const TensorValue& codes = call.input(0);
  const std::vector<int64_t> integers = call.integers(0);
  const std::vector<float>& scales = call.floats(1).floats;
  const PerAxis place(call, codes);
  const std::vector<int64_t> points = zero_points(call, 2, place.size());
  call.expressions.charge(integers.size());
  TensorValue value = codes;
  value.kind = TensorKind::kFloats;
  value.integers.clear();
  value.coded = true;
  for (size_t i = 0; i < integers.size(); ++i) {
    const size_t at = place.at(i);
    value.floats.push_back(difference(integers[i], points[at]) * scales[at]);
  }
  return one(std::move(value));
}

NodeResults quantise_constant(const NodeCall& call) {
  refuse_blocks(call);
  const TensorValue& floats = call.floats(0);
  const std::vector<float>& scales = call.floats(1).floats;
  const PerAxis place(call, floats);
  const Range& range = range_of(call);
  const std::vector<int64_t> points = zero_points(call, 2, place.size());
  call.expressions.charge(floats.floats.size());
  TensorValue value = floats;
  value.kind = TensorKind::kIntegers;
  value.floats.clear();
  value.dtype = range.type;
  for (size_t i = 0; i < floats.floats.size(); ++i) {
    const size_t at = place.at(i);
    if (!(scales[at] > 0)) throw ConvertError("has a scale that is not above 0");
    const auto point = static_cast<float>(points[at]);
    const float code = std::nearbyint(floats.floats[i] / scales[at]) + point;
    value.integers.push_back(
        static_cast<int64_t>(std::clamp(code, static_cast<float>(range.lowest), static_cast<float>(range.highest))));
  }
  return one(std::move(value));
}

// ------------------------------------------------------------------------------------ results

/// Whether scalars cannot be below 0, as far as that shows. Each sum is looked at once: a graph's results are shared,
/// and the ways that lead to one of them may be too many to follow.
class Signs {
 public:
  explicit Signs(Expressions& expressions) : expressions_(expressions) {}

  bool is_not_negative(Ref ref, size_t depth = 0) {
    const Expression& source = expressions_.of(ref);
    if (source.kind == ExpressionKind::kSoftmax) return true;
    if (source.kind == ExpressionKind::kActivation) return is_not_negative(source.activation.kind);
    if (source.kind != ExpressionKind::kSum || depth > kMostDepth) return false;
    const auto known = known_.find(ref);
    if (known != known_.end()) return known->second;
    const std::vector<Term>& terms = source.terms[ref.column];
    expressions_.charge(terms.size());
    const bool result = std::all_of(terms.begin(), terms.end(), [&](const Term& term) {
      return term.coefficient >= 0 && is_not_negative(term.a, depth + 1) &&
             (!term.product || is_not_negative(term.b, depth + 1));
    });
    known_.emplace(ref, result);
    return result;
  }

 private:
  static constexpr size_t kMostDepth = 8;

  static bool is_not_negative(ActivationKind kind) {
    return kind == ActivationKind::kRelu || kind == ActivationKind::kSigmoid || kind == ActivationKind::kSoftplus ||
           kind == ActivationKind::kExp || kind == ActivationKind::kHardSigmoid;
  }

  Expressions& expressions_;
  std::map<Ref, bool> known_;
};

/// What quantisers leave of a Relu: a zero point at the end of the range.
TensorValue cut_at_zero(const NodeCall& call, const TensorValue& rows) {
  Signs signs(call.expressions);
  const bool changes =
      std::any_of(rows.refs.begin(), rows.refs.end(), [&](Ref ref) { return !signs.is_not_negative(ref); });
  if (!changes) return rows;
  Expression relu;
  relu.kind = ExpressionKind::kActivation;
  relu.activation.kind = ActivationKind::kRelu;
  relu.inputs = rows.refs;
  relu.columns = rows.refs.size();
  return call.rows_of(std::move(relu), rows);
}

NodeResults quantise(const NodeCall& call) {
  refuse_blocks(call);
  const TensorValue& rows = call.rows(0);
  const std::vector<float>& scales = call.floats(1).floats;
  const std::vector<int64_t> points = zero_points(call, 2, 1);
  if (scales.size() != 1) throw ConvertError("rounds columns of results with different scales");
  if (!(scales[0] > 0)) throw ConvertError("has a scale that is not above 0");
  auto quantiser = std::make_shared<Quantiser>();
  quantiser->scale = scales[0];
  quantiser->zero_point = points[0];
  TensorValue value = points[0] == range_of(call).lowest ? cut_at_zero(call, rows) : rows;
  value.quantiser = std::move(quantiser);
  return one(std::move(value));
}

NodeResults quantise_dynamically(const NodeCall& call) {
  TensorValue codes = call.rows(0), scale, zero_point;
  auto quantiser = std::make_shared<Quantiser>();
  quantiser->dynamic = true;
  codes.quantiser = scale.quantiser = zero_point.quantiser = std::move(quantiser);
  scale.floats = {1};
  zero_point.kind = TensorKind::kIntegers;
  zero_point.integers = {0};
  NodeResults results;
  results.push_back(std::move(codes));
  results.push_back(std::move(scale));
  results.push_back(std::move(zero_point));
  return results;
}

/// A copy that other operations take.
TensorValue plain(const TensorValue& value) {
  TensorValue result = value;
  result.quantiser = nullptr;
  return result;
}

NodeResults dequantise(const NodeCall& call) {
  refuse_blocks(call);
  const TensorValue& codes = call.input(0);
  const Quantiser& quantiser = *codes.quantiser;
  if (quantiser.dynamic) {
    const bool own = call.input(1).quantiser == codes.quantiser && call.has(2) &&
                     call.input(2).quantiser == codes.quantiser && !quantiser.is_product;
    if (!own) throw ConvertError("takes codes with another scale or zero point than they were made with");
    return one(plain(codes));
  }
  if (call.input(1).quantiser || call.floats(1).floats != std::vector<float>{quantiser.scale} ||
      zero_points(call, 2, 1)[0] != quantiser.zero_point) {
    throw ConvertError("takes codes with another scale or zero point than they were made with");
  }
  return one(plain(codes));
}

/// Codes of results with codes of weights: the product of the results with the weights in whole numbers.
NodeResults multiply_codes(const NodeCall& call) {
  const TensorValue& codes = call.input(0);
  if (!codes.is_rows() || !codes.quantiser || !codes.quantiser->dynamic || codes.quantiser->is_product ||
      call.input(1).is_rows() || call.input(1).quantiser) {
    throw ConvertError("multiplies other codes than those of DynamicQuantizeLinear with a constant");
  }
  if (!call.has(2) || call.input(2).quantiser != codes.quantiser) {
    throw ConvertError("takes codes with another zero point than they were made with");
  }
  const std::vector<int64_t> integers = call.integers(1);
  const size_t columns = call.input(1).rank() == 0 ? 1 : call.input(1).shape.back();
  const std::vector<int64_t> points = zero_points(call, 3, columns);
  TensorValue rows = plain(codes), weights = call.input(1);
  weights.kind = TensorKind::kFloats;
  weights.integers.clear();
  weights.coded = true;
  call.expressions.charge(integers.size());
  for (size_t i = 0; i < integers.size(); ++i) {
    weights.floats.push_back(difference(integers[i], points[i % columns]));
  }
  const NodeCall product(call.node, call.index, {&rows, &weights}, call.expressions, call.tables, call.fixed_batch,
                         call.opset);
  NodeResults results = find_contraction("MatMul")(product);
  auto quantiser = std::make_shared<Quantiser>(*codes.quantiser);
  quantiser->is_product = true;
  quantiser->of = codes.quantiser;
  results.at(0).quantiser = std::move(quantiser);
  return results;
}

/// A dynamic scale with a constant, or a product of codes with the scale of its codes.
NodeResults scale_codes(const NodeCall& call) {
  const bool rows_first = call.input(0).is_rows();
  const TensorValue &a = call.input(rows_first ? 0 : 1), &b = call.input(rows_first ? 1 : 0);
  if (!a.is_rows()) {
    if ((a.quantiser != nullptr) == (b.quantiser != nullptr) || a.kind != TensorKind::kFloats ||
        b.kind != TensorKind::kFloats) {
      throw ConvertError("multiplies scales of two roundings");
    }
    TensorValue first = plain(a), second = plain(b);
    const NodeCall product(call.node, call.index, {&first, &second}, call.expressions, call.tables, call.fixed_batch,
                           call.opset);
    NodeResults results = find_constant_operation("Mul")(product);
    results.at(0).quantiser = a.quantiser ? a.quantiser : b.quantiser;
    return results;
  }
  if (!a.quantiser || !a.quantiser->is_product || b.is_rows() || a.quantiser->of != b.quantiser) {
    throw ConvertError("multiplies codes by another scale than they were made with");
  }
  TensorValue rows = plain(a), scale = plain(b);
  const NodeCall product(call.node, call.index, {&rows, &scale}, call.expressions, call.tables, call.fixed_batch,
                         call.opset);
  return find_elementwise_operation("Mul")(product);
}

NodeResults pass_on_codes(const NodeCall& call) {
  if (call.node.operation == "Cast" && call.integer("to", 0) != 1) throw ConvertError("turns codes into another type");
  return one(call.input(0));
}

}  // namespace

bool NodeCall::any_codes() const {
  return std::any_of(inputs_.begin(), inputs_.end(),
                     [](const TensorValue* input) { return input != nullptr && input->quantiser != nullptr; });
}

NodeFunction find_operation_on_codes(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {{"DequantizeLinear", dequantise},
                                                             {"MatMulInteger", multiply_codes},
                                                             {"Mul", scale_codes},
                                                             {"Cast", pass_on_codes},
                                                             {"Identity", pass_on_codes}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

NodeFunction find_quantising_operation(const std::string& operation, bool of_rows) {
  if (operation == "QuantizeLinear") return of_rows ? quantise : quantise_constant;
  if (operation == "DequantizeLinear" && !of_rows) return dequantise_constant;
  if (operation == "DynamicQuantizeLinear" && of_rows) return quantise_dynamically;
  return nullptr;
}

}  // namespace mmoe::converter
