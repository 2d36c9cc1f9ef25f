#include "converter/recipes/settings.h"

#include <algorithm>
#include <cctype>

#include "converter/error.h"
#include "converter/reading/pattern.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

const std::vector<std::string> kParts = {"experts", "gates", "towers"};

// "nn.ReLU", "ReLU" and "relu" are one activation.
std::string plain_name(const std::string& name) {
  std::string plain = name.substr(name.find_last_of('.') + 1);
  std::transform(plain.begin(), plain.end(), plain.begin(), [](unsigned char c) { return std::tolower(c); });
  return plain;
}

ordered_json translated(const json& value, const ordered_json& library) {
  if (value.is_array()) {
    ordered_json list = ordered_json::array();
    for (const json& item : value) list.push_back(translated(item, library));
    return list;
  }
  if (!value.is_string()) return value;
  const std::string name = plain_name(value.get<std::string>());
  if (library.contains("activations") && library["activations"].contains(name)) return library["activations"][name];
  return name;
}

// Patterns and names of an `experts` or `towers` object, which replace the recipe's before anything is bound.
void check_layers(const JsonReader& layers) {
  if (!layers.is_object()) layers.fail_expected("a layers object (DESCRIPTION.md)");
  for (const char* key :
       {"layers", "output", "batch_norm", "slopes", "output_bias", "weight", "bias", "output_weight"}) {
    const auto field = layers.find(key);
    if (!field) continue;
    for (const JsonReader& item :
         std::string(key) == "layers" ? field->items_or_self() : std::vector<JsonReader>{*field}) {
      (void)item.text();
    }
  }
}

void check_features(const JsonReader& features) {
  for (const JsonReader& feature : features.items()) {
    for (const char* key : {"name", "kind", "embedding_name", "shared_with"}) {
      if (const auto field = feature.find(key)) (void)field->string();
    }
  }
}

// Settings of a recipe are what has no version of a description.
void check_keys(const JsonReader& settings) {
  try {
    settings.allow_keys({"recipe", "model", "name", "activation", "experts", "towers", "tasks", "features",
                         "shared_dim", "ignore", "field_dims", "cross_num", "last_activation", "feature_map",
                         "feature_vocab", "relation_tower_names", "num_heads", "attention_softmax"});
  } catch (const ConvertError& error) {
    throw ConvertError(
        error.what() +
        std::string(R"(, in the settings of a recipe (RECIPES.md). In a description, "mmoe_description": 1 )"
                    "is missing"));
  }
}

bool is_per_part(const json& value) { return value.is_object() && !value.contains("kind"); }

}  // namespace

Settings::Settings(std::string_view text, std::filesystem::path where)
    : json(text.empty() ? nlohmann::json::object() : parse_json(text)), folder(std::move(where)) {
  check_keys(reader());
  for (const char* key : {"experts", "towers"}) {
    if (const auto field = reader().find(key)) check_layers(*field);
  }
  for (const char* key : {"recipe", "model", "name", "feature_map", "feature_vocab"}) {
    if (const auto field = reader().find(key)) (void)field->string();
  }
  if (const auto field = reader().find("features")) check_features(*field);
  if (const auto field = reader().find("ignore")) {
    for (const JsonReader& item : field->items()) (void)item.string();
  }
}

const json* Settings::find(const char* key) const {
  const auto found = json.find(key);
  return found == json.end() ? nullptr : &*found;
}

ordered_json activation_of(const Settings& settings, const ordered_json& library, const std::string& part) {
  const json* value = settings.find("activation");
  if (value != nullptr && is_per_part(*value)) {
    settings.reader().get("activation", "").allow_keys(kParts);
    value = value->contains(part) ? &(*value)[part] : nullptr;
  }
  if (value != nullptr) return translated(*value, library);
  throw ConvertError("activation: missing: which activation the " + part +
                     " were trained with is not in the weights; " + library["library"].get<std::string>() +
                     " has it as " + library.value("activation", "an argument") +
                     R"(. Give it as {"activation": "relu"})");
}

ordered_json last_activation_of(const Settings& settings) {
  if (const json* value = settings.find("last_activation")) return translated(*value, ordered_json::object());
  throw ConvertError(
      "last_activation: missing: whether an activation stands behind the last layer of your encoder is not in the "
      R"(weights. Give its name, such as {"last_activation": "relu"}, or "linear" if there is none)");
}

ordered_json tasks_of(const Settings& settings, const ordered_json& library, const std::vector<std::string>& texts,
                      std::vector<std::string>& notes) {
  const ordered_json link = library.value("link", ordered_json("sigmoid"));
  ordered_json tasks = ordered_json::array();
  const json* given = settings.find("tasks");
  if (given == nullptr) {
    std::vector<std::string> names;
    for (const std::string& text : texts) {
      names.push_back(parse_number(text) ? "task_" + text : text);
      tasks.push_back({{"name", names.back()}, {"link", link}});
    }
    notes.push_back("took the tasks to be " + join(names) + ", each with the link " + link.dump() +
                    ". To change that, give `tasks` in the settings");
    return tasks;
  }
  const JsonReader list = settings.reader().get("tasks", "");
  if (list.items().size() != texts.size()) {
    list.fail_expected(std::to_string(texts.size()) + ", as many as the weights have");
  }
  const bool named = std::any_of(texts.begin(), texts.end(), [](const std::string& t) { return !parse_number(t); });
  size_t index = 0;
  for (const json& item : *given) {
    ordered_json task = item.is_object() ? ordered_json(item) : ordered_json{{"name", item}};
    if (!task.contains("link")) task["link"] = link;
    const bool known = std::any_of(texts.begin(), texts.end(), [&](const std::string& t) { return task["name"] == t; });
    if (named && !known) list.items()[index].fail_expected("one of the tasks that the weights name: " + join(texts));
    tasks.push_back(std::move(task));
    ++index;
  }
  return tasks;
}

}  // namespace mmoe::converter
