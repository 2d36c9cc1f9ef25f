#include "converter/importers/keras_config.h"

#include <algorithm>
#include <charconv>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>

namespace mmoe::converter {
namespace {

using Json = nlohmann::json;

std::string string_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool flag_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || !found->is_boolean() || found->get<bool>();
}

/// Both forms of inbound_nodes refer to a layer's output by a list that begins [name, node, tensor]: Keras 2 in
/// nested lists, Keras 3 as the "keras_history" of its tensors.
void find_references(const Json& nodes, std::vector<std::string>& names) {
  std::vector<const Json*> waiting = {&nodes};
  while (!waiting.empty()) {
    const Json& value = *waiting.back();
    waiting.pop_back();
    const bool reference = value.is_array() && value.size() >= 3 && value[0].is_string() &&
                           value[1].is_number_integer() && value[2].is_number_integer();
    if (reference) names.push_back(value[0].get<std::string>());
    if (!value.is_structured()) continue;
    for (const Json& child : value) waiting.push_back(&child);
  }
}

KerasLayer read_layer(const Json& object) {
  KerasLayer layer;
  const auto config = object.find("config");
  if (config != object.end() && config->is_object()) {
    layer.name = string_of(*config, "name");
    layer.has_scale = flag_of(*config, "scale");
    layer.has_center = flag_of(*config, "center");
  }
  if (layer.name.empty()) layer.name = string_of(object, "name");
  layer.kind = snake_case(string_of(object, "class_name"));
  const auto nodes = object.find("inbound_nodes");
  if (nodes != object.end()) find_references(*nodes, layer.reads);
  return layer;
}

}  // namespace

std::vector<KerasLayer> read_keras_config(std::string_view json) {
  std::vector<KerasLayer> layers;
  const Json root = Json::parse(json, nullptr, false);
  if (!root.is_object()) return layers;
  const auto config = root.find("config");
  if (config == root.end() || !config->is_object()) return layers;
  const auto list = config->find("layers");
  if (list == config->end() || !list->is_array()) return layers;
  for (const Json& layer : *list) {
    if (layer.is_object()) layers.push_back(read_layer(layer));
  }
  return layers;
}

std::string snake_case(std::string_view class_name) {
  const auto is_lower = [](char c) { return std::islower(static_cast<unsigned char>(c)) != 0; };
  const auto is_upper = [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; };
  std::string out;
  for (size_t i = 0; i < class_name.size(); ++i) {
    const char c = class_name[i];
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') continue;
    const bool after_lower = i > 0 && is_lower(class_name[i - 1]);
    const bool before_lower = i > 0 && i + 1 < class_name.size() && is_lower(class_name[i + 1]);
    if (is_upper(c) && (after_lower || before_lower)) out += '_';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

std::optional<size_t> automatic_number(std::string_view name, std::string_view kind) {
  if (kind.empty() || name.substr(0, kind.size()) != kind) return std::nullopt;
  if (name.size() == kind.size()) return 0;
  if (name[kind.size()] != '_') return std::nullopt;
  size_t number = 0;
  const char* const begin = name.data() + kind.size() + 1;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(begin, end, number);
  const bool whole = begin != end && error == std::errc() && stop == end && number > 0 && *begin != '0';
  return whole ? std::optional<size_t>(number) : std::nullopt;
}

std::string named_layer_after(const std::vector<KerasLayer>& layers, size_t index) {
  std::set<std::string> passed = {layers[index].name}, named;
  for (bool grew = true; grew;) {
    grew = false;
    for (const KerasLayer& layer : layers) {
      const bool reads = std::any_of(layer.reads.begin(), layer.reads.end(),
                                     [&](const std::string& name) { return passed.count(name) != 0; });
      if (!reads) continue;
      std::set<std::string>& found = automatic_number(layer.name, layer.kind) ? passed : named;
      grew = found.insert(layer.name).second || grew;
    }
  }
  return named.size() == 1 ? *named.begin() : "";
}

}  // namespace mmoe::converter
