#include "converter/recipes/layers_writer.h"

#include <algorithm>

#include "converter/error.h"

namespace mmoe::converter {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

// Of what is taken apart.
std::string first_part(std::string name) {
  const std::string placeholder = "{expert}";
  const size_t at = name.find(placeholder);
  return at == name.npos ? name : name.replace(at, placeholder.size(), "0");
}

std::string with_level(std::string text, const std::string& level) {
  const std::string placeholder = "{level}";
  const size_t position = text.find(placeholder);
  return position == std::string::npos ? text : text.replace(position, placeholder.size(), level);
}

}  // namespace

std::string LayersWriter::here(const std::string& pattern) const { return with_level(pattern, level_); }

std::string LayersWriter::weight_suffix(const ordered_json& layers) const {
  return layers.value("weight", library_.value("/form/weight"_json_pointer, ".weight"));
}

// `form` of a library: how all its layers are written down, where that is not torch's way.
void LayersWriter::add_form(ordered_json& object, bool with_norm) const {
  if (!library_.contains("form")) return;
  for (const auto& [key, value] : library_["form"].items()) {
    const bool of_norm = key.rfind("batch_norm", 0) == 0, of_output = key == "output_weight";
    if ((!of_norm || with_norm) && (!of_output || object.contains("output")) && !object.contains(key))
      object[key] = value;
  }
}

void LayersWriter::add_derived(const std::string& pattern, size_t count) {
  derived_.push_back(pattern);
  counts_[pattern] = count;
}

std::vector<std::string> LayersWriter::numbers_of(const std::string& pattern) const {
  std::vector<std::string> numbers = names_.texts_of(here(pattern), Placeholder::kLayer);
  const auto made = counts_.find(pattern);
  for (size_t i = 0; made != counts_.end() && i < made->second; ++i) numbers.push_back(std::to_string(i));
  return numbers;
}

bool LayersWriter::has(const std::string& pattern) const {
  return names_.has(here(pattern)) || std::any_of(derived_.begin(), derived_.end(), [&](const std::string& name) {
           return name == pattern || first_part(name) == pattern || Pattern(pattern, "recipe").match_any_task(name) ||
                  Pattern(name, "recipe").match_any_task(pattern);
         });
}

bool LayersWriter::has(const ordered_json& object, const char* key, const std::string& suffix) const {
  if (!object.contains(key)) return false;
  const ordered_json& value = object[key];
  return value.is_array() || has(value.get<std::string>() + suffix);
}

// `<key>_any` of a layers object: the first of several patterns that there is. Tasks that are told apart by the order
// in which the library numbers them have to be given in this order.
void LayersWriter::choose(ordered_json& layers, const char* key, const std::string& suffix) const {
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

// `mlp` of a layers object is a module of the kind that the library builds its networks of: its own `mlp` says what is
// in one, with "$" for the module's name.
void LayersWriter::expand_mlp(ordered_json& layers) const {
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
void LayersWriter::check_stack(const ordered_json& layers, StackEnd end) const {
  ordered_json stack = layers;
  for (const char* key : {"layers", "batch_norm"}) {
    if (stack.contains(key) && stack[key].is_string()) stack[key] = here(stack[key].get<std::string>());
  }
  check_numbers(library_.value("sequence", ordered_json()), stack, names_, end, library_["library"].get<std::string>());
}

// The experts whose logits the gates have, less those of other pools.
size_t LayersWriter::experts_left(const ordered_json& rule) const {
  const auto gates = names_.find_all(here(rule["outputs_of"]));
  if (gates.empty() || names_.shape(gates.front().tensor).empty()) {
    throw ConvertError("no tensor is named " + rule["outputs_of"].get<std::string>());
  }
  const size_t others = names_.texts_of(here(rule["less_experts_of"]), Placeholder::kExpert).size();
  const uint64_t outputs = names_.shape(gates.front().tensor).front();
  return outputs > others ? outputs - others : 0;
}

// A pool of which the library makes more than it reads.
void LayersWriter::set_num_experts(ordered_json& layers) {
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
void LayersWriter::finish_dice(ordered_json& dice) const {
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

void LayersWriter::finish(ordered_json& layers, const std::string& part) {
  expand_mlp(layers);
  if (layers.contains("num_experts")) set_num_experts(layers);
  const json* own = settings_.find(part.c_str());
  if (own != nullptr) layers.update(*own);
  // What the settings say of the user's own layers is theirs to know.
  const bool output_in_stack = part == "towers" && !layers.contains("output");
  const StackEnd end = library_.contains("own_layers") || own != nullptr ? StackEnd::kAny
                       : output_in_stack                                 ? StackEnd::kOutput
                                                                         : StackEnd::kBlock;
  finish_stack(layers, part, end, own == nullptr);
  if (library_.contains("own_layers") && part == "experts") add_last_activation(layers);
}

// A layer alone is the whole encoder: nothing stands behind it. A list has an activation for each layer.
void LayersWriter::add_last_activation(ordered_json& layers) const {
  const ordered_json& activation = layers["activation"];
  if (activation.is_array() || activation == "linear" || layers.contains("last_activation")) return;
  layers["last_activation"] = last_activation_of(settings_);
}

void LayersWriter::finish_node(ordered_json& node) {
  expand_mlp(node);
  const std::string part = node.value("part", "experts");
  const bool output = node.contains("with_output");
  if (output && !node.contains("last_activation") && !node.contains("attention")) node["last_activation"] = "linear";
  node.erase("part");
  node.erase("with_output");
  const bool stacked = !node.contains("compressed_interaction");  // its layers read products, not each other
  finish_stack(node, part, output ? StackEnd::kOutput : StackEnd::kBlock, stacked);
}

void LayersWriter::finish_stack(ordered_json& layers, const std::string& part, StackEnd end, bool checked) {
  const std::string weight = weight_suffix(layers);
  const std::string output_weight = library_.value("/form/output_weight"_json_pointer, weight);
  choose(layers, "layers", weight);
  choose(layers, "output", output_weight);
  add_form(layers, layers.contains("batch_norm"));
  if (checked) check_stack(layers, end);
  choose_output(layers, weight, output_weight);
  leave_out_absent(layers);
  if (!layers.contains("activation")) layers["activation"] = activation_of(settings_, library_, part);
  const std::string activation = layers["activation"].dump();
  if (activation.find("\"prelu\"") == activation.npos) layers.erase("slopes");
  if (activation.find("\"dice\"") == activation.npos) layers.erase("dice");
  if (layers.contains("dice")) finish_dice(layers["dice"]);
}

// Of a stack without hidden layers the output is the only layer; some have no output of their own.
void LayersWriter::choose_output(ordered_json& layers, const std::string& weight,
                                 const std::string& output_weight) const {
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
}

void LayersWriter::leave_out_absent(ordered_json& layers) const {
  if (!has(layers, "output_bias", "")) layers.erase("output_bias");
  const std::string mean = layers.value("/batch_norm_tensors/mean"_json_pointer, ".running_mean");
  if (!has(layers, "batch_norm", mean)) {
    for (const char* key : {"batch_norm", "batch_norm_epsilon", "batch_norm_tensors"}) layers.erase(key);
  }
  // Where a library puts the one or the other norm under the same name, statistics tell which it is.
  if (!has(layers, "layer_norm", ".weight") || has(layers, "layer_norm", ".running_mean")) layers.erase("layer_norm");
}

}  // namespace mmoe::converter
