#include "converter/search/patterns.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "converter/description/numbers.h"
#include "converter/model/every_layer.h"
#include "converter/model/number_names.h"

namespace mmoe::converter {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Numbers, and what stands between them, in turn: the first is text.
std::vector<std::string> pieces_of(const std::string& name) {
  std::vector<std::string> pieces{""};
  for (const char c : name) {
    if (is_digit(c) != (pieces.size() % 2 == 0)) pieces.emplace_back();
    pieces.back() += c;
  }
  return pieces;
}

// The name without what its numbers are.
std::string skeleton_of(const std::string& name) {
  std::string skeleton;
  const std::vector<std::string> pieces = pieces_of(name);
  for (size_t i = 0; i < pieces.size(); ++i) skeleton += i % 2 == 0 ? pieces[i] : "0";
  return skeleton;
}

using Types = std::map<std::string, std::string>;  // a name's

struct Entry {
  std::string match, type;
};

std::string type_by(const std::vector<Entry>& entries, const std::string& name) {
  std::string type = "f32";
  for (const Entry& entry : entries) {
    if (fits_name(entry.match, name, "")) type = entry.type;
  }
  return type;
}

// The type that most of the names have; of equally frequent ones the first by name.
std::string frequent_type(const std::vector<std::string>& names, const Types& types) {
  std::map<std::string, size_t> counts;
  for (const std::string& name : names) ++counts[types.at(name)];
  return std::max_element(counts.begin(), counts.end(), [](auto& a, auto& b) { return a.second < b.second; })->first;
}

// Patterns for names that differ in numbers alone, where they are not of the type `first` says; then a name each where
// these say something else.
std::vector<Entry> refined(std::vector<Entry> entries, const Types& types) {
  std::map<std::string, std::vector<std::string>> alike;
  for (const auto& [name, type] : types) alike[skeleton_of(name)].push_back(name);
  const std::string rest = entries.empty() ? "f32" : entries.front().type;
  for (const auto& [skeleton, names] : alike) {
    const std::string type = frequent_type(names, types);
    if (type == rest) continue;
    std::vector<std::string> of_type;
    std::copy_if(names.begin(), names.end(), std::back_inserter(of_type),
                 [&](const std::string& name) { return types.at(name) == type; });
    entries.push_back({common_pattern(of_type), type});
  }
  const std::vector<Entry> patterns = entries;
  for (const auto& [name, type] : types) {
    if (type_by(patterns, name) != type) entries.push_back({name, type});
  }
  return entries;
}

// The shorter list: the one that says all names, or the one that begins with the type that most of them have.
std::vector<Entry> entries_of(const Types& types) {
  std::vector<Entry> entries = refined({}, types);
  if (entries.size() < 2) return entries;
  std::vector<std::string> names;
  for (const auto& [name, type] : types) names.push_back(name);
  const std::string type = frequent_type(names, types);
  if (type == "f32") return entries;
  std::vector<Entry> with_rest = refined({{"*", type}}, types);
  return with_rest.size() < entries.size() ? with_rest : entries;
}

void append(const std::vector<Entry>& entries, const char* key, std::string& json) {
  const auto text = [](const std::string& value) {
    return nlohmann::json(value).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  };
  for (const Entry& entry : entries) {
    json += std::string(json.empty() ? "[\n" : ",\n") + "  {\"match\": " + text(entry.match) + ", \"" + key +
            "\": " + text(entry.type) + "}";
  }
}

}  // namespace

std::string common_pattern(const std::vector<std::string>& names) {
  std::vector<std::string> common = pieces_of(names.front());
  for (const std::string& name : names) {
    const std::vector<std::string> pieces = pieces_of(name);
    if (pieces.size() != common.size()) return "";
    for (size_t i = 0; i < pieces.size(); ++i) {
      if (pieces[i] == common[i]) continue;
      if (i % 2 == 0) return "";
      common[i] = "*";
    }
  }
  std::string pattern;
  for (const std::string& piece : common) pattern += piece;
  return pattern;
}

std::string numbers_json(const TrainedModel& model) {
  Types layers, tables;
  TrainedModel copy = model;
  for_each_layer(copy, [&](const DenseLayer& layer) {
    const WeightType type = layer.storage.type.value_or(WeightType::kF32);
    // A name that several layers have: a type that was asked for, rather than that of an inserted layer.
    if (std::string& known = layers.try_emplace(layer.name, "f32").first->second; known == "f32") known = name_of(type);
  });
  for (const Embedding& embedding : model.embeddings) {
    tables.insert_or_assign(embedding.name, name_of(embedding.type.value_or(TableType::kF32)));
  }
  std::string json;
  append(entries_of(layers), "weights", json);
  append(entries_of(tables), "tables", json);
  return json.empty() ? "[]" : json + "\n]";
}

}  // namespace mmoe::converter
