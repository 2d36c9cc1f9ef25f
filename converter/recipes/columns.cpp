#include "converter/recipes/columns.h"

#include <algorithm>
#include <vector>

#include "converter/error.h"
#include "converter/reading/text.h"
#include "converter/recipes/features.h"
#include "converter/recipes/shape_rules.h"

namespace mmoe::converter {

using nlohmann::ordered_json;

namespace {

struct Block {
  std::string name;
  uint64_t count;
  bool rest = false;  // all features that stand behind the others
};

uint64_t less(uint64_t count, const Block& other, const ordered_json& rule) {
  if (count >= other.count) return count - other.count;
  throw ConvertError("columns: " + std::to_string(count) + " hold no \"" + rule["name"].get<std::string>() +
                     "\" beside the " + std::to_string(other.count) + " of \"" + other.name + "\"");
}

// A block for each text that {task} stands for in the pattern, in the order of the file: for modules that have names.
ordered_json with_texts(const ordered_json& rules, const NameIndex& names) {
  const std::string placeholder = "{task}";
  ordered_json found = ordered_json::array();
  for (const ordered_json& rule : rules) {
    const std::string name = rule["name"].get<std::string>();
    const size_t at = name.find(placeholder);
    if (at == name.npos) {
      found.push_back(rule);
      continue;
    }
    std::string key = rule["count"].begin().key();
    const std::string pattern = rule["count"][key].get<std::string>();
    for (const std::string& text : names.any_tasks_of(pattern)) {
      std::string own = name, tensor = pattern;
      own.replace(at, placeholder.size(), text);
      tensor.replace(tensor.find(placeholder), placeholder.size(), text);
      found.push_back({{"name", own}, {"count", {{key, tensor}}}});
    }
  }
  return found;
}

// Those that the file has, in the order of x.
std::vector<Block> read_blocks(const ordered_json& rules, const NameIndex& names) {
  std::vector<Block> blocks;
  for (const ordered_json& rule : rules) {
    if (rule.contains("rest")) {
      blocks.push_back({rule["name"], 0, true});
      continue;
    }
    std::optional<uint64_t> count = read_shape(rule["count"], names);
    if (!count) continue;
    const ordered_json other_rule = rule.value("less", ordered_json());
    if (other_rule.is_object()) *count = less(*count, {"one", read_shape(other_rule, names).value_or(0)}, rule);
    for (const Block& other : blocks) {
      if (other_rule == other.name) *count = less(*count, other, rule);
    }
    if (*count == 0) continue;
    blocks.push_back({rule["name"], *count});
  }
  return blocks;
}

// Columns of x that a feature has.
uint64_t width_of(const ordered_json& feature, const NameIndex& names) {
  const ordered_json kind = feature.value("kind", ordered_json()),
                     embedding = feature.value("embedding", ordered_json());
  if (kind == "dense" && feature.contains("projection"))
    return read_shape({{"outputs_of", feature["projection"]["weight"]}}, names).value_or(0);
  if (kind == "dense") return feature.value("width", uint64_t{1});
  if (embedding.is_object() && embedding.contains("one_hot")) return embedding["one_hot"].get<uint64_t>();
  if (!embedding.is_string()) return 0;
  return read_shape({{"inputs_of", embedding}}, names).value_or(0);
}

[[noreturn]] void fail_features(const std::vector<Block>& blocks, const std::string& where) {
  std::vector<std::string> columns;
  for (const Block& block : blocks)
    columns.push_back((block.rest ? "the rest" : std::to_string(block.count)) + " of " + block.name);
  throw ConvertError("features: " + where + "; the model reads, in this order, columns " + join(columns));
}

// The features whose columns the blocks are.
void add_features(const std::vector<Block>& blocks, const ordered_json& features, const NameIndex& names,
                  RecipeColumns& columns) {
  auto feature = features.begin();
  for (const Block& block : blocks) {
    ordered_json parts = ordered_json::array();
    uint64_t width = 0;
    for (; feature != features.end() && (block.rest || width < block.count); ++feature) {
      parts.push_back(feature->at("name"));
      width += width_of(*feature, names);
    }
    if (block.rest ? width == 0 : width != block.count)
      fail_features(blocks, "those of " + block.name + " are " + std::to_string(width) + " wide together");
    columns.streams[block.name] = std::move(parts);
  }
  if (feature != features.end())
    fail_features(blocks, "\"" + feature->at("name").get<std::string>() + "\" stands behind all that is read");
}

std::string feature_name(const ordered_json& feature) { return feature.at("name").get<std::string>(); }

bool is_history(const ordered_json& feature) {
  return feature.value("kind", "") == "sequence" && feature.value("pooling", "") == "none";
}

// The features that attend to the kept sequences, which have their names behind a prefix.
ordered_json queried(const std::string& prefix, const ordered_json& features) {
  std::vector<std::string> wanted;
  for (const ordered_json& feature : features) {
    if (!is_history(feature)) continue;
    const std::string name = feature_name(feature);
    wanted.push_back(name.compare(0, prefix.size(), prefix) == 0 ? name.substr(prefix.size()) : "");
    const auto one = [&](const ordered_json& other) { return other.at("name") == wanted.back(); };
    if (std::any_of(features.begin(), features.end(), one)) continue;
    throw ConvertError("features: \"" + name + "\" keeps its elements, but its name is not \"" + prefix +
                       "\" and the name of a feature that attends to them, as the library has it");
  }
  if (wanted.empty()) {
    throw ConvertError("features: none is a history: a sequence whose name begins with \"" + prefix +
                       "\" and that has \"pooling\": \"none\"");
  }
  ordered_json found = ordered_json::array();
  for (const ordered_json& feature : features) {
    if (std::count(wanted.begin(), wanted.end(), feature_name(feature)) > 0) found.push_back(feature_name(feature));
  }
  return found;
}

// The same, where each shares the table of the sequence: in the order of the sequences.
ordered_json sharing_table(const ordered_json& features) {
  ordered_json found = ordered_json::array();
  for (const ordered_json& feature : features) {
    if (!is_history(feature)) continue;
    const auto shares = [&](const ordered_json& other) {
      return other.value("kind", "") == "categorical" &&
             other.value("embedding", ordered_json()) == feature["embedding"];
    };
    const auto owner = std::find_if(features.begin(), features.end(), shares);
    const auto second = owner == features.end() ? owner : std::find_if(owner + 1, features.end(), shares);
    if (second != features.end()) {
      throw ConvertError("features: \"" + feature_name(*owner) + "\" and \"" + feature_name(*second) +
                         "\" share the table of \"" + feature_name(feature) +
                         "\", and nothing says which of them attends to it: write a description");
    }
    if (owner == features.end()) {
      throw ConvertError("features: \"" + feature_name(feature) +
                         "\" keeps its elements, but no category that attends to them shares its table");
    }
    found.push_back(feature_name(*owner));
  }
  if (found.empty()) throw ConvertError("features: none is a history: a sequence that has \"pooling\": \"none\"");
  return found;
}

ordered_json queried(const ordered_json& library, const ordered_json& features) {
  const ordered_json prefix = library["features"].value("history", ordered_json());
  return prefix.is_string() ? queried(prefix.get<std::string>(), features) : sharing_table(features);
}

// The features of a kind, in the order of x.
ordered_json of_kind(const std::string& kind, const ordered_json& library, const ordered_json& features) {
  if (kind == "queried") return queried(library, features);
  const ordered_json attending = kind == "others" ? queried(library, features) : ordered_json::array();
  ordered_json found = ordered_json::array();
  for (const ordered_json& feature : features) {
    const bool attends = std::find(attending.begin(), attending.end(), feature.at("name")) != attending.end();
    const bool second = has_second_table(library, feature), dense = feature.value("kind", "") == "dense";
    const std::string is = second ? "second" : is_history(feature) ? "history" : dense ? "dense" : "embedded";
    if (kind == "others" && is == "embedded" && !attends) found.push_back(feature_name(feature));
    if (is == kind || (kind == "all" && (is == "embedded" || is == "dense"))) found.push_back(feature_name(feature));
  }
  return found;
}

// Of each kept sequence, which elements are there.
ordered_json masks(const ordered_json& library, const ordered_json& features) {
  ordered_json found = ordered_json::array();
  for (const ordered_json& name : of_kind("history", library, features))
    found.push_back({{"feature", name}, {"part", "mask"}});
  return found;
}

// All of x's features in its order, with what the attentions give in the place of the histories.
ordered_json in_order(const ordered_json& rule, const ordered_json& library, const ordered_json& features,
                      const NameIndex& names) {
  const std::string attended = rule["attended"].get<std::string>(), placeholder = "{n}";
  const size_t at = attended.find(placeholder);
  size_t number = 0;
  uint64_t first = 0;
  ordered_json parts = ordered_json::array();
  for (const ordered_json& feature : features) {
    if (has_second_table(library, feature)) continue;
    if (!is_history(feature)) {
      parts.push_back(feature_name(feature));
    } else if (at != attended.npos) {
      std::string node = attended;
      parts.push_back(node.replace(at, placeholder.size(), std::to_string(number++)));
    } else {
      const uint64_t width = width_of(feature, names);
      parts.push_back({{"node", attended}, {"first", first}, {"count", width}});
      first += width;
    }
  }
  return parts;
}

}  // namespace

RecipeColumns read_columns(const ordered_json& library, const ordered_json& model, const NameIndex& names,
                           const ordered_json& features) {
  RecipeColumns columns;
  if (!model.contains("columns")) return columns;
  if (model["columns"].front().contains("of")) {
    if (!features.is_array())
      throw ConvertError("features: the model treats them by their kinds: expected at least one");
    for (const ordered_json& rule : model["columns"]) {
      const std::string name = rule["name"].get<std::string>(), kind = rule["of"].get<std::string>();
      if (kind == "in_order") {
        columns.streams[name] = in_order(rule, library, features, names);
        continue;
      }
      const ordered_json found = kind == "masks" ? masks(library, features) : of_kind(kind, library, features);
      for (size_t i = 0; i < found.size(); ++i) {
        columns.streams[name + "." + std::to_string(i)] = ordered_json::array({found[i]});
      }
      columns.streams[name] = found;
    }
    return columns;
  }
  const std::vector<Block> blocks = read_blocks(with_texts(model["columns"], names), names);
  if (features.is_array()) {
    add_features(blocks, features, names, columns);
    return columns;
  }
  uint64_t first = 0;
  for (const Block& block : blocks) {
    if (block.rest) {
      throw ConvertError("features: missing: how many columns \"" + block.name +
                         "\" has is not in the weights: list the features");
    }
    columns.streams[block.name] = {{"first", first}, {"count", block.count}};
    first += block.count;
  }
  columns.input_dim = first;
  return columns;
}

}  // namespace mmoe::converter
