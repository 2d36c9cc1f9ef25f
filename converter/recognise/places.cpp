#include "converter/recognise/places.h"

#include <algorithm>
#include <optional>

#include "converter/error.h"
#include "converter/recognise/axes.h"
#include "converter/recognise/pooling.h"

namespace mmoe::converter {

// ------------------------------------------------------------------------------------ places that numbers say

bool PlaceTruths::is_place(const Expressions& expressions, Ref ref, bool ids) {
  return ids ? expressions.of(ref).kind == ExpressionKind::kInput : is_whole(expressions, ref);
}

const Vector& PlaceTruths::of(Ref number) {
  Vector& own = known_[number];
  if (own.empty()) own = ids_ ? equals_id(number) : equals_number(number);
  return own;
}

Vector PlaceTruths::equals_id(Ref id) const {
  call_.expressions.assume_below(id, size_);
  Expression equal;
  equal.kind = ExpressionKind::kIdEquals;
  equal.node = call_.index;
  equal.columns = size_;
  equal.inputs.assign(size_, id);
  for (size_t place = 0; place < size_; ++place) equal.shifts.push_back(static_cast<int64_t>(place));
  return call_.expressions.all(call_.expressions.add(std::move(equal)));
}

namespace {

/// A number of the graph's inputs with which a number rises one by one, from some number on; and what is added to it.
std::optional<std::pair<Ref, double>> rising_with(const Expressions& expressions, Ref ref) {
  double shift = 0;
  for (;;) {
    const Scaled scaled = expressions.scaled(ref);
    const Expression& of = expressions.of(scaled.of);
    if (scaled.scale != 1) return std::nullopt;
    shift += scaled.shift;
    if (of.kind == ExpressionKind::kInput) return std::make_pair(scaled.of, shift);
    const bool kept = of.kind == ExpressionKind::kActivation &&
                      (of.activation.kind == ActivationKind::kRelu || of.activation.kind == ActivationKind::kClamp);
    if (!kept) return std::nullopt;
    ref = of.inputs[scaled.of.column];
  }
}

}  // namespace

/// relu(1 - |number - place|), where the number is whole. A length beyond the last place is refused by the file.
Vector PlaceTruths::equals_number(Ref number) const {
  if (const auto rising = rising_with(call_.expressions, number)) {
    const double end = static_cast<double>(size_) - rising->second;
    if (end >= 1) call_.expressions.assume_below(rising->first, static_cast<size_t>(end));
  }
  const auto made = [&](ExpressionKind kind, Vector inputs, float scale, std::vector<float> shifts) {
    Expression expression;
    expression.kind = kind;
    expression.node = call_.index;
    expression.columns = size_;
    expression.inputs = std::move(inputs);
    expression.function = FunctionKind::kAbs;
    expression.activation.kind = ActivationKind::kRelu;
    expression.norm = {std::vector<float>(size_, scale), std::move(shifts), std::vector<float>(size_, 0.0f),
                       std::vector<float>(size_, 1.0f), 0};
    return call_.expressions.all(call_.expressions.add(std::move(expression)));
  };
  std::vector<float> places;
  for (size_t place = 0; place < size_; ++place) places.push_back(-static_cast<float>(place));
  const Vector shifted = made(ExpressionKind::kAffine, Vector(size_, number), 1, places);
  const Vector distance = made(ExpressionKind::kFunction, shifted, 1, places);
  const Vector nearness = made(ExpressionKind::kAffine, distance, -1, std::vector<float>(size_, 1.0f));
  return made(ExpressionKind::kActivation, nearness, 1, places);
}

namespace {

// ------------------------------------------------------------------------------------ rows of the batch

[[noreturn]] void refuse_rows(const std::string& why) {
  throw ConvertError("takes elements by the rows of the batch, " + why);
}

void require_plain_arguments(const NodeCall& call) {
  for (size_t i = 1; i < call.num_inputs(); ++i) {
    if (call.has(i) && call.input(i).row_numbers.step != 0) refuse_rows("by numbers that no shape may have");
  }
}

/// What gives them another shape, or another type of whole numbers.
NodeResults hand_numbers_on(const NodeCall& call) {
  require_plain_arguments(call);
  const TensorValue& numbers = call.input(0);
  if (numbers.row_numbers.tuples || numbers.row_numbers.bounds) refuse_rows("which are given another shape");
  const std::string& operation = call.node.operation;
  const bool cast = operation == "Cast";
  if (cast && call.integer("to", 0) != 6 && call.integer("to", 0) != 7) refuse_rows("that are no whole numbers");
  if (cast || operation == "Identity") return one(numbers);
  NodeFunction function = find_layout_operation(operation);
  if (function == nullptr) function = find_indexing_operation(operation);
  NodeResults results = function(call);
  results.front().row_numbers = numbers.row_numbers;
  return results;
}

NodeResults shape_of_numbers(const NodeCall& call) {
  const RowNumbers& numbers = call.input(0).row_numbers;
  if (numbers.tuples || numbers.bounds) refuse_rows("which are counted");
  return find_value_operation("Shape")(call);
}

/// By how many places a row has.
NodeResults multiply_numbers(const NodeCall& call) {
  const bool first = call.input(0).row_numbers.step != 0;
  TensorValue numbers = call.input(first ? 0 : 1);
  const TensorValue& factor = call.input(first ? 1 : 0);
  const bool plain = numbers.kind == TensorKind::kIntegers && factor.kind == TensorKind::kIntegers &&
                     factor.row_numbers.step == 0 && factor.size() == 1;
  const std::vector<int64_t> factors = plain ? call.integers(first ? 1 : 0) : std::vector<int64_t>();
  if (!plain || depends_on_batch(factors[0]) || factors[0] < 1 || factors[0] > 1 << 20)
    refuse_rows("which are multiplied by something else than a constant");
  for (int64_t& number : numbers.integers) {
    if (number != 0) refuse_rows("which are multiplied twice");
  }
  numbers.row_numbers.step *= static_cast<size_t>(factors[0]);
  return one(std::move(numbers));
}

/// The place within the row.
NodeResults add_place(const NodeCall& call) {
  const bool first = call.input(0).row_numbers.step != 0;
  const TensorValue &numbers = call.input(first ? 0 : 1), &place = call.input(first ? 1 : 0);
  const bool plain = numbers.kind == TensorKind::kIntegers && place.row_numbers.step == 0 &&
                     place.kind != TensorKind::kFloats && numbers.row_numbers == RowNumbers{numbers.row_numbers.step} &&
                     numbers.integers == std::vector<int64_t>(numbers.size(), 0);
  if (!plain) refuse_rows("to which something else than places within a row are added");
  TensorValue frame = broadcast_frame(numbers, place);
  std::vector<size_t> sources, index(frame.rank(), 0);
  const size_t count = count_elements(frame.shape);
  call.expressions.charge(count);
  for (size_t i = 0; i < count; ++i, next_index(frame.shape, index))
    sources.push_back(broadcast_position(place.shape, index));
  TensorValue result = pick(place, frame.shape, sources, frame.batch_axis);
  result.per_row = !place.is_rows();
  result.row_numbers = numbers.row_numbers;
  return one(std::move(result));
}

/// Whether the number is 0 or more in every row.
bool is_not_negative(const Expressions& expressions, Ref ref) {
  const Scaled scaled = expressions.scaled(ref);
  const Expression& of = expressions.of(scaled.of);
  if (scaled.scale < 0 || scaled.shift < 0) return false;
  if (of.kind == ExpressionKind::kActivation) {
    return of.activation.kind == ActivationKind::kRelu ||
           (of.activation.kind == ActivationKind::kClamp && of.activation.alpha >= 0);
  }
  if (of.kind != ExpressionKind::kSum) return is_truth(expressions, scaled.of);
  const std::vector<Term>& terms = of.terms[scaled.of.column];
  return std::all_of(terms.begin(), terms.end(), [&](const Term& term) {
    return term.coefficient >= 0 && !term.product && is_truth(expressions, term.a);
  });
}

/// Of `size` slices of `inner` numbers, one behind the other, those that the numbers say.
class SliceTaker {
 public:
  /// `wraps`: numbers below 0 count from the end; else they would be another row's.
  SliceTaker(const NodeCall& call, const Vector& data, size_t size, bool wraps)
      : call_(call), data_(data), size_(size), inner_(data.size() / std::max<size_t>(1, size)), wraps_(wraps) {}

  /// The shape of the numbers, and behind it `rest`, of a slice.
  TensorValue take(const TensorValue& numbers, const std::vector<size_t>& rest) {
    TensorValue result;
    result.kind = TensorKind::kRows;
    result.shape = numbers.shape;
    result.shape.insert(result.shape.end(), rest.begin(), rest.end());
    result.batch_axis = numbers.batch_axis;
    call_.expressions.charge(count_elements({numbers.size() * inner_, size_}));
    if (!numbers.is_rows()) {
      for (const int64_t number : numbers.integers) {
        const size_t place = place_of(number);
        result.refs.insert(result.refs.end(), data_.begin() + static_cast<std::ptrdiff_t>(place * inner_),
                           data_.begin() + static_cast<std::ptrdiff_t>((place + 1) * inner_));
      }
      return result;
    }
    PlaceTruths places(call_, size_, numbers.ids);
    Expression sum;
    sum.kind = ExpressionKind::kSum;
    for (const Ref number : numbers.refs) add_terms(places, number, numbers.ids, sum);
    sum.columns = sum.terms.size();
    return call_.rows_of(std::move(sum), result);
  }

 private:
  size_t place_of(int64_t number) const {
    const auto size = static_cast<int64_t>(size_);
    if (number < (wraps_ ? -size : 0) || number >= size) refuse_rows("at places that a row does not have");
    return static_cast<size_t>(number < 0 ? number + size : number);
  }

  void add_terms(PlaceTruths& places, Ref number, bool ids, Expression& sum) const {
    if (!PlaceTruths::is_place(call_.expressions, number, ids))
      refuse_rows("and by numbers that are not whole; expected an id, or what is made of lengths");
    if (!ids && !is_not_negative(call_.expressions, number)) {
      refuse_rows(
          "and by an index that may be below 0, where it is that of another element or row; keep it at 0 or more, "
          "as by clamp(min=0)");
    }
    const Vector truths = places.of(number);
    for (size_t k = 0; k < inner_; ++k) {
      sum.terms.emplace_back();
      for (size_t place = 0; place < size_; ++place)
        sum.terms.back().push_back({1, truths[place], true, data_[place * inner_ + k]});
    }
  }

  const NodeCall& call_;
  const Vector& data_;
  const size_t size_, inner_;
  const bool wraps_;
};

/// From [batch * length, ...], at the row's place times the length and a place within the row.
NodeResults gather_place(const NodeCall& call) {
  const TensorValue &data = call.input(0), &numbers = call.input(1);
  const size_t axis = resolve_axis(call.integer("axis", 0), data.rank());
  const bool fits = data.is_rows() && data.row_numbers.step == 0 && !data.ids && !data.batch_inside && axis == 0 &&
                    data.batch_axis == 0 && numbers.row_numbers == RowNumbers{data.shape[0]};
  if (!fits) refuse_rows("which are not counted as the rows of " + value_shape_text(data) + " are");
  SliceTaker taker(call, data.refs, data.shape[0], false);
  return one(taker.take(numbers, {data.shape.begin() + 1, data.shape.end()}));
}

// ------------------------------------------------------------------------------------ tuples, and bounds of rows

/// The row's place and one within it, or a row's end behind its begin.
NodeResults concat_places(const NodeCall& call) {
  const TensorValue &first = call.input(0), &second = call.input(1);
  const size_t axis = resolve_axis(call.integer("axis", 0), first.rank());
  const bool counts = first.row_numbers == RowNumbers{first.row_numbers.step} && first.kind == TensorKind::kIntegers &&
                      first.integers == std::vector<int64_t>(first.size(), 0) && second.row_numbers.step == 0;
  if (!counts || call.num_inputs() != 2) refuse_rows("which are joined with something else than places");
  if (axis == first.batch_axis) {
    const bool end = second.kind == TensorKind::kIntegers && second.size() == 1 && !second.has_batch() &&
                     second.integers[0] == batch_times(first.row_numbers.step) && first.rank() == 1;
    if (!end) refuse_rows("which are joined with something else than their end");
    TensorValue bounds = first;
    bounds.row_numbers.bounds = true;
    return one(std::move(bounds));
  }
  const bool tuples = first.row_numbers.step == 1 && axis + 1 == first.rank() && first.shape[axis] == 1 &&
                      second.kind != TensorKind::kFloats && second.has_batch() && second.rank() == first.rank() &&
                      second.batch_axis == first.batch_axis;
  if (!tuples) refuse_rows("which are joined with something else than places");
  TensorValue result = second;
  result.row_numbers.step = 1;
  result.row_numbers.tuples = true;
  return one(std::move(result));
}

/// [batch, length, ...] at the row's place and one of the length.
NodeResults gather_tuples(const NodeCall& call) {
  const TensorValue &data = call.input(0), &tuples = call.input(1);
  const bool fits = data.is_rows() && data.row_numbers.step == 0 && !data.ids && data.rank() >= 2 &&
                    data.batch_axis == 0 && data.shape[0] == 1 && tuples.row_numbers.tuples &&
                    tuples.shape.back() == 1 && tuples.batch_axis == 0 && call.integer("batch_dims", 0) == 0;
  if (!fits) refuse_rows("in another way than by the row's place and one within the row");
  TensorValue numbers = tuples;
  numbers.shape.pop_back();
  SliceTaker taker(call, data.refs, data.shape[1], true);
  return one(taker.take(numbers, {data.shape.begin() + 2, data.shape.end()}));
}

/// Of bounds: all but the first.
NodeResults slice_bounds(const NodeCall& call) {
  require_plain_arguments(call);
  const std::vector<int64_t> starts = call.list("starts", 1), ends = call.list("ends", 2), axes = call.list("axes", 3),
                             steps = call.list("steps", 4);
  const auto is = [](const std::vector<int64_t>& list, int64_t number) {
    return list.empty() || list == std::vector<int64_t>{number};
  };
  TensorValue bounds = call.input(0);
  const bool behind_first = bounds.row_numbers.bounds && starts == std::vector<int64_t>{1} && ends.size() == 1 &&
                            ends[0] >= kBeyondAnyBatch && is(axes, 0) && is(steps, 1);
  if (!behind_first) refuse_rows("of which a part is taken");
  bounds.row_numbers.bounds = false;
  bounds.row_numbers.next = true;
  return one(std::move(bounds));
}

}  // namespace

NodeResults take_by_tuples(const NodeCall& call) {
  const TensorValue& data = call.input(0);
  TensorValue numbers = call.input(1);
  const bool fits = call.integer("batch_dims", 0) == 1 && data.rank() >= 2 && data.batch_axis == 0 &&
                    data.shape[0] == 1 && !data.ids && numbers.batch_axis == 0 && numbers.rank() >= 2 &&
                    numbers.shape.back() == 1 && numbers.shape[0] == 1;
  if (!fits) throw ConvertError("takes elements of the rows in another way than by a place within the row each");
  numbers.shape.pop_back();
  SliceTaker taker(call, data.refs, data.shape[1], true);
  return one(taker.take(numbers, {data.shape.begin() + 2, data.shape.end()}));
}

NodeFunction find_row_place_operation(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {
      {"Identity", hand_numbers_on}, {"Cast", hand_numbers_on},    {"Unsqueeze", hand_numbers_on},
      {"Squeeze", hand_numbers_on},  {"Reshape", hand_numbers_on}, {"Expand", hand_numbers_on},
      {"Shape", shape_of_numbers},   {"Mul", multiply_numbers},    {"Add", add_place},
      {"Concat", concat_places},     {"Gather", gather_place},     {"GatherND", gather_tuples},
      {"Slice", slice_bounds}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
