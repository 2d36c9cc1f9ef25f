#include "converter/preprocessing/sklearn_numbers.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "converter/preprocessing/sklearn_encoders.h"

namespace mmoe::converter {

namespace {

using nlohmann::json;

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

// A function of NumPy: a description's, whose result is multiplied.
struct Function {
  json function;
  double (*value)(double);
  double factor = 1;
};

const std::map<std::string, Function>& functions() {
  static const std::map<std::string, Function> all = {
      {"numpy.log1p", {"log1p", std::log1p}},
      {"numpy.log", {"log", std::log}},
      {"numpy.log2", {"log", std::log, 1 / std::log(2.0)}},
      {"numpy.log10", {"log10", std::log10}},
      {"numpy.sqrt", {"sqrt", std::sqrt}},
      {"numpy.absolute", {"abs", std::fabs}},
      {"numpy.fabs", {"abs", std::fabs}},
      {"numpy.square", {{{"power", 2}}, [](double v) { return v * v; }}},
      {"numpy.reciprocal", {{{"power", -1}}, [](double v) { return 1 / v; }}}};
  return all;
}

void apply(const JsonReader& transformer, const std::string& name, const Function& function,
           PreprocessedColumn& column) {
  if (auto* steps = std::get_if<NumberSteps>(&column.made)) {
    if (!steps->function.empty() || steps->scales()) {
      transformer.fail(name + " of column \"" + column.source +
                       "\" behind another function or a scaling, which is not supported");
    }
    steps->function = function.function;
    steps->factor = function.factor;
    return;
  }
  auto& values = std::get<CategoryValues>(column.made);
  const auto made = [&function](double value) { return function.value(value) * function.factor; };
  values.other = made(values.other);
  for (auto& [id, value] : values.values) value = made(value);
  for (const auto& [id, value] : values.values) {
    if (std::isfinite(value)) continue;
    transformer.fail(name + " of column \"" + column.source + "\" gives a number that is not finite for a category");
  }
}

}  // namespace

PreprocessedColumns apply_function(const JsonReader& transformer, PreprocessedColumns columns) {
  const JsonReader name = transformer.get("func", "the function");
  if (name.is_null()) return columns;
  const auto arguments = transformer.find("kw_args");
  if (arguments && !arguments->is_null()) arguments->fail("a function with arguments is not supported");
  const auto found = name.is_string() ? functions().find(name.text()) : functions().end();
  if (found == functions().end()) {
    name.fail_expected(
        "NumPy's log1p, log, log2, log10, sqrt, square, reciprocal or abs, saved as \"numpy.log1p\": a function of "
        "one's "
        "own may have the same name");
  }
  for (PreprocessedColumn& column : columns) apply(transformer, found->first, found->second, column);
  return columns;
}

// 1 of what is above the threshold, else 0.
PreprocessedColumns binarise(const JsonReader& transformer, PreprocessedColumns columns) {
  const double threshold = transformer.get("threshold", "what is 1 above it").number();
  for (PreprocessedColumn& column : columns) {
    if (auto* values = std::get_if<CategoryValues>(&column.made)) {
      values->other = values->other > threshold ? 1 : 0;
      for (auto& [id, value] : values->values) value = value > threshold ? 1 : 0;
      continue;
    }
    if (!column.is_raw()) {
      transformer.fail("reads column \"" + column.source +
                       "\" behind another step than SimpleImputer, which is not "
                       "supported");
    }
    column = bins_of_column(transformer, column, {threshold}, "left");
  }
  return columns;
}

// (v - center) / scale, of which either may be absent.
PreprocessedColumns standardise(const JsonReader& transformer, PreprocessedColumns columns, const std::string& center,
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
PreprocessedColumns transform_power(const JsonReader& transformer, PreprocessedColumns columns) {
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

// v / scale, then -1 to 1 where it clips.
PreprocessedColumns scale_by_largest(const JsonReader& transformer, PreprocessedColumns columns) {
  columns = standardise(transformer, std::move(columns), "", "", "");
  const auto clips = transformer.find("clip");
  for (PreprocessedColumn& column : columns) {
    if (clips && clips->boolean()) clip(transformer, column, -1, 1);
  }
  return columns;
}

// v * scale + min, then the range where it clips.
PreprocessedColumns scale_to_range(const JsonReader& transformer, PreprocessedColumns columns) {
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

}  // namespace mmoe::converter
