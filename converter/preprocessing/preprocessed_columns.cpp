#include "converter/preprocessing/preprocessed_columns.h"

#include <cmath>
#include <set>

#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

namespace {

using nlohmann::json;

class Describer {
 public:
  Describer(const FeatureForm& form, const std::string& path) : form_(form), path_(path) {}

  /// The feature that begins with column `first`, and the column behind it.
  MadeFeature describe(const PreprocessedColumns& columns, size_t first, size_t& end);

 private:
  [[noreturn]] void fail(const PreprocessedColumn& column, const std::string& message) const {
    throw ConvertError(path_ + ": column " + join({column.source}) + ": " + message);
  }

  json named(const PreprocessedColumn& column, const std::string& suffix);
  json number(const PreprocessedColumn& column, const NumberSteps& steps);
  json codes(const PreprocessedColumn& column, const CategoryValues& values);
  json category(const PreprocessedColumns& columns, size_t first, size_t end);
  json rows(const PreprocessedColumns& columns, size_t first, size_t end) const;
  uint32_t table_id(const PreprocessedColumn& column, const CategoryValues& values, size_t id) const;

  const FeatureForm& form_;
  const std::string& path_;
  std::set<std::string> names_;
};

const CategoryValues* values_of(const PreprocessedColumn& column) { return std::get_if<CategoryValues>(&column.made); }

json Describer::named(const PreprocessedColumn& column, const std::string& suffix) {
  std::string name = column.source + suffix;
  for (size_t i = 2; !names_.insert(name).second; ++i) name = column.source + suffix + " " + std::to_string(i);
  json feature = {{"name", name}};
  if (name != column.source) feature["column"] = column.source;
  if (const auto side = form_.sides.find(column.source); side != form_.sides.end()) feature["side"] = side->second;
  return feature;
}

json Describer::number(const PreprocessedColumn& column, const NumberSteps& steps) {
  json feature = named(column, steps.function == "is_missing" ? " is missing" : "");
  feature["kind"] = "dense";
  if (!column.missing.is_null()) {
    if (!column.missing.is_number()) fail(column, "a missing number becomes a text");
    feature["missing"] = column.missing;
  }
  if (steps.clips()) {
    feature["clip"] = {std::isfinite(steps.lower) ? json(steps.lower) : json(),
                       std::isfinite(steps.upper) ? json(steps.upper) : json()};
  }
  if (!steps.function.empty()) feature["function"] = steps.function;
  if (steps.scales()) feature["scale"] = {{"offset", steps.offset}, {"factor", steps.factor}};
  return feature;
}

bool is_one_hot(const PreprocessedColumns& columns, size_t first, size_t end) {
  for (size_t i = first; i < end; ++i) {
    const CategoryValues& values = *values_of(columns[i]);
    if (values.other != 0 || values.values.size() != 1 || values.of(i - first) != 1) return false;
  }
  return values_of(columns[first])->categories->num_ids >= end - first;
}

json Describer::rows(const PreprocessedColumns& columns, size_t first, size_t end) const {
  const size_t num_ids = values_of(columns[first])->categories->num_ids, width = end - first;
  if (num_ids > kMaxConstants / width) {
    fail(columns[first], "a table of " + std::to_string(num_ids) + " rows and " + std::to_string(width) +
                             " columns, expected at most " + std::to_string(kMaxConstants) + " numbers");
  }
  json table = json::array();
  for (size_t id = 0; id < num_ids; ++id) {
    json row = json::array();
    for (size_t i = first; i < end; ++i) row.push_back(values_of(columns[i])->of(id));
    table.push_back(std::move(row));
  }
  return table;
}

json Describer::category(const PreprocessedColumns& columns, size_t first, size_t end) {
  const Categories& categories = *values_of(columns[first])->categories;
  json feature = named(columns[first], "");
  feature["kind"] = "categorical";
  feature["vocabulary"] = categories.vocabulary;
  if (!categories.ids.empty()) feature["ids"] = categories.ids;
  if (categories.unknown) feature["unknown"] = {{"id", *categories.unknown}};
  if (is_one_hot(columns, first, end)) {
    feature["embedding"] = {{"one_hot", end - first}, {"ids", categories.num_ids}};
  } else {
    feature["embedding"] = {{"rows", rows(columns, first, end)}};
  }
  return feature;
}

uint32_t Describer::table_id(const PreprocessedColumn& column, const CategoryValues& values, size_t id) const {
  const double code = values.of(id) + static_cast<double>(form_.first_id);
  if (code != std::floor(code) || code < 0 || code >= static_cast<double>(kMaxTableRows)) {
    fail(column, "a code is " + json(values.of(id)).dump() + ", which with `first_id` " +
                     std::to_string(form_.first_id) + " is no row of a table");
  }
  return static_cast<uint32_t>(code);
}

// The codes of an encoder as rows of a table that training has learned.
json Describer::codes(const PreprocessedColumn& column, const CategoryValues& values) {
  const Categories& categories = *values.categories;
  json feature = named(column, "");
  feature["kind"] = "categorical";
  feature["vocabulary"] = categories.vocabulary;
  std::string table = form_.embedding;
  const std::string placeholder = "{column}";
  if (const size_t at = table.find(placeholder); at != table.npos) table.replace(at, placeholder.size(), column.source);
  feature["embedding"] = table;
  if (categories.ids.empty()) {
    for (size_t id = 0; id < categories.num_ids; ++id) {
      if (values.of(id) != static_cast<double>(id)) fail(column, "its codes are not 0, 1, ...");
    }
    feature["first_id"] = form_.first_id;
  } else {
    json ids = json::array();
    for (const uint32_t id : categories.ids) ids.push_back(table_id(column, values, id));
    feature["ids"] = std::move(ids);
  }
  if (categories.unknown) feature["unknown"] = {{"id", table_id(column, values, *categories.unknown)}};
  return feature;
}

MadeFeature Describer::describe(const PreprocessedColumns& columns, size_t first, size_t& end) {
  const PreprocessedColumn& column = columns[first];
  const CategoryValues* values = values_of(column);
  end = first + 1;
  if (values == nullptr) {
    if (!form_.embedding.empty()) fail(column, "no encoder gives it ids, which an embedding needs");
    return {column.source, number(column, std::get<NumberSteps>(column.made))};
  }
  const auto same = [&](const PreprocessedColumn& next) {
    const CategoryValues* others = values_of(next);
    return others != nullptr && others->categories == values->categories;
  };
  if (!form_.embedding.empty()) {
    if (end < columns.size() && same(columns[end]))
      fail(column, "is one-hot, and an embedding needs an OrdinalEncoder");
    return {column.source, codes(column, *values)};
  }
  while (end < columns.size() && same(columns[end])) ++end;
  return {column.source, category(columns, first, end)};
}

}  // namespace

bool PreprocessedColumn::is_raw() const {
  const auto* steps = std::get_if<NumberSteps>(&made);
  return steps != nullptr && !steps->scales() && !steps->clips() && steps->function.empty();
}

std::vector<MadeFeature> describe_columns(const PreprocessedColumns& columns, const FeatureForm& form,
                                          const std::string& path) {
  Describer describer(form, path);
  std::vector<MadeFeature> features;
  for (size_t i = 0; i < columns.size();) {
    size_t end = 0;
    features.push_back(describer.describe(columns, i, end));
    i = end;
  }
  return features;
}

}  // namespace mmoe::converter
