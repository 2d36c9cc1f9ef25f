// Functions of one id, whatever a graph makes them of: masks by a length, places, tables of constants. The file looks
// their values up.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "converter/recognise/id_numbers.h"
#include "converter/recognise/pooling.h"
#include "converter/recognise/scalar_values.h"

namespace mmoe::converter {
namespace {

constexpr size_t kMostVisited = size_t{1} << 14, kMostRows = size_t{1} << 12;

}  // namespace

/// What scalars are calculated of, if that is one id and constants.
class IdFunction {
 public:
  explicit IdFunction(const Expressions& expressions) : expressions_(expressions) {}

  /// False where the scalar depends on something else.
  bool add(Ref ref) {
    std::vector<Ref> waiting = {ref};
    while (!waiting.empty()) {
      const Ref next = waiting.back();
      waiting.pop_back();
      if (!seen_.insert(next).second) continue;
      if (seen_.size() > kMostVisited || !read(next, waiting)) return false;
    }
    return true;
  }

  /// Whether it is more than numbers of tables.
  bool is_made() const { return id_ && (is_number_ || compares_); }
  Ref id() const { return *id_; }
  size_t numbers() const { return numbers_; }         ///< it is compared with numbers below
  std::optional<size_t> end() const { return end_; }  ///< of the tables that are looked up
  bool is_number() const { return is_number_; }       ///< it is calculated with

  /// Of the id `number`; of kMostRows, what all have that are compared with nothing.
  std::optional<double> value(Ref ref, size_t number, std::map<Ref, double>& known) const {
    const auto found = known.find(ref);
    if (found != known.end()) return found->second;
    std::optional<double> value = calculate(ref, number, known);
    if (value) known.emplace(ref, *value);
    return value;
  }

 private:
  bool is_id(Ref ref) {
    if (expressions_.of(ref).kind != ExpressionKind::kInput || !expressions_.of(ref).whole_numbers) return false;
    if (!id_) id_ = ref;
    return *id_ == ref;
  }

  bool read(Ref ref, std::vector<Ref>& waiting) {
    const Expression& expression = expressions_.of(ref);
    switch (expression.kind) {
      case ExpressionKind::kConstant: return true;
      case ExpressionKind::kInput: is_number_ = true; return is_id(ref);
      case ExpressionKind::kIdEquals: return read_comparison(expression, ref.column);
      case ExpressionKind::kEmbedding: return read_table(expression);
      case ExpressionKind::kSum:
        for (const Term& term : expression.terms[ref.column]) {
          waiting.push_back(term.a);
          if (term.product) waiting.push_back(term.b);
        }
        return true;
      case ExpressionKind::kAffine:
      case ExpressionKind::kActivation:
      case ExpressionKind::kFunction:
        compares_ = compares_ || is_truth(expressions_, ref);
        if (read_threshold(expression, ref.column)) return true;
        for (size_t at = ref.column; at < expression.inputs.size(); at += expression.columns)
          waiting.push_back(expression.inputs[at]);
        return true;
      default: return false;
    }
  }

  bool read_table(const Expression& embedding) {
    const size_t rows = embedding.weight->rows;
    if (embedding.zero_beyond) numbers_ = std::max(numbers_, rows);
    if (!embedding.zero_beyond) end_ = std::min(end_.value_or(rows), rows);
    return rows <= kMostRows && is_id(embedding.inputs.front());
  }

  bool read_comparison(const Expression& equal, uint32_t column) {
    const int64_t number = equal.shifts[column];
    if (number >= static_cast<int64_t>(kMostRows)) return false;
    if (number >= 0) numbers_ = std::max(numbers_, static_cast<size_t>(number) + 1);
    compares_ = true;
    return is_id(equal.inputs[column]);
  }

  /// Whether an id is more than a constant, which says nothing else of it.
  bool read_threshold(const Expression& comparison, uint32_t column) {
    const bool compares =
        comparison.kind == ExpressionKind::kFunction &&
        (comparison.function == FunctionKind::kGreater || comparison.function == FunctionKind::kGreaterOrEqual);
    if (!compares) return false;
    const Scaled a = expressions_.scaled(comparison.inputs[column]);
    const Scaled b = expressions_.scaled(comparison.inputs[comparison.columns + column]);
    const auto is_constant = [&](Ref ref) { return expressions_.of(ref).kind == ExpressionKind::kConstant; };
    const auto is_number = [&](Ref ref) { return expressions_.of(ref).kind == ExpressionKind::kInput; };
    const bool first = is_number(a.of) && is_constant(b.of);
    if (!first && !(is_number(b.of) && is_constant(a.of))) return false;
    const Scaled &number = first ? a : b, &constant = first ? b : a;
    const double limit =
        constant.scale * double{expressions_.of(constant.of).bias[constant.of.column]} + constant.shift;
    const double threshold = (limit - number.shift) / number.scale;
    if (number.scale == 0 || !(std::fabs(threshold) < static_cast<double>(kMostRows - 1)) || !is_id(number.of))
      return false;
    numbers_ = std::max(numbers_, static_cast<size_t>(std::max(std::ceil(threshold), 0.0)) + 1);
    return true;
  }

  std::optional<double> calculate(Ref ref, size_t number, std::map<Ref, double>& known) const {
    const Expression& expression = expressions_.of(ref);
    switch (expression.kind) {
      case ExpressionKind::kConstant: return double{expression.bias[ref.column]};
      case ExpressionKind::kInput: return static_cast<double>(number);
      case ExpressionKind::kIdEquals: return expression.shifts[ref.column] == static_cast<int64_t>(number) ? 1 : 0;
      case ExpressionKind::kEmbedding:
        return number < expression.weight->rows ? double{expression.weight->at(number, ref.column)} : 0;
      case ExpressionKind::kSum: return sum_of(expression.terms[ref.column], number, known);
      default: break;
    }
    std::vector<double> arguments;
    for (size_t at = ref.column; at < expression.inputs.size(); at += expression.columns) {
      const std::optional<double> argument = value(expression.inputs[at], number, known);
      if (!argument) return std::nullopt;
      arguments.push_back(*argument);
    }
    return value_of(expression, ref.column, arguments);
  }

  std::optional<double> sum_of(const std::vector<Term>& terms, size_t number, std::map<Ref, double>& known) const {
    double sum = 0;
    for (const Term& term : terms) {
      const std::optional<double> a = value(term.a, number, known);
      const std::optional<double> b = term.product ? value(term.b, number, known) : 1.0;
      if (!a || !b) return std::nullopt;
      sum += double{term.coefficient} * *a * *b;
    }
    return sum;
  }

  const Expressions& expressions_;
  std::set<Ref> seen_;
  std::optional<Ref> id_;
  std::optional<size_t> end_;
  size_t numbers_ = 0;
  bool is_number_ = false, compares_ = false;
};

/// Of the table: up to where the graph has a value for the id. Nothing: for all, and the last one is of all others.
std::optional<size_t> IdNumbers::rows_of(const IdFunction& function) {
  if (!learnt_) learn_numbers();
  std::optional<size_t> rows = expressions_.end_of_id(function.id());
  const auto looked_up = rows_.find(function.id());
  if (looked_up != rows_.end()) rows = std::min(rows.value_or(looked_up->second), looked_up->second);
  if (function.end()) rows = std::min(rows.value_or(*function.end()), *function.end());
  return rows;
}

std::optional<Vector> IdNumbers::function_of_id(const Vector& vector) {
  const auto is_plain = [&](Ref ref) {
    const ExpressionKind kind = expressions_.of(expressions_.scaled(ref).of).kind;
    return kind == ExpressionKind::kIdEquals || kind == ExpressionKind::kEmbedding || kind == ExpressionKind::kInput;
  };
  IdFunction function(expressions_);
  if (std::all_of(vector.begin(), vector.end(), is_plain)) return std::nullopt;
  if (!std::all_of(vector.begin(), vector.end(), [&](Ref ref) { return function.add(ref); })) return std::nullopt;
  if (!function.is_made()) return std::nullopt;
  const std::optional<size_t> end = rows_of(function);
  if (end ? *end > kMostRows : function.is_number()) return std::nullopt;
  Expression row;
  row.kind = ExpressionKind::kEmbedding;
  row.node = expressions_.of(vector.front()).node;
  row.inputs = {function.id()};
  row.columns = vector.size();
  row.zero_beyond = !end;
  const auto values_at = [&](size_t number) {
    std::map<Ref, double> known;
    std::vector<double> values;
    for (const Ref ref : vector) {
      const std::optional<double> value = function.value(ref, number, known);
      if (value && std::isfinite(static_cast<float>(*value))) values.push_back(*value);
    }
    return values;
  };
  const std::vector<double> beyond = end ? std::vector<double>(vector.size(), 0.0) : values_at(kMostRows);
  Matrix table{end.value_or(function.numbers()), row.columns, {}};
  expressions_.charge(count_elements({table.rows + 1, table.cols}));
  for (size_t number = 0; number < table.rows; ++number) {
    const std::vector<double> values = values_at(number);
    if (values.size() != vector.size() || beyond.size() != vector.size()) return std::nullopt;
    for (size_t i = 0; i < values.size(); ++i) table.data.push_back(static_cast<float>(values[i] - beyond[i]));
  }
  row.weight = std::make_shared<const Matrix>(std::move(table));
  const Vector looked_up = expressions_.all(expressions_.add(std::move(row)));
  if (std::all_of(beyond.begin(), beyond.end(), [](double x) { return x == 0; })) return looked_up;
  Expression shifted;
  shifted.kind = ExpressionKind::kAffine;
  shifted.node = expressions_.of(vector.front()).node;
  shifted.columns = vector.size();
  shifted.inputs = looked_up;
  shifted.norm = {std::vector<float>(vector.size(), 1.0f), std::vector<float>(beyond.begin(), beyond.end()),
                  std::vector<float>(vector.size(), 0.0f), std::vector<float>(vector.size(), 1.0f), 0};
  return expressions_.all(expressions_.add(std::move(shifted)));
}

}  // namespace mmoe::converter
