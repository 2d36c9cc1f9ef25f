// Comparisons, and what And, Or and Not make of them: numbers that are 1 or 0.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "converter/error.h"
#include "converter/recognise/functions.h"
#include "converter/recognise/operands.h"
#include "converter/recognise/pooling.h"
#include "converter/recognise/selections.h"

namespace mmoe::converter {
namespace {

/// Whether each id is a constant number, less `below`; `negated`: is not.
NodeResults compare_with_number(const NodeCall& call, bool negated, int64_t below = 0) {
  const bool ids_first = call.input(0).is_rows();
  const TensorValue &ids = call.input(ids_first ? 0 : 1), &constant = call.input(ids_first ? 1 : 0);
  if (!ids.is_rows() || !ids.ids || constant.is_rows())
    throw ConvertError("compares computed numbers; expected ids, compared with whole numbers");
  static_cast<void>(call.integers(ids_first ? 1 : 0));  // none of them depends on the batch
  TensorValue like = broadcast_frame(ids, constant);
  like.kind = TensorKind::kRows;
  like.ids = like.per_row = false;
  const size_t count = count_elements(like.shape);
  call.expressions.charge(count);
  Expression equal;
  equal.kind = ExpressionKind::kIdEquals;
  std::vector<size_t> index(like.rank(), 0);
  for (size_t i = 0; i < count; ++i, next_index(like.shape, index)) {
    equal.inputs.push_back(ids.refs[broadcast_position(ids.shape, index)]);
    equal.shifts.push_back(constant.integers[broadcast_position(constant.shape, index)] - below);
  }
  equal.columns = count;
  if (auto places = compare_places(call, equal, like))
    return one(negated ? affine_rows(call, *places, -1, 1) : *places);
  const TensorValue result = call.rows_of(std::move(equal), like);
  return one(negated ? affine_rows(call, result, -1, 1) : result);
}

/// 1 - truth; of constants, constants.
TensorValue opposite(const NodeCall& call, const TensorValue& truths) {
  TensorValue result = affine_rows(call, truths, -1, 1);
  for (size_t i = 0; i < truths.refs.size(); ++i) {
    const Expression& source = call.expressions.of(truths.refs[i]);
    if (source.kind != ExpressionKind::kConstant) continue;
    Expression constant;
    constant.kind = ExpressionKind::kConstant;
    constant.node = call.index;
    constant.columns = 1;
    constant.bias = {1 - source.bias[truths.refs[i].column]};
    result.refs[i] = {call.expressions.add(std::move(constant)), 0};
  }
  return result;
}

/// Of numbers that are 1 or 0: themselves, or 1 less each.
std::optional<NodeResults> compare_truths(const NodeCall& call) {
  const size_t rows = call.input(0).is_rows() ? 0 : 1;
  const TensorValue &truths = call.input(rows), &constant = call.input(1 - rows);
  if (!truths.is_rows() || truths.ids || constant.is_rows() || constant.size() != 1) return std::nullopt;
  const bool whole = constant.kind == TensorKind::kIntegers;
  const double number = whole ? static_cast<double>(call.integers(1 - rows)[0]) : double{constant.floats[0]};
  const bool all =
      std::all_of(truths.refs.begin(), truths.refs.end(), [&](Ref ref) { return is_truth(call.expressions, ref); });
  if (!all || (number != 0 && number != 1)) return std::nullopt;
  return one(number == 1 ? truths : opposite(call, truths));
}

// ------------------------------------------------------------------------------------ order

constexpr int64_t kComparedIds = int64_t{1} << 12;

/// An order as one of two: more than a number; or not that.
struct Order {
  int64_t below = 0;  // to be subtracted from the number
  bool negated = false;
};

Order order_of(const std::string& operation, bool ids_first) {
  const bool greater = operation == "Greater" || operation == "GreaterOrEqual";
  const bool or_equal = operation == "GreaterOrEqual" || operation == "LessOrEqual";
  // id >= c is id > c - 1; c > id is not id > c - 1.
  return {greater == ids_first ? or_equal : !or_equal, greater != ids_first};
}

/// Of each id whether it is at most a number, as the sum of (id == 0) to (id == number); ids are 0 or more.
class IdsUpTo {
 public:
  explicit IdsUpTo(const NodeCall& call) : call_(call) {}

  Ref of(Ref id, int64_t number) {
    if (number >= kComparedIds) throw ConvertError("compares ids with a number that is not from 0 to 4095");
    const size_t terms = static_cast<size_t>(number + 1);
    call_.expressions.charge(terms);
    if (number < 0) return constant(id);
    Expression equal;
    equal.kind = ExpressionKind::kIdEquals;
    equal.node = call_.index;
    equal.columns = terms;
    equal.inputs.assign(terms, id);
    for (int64_t at = 0; at <= number; ++at) equal.shifts.push_back(at);
    const Vector truths = call_.expressions.all(call_.expressions.add(std::move(equal)));
    if (number == 0) return truths.front();
    Expression sum;
    sum.kind = ExpressionKind::kSum;
    sum.node = call_.index;
    sum.columns = 1;
    sum.truths = true;
    sum.terms.emplace_back();
    for (const Ref truth : truths) sum.terms.back().push_back({1, truth, false, {}});
    return {call_.expressions.add(std::move(sum)), 0};
  }

 private:
  Ref constant(Ref id) {
    call_.expressions.assume_id(id);
    Expression zero;
    zero.kind = ExpressionKind::kConstant;
    zero.node = call_.index;
    zero.columns = 1;
    zero.bias = {0};
    return {call_.expressions.add(std::move(zero)), 0};
  }

  const NodeCall& call_;
};

/// Ids of inputs and constants, as a mask by lengths has them; nothing for other numbers.
std::optional<NodeResults> compare_ids_in_order(const NodeCall& call) {
  const bool ids_first = call.input(0).is_rows();
  const TensorValue &ids = call.input(ids_first ? 0 : 1), &constant = call.input(ids_first ? 1 : 0);
  const bool fits = ids.is_rows() && ids.ids && constant.kind == TensorKind::kIntegers &&
                    std::all_of(ids.refs.begin(), ids.refs.end(),
                                [&](Ref ref) { return call.expressions.of(ref).kind == ExpressionKind::kInput; });
  if (!fits) return std::nullopt;
  const std::vector<int64_t> numbers = call.integers(ids_first ? 1 : 0);
  const Order order = order_of(call.node.operation, ids_first);
  const auto is_first = [&](int64_t number) { return number - order.below == 0; };
  if (std::all_of(numbers.begin(), numbers.end(), is_first))
    return compare_with_number(call, !order.negated, order.below);
  TensorValue up_to = broadcast_frame(ids, constant);
  up_to.kind = TensorKind::kRows;
  up_to.per_row = false;
  IdsUpTo finder(call);
  std::map<std::pair<Ref, int64_t>, Ref> known;
  std::vector<size_t> index(up_to.rank(), 0);
  const size_t count = count_elements(up_to.shape);
  for (size_t i = 0; i < count; ++i, next_index(up_to.shape, index)) {
    const Ref id = ids.refs[broadcast_position(ids.shape, index)];
    const int64_t number = numbers[broadcast_position(constant.shape, index)] - order.below;
    const auto [at, fresh] = known.emplace(std::make_pair(id, number), Ref());
    if (fresh) at->second = finder.of(id, number);
    up_to.refs.push_back(at->second);
  }
  return one(order.negated ? up_to : opposite(call, up_to));
}

NodeResults compare_in_order(const NodeCall& call) {
  if (auto ids = compare_ids_in_order(call)) return std::move(*ids);
  const std::string& operation = call.node.operation;
  const bool swapped = operation == "Less" || operation == "LessOrEqual";
  const bool or_equal = operation == "GreaterOrEqual" || operation == "LessOrEqual";
  const Operands operands(call);
  return one(apply_function(call, or_equal ? FunctionKind::kGreaterOrEqual : FunctionKind::kGreater,
                            {operands.refs(swapped ? 1 : 0), operands.refs(swapped ? 0 : 1)}, operands.like));
}

/// relu(1 - |x - c|), of whole numbers that are calculated or looked up; nothing for others.
std::optional<NodeResults> compare_whole_numbers(const NodeCall& call) {
  const size_t rows = call.input(0).is_rows() ? 0 : 1;
  const TensorValue &numbers = call.input(rows), &constant = call.input(1 - rows);
  const bool whole =
      numbers.is_rows() && !numbers.ids && !constant.is_rows() && constant.size() == 1 &&
      std::all_of(numbers.refs.begin(), numbers.refs.end(), [&](Ref ref) { return is_whole(call.expressions, ref); });
  if (!whole) return std::nullopt;
  const float number = constant.kind == TensorKind::kIntegers ? static_cast<float>(call.integers(1 - rows)[0])
                                                              : call.floats(1 - rows).floats[0];
  if (number != std::nearbyint(number) || std::fabs(number) > 4096) return std::nullopt;
  TensorValue value = affine_rows(call, numbers, 1, -number);
  value = apply_function(call, FunctionKind::kAbs, {value.refs}, value);
  value = affine_rows(call, value, -1, 1);
  Expression nearness;
  nearness.kind = ExpressionKind::kActivation;
  nearness.activation.kind = ActivationKind::kRelu;
  nearness.inputs = value.refs;
  nearness.columns = value.refs.size();
  nearness.truths = true;
  return one(call.rows_of(std::move(nearness), value));
}

NodeResults equal(const NodeCall& call) {
  if (auto truths = compare_truths(call)) return std::move(*truths);
  if (auto whole = compare_whole_numbers(call)) return std::move(*whole);
  return compare_with_number(call, false);
}

// ------------------------------------------------------------------------------------ logic

/// Of two numbers that are 1 or 0.
Ref product_of(const NodeCall& call, Ref a, Ref b) {
  Expression product;
  product.kind = ExpressionKind::kSum;
  product.node = call.index;
  product.columns = 1;
  product.truths = true;
  product.terms = {{{1, a, true, b}}};
  return {call.expressions.add(std::move(product)), 0};
}

/// Not one of two numbers that are 1 or 0, and then not that.
Ref any_of(const NodeCall& call, Ref a, Ref b) {
  TensorValue both;
  both.kind = TensorKind::kRows;
  both.refs = {a, b};
  const Vector others = opposite(call, both).refs;
  both.refs = {product_of(call, others[0], others[1])};
  return opposite(call, both).refs.front();
}

/// Of comparisons, and constants that decide some of them.
NodeResults logical(const NodeCall& call) {
  const bool both = call.node.operation == "And";
  const Operands operands(call);
  const Vector a = operands.truths(0), b = operands.truths(1);
  TensorValue result = operands.like;
  const auto constant_of = [&](Ref ref) -> std::optional<bool> {
    const Expression& expression = call.expressions.of(ref);
    return expression.kind == ExpressionKind::kConstant ? std::optional(expression.bias[ref.column] != 0)
                                                        : std::nullopt;
  };
  for (size_t i = 0; i < a.size(); ++i) {
    const std::optional<bool> first = constant_of(a[i]), second = constant_of(b[i]);
    if (first)
      result.refs.push_back(*first == both ? b[i] : a[i]);
    else if (second)
      result.refs.push_back(*second == both ? a[i] : b[i]);
    else if (a[i] == b[i])
      result.refs.push_back(a[i]);
    else if (is_truth(call.expressions, a[i]) && is_truth(call.expressions, b[i]))
      result.refs.push_back(both ? product_of(call, a[i], b[i]) : any_of(call, a[i], b[i]));
    else
      throw ConvertError("joins what is no comparison");
  }
  return one(std::move(result));
}

NodeResults logical_not(const NodeCall& call) { return one(opposite(call, call.rows(0))); }

}  // namespace

NodeFunction find_comparison(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {{"Greater", compare_in_order},
                                                             {"GreaterOrEqual", compare_in_order},
                                                             {"Less", compare_in_order},
                                                             {"LessOrEqual", compare_in_order},
                                                             {"Equal", equal},
                                                             {"Not", logical_not},
                                                             {"Or", logical},
                                                             {"And", logical}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
