#include "converter/preprocessing/sklearn_transformers.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "converter/model/limits.h"
#include "converter/preprocessing/sklearn_encoders.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

namespace {

using nlohmann::json;
using Columns = PreprocessedColumns;

// (v - offset) * factor of what the column is.
void scale(const JsonReader& transformer, PreprocessedColumn& column, double offset, double factor) {
  if (factor == 0 || !std::isfinite(factor) || !std::isfinite(offset)) transformer.fail("its scale is 0 or not finite");
  if (auto* steps = std::get_if<NumberSteps>(&column.made)) {
    steps->offset += offset / steps->factor;
    steps->factor *= factor;
    return;
  }
  auto& values = std::get<CategoryValues>(column.made);
  values.other = (values.other - offset) * factor;
  for (auto& [id, value] : values.values) value = (value - offset) * factor;
}

// Of a number that is 0 or 1.
void clip_indicator(const JsonReader& transformer, NumberSteps& steps, double lower, double upper) {
  const double off = std::clamp((0 - steps.offset) * steps.factor, lower, upper);
  const double on = std::clamp((1 - steps.offset) * steps.factor, lower, upper);
  if (on == off) transformer.fail("clips what says that a value is missing to one number");
  steps.factor = on - off;
  steps.offset = -off / steps.factor;
}

void clip(const JsonReader& transformer, PreprocessedColumn& column, double lower, double upper) {
  if (auto* steps = std::get_if<NumberSteps>(&column.made)) {
    if (steps->function == "is_missing") return clip_indicator(transformer, *steps, lower, upper);
    if (!steps->function.empty()) transformer.fail("clips what a function gives, which is not supported");
    double first = lower / steps->factor + steps->offset, last = upper / steps->factor + steps->offset;
    if (first > last) std::swap(first, last);
    steps->lower = std::clamp(steps->lower, first, last);
    steps->upper = std::clamp(steps->upper, first, last);
    return;
  }
  auto& values = std::get<CategoryValues>(column.made);
  values.other = std::clamp(values.other, lower, upper);
  for (auto& [id, value] : values.values) value = std::clamp(value, lower, upper);
}

// A description's name, and NumPy's.
const std::map<std::string, std::string>& functions() {
  static const std::map<std::string, std::string> names = {{"log1p", "log1p"}, {"log", "log"},      {"log10", "log10"},
                                                           {"sqrt", "sqrt"},   {"absolute", "abs"}, {"fabs", "abs"}};
  return names;
}

double value_of(const std::string& function, double value) {
  if (function == "log1p") return std::log1p(value);
  if (function == "log") return std::log(value);
  if (function == "log10") return std::log10(value);
  return function == "sqrt" ? std::sqrt(value) : std::abs(value);
}

void apply(const JsonReader& transformer, const std::string& function, PreprocessedColumn& column) {
  if (auto* steps = std::get_if<NumberSteps>(&column.made)) {
    if (!steps->function.empty() || steps->scales()) {
      transformer.fail(function + " of column \"" + column.source +
                       "\" behind another function or a scaling, which is not supported");
    }
    steps->function = function;
    return;
  }
  auto& values = std::get<CategoryValues>(column.made);
  values.other = value_of(function, values.other);
  for (auto& [id, value] : values.values) value = value_of(function, value);
}

Columns apply_function(const JsonReader& transformer, Columns columns) {
  const JsonReader name = transformer.get("func", "the function");
  if (name.is_null()) return columns;
  const auto arguments = transformer.find("kw_args");
  if (arguments && !arguments->is_null()) arguments->fail("a function with arguments is not supported");
  const auto found = name.is_string() ? functions().find(name.text()) : functions().end();
  if (found == functions().end()) name.fail_expected("NumPy's log1p, log, log10, sqrt or abs");
  for (PreprocessedColumn& column : columns) apply(transformer, found->second, column);
  return columns;
}

// (v - center) / scale, of which either may be absent.
Columns standardise(const JsonReader& transformer, Columns columns, const std::string& center,
                    const std::string& center_flag, const std::string& scale_flag) {
  const auto on = [&](const std::string& flag) {
    return flag.empty() ? false : transformer.get(flag, "true or false").boolean();
  };
  const bool centers = on(center_flag), scales = scale_flag.empty() || on(scale_flag);
  const size_t count = columns.size();
  const auto centers_of = centers ? one_per_column(transformer, center, count) : std::vector<JsonReader>();
  const auto scales_of = scales ? one_per_column(transformer, "scale_", count) : std::vector<JsonReader>();
  for (size_t i = 0; i < count; ++i) {
    scale(transformer, columns[i], centers ? centers_of[i].number() : 0, scales ? 1 / scales_of[i].number() : 1);
  }
  return columns;
}

void apply_to_number(const JsonReader& transformer, const json& function, PreprocessedColumn& column) {
  auto* steps = std::get_if<NumberSteps>(&column.made);
  if (steps == nullptr || !steps->function.empty() || steps->scales()) {
    transformer.fail("column \"" + column.source +
                     "\" is behind an encoder, another function or a scaling, which is not supported");
  }
  steps->function = function;
}

// Powers, then a scaler of its own.
Columns transform_power(const JsonReader& transformer, Columns columns) {
  const bool yeo_johnson = transformer.get("method", "yeo-johnson or box-cox").choice({"yeo-johnson", "box-cox"}) == 0;
  const auto exponents = one_per_column(transformer, "lambdas_", columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    const json exponent = exponents[i].number();
    apply_to_number(transformer, json{{yeo_johnson ? "yeo_johnson" : "box_cox", exponent}}, columns[i]);
  }
  if (!transformer.get("standardize", "true or false").boolean()) return columns;
  return standardise(transformer.get("_scaler", "the scaler behind it"), std::move(columns), "mean_", "with_mean",
                     "with_std");
}

using Points = std::vector<std::pair<double, double>>;

// Of points in ascending order, between the first and the last.
double between(const Points& points, double v) {
  const auto behind = std::upper_bound(points.begin() + 1, points.end() - 1, v,
                                       [](double value, const auto& point) { return value < point.first; });
  const auto& before = *(behind - 1);
  return before.second + (behind->second - before.second) * (v - before.first) / (behind->first - before.first);
}

// Where the output is normal, scikit-learn takes what is within 1e-7 of a bound for beyond it.
Points with_margins(const JsonReader& transformer, const Points& points) {
  constexpr double kMargin = 1e-7;
  const double low = points.front().first, high = points.back().first;
  const double first = static_cast<float>(low + kMargin), last = static_cast<float>(high - kMargin);
  if (!(first < last)) transformer.fail("its quantiles lie within 2e-7, which is not supported");
  Points out = {points.front()};
  if (first > low) out.insert(out.end(), {{first, 0}, {first, between(points, first)}});
  for (const auto& point : points) {
    if (point.first > first && point.first < last) out.push_back(point);
  }
  if (last < high) out.insert(out.end(), {{last, between(points, last)}, {last, 1}});
  out.push_back(points.back());
  return out;
}

// Lines between the quantiles; several that are equal are a step, at whose place is the mean of its ends.
Columns transform_quantiles(const JsonReader& transformer, Columns columns) {
  const bool normal = transformer.get("output_distribution", "uniform or normal").choice({"uniform", "normal"}) == 1;
  const std::vector<JsonReader> references = transformer.get("references_", "").items();
  const std::vector<JsonReader> rows = one_per_column(transformer, "quantiles_", references.size());
  if (rows.size() != references.size()) transformer.fail("its quantiles and references differ in number");
  if (rows.size() < 2) transformer.fail("it has fewer than two quantiles, which is not supported");
  std::vector<Points> points(columns.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    const std::vector<JsonReader> cells = rows[row].items();
    if (cells.size() != columns.size()) rows[row].fail_expected(std::to_string(columns.size()) + " numbers");
    for (size_t i = 0; i < cells.size(); ++i) {
      points[i].emplace_back(static_cast<double>(cells[i].real()), references[row].number());
    }
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    json function = {{"points", normal ? with_margins(transformer, points[i]) : points[i]}};
    if (normal) function["normal"] = true;
    apply_to_number(transformer, function, columns[i]);
  }
  return columns;
}

// v / scale, then -1 to 1 where it clips.
Columns scale_by_largest(const JsonReader& transformer, Columns columns) {
  columns = standardise(transformer, std::move(columns), "", "", "");
  const auto clips = transformer.find("clip");
  for (PreprocessedColumn& column : columns) {
    if (clips && clips->boolean()) clip(transformer, column, -1, 1);
  }
  return columns;
}

// v * scale + min, then the range where it clips.
Columns scale_to_range(const JsonReader& transformer, Columns columns) {
  const auto scales = one_per_column(transformer, "scale_", columns.size());
  const auto shifts = one_per_column(transformer, "min_", columns.size());
  const auto range = transformer.get("feature_range", "[lower, upper]").items();
  if (range.size() != 2) transformer.get("feature_range", "").fail_expected("[lower, upper]");
  const auto clips = transformer.find("clip");
  for (size_t i = 0; i < columns.size(); ++i) {
    const double factor = scales[i].number();
    if (factor == 0) scales[i].fail_expected("a number other than 0");
    scale(transformer, columns[i], -shifts[i].number() / factor, factor);
    if (!clips || !clips->boolean()) continue;
    if (!(range[0].number() < range[1].number())) range[1].fail_expected("more than the lower bound");
    clip(transformer, columns[i], range[0].number(), range[1].number());
  }
  return columns;
}

// Columns that say which values are missing.
Columns indicate(const JsonReader& indicator, const Columns& columns) {
  Columns out;
  const auto missing = indicator.find("missing_values");
  if (missing && !missing->is_null()) missing->fail_expected("NaN: other values are not missing in the rows");
  const JsonReader list = indicator.get("features_", "the columns that it indicates");
  for (const JsonReader& index : list.items()) {
    if (columns.empty()) index.fail("there are no columns");
    const PreprocessedColumn& column = columns[index.count(columns.size() - 1)];
    if (!column.is_raw()) indicator.fail("indicates what is missing behind other steps, which is not supported");
    NumberSteps steps;
    if (column.missing.is_null()) {
      steps.function = "is_missing";
      out.push_back({column.source, nullptr, steps});
    } else {
      indicator.fail("reads column \"" + column.source + "\", which misses nothing any more");
    }
  }
  return out;
}

void impute(const JsonReader& imputer, const JsonReader& value, PreprocessedColumn& column) {
  if (value.is_null()) {
    value.fail("nothing replaces missing values of column \"" + column.source + "\", which the imputer drops");
  }
  const auto* steps = std::get_if<NumberSteps>(&column.made);
  const bool indicates = steps != nullptr && steps->function == "is_missing";
  if (indicates || !column.missing.is_null()) return;  // nothing is missing any more
  if (!column.is_raw()) {
    imputer.fail("replaces missing values of column \"" + column.source +
                 "\" behind another step, which is not supported; put it first");
  }
  if (value.is_string()) {
    column.missing = value.text();
  } else if (value.is_integer()) {
    column.missing = value.integer();
  } else {
    const double number = value.number();
    column.missing = number;
    constexpr double kLargest = 9007199254740992;  // 2^53
    if (number == std::floor(number) && std::abs(number) <= kLargest) column.missing = static_cast<int64_t>(number);
  }
}

Columns fill_missing(const JsonReader& imputer, Columns columns) {
  const auto missing = imputer.find("missing_values");
  if (missing && !missing->is_null()) missing->fail_expected("NaN: other values are not missing in the rows");
  const auto values = one_per_column(imputer, "statistics_", columns.size());
  Columns indicators;
  const auto indicator = imputer.find("indicator_");
  if (indicator && !indicator->is_null()) indicators = indicate(*indicator, columns);
  for (size_t i = 0; i < columns.size(); ++i) impute(imputer, values[i], columns[i]);
  columns.insert(columns.end(), indicators.begin(), indicators.end());
  return columns;
}

class Transformers {
 public:
  explicit Transformers(std::vector<std::string>& notes) : notes_(notes) {}

  Columns transform(const JsonReader& transformer, Columns columns, size_t depth);

 private:
  static constexpr size_t kMaxDepth = 16;

  Columns transform_parts(const JsonReader& transformer, const Columns& columns, size_t depth);
  Columns transform_each(const JsonReader& list, const Columns& columns, size_t depth);
  Columns transform_in_turn(const JsonReader& list, Columns columns, size_t depth);
  Columns transform_simple(const JsonReader& transformer, Columns columns);

  std::vector<std::string>& notes_;
};

// Names, numbers from 0 on (or from the last one, if negative), or a true or false for each column.
Columns selected(const JsonReader& transformer, const JsonReader& list, const Columns& columns) {
  std::map<std::string, size_t> names;
  if (const auto field = transformer.find("feature_names_in_"); field && !field->is_null()) {
    for (const JsonReader& name : field->items()) names.emplace(name.text(), names.size());
  }
  Columns out;
  const std::vector<JsonReader> items = list.is_array() ? list.items() : std::vector<JsonReader>{list};
  const bool is_mask = !items.empty() && items.front().is_boolean();
  if (is_mask && items.size() != columns.size()) list.fail_expected("a value for each column");
  for (size_t i = 0; i < items.size(); ++i) {
    size_t index = i;
    if (is_mask) {
      if (!items[i].boolean()) continue;
    } else if (items[i].is_string()) {
      const auto found = names.find(items[i].text());
      if (found == names.end()) {
        items[i].fail_expected("a column's name; slices are not supported, write a list of the columns");
      }
      index = found->second;
    } else {
      const int64_t number = items[i].integer(), size = static_cast<int64_t>(columns.size());
      if (number < -size || number >= size) items[i].fail_expected("a number below " + std::to_string(size));
      index = static_cast<size_t>(number < 0 ? number + size : number);
    }
    if (index >= columns.size()) items[i].fail("there are only " + std::to_string(columns.size()) + " columns");
    out.push_back(columns[index]);
  }
  return out;
}

// Of a ColumnTransformer: [name, transformer, columns] each, the rest last.
Columns Transformers::transform_parts(const JsonReader& transformer, const Columns& columns, size_t depth) {
  Columns out;
  const JsonReader parts = transformer.get("transformers_", "the fitted transformers; is it fitted?");
  for (const JsonReader& part : parts.items()) {
    const std::vector<JsonReader> items = part.items();
    if (items.size() != 3) part.fail_expected("[name, transformer, columns]");
    if (items[1].is_string() && items[1].text() == "drop") continue;
    Columns made = selected(transformer, items[2], columns);
    if (made.empty()) continue;
    if (!items[1].is_string() || items[1].text() != "passthrough") made = transform(items[1], std::move(made), depth);
    out.insert(out.end(), made.begin(), made.end());
    if (out.size() > kMaxDim) parts.fail("gives more than " + std::to_string(kMaxDim) + " columns");
  }
  return out;
}

// Of a FeatureUnion: [name, transformer] each, whose columns lie side by side.
Columns Transformers::transform_each(const JsonReader& list, const Columns& columns, size_t depth) {
  Columns out;
  for (const JsonReader& part : list.items()) {
    const std::vector<JsonReader> items = part.items();
    if (items.size() != 2) part.fail_expected("[name, transformer]");
    if (items[1].is_string() && items[1].text() == "drop") continue;
    const bool passes = items[1].is_string() && items[1].text() == "passthrough";
    const Columns made = passes ? columns : transform(items[1], columns, depth);
    out.insert(out.end(), made.begin(), made.end());
    if (out.size() > kMaxDim) list.fail("gives more than " + std::to_string(kMaxDim) + " columns");
  }
  return out;
}

// Of a Pipeline.
Columns Transformers::transform_in_turn(const JsonReader& list, Columns columns, size_t depth) {
  for (const JsonReader& part : list.items()) {
    const std::vector<JsonReader> items = part.items();
    if (items.size() != 2) part.fail_expected("[name, transformer]");
    const bool passes = items[1].is_null() || (items[1].is_string() && items[1].text() == "passthrough");
    if (!passes) columns = transform(items[1], std::move(columns), depth);
  }
  return columns;
}

Columns Transformers::transform(const JsonReader& transformer, Columns columns, size_t depth) {
  if (depth > kMaxDepth) transformer.fail("transformers in transformers, more than " + std::to_string(kMaxDepth));
  const std::string kind = transformer.get("class", "the transformer's class").text();
  if (const auto weights = transformer.find("transformer_weights"); weights && !weights->is_null()) {
    weights->fail("weights of transformers are not supported");
  }
  if (kind == "ColumnTransformer") return transform_parts(transformer, columns, depth + 1);
  if (kind == "FeatureUnion") return transform_each(transformer.get("transformer_list", ""), columns, depth + 1);
  if (kind == "Pipeline") return transform_in_turn(transformer.get("steps", ""), std::move(columns), depth + 1);
  return transform_simple(transformer, std::move(columns));
}

Columns Transformers::transform_simple(const JsonReader& transformer, Columns columns) {
  const JsonReader kind = transformer.get("class", "");
  switch (kind.choice({"OneHotEncoder", "OrdinalEncoder", "KBinsDiscretizer", "StandardScaler", "MinMaxScaler",
                       "MaxAbsScaler", "RobustScaler", "SimpleImputer", "MissingIndicator", "FunctionTransformer",
                       "PowerTransformer", "QuantileTransformer"})) {
    case 0: return encode_one_hot(transformer, columns, notes_);
    case 1: return encode_ordinal(transformer, columns, notes_);
    case 2: return encode_bins(transformer, columns);
    case 3: return standardise(transformer, std::move(columns), "mean_", "with_mean", "with_std");
    case 4: return scale_to_range(transformer, std::move(columns));
    case 5: return scale_by_largest(transformer, std::move(columns));
    case 6: return standardise(transformer, std::move(columns), "center_", "with_centering", "with_scaling");
    case 7: return fill_missing(transformer, std::move(columns));
    case 8: return indicate(transformer, columns);
    case 9: return apply_function(transformer, std::move(columns));
    case 10: return transform_power(transformer, std::move(columns));
    default: return transform_quantiles(transformer, std::move(columns));
  }
}

// Of [name, transformer] each, the first that is no "passthrough" or "drop".
std::optional<JsonReader> first_transformer(const JsonReader& list) {
  for (const JsonReader& part : list.items()) {
    const std::vector<JsonReader> items = part.items();
    if (items.size() != 2) part.fail_expected("[name, transformer]");
    if (items[1].is_object()) return items[1];
  }
  return std::nullopt;
}

// The raw columns, by the names that the first transformer has seen; without names x0, x1, ...
Columns raw_columns(const JsonReader& transformer) {
  JsonReader first = transformer;
  for (size_t depth = 0; depth < 16; ++depth) {
    if (const auto names = first.find("feature_names_in_"); names && !names->is_null()) {
      Columns columns;
      for (const JsonReader& name : names->items()) columns.push_back({name.string(), nullptr, NumberSteps()});
      return columns;
    }
    const auto steps = first.find(first.find("steps") ? "steps" : "transformer_list");
    if (!steps || !steps->is_array() || steps->items().empty()) break;
    const std::optional<JsonReader> next = first_transformer(*steps);
    if (!next) break;
    first = *next;
  }
  Columns columns;
  const size_t count = first.get("n_features_in_", "the number of columns; is the transformer fitted?").count(kMaxDim);
  for (size_t i = 0; i < count; ++i) columns.push_back({"x" + std::to_string(i), nullptr, NumberSteps()});
  return columns;
}

}  // namespace

PreprocessedColumns read_sklearn(const JsonReader& transformer, std::vector<std::string>& notes) {
  return Transformers(notes).transform(transformer, raw_columns(transformer), 0);
}

}  // namespace mmoe::converter
