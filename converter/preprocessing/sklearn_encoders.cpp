#include "converter/preprocessing/sklearn_encoders.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <utility>

namespace mmoe::converter {

namespace {

using nlohmann::json;

/// The categories that an encoder has seen in one column: texts or whole numbers, and null for missing values.
struct Seen {
  std::vector<json> keys;
  std::vector<uint32_t> ids;  // of the keys
  std::optional<uint32_t> unknown;
  size_t num_ids = 0;
};

// A float that is a whole number is one, as pandas reads a column of whole numbers that has missing values.
json key_of(const JsonReader& value) {
  if (value.is_null()) return nullptr;
  if (value.is_string()) return value.text();
  if (value.is_integer()) return value.integer();
  constexpr double kLargest = 9007199254740992;  // 2^53: beyond it a float stands for several
  const double number = value.number();
  if (number != std::floor(number) || std::abs(number) > kLargest) {
    value.fail_expected("a text or a whole number; other numbers are categories by KBinsDiscretizer alone");
  }
  return static_cast<int64_t>(number);
}

std::vector<json> keys_of(const JsonReader& list) {
  std::vector<json> keys;
  for (const JsonReader& item : list.items()) {
    keys.push_back(key_of(item));
    const bool same =
        keys.back().is_null() || keys.front().is_null() || keys.back().is_string() == keys.front().is_string();
    if (!same) item.fail_expected("texts or whole numbers, all of one kind");
  }
  if (std::count(keys.begin(), keys.end(), json()) > 1) {
    list.fail("has None and NaN, which are the same empty cell of a row; put a SimpleImputer in front");
  }
  return keys;
}

// NaN and None are both null here, and an imputer replaces one of them.
std::vector<json> keys_of(const JsonReader& list, const PreprocessedColumn& column) {
  std::vector<json> keys = keys_of(list);
  const bool misses = std::find(keys.begin(), keys.end(), json()) != keys.end();
  if (misses && !column.missing.is_null()) {
    list.fail("has a missing value, though a SimpleImputer is in front; are there both NaN and None in column \"" +
              column.source + "\"?");
  }
  return keys;
}

void check_raw(const JsonReader& encoder, const PreprocessedColumn& column) {
  if (column.is_raw()) return;
  encoder.fail("reads column \"" + column.source + "\" behind another step than SimpleImputer, which is not supported");
}

std::optional<uint32_t> id_of(const std::vector<json>& keys, const std::vector<uint32_t>& ids, const json& key) {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? std::nullopt : std::optional(ids[static_cast<size_t>(found - keys.begin())]);
}

std::string as_text(const json& key) { return key.is_string() ? key.get<std::string>() : key.dump(); }

// Whole numbers as texts, each also as pandas writes a column that misses some: "7" and "7.0".
void add_as_floats(json& keys, Categories& categories) {
  const size_t count = keys.size();
  for (size_t i = 0; i < count; ++i) {
    const std::string text = as_text(keys[i]);
    keys[i] = text;
    keys.push_back(text + ".0");
    categories.ids.push_back(categories.ids[i]);
  }
}

/// A missing text is the empty one. A missing whole number is an unknown one: where an encoder tells them apart, the
/// numbers are looked up as texts.
std::shared_ptr<const Categories> categories_of(const PreprocessedColumn& column, Seen seen,
                                                std::vector<std::string>& notes) {
  const std::optional<uint32_t> known = id_of(seen.keys, seen.ids, column.missing);
  const std::optional<uint32_t> missing = known ? known : seen.unknown;
  auto categories = std::make_shared<Categories>();
  json keys = json::array();
  bool texts = false, has_empty = false;
  for (size_t i = 0; i < seen.keys.size(); ++i) {
    if (seen.keys[i].is_null()) continue;
    texts = texts || seen.keys[i].is_string();
    has_empty = has_empty || seen.keys[i] == json("");
    keys.push_back(seen.keys[i]);
    categories->ids.push_back(seen.ids[i]);
  }
  if (missing != seen.unknown && !has_empty) {
    if (!texts) {
      add_as_floats(keys, *categories);
      notes.push_back("column \"" + column.source +
                      "\": its whole numbers are looked up as texts, since a missing one and an unknown one differ");
    }
    keys.push_back("");
    categories->ids.push_back(*missing);
  }
  categories->vocabulary = std::move(keys);
  categories->num_ids = seen.num_ids;
  categories->unknown = seen.unknown;
  return categories;
}

PreprocessedColumn value_of(const std::string& source, const std::shared_ptr<const Categories>& categories,
                            std::map<size_t, double> values) {
  return {source, nullptr, CategoryValues{categories, std::move(values), 0}};
}

void add_one_hot(const std::string& source, const std::shared_ptr<const Categories>& categories, size_t width,
                 PreprocessedColumns& out) {
  for (size_t i = 0; i < width; ++i) out.push_back(value_of(source, categories, {{i, 1.0}}));
}

/// Categories of which several may be one: infrequent ones, which come last.
struct Groups {
  std::vector<uint32_t> of;  // each category's
  uint32_t count = 0;
  std::optional<uint32_t> infrequent;
};

// `missing_is_one`: a missing value counts among the frequent ones.
Groups group(const JsonReader& encoder, size_t column, const std::vector<json>& keys, bool missing_is_one) {
  std::set<json> infrequent;
  if (const auto lists = encoder.find("infrequent_categories_"); lists && !lists->is_null()) {
    const JsonReader list = one_per_column(encoder, "infrequent_categories_", column + 1)[column];
    if (!list.is_null()) {
      for (const JsonReader& item : list.items()) infrequent.insert(key_of(item));
    }
  } else {
    for (const char* field : {"min_frequency", "max_categories"}) {
      const auto given = encoder.find(field);
      if (given && !given->is_null()) encoder.get("infrequent_categories_", "what the encoder takes for infrequent");
    }
  }
  Groups groups;
  for (const json& key : keys) {
    const bool counts = infrequent.count(key) == 0 && (missing_is_one || !key.is_null());
    groups.of.push_back(counts ? groups.count++ : 0);
  }
  if (infrequent.empty()) return groups;
  groups.infrequent = groups.count++;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (infrequent.count(keys[i]) != 0) groups.of[i] = *groups.infrequent;
  }
  return groups;
}

std::optional<uint32_t> dropped_group(const JsonReader& encoder, size_t column, size_t num_columns,
                                      const Groups& groups) {
  const auto list = encoder.find("drop_idx_");
  if (!list || list->is_null()) return std::nullopt;
  const JsonReader index = one_per_column(encoder, "drop_idx_", num_columns)[column];
  if (index.is_null()) return std::nullopt;
  return groups.of[index.count(groups.of.size() - 1)];
}

void add_one_hot_of(const JsonReader& encoder, const JsonReader& list, const PreprocessedColumn& column,
                    const Groups& groups, std::optional<uint32_t> dropped, std::vector<std::string>& notes,
                    PreprocessedColumns& out) {
  const uint32_t width = groups.count - (dropped ? 1 : 0);  // also the id of zeros
  const auto id = [&](uint32_t of) { return of == dropped ? width : of - (dropped && of > *dropped ? 1 : 0); };
  Seen seen;
  seen.keys = keys_of(list, column);
  for (const uint32_t of : groups.of) seen.ids.push_back(id(of));
  const size_t rule = encoder.get("handle_unknown", "what becomes of unknown categories")
                          .choice({"error", "ignore", "infrequent_if_exist", "warn"});
  if (rule != 0) seen.unknown = rule >= 2 && groups.infrequent ? id(*groups.infrequent) : width;
  seen.num_ids = width + (dropped || seen.unknown == width ? 1 : 0);
  if (width == 0) list.fail("no column is left of it");
  add_one_hot(column.source, categories_of(column, std::move(seen), notes), width, out);
}

double code_of_missing(const JsonReader& encoder) {
  const auto code = encoder.find("encoded_missing_value");
  if (!code || code->is_null()) {
    encoder.fail("a missing value becomes NaN; set encoded_missing_value, or put a SimpleImputer in front");
  }
  return code->number();
}

}  // namespace

std::vector<JsonReader> one_per_column(const JsonReader& transformer, const std::string& field, size_t num_columns) {
  const JsonReader list = transformer.get(field, "what the transformer has learned; is it fitted?");
  std::vector<JsonReader> items = list.items();
  if (items.size() < num_columns) list.fail_expected(std::to_string(num_columns) + " items, one for each column");
  return items;
}

PreprocessedColumns encode_one_hot(const JsonReader& encoder, const PreprocessedColumns& columns,
                                   std::vector<std::string>& notes) {
  PreprocessedColumns out;
  const std::vector<JsonReader> lists = one_per_column(encoder, "categories_", columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    check_raw(encoder, columns[i]);
    const Groups groups = group(encoder, i, keys_of(lists[i]), true);
    add_one_hot_of(encoder, lists[i], columns[i], groups, dropped_group(encoder, i, columns.size(), groups), notes,
                   out);
  }
  return out;
}

PreprocessedColumns encode_ordinal(const JsonReader& encoder, const PreprocessedColumns& columns,
                                   std::vector<std::string>& notes) {
  PreprocessedColumns out;
  const std::vector<JsonReader> lists = one_per_column(encoder, "categories_", columns.size());
  const bool refuses =
      encoder.get("handle_unknown", "what becomes of unknown categories").choice({"error", "use_encoded_value"}) == 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    check_raw(encoder, columns[i]);
    Seen seen;
    seen.keys = keys_of(lists[i], columns[i]);
    const Groups groups = group(encoder, i, seen.keys, false);
    std::map<size_t, double> codes;
    for (size_t key = 0; key < seen.keys.size(); ++key) {
      codes[key] = seen.keys[key].is_null() ? code_of_missing(encoder) : groups.of[key];
      seen.ids.push_back(static_cast<uint32_t>(key));
    }
    if (!refuses) {
      seen.unknown = static_cast<uint32_t>(seen.keys.size());
      codes[*seen.unknown] = encoder.get("unknown_value", "the code of unknown categories").number();
    }
    seen.num_ids = codes.size();
    const auto categories = categories_of(columns[i], std::move(seen), notes);
    out.push_back(value_of(columns[i].source, categories, std::move(codes)));
  }
  return out;
}

// Of each category what the target was on average; of classes one for each.
PreprocessedColumns encode_target(const JsonReader& encoder, const PreprocessedColumns& columns,
                                  std::vector<std::string>& notes) {
  PreprocessedColumns out;
  const std::vector<JsonReader> lists = one_per_column(encoder, "categories_", columns.size());
  const std::vector<JsonReader> means = encoder.get("target_mean_", "of unknown categories").items_or_self();
  const std::vector<JsonReader> encodings = one_per_column(encoder, "encodings_", columns.size() * means.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    check_raw(encoder, columns[i]);
    Seen seen;
    seen.keys = keys_of(lists[i], columns[i]);
    seen.ids.resize(seen.keys.size());
    std::iota(seen.ids.begin(), seen.ids.end(), 0u);
    seen.unknown = static_cast<uint32_t>(seen.keys.size());
    seen.num_ids = seen.keys.size() + 1;
    const auto categories = categories_of(columns[i], seen, notes);
    for (size_t k = 0; k < means.size(); ++k) {
      const JsonReader& encoding = encodings[i * means.size() + k];
      const std::vector<JsonReader> values = encoding.items();
      if (values.size() != seen.keys.size()) encoding.fail_expected("a number for each category");
      std::map<size_t, double> codes;
      for (size_t key = 0; key < values.size(); ++key) codes[key] = values[key].number();
      codes[*seen.unknown] = means[k].number();
      out.push_back(value_of(columns[i].source, categories, std::move(codes)));
    }
  }
  return out;
}

namespace {

std::shared_ptr<const Categories> bins(const JsonReader& transformer, const PreprocessedColumn& column,
                                       const std::vector<double>& bounds, const std::string& side) {
  auto categories = std::make_shared<Categories>();
  categories->vocabulary = {{"bounds", bounds}, {"side", side}, {"values", "float64"}};
  categories->num_ids = bounds.size() + 1;
  if (column.missing.is_null()) return categories;
  if (!column.missing.is_number()) transformer.fail("a missing number becomes a text");
  const double value = column.missing.get<double>();
  const auto end = side == "right" ? std::upper_bound(bounds.begin(), bounds.end(), value)
                                   : std::lower_bound(bounds.begin(), bounds.end(), value);
  categories->unknown = static_cast<uint32_t>(end - bounds.begin());
  return categories;
}

PreprocessedColumn numbers_of(const std::string& source, const std::shared_ptr<const Categories>& categories) {
  std::map<size_t, double> codes;
  for (size_t id = 0; id < categories->num_ids; ++id) codes[id] = static_cast<double>(id);
  return value_of(source, categories, std::move(codes));
}

}  // namespace

PreprocessedColumn bins_of_column(const JsonReader& transformer, const PreprocessedColumn& column,
                                  const std::vector<double>& bounds, const std::string& side) {
  return numbers_of(column.source, bins(transformer, column, bounds, side));
}

PreprocessedColumns encode_bins(const JsonReader& encoder, const PreprocessedColumns& columns) {
  PreprocessedColumns out;
  const std::vector<JsonReader> lists = one_per_column(encoder, "bin_edges_", columns.size());
  const bool ordinal = encoder.get("encode", "onehot or ordinal").choice({"onehot", "onehot-dense", "ordinal"}) == 2;
  for (size_t i = 0; i < columns.size(); ++i) {
    check_raw(encoder, columns[i]);
    std::vector<double> edges;
    for (const JsonReader& edge : lists[i].items()) edges.push_back(edge.number());
    if (edges.size() < 3) lists[i].fail_expected("3 or more edges: one bin holds every value");
    const auto categories = bins(encoder, columns[i], {edges.begin() + 1, edges.end() - 1}, "right");
    if (ordinal) {
      out.push_back(numbers_of(columns[i].source, categories));
    } else {
      add_one_hot(columns[i].source, categories, categories->num_ids, out);
    }
  }
  return out;
}

}  // namespace mmoe::converter
