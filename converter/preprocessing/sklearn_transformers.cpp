#include "converter/preprocessing/sklearn_transformers.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "converter/model/limits.h"
#include "converter/preprocessing/sklearn_encoders.h"
#include "converter/preprocessing/sklearn_numbers.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

namespace {

using nlohmann::json;
using Columns = PreprocessedColumns;

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

// What is known, and no feature can be: with what to do.
void refuse_by_name(const JsonReader& kind) {
  static const std::map<std::string, std::string> reasons = {
      {"PolynomialFeatures", "multiplies columns: write the products as `nodes` of the description"},
      {"SplineTransformer", "makes curves of numbers; KBinsDiscretizer and QuantileTransformer are supported"},
      {"Normalizer", "divides a row by its norm, which mixes columns"},
      {"KNNImputer", "fills in what other columns say; SimpleImputer is supported"},
      {"IterativeImputer", "fills in what other columns say; SimpleImputer is supported"},
      {"PCA", "is a linear map of all columns: give its matrix as a layer of the description"},
      {"TruncatedSVD", "is a linear map of all columns: give its matrix as a layer of the description"},
      {"LabelEncoder", "is made for labels: its classes_ are the `vocabulary` of a feature"},
      {"LabelBinarizer", "is made for labels: its classes_ are the `vocabulary` of a feature"},
      {"MultiLabelBinarizer", "is made for labels: its classes_ are the `vocabulary` of a sequence, pooled by `max`"},
      {"FeatureHasher", "hashes texts: write a feature with hash buckets, whose `modulo` is signed"},
      {"HashingVectorizer", "takes texts apart into words: write a sequence of the words with hash buckets"},
      {"CountVectorizer", "takes texts apart into words: write a sequence of the words with its vocabulary_"},
      {"TfidfVectorizer", "takes texts apart into words: write a sequence of the words with its vocabulary_"},
      {"DictVectorizer", "reads dictionaries: write a feature for each of their keys"}};
  const auto found = kind.is_string() ? reasons.find(kind.text()) : reasons.end();
  if (found != reasons.end()) kind.fail(found->first + " is not supported: it " + found->second);
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
  refuse_by_name(kind);
  switch (kind.choice({"OneHotEncoder", "OrdinalEncoder", "KBinsDiscretizer", "StandardScaler", "MinMaxScaler",
                       "MaxAbsScaler", "RobustScaler", "SimpleImputer", "MissingIndicator", "FunctionTransformer",
                       "PowerTransformer", "QuantileTransformer", "Binarizer", "TargetEncoder"})) {
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
    case 11: return transform_quantiles(transformer, std::move(columns));
    case 12: return binarise(transformer, std::move(columns));
    default: return encode_target(transformer, columns, notes_);
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
