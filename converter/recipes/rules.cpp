#include "converter/recipes/rules.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <vector>

#include "converter/error.h"
#include "converter/reading/activations.h"
#include "converter/reading/keys.h"
#include "converter/reading/pattern.h"
#include "converter/recipes/column_rules.h"
#include "converter/recipes/layers_rules.h"
#include "converter/recipes/node_rules.h"

namespace mmoe::converter {

using nlohmann::json;

namespace {

void check_link(const JsonReader& link) {
  if (link.is_object()) return link.allow_keys(link_keys());
  if (link.string() != "identity") (void)read_activation(link);
}

void check_second_table(const JsonReader& second) {
  second.allow_keys({"table", "suffix", "width"});
  if (const auto width = second.find("width")) (void)width->count();
  (void)second.get("table", "the name of a second table of a feature").string();
  (void)second.get("suffix", "what the second feature's name ends with").string();
}

void check_features(const JsonReader& features) {
  if (features.find("packed")) {
    features.allow_keys({"packed", "projection"});
    (void)features.get("packed", "").string();
    (void)features.get("projection", "the module that multiplies the numeric fields").string();
    return;
  }
  features.allow_keys({"table", "sequence_table", "second_table", "shared_by", "projections", "order", "history"});
  check_optional_text(features, "history");
  const auto seconds = features.find("second_table");
  for (const JsonReader& second : seconds ? seconds->items_or_self() : std::vector<JsonReader>()) {
    check_second_table(second);
    check_has(second.get("table", ""), "{feature}");
  }
  check_has(features.get("table", "the name of a feature's embedding table, with {feature} in it"), "{feature}");
  if (const auto table = features.find("sequence_table")) check_has(*table, "{feature}");
  check_optional_text(features, "shared_by");
  if (const auto projections = features.find("projections")) check_true(*projections);
  const auto order = features.find("order");
  if (!order) return;
  const std::vector<std::string> kinds = {"dense", "categorical", "sequence"};
  for (const JsonReader& item : some_items(*order)) {
    std::istringstream words(item.string());
    for (std::string word; words >> word;) {
      const bool known = std::find(kinds.begin(), kinds.end(), word) != kinds.end();
      if (!known) item.fail_expected("kinds of features: dense, categorical, sequence");
    }
  }
}

void check_ends_in_star(const JsonReader& field) {
  const std::string text = field.string();
  if (text.find('*') != text.size() - 1) field.fail_expected("a text with one *, at its end");
}

void check_left_over(const JsonReader& owner) {
  const auto list = owner.find("left_over");
  if (!list) return;
  for (const JsonReader& item : list->items()) {
    item.allow_keys({"tensors", "copy_of", "why"});
    const JsonReader tensors = item.get("tensors", "the names, in which * stands for any text");
    for (const JsonReader& glob : tensors.items_or_self()) (void)glob.string();
    if (const auto original = item.find("copy_of")) {
      check_ends_in_star(tensors);
      check_ends_in_star(*original);
    }
    (void)item.get("why", "the reason, for the person who converts").string();
  }
}

// Parts of the library's model that have no place in a description.
void check_refused(const JsonReader& model) {
  const auto list = model.find("refused");
  if (!list) return;
  for (const JsonReader& item : some_items(*list)) {
    item.allow_keys({"tensors", "why"});
    (void)item.get("tensors", "the names, in which * stands for any text").string();
    (void)item.get("why", "what is missing, for the person who converts").string();
  }
}

void check_gates(const JsonReader& gates, const LayersRules& rules) {
  gates.allow_keys(joined(joined(gates_keys(), layers_keys()), {"mlp", "not_in_last_level"}));
  if (const auto flag = gates.find("not_in_last_level")) check_true(*flag);
  if (gates.find("constant")) return;
  if (const auto route = gates.find("route")) {
    gates.allow_keys({"route", "per", "mixes", "name", "not_in_last_level"});
    return check_streams(*route);
  }
  rules.check_mlp(gates);
  if (!gates.find("mlp")) {
    gates.allow_keys(joined(gates_keys(), {"not_in_last_level"}));
    (void)gates.get("logits", "the pattern of the gates' layer, unless they are `constant`, a `route` or an `mlp`");
  }
  LayersRules::check_fields(gates);
  if (const auto hidden = gates.find("hidden")) rules.check(*hidden, layers_keys());
}

void check_level(const JsonReader& level, const LayersRules& rules) {
  level.allow_keys(joined(level_keys(), {"else"}));
  if (const auto instead = level.find("else")) check_streams(*instead);
  if (const auto nodes = level.find("nodes")) check_nodes(*nodes, rules);
  const JsonReader experts = level.get("experts", "a layers object or a list of them");
  for (const JsonReader& pool : experts.is_array() ? some_items(experts) : experts.items_or_self())
    rules.check(pool, pool_keys());
  const JsonReader gates = level.get("gates", "what mixes the experts");
  for (const JsonReader& group : gates.is_array() ? some_items(gates) : gates.items_or_self())
    check_gates(group, rules);
}

// Nodes may give the logits.
void check_towers(const JsonReader& towers, bool has_nodes, const LayersRules& rules) {
  if (!has_nodes || towers.find("mlp") || towers.find("layers") || towers.find("layers_any"))
    return rules.check(towers, towers_keys());
  towers.allow_keys({"reads"});
  check_streams(towers.get("reads", "the nodes that give the logits, as there are no `layers`"));
}

void check_description(const JsonReader& description, const LayersRules& rules) {
  description.allow_keys({"architecture", "derived", "trunk", "nodes", "levels", "towers"});
  check_optional_text(description, "architecture");
  if (const auto derived = description.find("derived")) {
    for (const JsonReader& item : some_items(*derived)) {
      item.allow_keys({"name", "split", "slice", "stack", "axis", "first", "count"});
      (void)check_pattern(item.get("name", "of the tensors that are made"));
      if (item.find("split").has_value() + item.find("slice").has_value() + item.find("stack").has_value() != 1)
        item.fail("expected one of `split`, `slice` and `stack`");
      for (const char* key : {"split", "slice", "stack"}) {
        if (const auto source = item.find(key)) (void)check_pattern(*source);
      }
      for (const char* key : {"axis", "first", "count"}) {
        if (const auto number = item.find(key)) (void)number->count();
      }
    }
  }
  std::vector<JsonReader> lists;
  if (const auto nodes = description.find("nodes")) {
    check_nodes(*nodes, rules);
    lists.push_back(*nodes);
  }
  if (const auto levels = description.find("levels")) {
    if (some_items(*levels).size() != 1) levels->fail_expected("one level, which stands for all");
    check_level(levels->items().front(), rules);
    if (const auto nodes = levels->items().front().find("nodes")) lists.push_back(*nodes);
  }
  check_node_names(lists);
  check_towers(description.get("towers", "a layers object"), !lists.empty(), rules);
}

void check_fixed_tasks(const JsonReader& tasks) {
  std::set<std::string> names;
  for (const JsonReader& task : some_items(tasks)) {
    task.allow_keys(task_keys());
    const JsonReader name = task.get("name", "the task's name");
    if (!names.insert(name.string()).second) name.fail("two tasks have this name");
    check_link(task.get("link", "what makes the score"));
  }
}

// A tensor that the model has, by its name alone or with a dimension too.
void check_required(const JsonReader& item) {
  if (!item.is_object()) return (void)check_pattern(item);
  item.allow_keys({"outputs_of", "inputs_of", "is"});
  (void)item.get("is", "the dimension").count();
  const auto outputs = item.find("outputs_of"), inputs = item.find("inputs_of");
  if (outputs.has_value() == inputs.has_value()) item.fail("expected either `outputs_of` or `inputs_of`");
  (void)check_pattern(outputs ? *outputs : *inputs);
}

// Where the model's tasks, levels and input are told from.
void check_patterns(const JsonReader& model) {
  const auto tasks = model.find("tasks"), fixed = model.find("fixed_tasks");
  if (tasks.has_value() == fixed.has_value()) model.fail("expected either `tasks` or `fixed_tasks`");
  if (fixed) check_fixed_tasks(*fixed);
  if (tasks) {
    for (const JsonReader& pattern : tasks->is_array() ? some_items(*tasks) : tasks->items_or_self()) {
      if (!check_pattern(pattern).has(Placeholder::kTask)) pattern.fail_expected("a pattern with {task} in it");
    }
  }
  const auto levels = model.find("levels");
  if (levels && !check_pattern(*levels).has(Placeholder::kLevel)) levels->fail_expected("a pattern with {level} in it");
  const JsonReader input = model.get("input", "the weight of the first layer that reads x");
  for (const JsonReader& pattern : input.is_array() ? some_items(input) : input.items_or_self())
    (void)check_pattern(pattern);
  if (const auto required = model.find("requires")) {
    for (const JsonReader& item : required->items()) check_required(item);
  }
}

// Every "$" in a text of the model must be that of a variable, with which a name of the file is put there.
void check_variables(const JsonReader& value, const std::vector<std::string>& variables) {
  if (value.is_array()) {
    for (const JsonReader& item : value.items()) check_variables(item, variables);
  } else if (value.is_object()) {
    for (const std::string& key : value.keys()) check_variables(value.get(key, ""), variables);
  } else if (value.is_string()) {
    const std::string text = value.text();
    for (size_t at = text.find('$'); at != text.npos; at = text.find('$', at + 1)) {
      const bool known = std::any_of(variables.begin(), variables.end(), [&](const std::string& name) {
        return text.compare(at + 1, name.size(), name) == 0;
      });
      if (!known) value.fail("\"" + text + "\" has a $ that `names` does not declare");
    }
  }
}

// The variables that `names` declares, each with a pattern of which it takes what stands before the end.
std::vector<std::string> check_names(const JsonReader& model) {
  const auto names = model.find("names");
  if (!names) return {};
  for (const std::string& variable : names->keys()) {
    if (variable.empty()) names->fail("a variable without a name");
    const JsonReader pattern = names->get(variable, "");
    const std::string text = pattern.string();
    if (std::count(text.begin(), text.end(), '*') != 1) pattern.fail_expected("a text with one *");
  }
  return names->keys();
}

bool names_activation(const JsonReader& value) {
  if (value.is_array()) {
    const std::vector<JsonReader> items = value.items();
    return std::any_of(items.begin(), items.end(), names_activation);
  }
  if (!value.is_object()) return false;
  const std::vector<std::string> keys = value.keys();
  return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
    return key == "activation" || names_activation(value.get(key, ""));
  });
}

// Otherwise the settings have to name it, and a message says where the library's users have it.
void check_activation(const JsonReader& library, const JsonReader& description) {
  const auto mlp = library.find("mlp");
  if (library.find("activation") || names_activation(description) || (mlp && names_activation(*mlp))) return;
  description.fail("names no activation, and the library's `activation` does not say where its users have it");
}

void check_model(const JsonReader& library, const JsonReader& model, const LayersRules& rules) {
  model.allow_keys({"model", "names", "tasks", "fixed_tasks", "numbered_tasks", "note", "levels", "input", "requires",
                    "columns", "description", "left_over", "only_by_name", "own_order", "refused", "table",
                    "second_table"});
  check_optional_text(model, "note");
  check_optional_text(model, "table");
  if (const auto second = model.find("second_table")) check_second_table(*second);
  for (const char* key : {"numbered_tasks", "only_by_name", "own_order"}) {
    if (const auto flag = model.find(key)) check_true(*flag);
  }
  check_refused(model);
  check_columns(model);
  check_patterns(model);
  const JsonReader description = model.get("description", "the description, with parts to be put in");
  check_description(description, rules);
  check_activation(library, description);
  check_left_over(model);
  const std::vector<std::string> variables = check_names(model);
  for (const char* key : {"tasks", "levels", "input", "requires", "description", "left_over"}) {
    if (const auto field = model.find(key)) check_variables(*field, variables);
  }
}

// The library's words for its activations.
void check_activations(const JsonReader& library) {
  const auto activations = library.find("activations");
  if (!activations) return;
  for (const std::string& name : activations->keys()) {
    const bool plain =
        std::none_of(name.begin(), name.end(), [](char c) { return (c >= 'A' && c <= 'Z') || c == '.'; });
    if (!plain) activations->get(name, "").fail("names are compared in lower case and without modules: write it so");
    (void)read_activation(activations->get(name, ""));
  }
}

void check_form(const JsonReader& library) {
  if (const auto form = library.find("form")) {
    form->allow_keys(layers_keys());
    LayersRules::check_fields(*form);
  }
  if (const auto mlp = library.find("mlp")) {
    mlp->allow_keys(layers_keys());
    LayersRules::check_fields(*mlp);
    check_has(mlp->get("layers", "the pattern of the module's layers, with $ for the module"), "$");
  }
  const auto sequence = library.find("sequence");
  if (!sequence) return;
  for (const JsonReader& item : some_items(*sequence)) {
    (void)item.choice(
        {"layer", "batch_norm", "activation", "dropout", "layer?", "batch_norm?", "activation?", "dropout?"});
  }
}

// The line of the value that an error's message begins with, or of the nearest around it.
size_t line_of(const std::string& message, const JsonLines& lines) {
  std::string path = message.substr(0, message.find(": "));
  while (!path.empty()) {
    const auto found = lines.find(path);
    if (found != lines.end()) return found->second;
    const size_t end = path.find_last_of(".[");
    path.erase(end == path.npos ? 0 : end);
  }
  return 1;
}

// "... parse error at line 3, column 5: ..." or "line 3: ..."
size_t line_in(const std::string& message) {
  const size_t at = message.find("line ");
  return at == message.npos ? 1 : static_cast<size_t>(std::strtoul(message.c_str() + at + 5, nullptr, 10));
}

// {num_tasks} is known when a file is converted: a number.
std::string without_num_tasks(std::string text) {
  const std::string placeholder = "{num_tasks}";
  for (size_t at = text.find(placeholder); at != text.npos; at = text.find(placeholder, at))
    text.replace(at, placeholder.size(), "2");
  return text;
}

}  // namespace

void check_recipe(const JsonReader& library) {
  library.allow_keys({"library", "activation", "activations", "features", "link", "form", "mlp", "sequence",
                      "own_layers", "left_over", "models"});
  (void)library.get("library", "the library's name").string();
  check_optional_text(library, "activation");
  check_activations(library);
  if (const auto features = library.find("features")) check_features(*features);
  if (const auto link = library.find("link")) check_link(*link);
  check_form(library);
  if (const auto flag = library.find("own_layers")) check_true(*flag);
  check_left_over(library);
  const LayersRules rules(library);
  std::set<std::string> names;
  for (const JsonReader& model : some_items(library.get("models", "the library's models"))) {
    const JsonReader name = model.get("model", "the model's name");
    if (!names.insert(name.string()).second) name.fail("two models are named \"" + name.string() + "\"");
    check_model(library, model, rules);
  }
}

std::string check_recipe_text(std::string_view text, const std::string& file) {
  JsonLines lines;
  json library;
  try {
    library = parse_json(without_num_tasks(std::string(text)), &lines);
  } catch (const ConvertError& error) {
    throw ConvertError(file + ":" + std::to_string(line_in(error.what())) + ": error: " + error.what());
  }
  if (!library.is_object()) {
    throw ConvertError(file + ":1: error: the recipe is not an object {...} with the keys \"library\" and \"models\"");
  }
  try {
    check_recipe(JsonReader(library));
  } catch (const ConvertError& error) {
    throw ConvertError(file + ":" + std::to_string(line_of(error.what(), lines)) + ": error: " + error.what());
  }
  return library["library"].get<std::string>();
}

}  // namespace mmoe::converter
