#include "converter/recipes/nodes.h"

#include <algorithm>

#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/keys.h"
#include "converter/reading/text.h"
#include "converter/recipes/shape_rules.h"

namespace mmoe::converter {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

const char* const kRelations = "{relations}";

// In every text of `value`.
ordered_json with_text(const ordered_json& value, const std::string& from, const std::string& to) {
  if (value.is_structured()) {
    ordered_json copy = value;
    for (ordered_json& item : copy) item = with_text(item, from, to);
    return copy;
  }
  if (!value.is_string()) return value;
  std::string text = value.get<std::string>();
  for (size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string of_previous_task(const std::string& name) {
  return with_text(name, "{task}", "{previous_task}").get<std::string>();
}

// What stands in the place of features of which there are none.
bool is_nothing(const ordered_json& stream) { return stream.is_array() && stream.empty(); }

bool reads_relations(const ordered_json& node) {
  return node.contains("relations") && node["reads"].dump().find(kRelations) != std::string::npos;
}

}  // namespace

ordered_json NodesWriter::write(const ordered_json& list) {
  ordered_json written = ordered_json::array();
  for (const ordered_json& item : list) add_item(item, written);
  return written;
}

void NodesWriter::replace(const std::string& name, const ordered_json& stream) {
  const ordered_json found = streams(stream);
  replaced_[name] = found;
  if (name.find("{task}") != name.npos)
    replaced_[of_previous_task(name)] = with_text(found, "{task}", "{previous_task}");
}

ordered_json NodesWriter::streams(const ordered_json& streams) const {
  if (streams.is_string()) {
    const auto found = replaced_.find(streams.get<std::string>());
    return found == replaced_.end() ? streams : found->second;
  }
  if (!streams.is_array()) return streams;
  ordered_json list = ordered_json::array();
  for (const ordered_json& item : streams) {
    ordered_json found = item.is_array() ? parts(item) : this->streams(item);
    if (!is_nothing(found)) list.push_back(std::move(found));
  }
  return list;
}

ordered_json NodesWriter::parts(const ordered_json& parts) const {
  if (!parts.is_array()) return streams(parts);
  ordered_json list = ordered_json::array();
  for (const ordered_json& item : parts) {
    const ordered_json found = streams(item);
    for (const ordered_json& part : found.is_array() ? found : ordered_json::array({found})) list.push_back(part);
  }
  return list;
}

void NodesWriter::add_item(const ordered_json& item, ordered_json& list) {
  if (item.contains("each") && item.contains("nodes")) return add_each(item, list);
  if (!item.contains("task_by_task")) return add_node(item, list);
  const ordered_json nodes = write(item["task_by_task"]);
  if (!nodes.empty()) list.push_back({{"task_by_task", nodes}});
}

// The nodes once for each number that the pattern finds, which stands for {n}; {before} is the last node of the number
// before.
void NodesWriter::add_each(const ordered_json& group, ordered_json& list) {
  if (group.contains("per_task")) return add_each_of_tasks(group, list);
  if (!group.contains("from")) return add_each_within(group, list);
  ordered_json before = streams(group["from"]), all = ordered_json::array();
  for (const std::string& number : numbers_of(group)) {
    for (const ordered_json& node : group["nodes"]) {
      replaced_["{before}"] = before;
      add_item(with_text(node, "{n}", number), list);
    }
    before = with_text(group["nodes"].back()["name"], "{n}", number);
    all.push_back(before);
  }
  replaced_.erase("{before}");
  replace(group["name"], before);
  if (group.contains("together")) replace(group["together"], all.empty() ? before : all);
}

// A repetition within another, whose {before} stays: {m} is its number.
void NodesWriter::add_each_within(const ordered_json& group, ordered_json& list) {
  ordered_json all = ordered_json::array();
  for (const std::string& number : numbers_of(group)) {
    for (const ordered_json& node : group["nodes"]) add_node(with_text(node, "{m}", number), list);
    all.push_back(with_text(group["nodes"].back()["name"], "{m}", number));
  }
  replace(group["together"], all);
}

std::vector<std::string> NodesWriter::numbers_of(const ordered_json& group) const {
  if (group["each"].is_string()) {
    const std::string pattern = group["each"].get<std::string>();
    return pattern.find("{layer}") != pattern.npos ? layers_.numbers_of(pattern) : names_.any_tasks_of(pattern);
  }
  const JsonReader given = settings_.reader().get(group["each"]["setting"].get<std::string>(),
                                                  "how many cross layers there are, which is not in the weights");
  const size_t count = given.count(kMaxNodes);
  if (count == 0) given.fail_expected("at least one");
  std::vector<std::string> numbers;
  for (size_t i = 0; i < count; ++i) numbers.push_back(std::to_string(i));
  return numbers;
}

// The numbers go task by task: {step} counts those of one.
void NodesWriter::add_each_of_tasks(const ordered_json& group, ordered_json& list) {
  const std::vector<std::string> numbers = numbers_of(group);
  if (numbers.size() % tasks_.size() != 0) {
    throw ConvertError(group["each"].get<std::string>() + ": " + std::to_string(numbers.size()) +
                       " of them are not shared out evenly among " + counted(tasks_.size(), "task"));
  }
  const size_t steps = numbers.size() / tasks_.size();
  ordered_json before = streams(group["from"]);
  for (size_t step = 0; step < steps; ++step) {
    const std::string text = std::to_string(step);
    for (size_t task = 0; task < tasks_.size(); ++task) {
      replaced_["{before}"] = before;
      for (const ordered_json& node : group["nodes"]) {
        ordered_json own = with_text(with_text(node, "{n}", numbers[task * steps + step]), "{step}", text);
        own["tasks"] = ordered_json::array({tasks_[task].name});
        add_node(std::move(own), list);
      }
    }
    before = with_text(group["nodes"].back()["name"], "{step}", text);
  }
  replaced_.erase("{before}");
  replace(group["name"], before);
}

void NodesWriter::add_node(ordered_json node, ordered_json& list) {
  const std::string needs = node.value("needs", "");
  node.erase("needs");
  if (!needs.empty() && !layers_.has(needs)) {
    if (node.contains("else")) replace(node["name"], node["else"]);
    return;
  }
  for (const char* key : {"scale", "group", "each", "heads"}) {
    if (node.contains(key)) node[key] = number_of(node[key]);
  }
  for (const char* key : {"sum", "product", "dot", "scaled_dot"}) {
    if (node.contains(key)) node[key] = streams(node[key]);
  }
  for (const char* key : {"reads", "lower_pairs", "upper_pairs", "bi_interaction", "sum_of_groups", "sum_within_groups",
                          "softmax", "mask", "compressed_interaction"}) {
    if (!node.contains(key)) continue;
    node[key] = parts(node[key]);
    if (is_nothing(node[key])) return replace(node["name"], ordered_json::array());
  }
  if (node.contains("/attention/query"_json_pointer)) node["attention"]["query"] = streams(node["attention"]["query"]);
  if (node.contains("/attention/sequences"_json_pointer))
    node["attention"]["sequences"] = parts(node["attention"]["sequences"]);
  if (node.contains("attention")) add_softmax(node["attention"]);
  layers_.expand_mlp(node);
  leave_out_norm(node);
  const ordered_json otherwise = node.value("else", ordered_json());
  const std::vector<std::string> missing = tasks_without(node);
  if (is_absent(node) || missing.size() == tasks_.size()) {
    if (!otherwise.is_null()) replace(node["name"], otherwise);
    return;
  }
  const ordered_json rest = node;
  node.erase("else");
  if (!missing.empty()) {
    node["tasks"] = ordered_json::array();
    for (const RecipeTask& task : tasks_) {
      if (std::count(missing.begin(), missing.end(), task.name) == 0) node["tasks"].push_back(task.name);
    }
  }
  if (node.contains("layers") || node.contains("layers_any")) layers_.finish_node(node);
  if (reads_relations(node)) {
    add_related(node, list);
  } else {
    node.erase("relations");
    list.push_back(std::move(node));
  }
  if (!missing.empty() && !otherwise.is_null()) add_missing(rest, missing, list);
}

// Whether an attention's weights are a softmax is not in the weights.
void NodesWriter::add_softmax(ordered_json& attention) const {
  const auto given = settings_.reader().find("attention_softmax");
  if (given && given->boolean()) attention["softmax"] = true;
}

// A number, a dimension of a matrix, or what the settings say because the weights do not.
ordered_json NodesWriter::number_of(const ordered_json& rule) const {
  if (!rule.is_object() || !rule.contains("setting")) return read_number(rule, names_);
  const JsonReader given = settings_.reader().get(rule["setting"].get<std::string>(),
                                                  "how many heads the attention has, which is not in the weights");
  return given.count();
}

// Of a sum or a product; what has layers leaves it out as others do.
void NodesWriter::leave_out_norm(ordered_json& node) const {
  if (!node.contains("layer_norm") || node.contains("layers") || layers_.has(node, "layer_norm", ".weight")) return;
  node.erase("layer_norm");
  node.erase("group");
}

// For the tasks that have no such module: what they have instead.
void NodesWriter::add_missing(const ordered_json& node, const std::vector<std::string>& missing, ordered_json& list) {
  list.push_back({{"name", node["name"]}, {"tasks", missing}, {"sum", ordered_json::array({streams(node["else"])})}});
}

// One node for each task, since each reads other tasks.
void NodesWriter::add_related(const ordered_json& node, ordered_json& list) {
  const ordered_json tasks = node.value("tasks", ordered_json());
  for (const RecipeTask& task : tasks_) {
    if (tasks.is_array() && std::find(tasks.begin(), tasks.end(), ordered_json(task.name)) == tasks.end()) continue;
    ordered_json own = node;
    own["tasks"] = ordered_json::array({task.name});
    own["reads"] = ordered_json::array();
    for (const ordered_json& item : node["reads"]) {
      if (!item.is_string() || item.get<std::string>().find(kRelations) == std::string::npos) {
        own["reads"].push_back(item);
        continue;
      }
      for (const std::string& other : relations_of(node, task.name))
        own["reads"].push_back(streams(with_text(item, kRelations, other)));
    }
    own.erase("relations");
    list.push_back(std::move(own));
  }
}

// The tasks whose streams this task reads too, by the settings.
std::vector<std::string> NodesWriter::relations_of(const ordered_json& node, const std::string& task) const {
  const std::string key = node["relations"].get<std::string>();
  const std::string meaning = "which tasks' streams the layers " + first_layer(node) +
                              " read is not in the weights: give them by task, such as {\"" + task + "\": [\"" +
                              tasks_.front().name + "\"]}";
  const JsonReader all = settings_.reader().get(key, meaning);
  std::vector<std::string> known, before, relations;
  for (const RecipeTask& each : tasks_) {
    if (each.name == task) before = known;
    known.push_back(each.name);
  }
  all.allow_keys(known);
  for (const JsonReader& item : all.get(task, meaning).items()) {
    const std::string other = known[item.choice(known)];
    if (std::count(before.begin(), before.end(), other) == 0) {
      item.fail("found \"" + other + "\", expected a task that stands before \"" + task +
                "\" in `tasks`, whose order is the library's");
    }
    if (std::count(relations.begin(), relations.end(), other) > 0) item.fail("is there twice");
    relations.push_back(other);
  }
  return relations;
}

std::string NodesWriter::first_layer(const ordered_json& node) const {
  if (!node.contains("layers")) return "";
  const ordered_json& layers = node["layers"];
  return (layers.is_array() ? layers.front() : layers).get<std::string>();
}

// Names of the tasks whose modules are not in the file, of a node that has some.
std::vector<std::string> NodesWriter::tasks_without(const ordered_json& node) const {
  const std::string layer = first_layer(node);
  if (node.contains("tasks") || layer.find("{task}") == layer.npos) return {};
  const std::vector<std::string> found = names_.any_tasks_of(layers_.here(layer + layers_.weight_suffix(node)));
  const auto is_of = [](const RecipeTask& task, const std::string& text) {
    return text == task.text || text == task.name;
  };
  for (const std::string& text : found) {
    if (std::any_of(tasks_.begin(), tasks_.end(), [&](const RecipeTask& task) { return is_of(task, text); })) continue;
    const std::string module = with_text(layer.substr(0, layer.find("{layer}")), "{task}", text).get<std::string>();
    const std::string all = found.size() == tasks_.size() ? ", such as {\"tasks\": " + json(found).dump() + "}" : "";
    throw ConvertError("tasks: the layers " + module + "* are there for \"" + text +
                       "\", which is no task: give the names of the file in `tasks`, in the library's order" + all);
  }
  std::vector<std::string> missing;
  for (const RecipeTask& task : tasks_) {
    const bool there =
        std::any_of(found.begin(), found.end(), [&](const std::string& text) { return is_of(task, text); });
    if (!there) missing.push_back(task.name);
  }
  return missing;
}

bool NodesWriter::is_absent(const ordered_json& node) const {
  const std::string layer = first_layer(node);
  return !layer.empty() && !layers_.has(layer + layers_.weight_suffix(node));
}

}  // namespace mmoe::converter
