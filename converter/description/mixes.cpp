#include "converter/description/mixes.h"

#include <algorithm>

#include "converter/reading/text.h"

namespace mmoe::converter {

Mixes::Mixes(const JsonReader& gates, const std::vector<Pool>& pools, const std::vector<std::string>& task_names)
    : object_(gates) {
  const auto mixes = gates.find("mixes");
  if (!mixes) {
    for (const Pool& pool : pools) entries_.push_back({pool, false, {}, {}});
    return;
  }
  for (const JsonReader& item : mixes->items()) entries_.push_back(read(item, pools, task_names));
  if (entries_.empty()) mixes->fail_expected("at least one pool");
}

Mixes::Entry Mixes::read(const JsonReader& item, const std::vector<Pool>& pools,
                         const std::vector<std::string>& task_names) {
  std::vector<std::string> names;
  for (const Pool& pool : pools) names.push_back(pool.name);
  if (!item.is_object()) return {pools[item.choice(names)], false, {}, {}};
  item.allow_keys({"pool", "tasks", "task", "expert"});
  Entry entry{pools[item.get("pool", "the name of a pool of experts").choice(names)], false, {}, {}};
  if (const auto field = item.find("tasks")) entry.all_tasks = field->choice({"own", "all"}) == 1;
  if (const auto field = item.find("task")) {
    if (!entry.pool.per_task) field->fail("the pool \"" + entry.pool.name + "\" is not per task");
    if (item.find("tasks")) field->fail("goes without `tasks`");
    entry.task = field->choice(task_names);
  }
  if (const auto field = item.find("expert")) {
    entry.expert = field->count();
    for (const std::vector<size_t>& experts : entry.pool.experts) {
      if (*entry.expert >= experts.size()) {
        field->fail_expected("less than " + std::to_string(experts.size()) + ", the experts of \"" + entry.pool.name +
                             "\", counted from 0");
      }
    }
  }
  return entry;
}

void Mixes::append(const Entry& entry, std::optional<size_t> task, std::vector<size_t>& experts) {
  const size_t num_owners = entry.pool.experts.size();
  const bool own = entry.task || (task && !entry.all_tasks);
  const size_t only = entry.pool.per_task && own ? entry.task.value_or(task.value_or(0)) : num_owners;
  for (size_t owner = 0; owner < num_owners; ++owner) {
    if (only != num_owners && owner != only) continue;
    const std::vector<size_t>& found = entry.pool.experts[owner];
    if (entry.expert) {
      experts.push_back(found[*entry.expert]);
    } else {
      experts.insert(experts.end(), found.begin(), found.end());
    }
  }
}

std::vector<size_t> Mixes::experts(std::optional<size_t> task) const {
  std::vector<size_t> experts;
  for (const Entry& entry : entries_) append(entry, task, experts);
  std::vector<size_t> sorted = experts;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    object_.get("mixes", "").fail("names an expert a second time");
  }
  return experts;
}

}  // namespace mmoe::converter
