#include "converter/recipes/node_rules.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "converter/error.h"
#include "converter/reading/activations.h"

namespace mmoe::converter {
namespace {

using nlohmann::json;

// Those that a recipe has beside a description's.
const Keys kOfRecipe = {"else", "needs", "part", "relations", "with_output", "mlp", "layers_any", "output_any"};

// A number, or what tells it.
void check_number(const JsonReader& field) {
  if (!field.is_object()) return (void)field.number();
  if (const auto setting = field.find("setting")) {
    field.allow_keys({"setting"});
    return (void)setting->choice({"num_heads"});
  }
  const auto over = field.find("over");
  if (!over) return check_shape(field, {"outputs_of", "inputs_of", "one_over_root_of_outputs_of"});
  check_shape(*over, {"outputs_of", "inputs_of"});
  field.allow_keys({"outputs_of", "inputs_of", "over"});
  if (field.find("outputs_of").has_value() == field.find("inputs_of").has_value())
    field.fail("expected either `outputs_of` or `inputs_of`");
  (void)check_pattern(field.find("outputs_of") ? field.get("outputs_of", "") : field.get("inputs_of", ""));
}

bool has_layers(const JsonReader& node) { return node.find("mlp") || node.find("layers") || node.find("layers_any"); }

void check_layers_of_node(const JsonReader& node, const LayersRules& rules) {
  const bool attends = node.find("attention").has_value(), compressed = node.find("compressed_interaction").has_value();
  const Keys keys = attends ? attention_node_keys() : compressed ? compressed_interaction_keys() : node_mlp_keys();
  rules.check(node, joined(keys, kOfRecipe));
  if (compressed) check_streams(node.get("compressed_interaction", ""));
  if (const auto part = node.find("part")) part->choice({"experts", "gates", "towers"});
  if (const auto flag = node.find("with_output")) check_true(*flag);
  if (attends) node.get("attention", "").allow_keys(attention_keys());
  const auto relations = node.find("relations");
  if (!relations) return;
  relations->choice({"relation_tower_names"});
  const JsonReader reads = node.get("reads", "a list, in which {relations} stands for other tasks");
  const std::vector<JsonReader> items = reads.items();
  const bool any = std::any_of(items.begin(), items.end(), [](const JsonReader& item) {
    return item.is_string() && item.string().find("{relations}") != std::string::npos;
  });
  if (!any) reads.fail_expected("a text with {relations} in it");
}

// Attention between elements.
void check_scaled_dot(const JsonReader& node) {
  node.allow_keys(joined(scaled_dot_keys(), {"else", "needs"}));
  check_streams(node.get("scaled_dot", ""));
  if (const auto mask = node.find("mask")) check_streams(*mask);
  if (const auto causal = node.find("causal")) check_true(*causal);
}

void check_operation(const JsonReader& node) {
  if (node.find("scaled_dot")) return check_scaled_dot(node);
  node.allow_keys(joined(operation_keys(), {"else", "needs"}));
  if (node.find("else") && !node.find("needs")) node.fail("has `else`, but nothing says when: `needs`, a pattern");
  size_t count = 0;
  for (const std::string& key : operation_names()) {
    if (const auto operands = node.find(key)) {
      check_streams(*operands);
      ++count;
    }
  }
  const bool is_constant = count == 0 && node.find("constant");
  if (count != 1 && !is_constant) node.fail("expected `mlp`, `layers`, or one operation");
  if (const auto activation = node.find("activation")) (void)read_activation(*activation);
  if (const auto constant = node.find("constant")) (void)check_pattern(*constant);
}

void check_node(const JsonReader& node, const LayersRules& rules) {
  (void)check_pattern(node.get("name", "the node's name"));
  if (const auto tasks = node.find("tasks")) tasks->choice({"first", "later"});
  if (const auto instead = node.find("else")) check_streams(*instead);
  if (const auto needs = node.find("needs")) (void)check_pattern(*needs);
  for (const char* key : {"scale", "group", "each", "heads"}) {
    if (const auto field = node.find(key)) check_number(*field);
  }
  if (has_layers(node)) {
    check_layers_of_node(node, rules);
  } else {
    check_operation(node);
  }
}

void check_task_by_task(const JsonReader& group, const JsonReader& nodes, const LayersRules& rules) {
  group.allow_keys({"task_by_task"});
  for (const JsonReader& node : some_items(nodes)) {
    check_has(node.get("name", "the node's name"), "{task}");
    check_node(node, rules);
  }
}

// A repetition of nodes, not a node for each element.
bool is_repetition(const JsonReader& item) {
  const auto each = item.find("each");
  return each && (each->is_string() || item.find("nodes"));
}

// These placeholders are numbers when a file is converted.
json with_numbers(json value, const std::vector<std::string>& placeholders) {
  if (value.is_structured()) {
    for (json& item : value) item = with_numbers(std::move(item), placeholders);
  } else if (value.is_string()) {
    std::string text = value.get<std::string>();
    for (const std::string& placeholder : placeholders) {
      for (size_t at = text.find(placeholder); at != text.npos; at = text.find(placeholder, at))
        text.replace(at, placeholder.size(), "0");
    }
    value = std::move(text);
  }
  return value;
}

void check_numbered(const JsonReader& node, const std::vector<std::string>& placeholders, const LayersRules& rules) {
  const json numbered = with_numbers(node.copy(), placeholders);
  check_node(JsonReader(numbered, node.path()), rules);
}

// Within another repetition.
void check_each_within(const JsonReader& group, const LayersRules& rules) {
  group.allow_keys({"each", "together", "nodes"});
  check_has(group.get("each", ""), "{layer}");
  check_has(group.get("together", "by which others read all of them side by side"), "{n}");
  for (const JsonReader& node : some_items(group.get("nodes", "the nodes of one number, {m}"))) {
    check_has(node.get("name", "the node's name"), "{n}");
    check_has(node.get("name", ""), "{m}");
    check_numbered(node, {"{n}", "{m}"}, rules);
  }
}

void check_each(const JsonReader& group, const LayersRules& rules) {
  group.allow_keys({"each", "from", "name", "together", "nodes", "per_task"});
  const auto per_task = group.find("per_task");
  if (per_task) check_true(*per_task);
  const auto together = group.find("together");
  if (together && per_task) together->fail("is not there with `per_task`");
  if (together) (void)check_pattern(*together);
  const JsonReader each = group.get("each", "the pattern whose {layer} counts the nodes");
  if (each.is_object()) {
    each.allow_keys({"setting"});
    (void)each.get("setting", "the key of the settings that says how many").choice({"cross_num"});
  } else {
    if (per_task || each.string().find("{task}") == std::string::npos) check_has(each, "{layer}");
    (void)check_pattern(each);
  }
  check_streams(group.get("from", "what {before} stands for in the first of them"));
  (void)check_pattern(group.get("name", "by which others read the last of them"));
  for (const JsonReader& node : some_items(group.get("nodes", "the nodes of one number, {n}"))) {
    if (!per_task && is_repetition(node)) {
      check_each_within(node, rules);
      continue;
    }
    check_has(node.get("name", "the node's name"), per_task ? "{step}" : "{n}");
    if (per_task) check_has(node.get("name", ""), "{task}");
    check_numbered(node, {"{n}", "{step}"}, rules);
  }
}

// For which tasks there is a node, by its name: "first", "later", or all.
using NodeNames = std::map<std::string, std::vector<std::string>>;

void add_name(const JsonReader& node, NodeNames& names) {
  const JsonReader name = node.get("name", "the node's name");
  const auto tasks = node.find("tasks");
  const std::string part = tasks ? tasks->string() : "";
  std::vector<std::string>& parts = names[name.string()];
  const bool taken = std::any_of(parts.begin(), parts.end(), [&](const std::string& other) {
    return other == part || other.empty() || part.empty();
  });
  if (taken) name.fail("two nodes are named \"" + name.string() + "\"");
  parts.push_back(part);
}

void add_names(const JsonReader& list, NodeNames& names) {
  for (const JsonReader& item : list.items()) {
    const auto group = item.find("task_by_task");
    const bool repeated = is_repetition(item);
    if (!group && item.find("name")) add_name(item, names);
    if (group || repeated) add_names(group ? *group : item.get("nodes", ""), names);
  }
}

}  // namespace

void check_node_names(const std::vector<JsonReader>& lists) {
  NodeNames names;
  for (const JsonReader& list : lists) add_names(list, names);
}

void check_nodes(const JsonReader& list, const LayersRules& rules) {
  for (const JsonReader& item : some_items(list)) {
    if (is_repetition(item)) {
      check_each(item, rules);
    } else if (const auto group = item.find("task_by_task")) {
      check_task_by_task(item, *group, rules);
    } else {
      check_node(item, rules);
    }
  }
}

}  // namespace mmoe::converter
