#include "converter/recipes/layers_rules.h"

#include "converter/error.h"
#include "converter/reading/activations.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

std::vector<JsonReader> some_items(const JsonReader& list) {
  const std::vector<JsonReader> items = list.items();
  if (items.empty()) list.fail_expected("at least one");
  return items;
}

void check_true(const JsonReader& flag) {
  if (!flag.is_true()) flag.fail_expected("true, or no such key");
}

void check_optional_text(const JsonReader& object, const std::string& key) {
  if (const auto field = object.find(key)) (void)field->string();
}

Pattern check_pattern(const JsonReader& field) { return Pattern(field.string(), field.path()); }

void check_has(const JsonReader& field, const std::string& part) {
  if (field.string().find(part) == std::string::npos) field.fail_expected("a text with " + part + " in it");
}

void check_shape(const JsonReader& rule, const Keys& keys) {
  rule.allow_keys(keys);
  const std::vector<std::string> found = rule.keys();
  if (found.size() != 1) rule.fail_expected("one of " + join(keys));
  (void)check_pattern(rule.get(found.front(), ""));
}

void check_streams(const JsonReader& field) {
  for (const JsonReader& item : field.items_or_self()) {
    if (item.is_array()) {
      check_streams(item);
    } else if (!item.is_object()) {
      (void)item.string();
    }
  }
}

void LayersRules::check(const JsonReader& layers, const Keys& keys) const {
  layers.allow_keys(joined(keys, {"mlp", "layers_any", "output_any"}));
  if (!layers.find("mlp") && !layers.find("layers") && !layers.find("layers_any")) {
    layers.fail("expected `mlp`, `layers` or `layers_any`");
  }
  check_mlp(layers);
  check_fields(layers);
  for (const char* key : {"layers_any", "output_any"}) {
    const auto patterns = layers.find(key);
    if (!patterns) continue;
    for (const JsonReader& item : some_items(*patterns)) (void)check_pattern(item);
  }
  if (const auto count = layers.find("num_experts")) check_num_experts(layers, *count);
}

void LayersRules::check_mlp(const JsonReader& object) const {
  const auto mlp = object.find("mlp");
  if (!mlp) return;
  (void)check_pattern(*mlp);
  if (!has_mlp_) mlp->fail("the library does not say what its `mlp` is");
}

void LayersRules::check_fields(const JsonReader& object) {
  for (const char* key :
       {"output", "slopes", "batch_norm", "layer_norm", "output_bias", "logits", "selector_weights"}) {
    if (const auto field = object.find(key)) (void)check_pattern(*field);
  }
  // An empty one says that the tensor has the name of its layer.
  for (const char* key : {"weight", "bias", "output_weight"}) {
    if (const auto field = object.find(key)) (void)Pattern(field->text(), field->path());
  }
  for (const char* key : {"name", "per", "orientation", "batch_norm_position", "layer_norm_position"}) {
    check_optional_text(object, key);
  }
  if (const auto reads = object.find("reads")) check_streams(*reads);
  for (const char* key : {"batch_norm_epsilon", "layer_norm_epsilon"}) {
    if (const auto field = object.find(key)) (void)field->number();
  }
  if (const auto layers = object.find("layers")) {
    for (const JsonReader& item : layers->items_or_self()) (void)check_pattern(item);
  }
  for (const char* key : {"activation", "last_activation"}) {
    const auto field = object.find(key);
    if (!field) continue;
    for (const JsonReader& item : field->items_or_self()) {
      const bool of_gate = item.is_string() && (item.string() == "softmax" || item.string() == "smooth_step");
      if (!of_gate || !object.find("logits")) (void)read_activation(item);
    }
  }
  check_norm_tensors(object);
  if (const auto dice = object.find("dice")) {
    for (const JsonReader& item : dice->is_array() ? some_items(*dice) : dice->items_or_self()) check_dice(item);
  }
}

void LayersRules::check_norm_tensors(const JsonReader& object) {
  for (const char* key : {"batch_norm_tensors", "layer_norm_tensors"}) {
    const auto tensors = object.find(key);
    if (!tensors) continue;
    tensors->allow_keys(norm_tensors_keys());
    for (const std::string& name : norm_tensors_keys()) check_optional_text(*tensors, name);
  }
}

void LayersRules::check_dice(const JsonReader& dice) {
  dice.allow_keys(dice_keys());
  (void)check_pattern(dice.get("alpha", "the pattern of the slopes"));
  if (const auto norm = dice.find("batch_norm")) (void)check_pattern(*norm);
  if (const auto epsilon = dice.find("epsilon")) (void)epsilon->number();
  check_norm_tensors(dice);
}

// The number of experts that are read, where the library makes more of them.
void LayersRules::check_num_experts(const JsonReader& layers, const JsonReader& count) {
  count.allow_keys({"outputs_of", "less_experts_of"});
  (void)check_pattern(count.get("outputs_of", "the gates' logits, which have an output per expert"));
  (void)check_pattern(count.get("less_experts_of", "the layers of the experts that are not counted"));
  if (const auto list = layers.find("layers")) check_has(*list, "{expert}");
  if (const auto mlp = layers.find("mlp")) check_has(*mlp, "{expert}");
}

}  // namespace mmoe::converter
