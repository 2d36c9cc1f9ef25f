#include "converter/lowering/links.h"

#include <algorithm>
#include <limits>
#include <string>

#include "converter/error.h"
#include "converter/model/limits.h"

namespace mmoe::converter {
namespace {

// Which tasks are computed first: those that are no output, and what their products read.
std::vector<bool> find_auxiliary(const std::vector<Task>& tasks) {
  std::vector<bool> auxiliary(tasks.size());
  for (size_t i = tasks.size(); i-- > 0;) {
    auxiliary[i] = auxiliary[i] || !tasks[i].output;
    if (!auxiliary[i]) continue;
    for (const size_t factor : tasks[i].link.factors) auxiliary[factor] = true;
  }
  return auxiliary;
}

// What each task's place is in one list of those that `chosen` has.
std::vector<size_t> places(const std::vector<bool>& chosen, size_t first) {
  std::vector<size_t> result;
  for (const bool is : chosen) {
    result.push_back(first);
    if (is) ++first;
  }
  return result;
}

}  // namespace

Activation lowered(Activation activation) {
  if (activation.kind == ActivationKind::kSoftplus && activation.alpha == 0) activation.alpha = 1;
  if (activation.kind != ActivationKind::kClamp) return activation;
  constexpr float kLargest = std::numeric_limits<float>::max();
  activation.alpha = std::clamp(activation.alpha, -kLargest, kLargest);
  activation.beta = std::clamp(activation.beta, -kLargest, kLargest);
  return activation;
}

void lower_links(LoweredModel& model) {
  const std::vector<Task> tasks = std::move(model.description.tasks);
  const std::vector<bool> is_auxiliary = find_auxiliary(tasks);
  std::vector<bool> is_output;
  for (const Task& task : tasks) is_output.push_back(task.output);
  const auto num_outputs = static_cast<size_t>(std::count(is_output.begin(), is_output.end(), true));
  const std::vector<size_t> output = places(is_output, 0), auxiliary = places(is_auxiliary, num_outputs);
  model.description.tasks.clear();
  const auto add = [&](Task task, bool as_auxiliary) {
    for (size_t& factor : task.link.factors) {
      factor = as_auxiliary || !is_output[factor] ? auxiliary[factor] : output[factor];
    }
    task.link.activation = lowered(task.link.activation);
    (as_auxiliary ? model.auxiliary : model.description.tasks).push_back(std::move(task));
  };
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (is_output[i]) add(tasks[i], false);
    if (is_auxiliary[i]) add(tasks[i], true);
  }
  const size_t total = num_outputs + model.auxiliary.size();
  if (num_outputs == 0) throw ConvertError("tasks: none of them is an output");
  if (total > kMaxTasks) {
    throw ConvertError("tasks: " + std::to_string(total) + " with those that are no output, at most " +
                       std::to_string(kMaxTasks));
  }
}

}  // namespace mmoe::converter
