#include "converter/recipes/features.h"

#include <algorithm>

#include "converter/error.h"
#include "converter/reading/text.h"
#include "converter/recipes/copies.h"
#include "converter/recipes/fuxictr.h"

namespace mmoe::converter {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

const char* const kPlaceholder = "{feature}";

// The library's `table`, taken apart at {feature}. Without it, all fields share the one table of that name.
struct TablePattern {
  explicit TablePattern(const std::string& text)
      : before(text.substr(0, text.find(kPlaceholder))), shared(before.size() == text.size()) {
    if (!shared) after = text.substr(before.size() + std::string(kPlaceholder).size());
  }

  std::string name(const std::string& feature) const { return shared ? before : before + feature + after; }
  bool fits(const std::string& name) const {
    if (shared) return name == before;
    return name.size() > before.size() + after.size() && name.compare(0, before.size(), before) == 0 &&
           name.compare(name.size() - after.size(), after.size(), after) == 0;
  }
  std::string feature(const std::string& name) const {
    return name.substr(before.size(), name.size() - before.size() - after.size());
  }

  std::string before, after;
  bool shared;
};

// Of a library's rules for features: those of the tables that some have beside their own.
ordered_json second_tables(const ordered_json& rules) {
  const ordered_json found = rules.value("second_table", ordered_json::array());
  return found.is_array() ? found : ordered_json::array({found});
}

class Features {
 public:
  Features(const WeightSource& weights, const ordered_json& library, const NameIndex& names, size_t input_dim,
           ordered_json& ignored, std::vector<std::string>& notes)
      : weights_(weights),
        rules_(library["features"]),
        table_(rules_["table"].get<std::string>()),
        names_(names),
        input_dim_(input_dim),
        ignored_(ignored),
        notes_(notes) {
    if (rules_.contains("sequence_table")) sequence_table_.emplace(rules_["sequence_table"].get<std::string>());
    for (size_t i = 0; i < names.size(); ++i) {
      const bool fits = table_.fits(names.name(i)) || (sequence_table_ && sequence_table_->fits(names.name(i)));
      if (fits && names.shape(i).size() == 2) tables_.push_back(i);
    }
  }

  ordered_json complete(const json& given);
  ordered_json infer();

 private:
  ordered_json complete_one(const json& given);
  void complete_table(ordered_json& feature, size_t table) const;
  void leave_out_copy(const std::string& feature, const std::string& owner);
  const size_t* find(const std::string& name) const;
  ordered_json in_order(const ordered_json& features);
  ordered_json with_second_tables(ordered_json features) const;
  void check_width(const ordered_json& rule, const std::string& table) const;
  void add_second_tables(const ordered_json& rule, const ordered_json& features, ordered_json& more) const;
  std::string name_of_table(const ordered_json& feature) const;
  bool is_projection(size_t table) const;

  const WeightSource& weights_;
  const ordered_json& rules_;
  TablePattern table_;
  std::optional<TablePattern> sequence_table_;  // where those of sequences are named otherwise
  const NameIndex& names_;
  size_t input_dim_;
  ordered_json& ignored_;
  std::vector<std::string>& notes_;
  std::vector<size_t> tables_;  // in the order of the file
};

const size_t* Features::find(const std::string& name) const {
  const auto found = std::find_if(tables_.begin(), tables_.end(), [&](size_t table) {
    const std::string& tensor = names_.name(table);
    return tensor == table_.name(name) || (sequence_table_ && tensor == sequence_table_->name(name));
  });
  return found == tables_.end() ? nullptr : &*found;
}

// A numeric field's Linear(1, width) without bias, among the tables of the others.
bool Features::is_projection(size_t table) const {
  return rules_.contains("projections") && names_.shape(table)[1] == 1 && names_.shape(table)[0] > 1;
}

void Features::complete_table(ordered_json& feature, size_t table) const {
  const bool dense = is_projection(table);
  if (!feature.contains("kind")) feature["kind"] = dense ? "dense" : "categorical";
  if (feature["kind"] == "dense") {
    if (dense) feature["projection"] = {{"weight", names_.name(table)}};
    return;
  }
  if (!feature.contains("vocabulary")) feature["vocabulary"] = {{"identity", names_.shape(table)[0]}};
  feature["embedding"] = names_.name(table);
}

ordered_json Features::complete_one(const json& given) {
  ordered_json feature = given;
  if (!feature.is_object() || !feature.contains("name") || !feature["name"].is_string()) return feature;
  std::string name = feature["name"].get<std::string>();
  if (rules_.contains("shared_by")) {
    const std::string key = rules_["shared_by"].get<std::string>();
    if (feature.contains(key) && feature[key].is_string()) {
      const std::string owner = feature[key].get<std::string>();
      leave_out_copy(name, owner);
      name = owner;
    }
    feature.erase(key);
  }
  if (feature.contains("embedding")) return feature;
  if (table_.shared && !feature.contains("kind")) {
    throw ConvertError("features: \"" + name + "\": kind: missing: all fields share " + table_.before +
                       ", so no name of a table tells it: categorical, sequence or dense");
  }
  if (feature.value("kind", "") == "dense" && !rules_.contains("projections")) return feature;
  if (const size_t* table = find(name)) {
    complete_table(feature, *table);
  } else if (!feature.contains("kind")) {
    feature["kind"] = "dense";
  } else if (feature["kind"] != "dense") {
    throw ConvertError("features: \"" + name + "\" is " + feature["kind"].get<std::string>() + ", but there is no " +
                       table_.name(name));
  }
  return feature;
}

// A state dict names a table for each feature that has it.
void Features::leave_out_copy(const std::string& feature, const std::string& owner) {
  const size_t *table = find(feature), *shared = find(owner);
  if (shared == nullptr) {
    throw ConvertError("features: \"" + feature + "\" shares the table of \"" + owner + "\", but there is no " +
                       table_.name(owner));
  }
  if (table == nullptr || table == shared) return;
  if (!are_copies(weights_, names_, *table, *shared)) {
    throw ConvertError("features: \"" + feature + "\" shares the table of \"" + owner + "\", but " +
                       names_.name(*table) + " and " + names_.name(*shared) +
                       " differ: each feature has a table of its own, or the file is damaged");
  }
  ignored_.push_back(names_.prefix() + names_.name(*table));
  notes_.push_back("left out " + names_.name(*table) + ": \"" + feature + "\" shares the table of another feature");
}

// The library's own order of kinds; within one, that of the settings.
ordered_json Features::in_order(const ordered_json& features) {
  if (!rules_.contains("order")) return features;
  ordered_json sorted = ordered_json::array();
  for (const ordered_json& kinds : rules_["order"]) {
    for (const ordered_json& feature : features) {
      const std::string kind = feature.value("kind", "");
      if (!kind.empty() && kinds.get<std::string>().find(kind) != std::string::npos) sorted.push_back(feature);
    }
  }
  if (sorted.size() != features.size()) return features;  // a kind that does not exist: binding names it
  if (sorted != features) {
    notes_.push_back("reordered the features as the library concatenates them: " +
                     join(rules_["order"].get<std::vector<std::string>>()));
  }
  return sorted;
}

ordered_json Features::complete(const json& given) {
  if (!given.is_array()) return given;
  ordered_json features = ordered_json::array();
  for (const json& item : given) features.push_back(complete_one(item));
  return with_second_tables(in_order(features));
}

// Of a feature that shares a table it is another's name.
std::string Features::name_of_table(const ordered_json& feature) const {
  const ordered_json embedding = feature.value("embedding", ordered_json());
  const bool known = !table_.shared && embedding.is_string() && table_.fits(embedding.get<std::string>());
  return known ? table_.feature(embedding.get<std::string>()) : feature["name"].get<std::string>();
}

// Some columns have a table more, for another part of the model: features of their own, behind all others.
ordered_json Features::with_second_tables(ordered_json features) const {
  ordered_json more = ordered_json::array();
  for (const ordered_json& rule : second_tables(rules_)) add_second_tables(rule, features, more);
  for (ordered_json& second : more) features.push_back(std::move(second));
  return features;
}

// The library's own is as wide as the rule says, where it says so.
void Features::check_width(const ordered_json& rule, const std::string& table) const {
  const uint64_t found = names_.shape(names_.find_all(table).front().tensor).back();
  if (!rule.contains("width") || found == rule["width"].get<uint64_t>()) return;
  throw ConvertError(
      table + ": has " + counted(found, "column") + ", but the library's has " +
      counted(rule["width"].get<size_t>(), "column") +
      ". This is a different model with the same names of tensors: write a description (DESCRIPTION.md)");
}

void Features::add_second_tables(const ordered_json& rule, const ordered_json& features, ordered_json& more) const {
  const TablePattern pattern(rule["table"].get<std::string>());
  for (const ordered_json& feature : features) {
    if (!feature.is_object() || !feature.contains("name") || !feature["name"].is_string()) continue;
    const std::string name = feature["name"].get<std::string>(), own = pattern.name(name);
    const std::string table = names_.has(own) ? own : pattern.name(name_of_table(feature));
    if (!names_.has(table) || (pattern.shared && !feature.contains("embedding"))) continue;
    check_width(rule, table);
    ordered_json second = feature;
    if (!second.contains("column")) second["column"] = name;
    second["name"] = name + rule["suffix"].get<std::string>();
    if (second.contains("projection")) {
      second["projection"]["weight"] = table;
    } else {
      second["embedding"] = table;
    }
    more.push_back(std::move(second));
  }
}

ordered_json Features::infer() {
  if (table_.shared) {
    throw ConvertError("features: missing: all fields share " + table_.before +
                       ", and how many there are is not in the weights. List them, such as " +
                       R"({"name": "user", "kind": "categorical"} and {"name": "price", "kind": "dense"})");
  }
  ordered_json features = ordered_json::array();
  size_t width = 0;
  for (const size_t table : tables_) {
    if (sequence_table_ && sequence_table_->fits(names_.name(table))) {
      throw ConvertError("features: missing: " + names_.name(table) +
                         " is a sequence's, and how it is pooled is not in the "
                         "weights");
    }
    ordered_json feature = {{"name", table_.feature(names_.name(table))}};
    complete_table(feature, table);
    features.push_back(std::move(feature));
    width += names_.shape(table)[is_projection(table) ? 0 : 1];
  }
  if (width > input_dim_) {
    throw ConvertError("features: missing: the tables are " + std::to_string(width) + " wide together, but x is " +
                       std::to_string(input_dim_) + ": say in `features` which there are and in which order");
  }
  std::string taken = "took the features to be one per embedding table, in the order of the file";
  if (width < input_dim_) {
    features.push_back({{"name", "dense"}, {"kind", "dense"}, {"width", input_dim_ - width}});
    taken += ", and " + counted(input_dim_ - width, "dense column");
  }
  notes_.push_back(taken + ". To change that, and to give vocabularies, use `features` in the settings");
  return with_second_tables(std::move(features));
}

// All categorical fields in one table, behind each other, and the numeric ones multiplied into one block more.
ordered_json packed_features(const ordered_json& rules, const NameIndex& names, const Settings& settings,
                             size_t input_dim) {
  const std::string table = rules["packed"].get<std::string>(), projection = rules["projection"].get<std::string>();
  const auto found = names.find_all(table), numeric = names.find_all(projection + ".weight");
  if (found.empty() || numeric.empty()) throw ConvertError("no tensors " + table + " and " + projection + ".weight");
  const uint64_t rows = names.shape(found.front().tensor).front(), width = names.shape(found.front().tensor).back();
  const size_t num_fields = width == 0 || input_dim < width ? 0 : input_dim / width - 1;
  const std::string meaning = "the sizes of the " + counted(num_fields, "categorical field") +
                              " whose embeddings lie in " + table + ", " + std::to_string(rows) +
                              " together: the weights do not say them";
  const JsonReader list = settings.reader().get("field_dims", meaning);
  ordered_json features = ordered_json::array();
  size_t first_row = 0;
  for (const JsonReader& item : list.items()) {
    const size_t size = item.count(rows);
    features.push_back({{"name", "categorical_" + std::to_string(features.size() + 1)},
                        {"kind", "categorical"},
                        {"vocabulary", {{"identity", size}}},
                        {"embedding", table},
                        {"first_row", first_row}});
    first_row += size;
  }
  if (features.size() != num_fields || first_row != rows) list.fail_expected(meaning);
  features.push_back({{"name", "numerical"},
                      {"kind", "dense"},
                      {"width", names.shape(numeric.front().tensor).back()},
                      {"projection", {{"weight", projection + ".weight"}, {"bias", projection + ".bias"}}}});
  return features;
}

}  // namespace

bool has_second_table(const ordered_json& library, const ordered_json& feature) {
  const ordered_json projected = feature.value("/projection/weight"_json_pointer, ordered_json());
  const ordered_json table = projected.is_string() ? projected : feature.value("embedding", ordered_json());
  const ordered_json rules = second_tables(library.value("features", ordered_json::object()));
  return table.is_string() && std::any_of(rules.begin(), rules.end(), [&](const ordered_json& rule) {
           return TablePattern(rule["table"].get<std::string>()).fits(table.get<std::string>());
         });
}

std::optional<ordered_json> describe_features(const WeightSource& weights, const ordered_json& library,
                                              const NameIndex& names, const Settings& settings, size_t input_dim,
                                              ordered_json& ignored, std::vector<std::string>& notes) {
  const json* given = settings.find("features");
  if (given != nullptr && given->is_array() && given->empty()) return std::nullopt;  // x comes from the caller
  if (!library.contains("features")) {
    if (given == nullptr) return std::nullopt;
    return *given;
  }
  if (library["features"].contains("packed")) return packed_features(library["features"], names, settings, input_dim);
  Features features(weights, library, names, input_dim, ignored, notes);
  if (settings.find("feature_map") != nullptr) return features.complete(fuxictr_features(settings));
  return given != nullptr ? features.complete(*given) : features.infer();
}

}  // namespace mmoe::converter
