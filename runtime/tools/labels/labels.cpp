#include "runtime/tools/labels/labels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "runtime/tools/model/probability.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

constexpr char kLeaveOut[] = " (--label TASK= leaves the column out)";

std::vector<std::string> task_names(const Model& model) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < model.num_tasks(); ++i) names.emplace_back(model.task_name(i));
  return names;
}

// The task that "TASK=COLUMN" begins with. A name may contain '=': the longest that fits.
std::size_t given_task(const std::vector<std::string>& names, const std::string& text) {
  std::size_t found = names.size();
  for (std::size_t task = 0; task < names.size(); ++task) {
    const bool fits = text.compare(0, names[task].size() + 1, names[task] + "=") == 0;
    if (fits && (found == names.size() || names[task].size() > names[found].size())) found = task;
  }
  if (found < names.size()) return found;
  throw UsageError("--label: " + tools::quoted(text) + ", expected TASK=COLUMN; the tasks: " + join(names));
}

// Columns by task; "" where the task is said to have no labels, nothing where nothing is said.
std::vector<std::optional<std::string>> given_columns(const Model& model, const std::vector<std::string>& given) {
  const std::vector<std::string> names = task_names(model);
  std::vector<std::optional<std::string>> columns(names.size());
  for (const std::string& text : given) {
    const std::size_t task = given_task(names, text);
    if (columns[task]) throw UsageError("--label: task " + tools::quoted(names[task]) + " twice");
    columns[task] = text.substr(names[task].size() + 1);
  }
  return columns;
}

}  // namespace

std::vector<TaskLabels> find_labels(const Model& model, const std::vector<std::string>& given,
                                    const std::vector<std::string>& spare) {
  std::vector<std::optional<std::string>> columns = given_columns(model, given);
  std::vector<TaskLabels> found;
  for (std::size_t task = 0; task < columns.size(); ++task) {
    const std::string name(model.task_name(task));
    for (const std::string& candidate : {"label_" + name, name}) {
      const bool there = std::find(spare.begin(), spare.end(), candidate) != spare.end();
      if (!columns[task] && there) columns[task] = candidate;
    }
    const std::string column = columns[task].value_or("");
    if (!column.empty()) found.push_back({task, column, is_probability(model, task)});
  }
  return found;
}

float parse_label(const TaskLabels& labels, const std::string& field, const std::string& where) {
  const std::string text(trimmed(field));
  if (text.empty()) return std::numeric_limits<float>::quiet_NaN();
  const std::string place = where + ": column " + tools::quoted(labels.column) + ": ";
  float value = 0;
  if (parse_float(text, value) != NumberStatus::kOk || !std::isfinite(value)) {
    throw ToolError(place + tools::quoted(text) + " is not a number; expected " +
                    (labels.binary ? "a label, 0 or 1" : "what the task is to predict") + kLeaveOut);
  }
  if (labels.binary && value != 0 && value != 1) {
    throw ToolError(place + tools::quoted(text) + ": the task's score is a probability, its labels are 0 or 1" +
                    kLeaveOut);
  }
  return value;
}

void check_labels(const TaskLabels& labels, const std::vector<float>& values, const std::string& rows_path) {
  const std::string place = rows_path + ": column " + tools::quoted(labels.column) + ": ";
  if (values.empty()) throw ToolError(place + "no row has a label" + kLeaveOut);
  if (std::any_of(values.begin(), values.end(), [&](float value) { return value != values[0]; })) return;
  std::string value;
  append_float(value, values[0]);
  throw ToolError(place + "all labels (" + with_thousands(values.size()) + ") are " + value + "; " +
                  (labels.binary ? "an AUC needs both classes" : "R² needs labels that differ") + kLeaveOut);
}

}  // namespace mmoe::tools
