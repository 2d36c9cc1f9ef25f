#include "converter/description/tasks.h"

#include <algorithm>
#include <optional>

#include "converter/description/limits.h"
#include "converter/description/text.h"
#include "converter/error.h"

namespace mmoe::converter {

namespace {

const char* const kLinkMeaning = R"("sigmoid", "identity", {"softmax_column": n} or {"product": [tasks]})";

Link read_product(const JsonReader& list, const std::vector<Task>& earlier) {
  Link link = product_link({});
  for (const JsonReader& item : list.items()) {
    const std::string name = item.string();
    const auto found = std::find_if(earlier.begin(), earlier.end(), [&](const Task& task) { return task.name == name; });
    if (found == earlier.end()) item.fail("\"" + name + "\" is not a task that comes before this one");
    link.factors.push_back(static_cast<size_t>(found - earlier.begin()));
  }
  if (link.factors.empty()) list.fail_expected("at least one earlier task");
  return link;
}

// The tower that the classes of one softmax share: that of an earlier task.
size_t shared_tower(const JsonReader& field, const std::vector<Task>& earlier) {
  std::vector<std::string> names;
  for (const Task& task : earlier) {
    const bool softmax = task.link.source == LinkSource::kSoftmaxColumn;
    if (softmax && task.name == field.string()) return task.link.tower;
    if (softmax) names.push_back(task.name);
  }
  field.fail_expected("an earlier task with a softmax_column" + (names.empty() ? "" : " (" + join(names) + ")"));
}

// `tower`: the next that no task reads yet.
Link read_link(const JsonReader& field, const std::vector<Task>& earlier, size_t tower) {
  if (field.is_string()) {
    return field.choice({"sigmoid", "identity"}) == 0 ? sigmoid_link(tower) : identity_link(tower);
  }
  if (!field.is_object()) field.fail_expected(kLinkMeaning);
  field.allow_keys({"softmax_column", "product", "tower"});
  const auto column = field.find("softmax_column");
  const auto product = field.find("product");
  if (column.has_value() == product.has_value()) field.fail(std::string("expected one of ") + kLinkMeaning);
  const auto shared = field.find("tower");
  if (column) return softmax_link(shared ? shared_tower(*shared, earlier) : tower, column->count(kMaxDim));
  if (shared) shared->fail("goes with `softmax_column`: a product has no tower");
  return read_product(*product, earlier);
}

std::optional<size_t> tower_of(const Task& task) {
  return task.link.reads_tower() ? std::optional<size_t>(task.link.tower) : std::nullopt;
}

void check_link(const Task& task, const Tower& tower) {
  const size_t outputs = tower.layers.back().outputs();
  const std::string found =
      "task \"" + task.name + "\": its tower gives " + counted(outputs, "logit") + " (" + tower.layers.back().name + ")";
  if (task.link.source == LinkSource::kSoftmaxColumn) {
    if (outputs < 2) throw ConvertError(found + ", expected at least 2 for softmax_column");
    if (task.link.column >= outputs) {
      throw ConvertError(found + ", but softmax_column is " + std::to_string(task.link.column) + ", counted from 0");
    }
  } else if (outputs != 1) {
    throw ConvertError(found + ", expected 1 for its link; the probability of one class of several is " +
                       R"({"softmax_column": n})");
  }
}

}  // namespace

std::vector<Task> read_tasks(const JsonReader& list) {
  std::vector<Task> tasks;
  size_t num_towers = 0;
  for (const JsonReader& item : list.items()) {
    item.allow_keys({"name", "link"});
    const std::string name = item.get("name", "the task's name").string();
    for (const Task& task : tasks) {
      if (task.name == name) item.fail("two tasks are named \"" + name + "\"");
    }
    tasks.push_back({name, read_link(item.get("link", kLinkMeaning), tasks, num_towers)});
    if (tower_of(tasks.back()) == num_towers) ++num_towers;
  }
  if (tasks.empty()) list.fail_expected("at least one task");
  if (tasks.size() > kMaxTasks) list.fail_expected("at most " + std::to_string(kMaxTasks));
  return tasks;
}

std::vector<std::string> tower_task_names(const std::vector<Task>& tasks) {
  std::vector<std::string> names;
  for (const Task& task : tasks) {
    if (tower_of(task) == names.size()) names.push_back(task.name);  // the first that reads it
  }
  return names;
}

void check_links(const std::vector<Task>& tasks, const std::vector<Tower>& towers) {
  for (const Task& task : tasks) {
    if (const auto tower = tower_of(task)) check_link(task, towers[*tower]);
  }
}

}  // namespace mmoe::converter
