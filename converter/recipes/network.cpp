#include "converter/recipes/network.h"

#include <algorithm>

#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/keys.h"

namespace mmoe::converter {

using nlohmann::ordered_json;

namespace {

// The items of a list, or what stands there alone.
std::vector<ordered_json*> some(ordered_json& value) {
  if (!value.is_array()) return {&value};
  std::vector<ordered_json*> items;
  for (ordered_json& item : value) items.push_back(&item);
  return items;
}

class Network {
 public:
  Network(const ordered_json& library, const ordered_json& model, const NameIndex& names, const Settings& settings,
          std::vector<RecipeTask> tasks, const RecipeColumns& columns, ordered_json& ignored)
      : model_(model),
        names_(names),
        layers_(library, names, settings, ignored),
        nodes_(layers_, names, settings, std::move(tasks)) {
    for (const auto& [name, stream] : columns.streams) nodes_.replace(name, stream);
  }

  ordered_json describe();

 private:
  void keep_derivable(ordered_json& derived);
  size_t count_parts(const ordered_json& item) const;
  void write_nodes(ordered_json& description);
  void expand_levels(ordered_json& description);
  bool has_experts(const ordered_json& level) const;
  void leave_out(const ordered_json& level, ordered_json& description);
  void finish_level(ordered_json& level);
  void finish_gates(ordered_json& gates);
  void take_apart(ordered_json& gates);
  void finish_towers(ordered_json& towers);
  void rename_streams(ordered_json& part) const;

  const ordered_json& model_;
  const NameIndex& names_;
  LayersWriter layers_;
  NodesWriter nodes_;
};

ordered_json Network::describe() {
  ordered_json description = model_["description"];
  if (description.contains("derived")) keep_derivable(description["derived"]);
  write_nodes(description);
  if (description.contains("levels")) expand_levels(description);
  finish_towers(description["towers"]);
  const bool any = description.contains("nodes") || description.dump().find("\"nodes\":") != std::string::npos;
  if (!any) description.erase("architecture");  // the structure tells it
  return description;
}

void Network::write_nodes(ordered_json& description) {
  if (!description.contains("nodes")) return;
  description["nodes"] = nodes_.write(description["nodes"]);
  if (description["nodes"].empty()) description.erase("nodes");
}

void Network::rename_streams(ordered_json& part) const {
  if (part.contains("reads")) part["reads"] = nodes_.parts(part["reads"]);
}

void Network::finish_towers(ordered_json& towers) {
  rename_streams(towers);
  if (towers.contains("layers") || towers.contains("mlp") || towers.contains("layers_any"))
    layers_.finish(towers, "towers");
}

// What is not in the file (a bias that the library was told to leave out) is not derived.
void Network::keep_derivable(ordered_json& derived) {
  ordered_json kept = ordered_json::array();
  for (ordered_json& item : derived) {
    const char* source = item.contains("split") ? "split" : item.contains("slice") ? "slice" : "stack";
    if (!layers_.has(item[source].get<std::string>())) continue;
    layers_.add_derived(item["name"].get<std::string>(), count_parts(item));
    kept.push_back(std::move(item));
  }
  derived = std::move(kept);
}

// Tensors that are made of one along an axis.
size_t Network::count_parts(const ordered_json& item) const {
  if (!item.contains("split")) return 0;
  const std::vector<NameIndex::Match> found = names_.find_all(item["split"].get<std::string>());
  const size_t axis = item.value("axis", size_t{0});
  if (found.size() != 1 || names_.shape(found.front().tensor).size() <= axis) return 0;
  constexpr uint64_t kMostParts = kMaxNodes;
  return static_cast<size_t>(std::min(names_.shape(found.front().tensor)[axis], kMostParts));
}

// A level of which the file has no experts, where the recipe says what is read instead: its nodes are of the top level.
bool Network::has_experts(const ordered_json& level) const {
  if (!level.contains("else")) return true;
  ordered_json pool = level["experts"].is_array() ? level["experts"].front() : level["experts"];
  layers_.expand_mlp(pool);
  return layers_.has(pool, "layers", layers_.weight_suffix(pool));
}

void Network::leave_out(const ordered_json& level, ordered_json& description) {
  const ordered_json& gates = level["gates"];
  for (const ordered_json& group : gates.is_array() ? gates : ordered_json::array({gates}))
    nodes_.replace(group.value("name", "gates"), level["else"]);
  description.erase("levels");
  if (!description.contains("nodes")) description["nodes"] = ordered_json::array();
  for (ordered_json& node : nodes_.write(level.value("nodes", ordered_json::array())))
    description["nodes"].push_back(std::move(node));
  if (description["nodes"].empty()) description.erase("nodes");
}

void Network::expand_levels(ordered_json& description) {
  ordered_json one = description["levels"].front();
  if (!has_experts(one)) return leave_out(one, description);
  one.erase("else");
  const size_t count =
      model_.contains("levels") ? names_.texts_of(model_["levels"].get<std::string>(), Placeholder::kLevel).size() : 1;
  ordered_json levels = ordered_json::array();
  for (size_t i = 0; i < count; ++i) {
    layers_.set_level(std::to_string(i));
    ordered_json level = one;
    if (level["gates"].is_array()) {
      ordered_json kept = ordered_json::array();
      for (ordered_json gates : level["gates"]) {
        const bool dropped = i + 1 == count && gates.contains("not_in_last_level");
        gates.erase("not_in_last_level");
        if (!dropped) kept.push_back(std::move(gates));
      }
      level["gates"] = std::move(kept);
    }
    finish_level(level);
    levels.push_back(std::move(level));
  }
  layers_.set_level("{level}");
  description["levels"] = std::move(levels);
}

void Network::finish_level(ordered_json& level) {
  for (ordered_json* pool : some(level["experts"])) {
    rename_streams(*pool);
    layers_.finish(*pool, "experts");
  }
  for (ordered_json* gates : some(level["gates"])) {
    rename_streams(*gates);
    finish_gates(*gates);
  }
  write_nodes(level);
}

// Hidden layers and logits of gates are one MLP: the last matrix is the logits'.
void Network::take_apart(ordered_json& gates) {
  layers_.expand_mlp(gates);
  layers_.check_stack(gates, StackEnd::kOutput);
  const std::string mlp = gates["layers"].get<std::string>();
  std::vector<std::string> layers;
  for (const std::string& number : names_.texts_of(layers_.here(mlp + ".weight"), Placeholder::kLayer)) {
    PlaceholderValues values;
    values[Placeholder::kLayer] = number;
    const std::string layer = Pattern(mlp, "recipe").with(values).text();
    const auto found = names_.find_all(layers_.here(layer + ".weight"));
    if (!found.empty() && names_.shape(found.front().tensor).size() == 2) layers.push_back(layer);
  }
  if (layers.empty()) throw ConvertError("no tensor is named " + mlp + ".weight");
  ordered_json hidden = gates, group = ordered_json::object();
  const Keys of_layers = layers_keys();
  for (const auto& [key, value] : gates.items()) {
    if (std::count(of_layers.begin(), of_layers.end(), key) == 0) group[key] = value;
  }
  for (const auto& [key, value] : group.items()) hidden.erase(key);
  group["logits"] = layers.back();
  layers.pop_back();
  hidden["layers"] = layers;
  if (!layers.empty()) group["hidden"] = std::move(hidden);
  gates = std::move(group);
}

void Network::finish_gates(ordered_json& gates) {
  if (gates.contains("constant")) return;
  if (gates.contains("route")) {
    gates["route"] = nodes_.parts(gates["route"]);
    return;
  }
  if (gates.contains("mlp")) take_apart(gates);
  if (!layers_.has(gates, "batch_norm", ".running_mean")) gates.erase("batch_norm");
  layers_.add_form(gates, gates.contains("batch_norm"));
  if (!gates.contains("hidden")) return;
  layers_.expand_mlp(gates["hidden"]);
  if (layers_.has(gates["hidden"], "layers", layers_.weight_suffix(gates["hidden"]))) {
    layers_.finish(gates["hidden"], "gates");
  } else {
    gates.erase("hidden");
  }
}

}  // namespace

ordered_json describe_network(const ordered_json& library, const ordered_json& model, const NameIndex& names,
                              const Settings& settings, std::vector<RecipeTask> tasks, const RecipeColumns& columns,
                              ordered_json& ignored) {
  return Network(library, model, names, settings, std::move(tasks), columns, ignored).describe();
}

}  // namespace mmoe::converter
