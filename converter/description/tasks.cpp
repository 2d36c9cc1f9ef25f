#include "converter/description/tasks.h"

#include <algorithm>
#include <optional>

#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/activations.h"
#include "converter/reading/keys.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

namespace {

const char* const kLinkMeaning =
    R"("sigmoid", "identity" or another activation, {"softmax_column": n}, {"product": [tasks]} or another object)";

Link read_product(const JsonReader& list, const std::vector<Task>& earlier) {
  Link link = product_link({});
  for (const JsonReader& item : list.items()) {
    const std::string name = item.string();
    const auto found =
        std::find_if(earlier.begin(), earlier.end(), [&](const Task& task) { return task.name == name; });
    if (found == earlier.end()) item.fail("\"" + name + "\" is not a task that comes before this one");
    link.factors.push_back(static_cast<size_t>(found - earlier.begin()));
  }
  if (link.factors.empty()) list.fail_expected("at least one earlier task");
  return link;
}

// The tower that several tasks share: that of an earlier one.
size_t shared_tower(const JsonReader& field, const std::vector<Task>& earlier) {
  std::vector<std::string> names;
  for (const Task& task : earlier) {
    if (!task.link.reads_tower()) continue;
    if (task.name == field.string()) return task.link.tower;
    names.push_back(task.name);
  }
  field.fail_expected("an earlier task that has a tower" + (names.empty() ? "" : " (" + join(names) + ")"));
}

// "identity" is what an activation calls linear.
Activation read_link_activation(const JsonReader& field) {
  if (field.is_string() && field.string() == "identity") return {};
  const Activation activation = read_activation(field);
  const bool slopes = activation.kind == ActivationKind::kPRelu || activation.kind == ActivationKind::kDice;
  if (slopes) field.fail_expected("an activation without slopes");
  return activation;
}

// What the object says the link starts from: one of five keys, or none for a logit.
Link read_source(const JsonReader& object, const std::vector<Task>& earlier) {
  const auto product = object.find("product"), softmax = object.find("softmax_column"),
             log_softmax = object.find("log_softmax_column"), expected = object.find("expected_value"),
             column = object.find("column");
  if (product.has_value() + softmax.has_value() + log_softmax.has_value() + expected.has_value() + column.has_value() >
      1) {
    object.fail(
        "has more than one of `softmax_column`, `log_softmax_column`, `expected_value`, `product` and `column`");
  }
  if (product) return read_product(*product, earlier);
  Link link;
  if (softmax) link = softmax_link(0, softmax->count(kMaxDim));
  if (column) link.column = column->count(kMaxDim);
  if (log_softmax) {
    link.source = LinkSource::kLogSoftmaxColumn;
    link.column = log_softmax->count(kMaxDim);
  }
  if (expected) {
    link.source = LinkSource::kExpectedValue;
    for (const JsonReader& value : expected->items()) link.values.push_back(value.real());
    if (link.values.size() < 2) expected->fail_expected("the value of each class");
  }
  return link;
}

// [lower, upper]; null: no bound.
void read_bounds(const JsonReader& field, Link& link) {
  const std::vector<JsonReader> bounds = field.items();
  if (bounds.size() != 2) field.fail_expected("[lower, upper], null for none");
  if (!bounds[0].is_null()) link.lower = bounds[0].real();
  if (!bounds[1].is_null()) link.upper = bounds[1].real();
  if (!(link.lower <= link.upper)) field.fail_expected("lower of at most upper");
}

// `tower`: the next that no task reads yet.
Link read_link(const JsonReader& field, const std::vector<Task>& earlier, size_t tower) {
  Link link;
  link.tower = tower;
  if (field.is_string()) {
    link.activation = read_link_activation(field);
    return link;
  }
  if (!field.is_object()) field.fail_expected(kLinkMeaning);
  const Keys keys = link_keys();
  field.allow_keys(keys);
  const auto given = [&](const std::string& key) { return field.find(key).has_value(); };
  const bool empty = std::none_of(keys.begin(), keys.end(), given);
  if (empty) field.fail(std::string("expected one of ") + kLinkMeaning);
  link = read_source(field, earlier);
  const auto shared = field.find("tower");
  if (link.reads_tower()) link.tower = shared ? shared_tower(*shared, earlier) : tower;
  if (shared && !link.reads_tower()) shared->fail("a product has no tower");
  if (const auto activation = field.find("activation")) link.activation = read_link_activation(*activation);
  if (const auto scale = field.find("scale")) link.scale = scale->real();
  if (const auto shift = field.find("shift")) link.shift = shift->real();
  if (const auto clamp = field.find("clamp")) read_bounds(*clamp, link);
  return link;
}

std::optional<size_t> tower_of(const Task& task) {
  return task.link.reads_tower() ? std::optional<size_t>(task.link.tower) : std::nullopt;
}

void check_classes(const Task& task, const std::string& found, size_t outputs) {
  const bool expected_value = task.link.source == LinkSource::kExpectedValue;
  const std::string key = expected_value                                      ? "expected_value"
                          : task.link.source == LinkSource::kLogSoftmaxColumn ? "log_softmax_column"
                                                                              : "softmax_column";
  if (outputs < 2) throw ConvertError(found + ", expected at least 2 for " + key);
  if (expected_value && task.link.values.size() != outputs) {
    throw ConvertError(found + ", but expected_value has " + counted(task.link.values.size(), "value"));
  }
  if (task.link.column >= outputs) {
    throw ConvertError(found + ", but " + key + " is " + std::to_string(task.link.column) + ", counted from 0");
  }
}

// `chosen`: the description says which of the tower's outputs the link reads.
void check_link(const Task& task, const Tower& tower, bool chosen) {
  const size_t outputs = tower.layers.back().outputs();
  const std::string found = "task \"" + task.name + "\": its tower gives " + counted(outputs, "logit") + " (" +
                            tower.layers.back().name + ")";
  if (task.link.source != LinkSource::kLogit) return check_classes(task, found, outputs);
  if (task.link.column >= outputs) {
    throw ConvertError(found + ", but column is " + std::to_string(task.link.column) + ", counted from 0");
  }
  if (outputs != 1 && !chosen) {
    throw ConvertError(found + ", expected 1 for its link; the probability of one class of several is " +
                       R"({"softmax_column": n}, and one of several outputs {"column": n})");
  }
}

// Where a task is no output, something must read it.
void check_outputs(const JsonReader& list, const std::vector<Task>& tasks) {
  std::vector<bool> read(tasks.size());
  size_t num_outputs = 0;
  for (const Task& task : tasks) {
    num_outputs += task.output ? 1 : 0;
    for (const size_t factor : task.link.factors) read[factor] = true;
  }
  if (num_outputs == 0) list.fail_expected("at least one task without `\"output\": false`");
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (!tasks[i].output && !read[i]) list.items()[i].fail("has \"output\": false, but no product uses it");
  }
}

}  // namespace

std::vector<Task> read_tasks(const JsonReader& list) {
  std::vector<Task> tasks;
  size_t num_towers = 0;
  for (const JsonReader& item : list.items()) {
    item.allow_keys(task_keys());
    const std::string name = item.get("name", "the task's name").string();
    for (const Task& task : tasks) {
      if (task.name == name) item.fail("two tasks are named \"" + name + "\"");
    }
    const auto output = item.find("output");
    tasks.push_back({name, read_link(item.get("link", kLinkMeaning), tasks, num_towers), !output || output->boolean()});
    if (tower_of(tasks.back()) == num_towers) ++num_towers;
  }
  if (tasks.empty()) list.fail_expected("at least one task");
  if (tasks.size() > kMaxTasks) list.fail_expected("at most " + std::to_string(kMaxTasks));
  check_outputs(list, tasks);
  return tasks;
}

std::vector<std::string> tower_task_numbers(const JsonReader& list, const std::vector<Task>& tasks) {
  const std::vector<JsonReader> items = list.items();
  std::vector<std::string> numbers;
  size_t num_towers = 0;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const auto field = items[i].find("number");
    const bool has_tower = tower_of(tasks[i]) == num_towers;  // the first that reads it
    if (field && !has_tower) field->fail("this task has no tower of its own, and so no tensors");
    num_towers += has_tower ? 1 : 0;
    if (!field) continue;
    const std::string number = std::to_string(field->count());
    if (std::find(numbers.begin(), numbers.end(), number) != numbers.end())
      field->fail(number + " is another task's number");
    numbers.push_back(number);
  }
  if (!numbers.empty() && numbers.size() != num_towers) {
    list.fail("`number` of " + std::to_string(numbers.size()) + " of " + counted(num_towers, "task") +
              " with a tower: give it to all or to none");
  }
  return numbers;
}

std::vector<std::string> tower_task_names(const std::vector<Task>& tasks) {
  std::vector<std::string> names;
  for (const Task& task : tasks) {
    if (tower_of(task) == names.size()) names.push_back(task.name);  // the first that reads it
  }
  return names;
}

void check_links(const JsonReader& list, const std::vector<Task>& tasks, const std::vector<Tower>& towers) {
  const std::vector<JsonReader> items = list.items();
  for (size_t i = 0; i < tasks.size(); ++i) {
    const JsonReader link = items[i].get("link", kLinkMeaning);
    const bool chosen = link.is_object() && link.find("column");
    if (const auto tower = tower_of(tasks[i])) check_link(tasks[i], towers[*tower], chosen);
  }
}

}  // namespace mmoe::converter
