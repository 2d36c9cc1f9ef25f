// `tasks`: names and links.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "converter/model/model.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// In the description's order. The k-th task that is not a product reads the k-th tower.
std::vector<Task> read_tasks(const JsonReader& list);

/// Names of the tasks that have a tower: what {task} stands for.
std::vector<std::string> tower_task_names(const std::vector<Task>& tasks);

/// `number` of the same tasks: what {task} stands for where tensors' names have numbers that the description should not
/// guess. Empty where no task says it; throws when only some do.
std::vector<std::string> tower_task_numbers(const JsonReader& list, const std::vector<Task>& tasks);

/// Throws when a tower's number of outputs is not what its task's link reads.
/// `list`: what the tasks were read from.
void check_links(const JsonReader& list, const std::vector<Task>& tasks, const std::vector<Tower>& towers);

}  // namespace mmoe::converter
