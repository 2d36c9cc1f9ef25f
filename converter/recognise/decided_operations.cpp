// Operations on rows whose result, or whose choice, constants decide.
//
// Ids are 0 or more: the feature that is made of them refuses a row with another. So what a graph does for ids below 0
// is left out, as Keras's ids < 0 ? ids + n : ids. Where that was done is noted (Expressions::assume_id), because a
// whole number that becomes no such feature may be below 0.
#include <algorithm>
#include <map>

#include "converter/error.h"
#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {
namespace {

/// Copies elements of the tensors by their positions in the frame.
template <typename Visit>
void for_each(const TensorValue& frame, Visit visit) {
  std::vector<size_t> index(frame.rank(), 0);
  const size_t count = count_elements(frame.shape);
  for (size_t i = 0; i < count; ++i, next_index(frame.shape, index)) visit(index);
}

TensorValue spread(const NodeCall& call, const TensorValue& value, const TensorValue& frame) {
  std::vector<size_t> sources;
  call.expressions.charge(count_elements(frame.shape));
  for_each(frame, [&](const std::vector<size_t>& index) { sources.push_back(broadcast_position(value.shape, index)); });
  TensorValue result = pick(value, frame.shape, sources, frame.batch_axis);
  result.per_row = frame.per_row && !value.is_rows();
  return result;
}

// ------------------------------------------------------------------------------------ a choice

/// A constant of floats beside rows of floats becomes rows.
TensorValue as_rows_like(const NodeCall& call, const TensorValue& value, const TensorValue& other) {
  return other.is_rows() && !other.ids && value.kind == TensorKind::kFloats ? constant_rows(call, value) : value;
}

std::optional<NodeResults> choose(const NodeCall& call) {
  const TensorValue& condition = call.input(0);
  if (condition.is_rows()) return std::nullopt;
  const std::vector<int64_t> choices = call.integers(0);
  TensorValue frame = broadcast_frame(broadcast_frame(condition, call.input(1)), call.input(2));
  const bool all = std::count(choices.begin(), choices.end(), 0) == 0;
  const bool none = std::count(choices.begin(), choices.end(), 0) == static_cast<std::ptrdiff_t>(choices.size());
  if (all) return one(spread(call, call.input(1), frame));
  if (none) return one(spread(call, call.input(2), frame));
  const TensorValue first = spread(call, as_rows_like(call, call.input(1), call.input(2)), frame);
  TensorValue result = spread(call, as_rows_like(call, call.input(2), call.input(1)), frame);
  if (first.kind != result.kind || first.ids != result.ids)
    throw ConvertError("chooses between numbers of different kinds");
  size_t at = 0;
  for_each(frame, [&](const std::vector<size_t>& index) {
    const bool chosen = choices[broadcast_position(condition.shape, index)] != 0;
    if (chosen && result.is_rows()) result.refs[at] = first.refs[at];
    if (chosen && result.kind == TensorKind::kFloats) result.floats[at] = first.floats[at];
    if (chosen && result.kind == TensorKind::kIntegers) result.integers[at] = first.integers[at];
    ++at;
  });
  return one(std::move(result));
}

// ------------------------------------------------------------------------------------ ids

/// Columns of the graph's inputs that are, or may be cast to, whole numbers; also with a shift.
bool may_be_ids(const NodeCall& call, const TensorValue& value) {
  return value.is_rows() && std::all_of(value.refs.begin(), value.refs.end(), [&](Ref ref) {
           const Expression& source = call.expressions.of(ref);
           if (source.kind == ExpressionKind::kShiftedId || source.kind == ExpressionKind::kTopKIndex) return true;
           return source.kind == ExpressionKind::kInput && (value.ids || source.whole_numbers);
         });
}

void assume_ids(const NodeCall& call, const TensorValue& value) {
  for (const Ref ref : value.refs) {
    const Expression& source = call.expressions.of(ref);
    if (source.kind == ExpressionKind::kTopKIndex) continue;
    call.expressions.assume_id(source.kind == ExpressionKind::kShiftedId ? source.inputs[ref.column] : ref);
  }
}

TensorValue same_for_all(const NodeCall& call, const TensorValue& a, const TensorValue& b, int64_t number) {
  TensorValue result = broadcast_frame(a, b);
  const size_t count = count_elements(result.shape);
  call.expressions.charge(count);
  result.kind = TensorKind::kIntegers;
  result.integers.assign(count, number);
  return result;
}

/// The constant's elements as floats are compared; of whole numbers where they are those.
bool all_of_constant(const TensorValue& constant, bool (*wanted)(double)) {
  return constant.kind == TensorKind::kFloats
             ? std::all_of(constant.floats.begin(), constant.floats.end(),
                           [wanted](float x) { return wanted(static_cast<double>(x)); })
             : std::all_of(constant.integers.begin(), constant.integers.end(),
                           [wanted](int64_t x) { return !depends_on_batch(x) && wanted(static_cast<double>(x)); });
}

bool is_zero(double x) { return x == 0; }
bool is_one(double x) { return x == 1; }

/// ids compared with what is 0 or less; nothing where ids decide.
std::optional<NodeResults> compare_ids(const NodeCall& call, bool ids_first) {
  const TensorValue &ids = call.input(ids_first ? 0 : 1), &constant = call.input(ids_first ? 1 : 0);
  std::string operation = call.node.operation;
  if (!ids_first) {
    static const std::map<std::string, std::string> kMirrored = {
        {"Less", "Greater"}, {"LessOrEqual", "GreaterOrEqual"}, {"Greater", "Less"}, {"GreaterOrEqual", "LessOrEqual"}};
    operation = kMirrored.at(operation);
  }
  // Less than 0, or at least 0; with numbers below 0 the other two are as certain.
  const bool at_zero = operation == "Less" || operation == "GreaterOrEqual";
  const bool certain = all_of_constant(
      constant, at_zero ? [](double x) { return x <= 0; } : [](double x) { return x < 0; });
  if (!certain) return std::nullopt;
  assume_ids(call, ids);
  return one(same_for_all(call, ids, constant, operation == "Greater" || operation == "GreaterOrEqual"));
}

/// A constant added to every id.
NodeResults shift_ids(const NodeCall& call, const TensorValue& ids, const TensorValue& constant) {
  TensorValue like = broadcast_frame(ids, constant);
  if (all_of_constant(constant, is_zero)) return one(spread(call, ids, like));
  const auto is_place = [&](Ref ref) { return call.expressions.of(ref).kind == ExpressionKind::kTopKIndex; };
  if (std::any_of(ids.refs.begin(), ids.refs.end(), is_place))
    throw ConvertError("calculates with the places of a gate's k largest");
  call.expressions.charge(count_elements(like.shape));
  like.kind = TensorKind::kRows;
  like.ids = true;
  like.per_row = false;
  Expression shifted;
  shifted.kind = ExpressionKind::kShiftedId;
  for_each(like, [&](const std::vector<size_t>& index) {
    const Ref id = ids.refs[broadcast_position(ids.shape, index)];
    const int64_t shift = constant.integers[broadcast_position(constant.shape, index)];
    const Expression& source = call.expressions.of(id);
    const bool again = source.kind == ExpressionKind::kShiftedId;
    if (shift < 0 || shift >= int64_t{1} << 31) throw ConvertError("shifts ids by a number that is not from 0 to 2^31");
    shifted.inputs.push_back(again ? source.inputs[id.column] : id);
    shifted.shifts.push_back(shift + (again ? source.shifts[id.column] : 0));
    if (shifted.shifts.back() >= int64_t{1} << 31) throw ConvertError("shifts ids beyond 2^31");
  });
  shifted.columns = shifted.inputs.size();
  return one(call.rows_of(std::move(shifted), like));
}

/// A number less than every id, as where the last element of a sequence is found by its length. It is no id.
std::optional<NodeResults> lower_ids(const NodeCall& call, const TensorValue& ids, const TensorValue& constant) {
  const auto is_input = [&](Ref ref) { return call.expressions.of(ref).kind == ExpressionKind::kInput; };
  constexpr double kMost = 1 << 20;
  const bool fits = std::all_of(ids.refs.begin(), ids.refs.end(), is_input) &&
                    all_of_constant(constant, [](double x) { return x > 0 && x <= kMost; });
  if (!fits) return std::nullopt;
  assume_ids(call, ids);
  TensorValue like = broadcast_frame(ids, constant);
  like.kind = TensorKind::kRows;
  like.per_row = false;
  Expression lower;
  lower.kind = ExpressionKind::kAffine;
  for_each(like, [&](const std::vector<size_t>& index) {
    lower.inputs.push_back(ids.refs[broadcast_position(ids.shape, index)]);
    lower.norm.beta.push_back(-static_cast<float>(constant.integers[broadcast_position(constant.shape, index)]));
  });
  lower.columns = lower.inputs.size();
  call.expressions.charge(lower.columns);
  lower.norm.gamma.assign(lower.columns, 1.0f);
  lower.norm.mean.assign(lower.columns, 0.0f);
  lower.norm.variance.assign(lower.columns, 1.0f);
  lower.norm.epsilon = 0;
  return one(call.rows_of(std::move(lower), like));
}

/// Ids kept from being below 0, as they are.
std::optional<NodeResults> keep_ids(const NodeCall& call) {
  if (!call.input(0).ids || !may_be_ids(call, call.input(0)) || call.has(2) || !call.has(1)) return std::nullopt;
  if (call.input(1).is_rows() || !all_of_constant(call.input(1), [](double x) { return x <= 0; })) return std::nullopt;
  assume_ids(call, call.input(0));
  return one(call.input(0));
}

/// Arithmetic of ids and a constant of whole numbers.
std::optional<NodeResults> calculate_ids(const NodeCall& call, bool ids_first) {
  const TensorValue &ids = call.input(ids_first ? 0 : 1), &constant = call.input(ids_first ? 1 : 0);
  const std::string& operation = call.node.operation;
  if (!ids.ids || constant.kind != TensorKind::kIntegers) return std::nullopt;
  if (operation == "Add") return shift_ids(call, ids, constant);
  if (operation == "Mul" && all_of_constant(constant, is_zero)) return one(same_for_all(call, ids, constant, 0));
  const bool itself = (operation == "Mul" && all_of_constant(constant, is_one)) ||
                      (operation == "Sub" && ids_first && all_of_constant(constant, is_zero));
  if (itself) return one(spread(call, ids, broadcast_frame(ids, constant)));
  if (operation == "Sub" && ids_first) return lower_ids(call, ids, constant);
  if (operation == "Max" && all_of_constant(constant, [](double x) { return x <= 0; })) {
    assume_ids(call, ids);
    return one(spread(call, ids, broadcast_frame(ids, constant)));
  }
  return std::nullopt;
}

}  // namespace

std::optional<NodeResults> follow_decided(const NodeCall& call) {
  const std::string& operation = call.node.operation;
  if (operation == "Where") return choose(call);
  if (operation == "Clip") return keep_ids(call);
  if (call.num_inputs() != 2 || !call.has(0) || !call.has(1)) return std::nullopt;
  const bool ids_first = may_be_ids(call, call.input(0)) && !call.input(1).is_rows();
  if (!ids_first && (call.input(0).is_rows() || !may_be_ids(call, call.input(1)))) return std::nullopt;
  for (const char* known : {"Less", "LessOrEqual", "Greater", "GreaterOrEqual"}) {
    if (operation == known) return compare_ids(call, ids_first);
  }
  for (const char* known : {"Add", "Sub", "Mul", "Max"}) {
    if (operation == known) return calculate_ids(call, ids_first);
  }
  return std::nullopt;
}

TensorValue constant_rows(const NodeCall& call, const TensorValue& constant) {
  Expression expression;
  expression.kind = ExpressionKind::kConstant;
  expression.bias = constant.floats;
  expression.columns = constant.floats.size();
  TensorValue like = constant;
  like.kind = TensorKind::kRows;
  like.floats.clear();
  like.per_row = false;
  return call.rows_of(std::move(expression), like);
}

}  // namespace mmoe::converter
