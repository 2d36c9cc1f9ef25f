#include "converter/recipes/network.h"

#include <algorithm>

#include "converter/error.h"
#include "converter/recipes/sequence.h"

namespace mmoe::converter {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t position = text.find(from);
  return position == std::string::npos ? text : text.replace(position, from.size(), to);
}

class Network {
 public:
  Network(const ordered_json& library, const ordered_json& model, const NameIndex& names, const Settings& settings,
          ordered_json& ignored)
      : library_(library), model_(model), names_(names), settings_(settings), ignored_(ignored) {}

  ordered_json describe() {
    ordered_json description = model_["description"];
    if (description.contains("derived")) keep_derivable(description["derived"]);
    if (description.contains("levels")) expand_levels(description["levels"]);
    finish_layers(description["towers"], "towers");
    return description;
  }

 private:
  void keep_derivable(ordered_json& derived);
  void expand_levels(ordered_json& levels);
  void finish_level(ordered_json& level);
  void finish_gates(ordered_json& gates);
  void finish_layers(ordered_json& layers, const std::string& part);
  void choose(ordered_json& layers, const char* key, const std::string& suffix) const;
  void take_apart(ordered_json& gates);
  void expand_mlp(ordered_json& layers) const;
  void check_stack(const ordered_json& layers, StackEnd end) const;
  void add_form(ordered_json& object, bool with_norm) const;
  size_t experts_left(const ordered_json& rule) const;
  void set_num_experts(ordered_json& layers);
  void finish_dice(ordered_json& dice) const;
  bool has(const std::string& pattern) const;
  bool has(const ordered_json& object, const char* key, const std::string& suffix) const;
  std::string here(const std::string& pattern) const { return replaced(pattern, "{level}", level_); }

  const ordered_json& library_;
  const ordered_json& model_;
  const NameIndex& names_;
  const Settings& settings_;
  ordered_json& ignored_;
  std::vector<std::string> derived_;  // patterns of tensors that the description makes
  std::string level_ = "{level}";     // its number while one is worked on
};

// `form` of a library: how all its layers are written down, where that is not torch's way.
void Network::add_form(ordered_json& object, bool with_norm) const {
  if (!library_.contains("form")) return;
  for (const auto& [key, value] : library_["form"].items()) {
    const bool of_norm = key.rfind("batch_norm", 0) == 0, of_output = key == "output_weight";
    if ((!of_norm || with_norm) && (!of_output || object.contains("output")) && !object.contains(key))
      object[key] = value;
  }
}

bool Network::has(const std::string& pattern) const {
  return names_.has(here(pattern)) || std::any_of(derived_.begin(), derived_.end(), [&](const std::string& name) {
           return name == pattern || Pattern(pattern, "recipe").match_any_task(name);
         });
}

bool Network::has(const ordered_json& object, const char* key, const std::string& suffix) const {
  if (!object.contains(key)) return false;
  const ordered_json& value = object[key];
  return value.is_array() || has(value.get<std::string>() + suffix);
}

// What is not in the file (a bias that the library was told to leave out) is not derived.
void Network::keep_derivable(ordered_json& derived) {
  ordered_json kept = ordered_json::array();
  for (ordered_json& item : derived) {
    const char* source = item.contains("split") ? "split" : "slice";
    if (!names_.has(item[source].get<std::string>())) continue;
    derived_.push_back(item["name"].get<std::string>());
    kept.push_back(std::move(item));
  }
  derived = std::move(kept);
}

// `<key>_any` of a layers object: the first of several patterns that there is. Tasks that are told apart by the order
// in which the library numbers them have to be given in this order.
void Network::choose(ordered_json& layers, const char* key, const std::string& suffix) const {
  const auto alternatives = layers.find(std::string(key) + "_any");
  if (alternatives == layers.end()) return;
  std::string chosen = alternatives->back().get<std::string>();
  for (const ordered_json& pattern : *alternatives) {
    if (!has(pattern.get<std::string>() + suffix)) continue;
    chosen = pattern.get<std::string>();
    break;
  }
  layers.erase(std::string(key) + "_any");
  layers[key] = std::string(key) == "layers" ? ordered_json::array({chosen}) : ordered_json(chosen);
  if (chosen.find("#{task}") == chosen.npos || settings_.find("tasks") != nullptr) return;
  throw ConvertError("tasks: missing: in the file the towers' " + chosen +
                     " have numbers only; give the tasks in the " +
                     "order in which the model was made, for example {\"tasks\": [\"ctr\", \"ctcvr\"]}");
}

void Network::expand_levels(ordered_json& levels) {
  const size_t count =
      model_.contains("levels") ? names_.texts_of(model_["levels"].get<std::string>(), Placeholder::kLevel).size() : 1;
  const ordered_json one = levels.front();
  levels = ordered_json::array();
  for (size_t i = 0; i < count; ++i) {
    level_ = std::to_string(i);
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
  level_ = "{level}";
}

void Network::finish_level(ordered_json& level) {
  if (level["experts"].is_array()) {
    for (ordered_json& pool : level["experts"]) finish_layers(pool, "experts");
  } else {
    finish_layers(level["experts"], "experts");
  }
  if (level["gates"].is_array()) {
    for (ordered_json& gates : level["gates"]) finish_gates(gates);
  } else {
    finish_gates(level["gates"]);
  }
}

// `mlp` of a layers object is a module of the kind that the library builds its networks of: its own `mlp` says what is
// in one, with "$" for the module's name.
void Network::expand_mlp(ordered_json& layers) const {
  if (!layers.contains("mlp")) return;
  const std::string module = layers["mlp"].get<std::string>();
  std::string text = library_["mlp"].dump();
  for (size_t at = text.find('$'); at != text.npos; at = text.find('$', at + module.size()))
    text.replace(at, 1, module);
  ordered_json expanded = ordered_json::object();
  if (layers.contains("name")) expanded["name"] = layers["name"];
  expanded.update(ordered_json::parse(text));
  layers.erase("mlp");
  expanded.update(layers);
  layers = std::move(expanded);
}

// `layers` is expanded, its form added.
void Network::check_stack(const ordered_json& layers, StackEnd end) const {
  ordered_json stack = layers;
  for (const char* key : {"layers", "batch_norm"}) {
    if (stack.contains(key) && stack[key].is_string()) stack[key] = here(stack[key].get<std::string>());
  }
  check_numbers(library_.value("sequence", ordered_json()), stack, names_, end, library_["library"].get<std::string>());
}

// Hidden layers and logits of gates are one MLP: the last matrix is the logits'.
void Network::take_apart(ordered_json& gates) {
  expand_mlp(gates);
  check_stack(gates, StackEnd::kOutput);
  const std::string mlp = gates["layers"].get<std::string>();
  std::vector<std::string> layers;
  for (const std::string& number : names_.texts_of(here(mlp + ".weight"), Placeholder::kLayer)) {
    PlaceholderValues values;
    values[Placeholder::kLayer] = number;
    const std::string layer = Pattern(mlp, "recipe").with(values).text();
    const auto found = names_.find_all(here(layer + ".weight"));
    if (!found.empty() && names_.shape(found.front().tensor).size() == 2) layers.push_back(layer);
  }
  if (layers.empty()) throw ConvertError("no tensor is named " + mlp + ".weight");
  ordered_json hidden = std::move(gates);
  gates = {{"logits", layers.back()}};
  layers.pop_back();
  if (layers.empty()) return;
  hidden["layers"] = std::move(layers);
  gates = {{"hidden", std::move(hidden)}, {"logits", gates["logits"]}};
}

void Network::finish_gates(ordered_json& gates) {
  if (gates.contains("constant")) return;
  if (gates.contains("mlp")) take_apart(gates);
  if (!has(gates, "batch_norm", ".running_mean")) gates.erase("batch_norm");
  add_form(gates, gates.contains("batch_norm"));
  if (!gates.contains("hidden")) return;
  expand_mlp(gates["hidden"]);
  const std::string weight = gates["hidden"].value("weight", library_.value("/form/weight"_json_pointer, ".weight"));
  if (has(gates["hidden"], "layers", weight)) {
    finish_layers(gates["hidden"], "gates");
  } else {
    gates.erase("hidden");
  }
}

// The experts whose logits the gates have, less those of other pools.
size_t Network::experts_left(const ordered_json& rule) const {
  const auto gates = names_.find_all(here(rule["outputs_of"]));
  if (gates.empty() || names_.shape(gates.front().tensor).empty()) {
    throw ConvertError("no tensor is named " + rule["outputs_of"].get<std::string>());
  }
  const size_t others = names_.texts_of(here(rule["less_experts_of"]), Placeholder::kExpert).size();
  const uint64_t outputs = names_.shape(gates.front().tensor).front();
  return outputs > others ? outputs - others : 0;
}

// A pool of which the library makes more than it reads.
void Network::set_num_experts(ordered_json& layers) {
  const size_t count = experts_left(layers["num_experts"]);
  const std::string layer = here(layers["layers"].get<std::string>());
  const std::vector<std::string> found = names_.texts_of(layer + ".weight", Placeholder::kExpert);
  layers.erase("num_experts");
  if (found.size() <= count) return;
  layers["num_experts"] = count;
  const std::string expert = layer.substr(0, layer.find("{expert}"));
  for (size_t i = count; i < found.size(); ++i) ignored_.push_back(names_.prefix() + expert + found[i] + ".*");
}

// Of several, the one whose slopes there are.
void Network::finish_dice(ordered_json& dice) const {
  if (dice.is_array()) {
    const auto found =
        std::find_if(dice.begin(), dice.end(), [&](const ordered_json& item) { return has(item, "alpha", ""); });
    const ordered_json chosen = found == dice.end() ? dice.front() : *found;
    dice = chosen;
  }
  const char* key = "batch_norm_tensors";
  const auto form = library_.find("form");
  if (form != library_.end() && form->contains(key) && dice.contains("batch_norm")) dice[key] = (*form)[key];
}

void Network::finish_layers(ordered_json& layers, const std::string& part) {
  expand_mlp(layers);
  if (layers.contains("num_experts")) set_num_experts(layers);
  const json* own = settings_.find(part.c_str());
  if (own != nullptr) layers.update(*own);
  const std::string weight = layers.value("weight", library_.value("/form/weight"_json_pointer, ".weight"));
  const std::string output_weight = library_.value("/form/output_weight"_json_pointer, weight);
  choose(layers, "layers", weight);
  choose(layers, "output", output_weight);
  add_form(layers, layers.contains("batch_norm"));
  // What the settings say of the user's own layers is theirs to know.
  const bool output_in_stack = part == "towers" && !layers.contains("output");
  const StackEnd end = library_.contains("own_layers") ? StackEnd::kAny
                       : output_in_stack               ? StackEnd::kOutput
                                                       : StackEnd::kBlock;
  if (own == nullptr) check_stack(layers, end);
  const bool has_output = has(layers, "output", output_weight);
  const bool no_layers = !has(layers, "layers", weight) && has_output;
  if (no_layers) {
    layers["layers"] = ordered_json::array({layers["output"]});
    layers["activation"] = "linear";
    layers.erase("batch_norm");
    if (layers.contains("output_weight")) layers["weight"] = layers["output_weight"];
  }
  if (!has_output || no_layers) {
    layers.erase("output");
    layers.erase("output_weight");
  }
  if (!has(layers, "output_bias", "")) layers.erase("output_bias");
  const std::string mean = layers.value("/batch_norm_tensors/mean"_json_pointer, ".running_mean");
  if (!has(layers, "batch_norm", mean)) {
    for (const char* key : {"batch_norm", "batch_norm_epsilon", "batch_norm_tensors"}) layers.erase(key);
  }
  // Where a library puts the one or the other norm under the same name, statistics tell which it is.
  if (!has(layers, "layer_norm", ".weight") || has(layers, "layer_norm", ".running_mean")) layers.erase("layer_norm");
  if (!layers.contains("activation")) layers["activation"] = activation_of(settings_, library_, part);
  const std::string activation = layers["activation"].dump();
  if (activation.find("\"prelu\"") == activation.npos) layers.erase("slopes");
  if (activation.find("\"dice\"") == activation.npos) layers.erase("dice");
  if (layers.contains("dice")) finish_dice(layers["dice"]);
}

}  // namespace

ordered_json describe_network(const ordered_json& library, const ordered_json& model, const NameIndex& names,
                              const Settings& settings, ordered_json& ignored) {
  return Network(library, model, names, settings, ignored).describe();
}

}  // namespace mmoe::converter
