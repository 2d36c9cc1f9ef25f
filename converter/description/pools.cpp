#include "converter/description/pools.h"

#include "converter/description/layers.h"
#include "converter/description/limits.h"

namespace mmoe::converter {

namespace {

// Experts of one pool and, where it is per task, one task.
std::vector<size_t> bind_experts(const JsonReader& object, const LayersFields& layers, const std::string& name,
                                 Slot slot, TensorIndex& tensors, Streams& streams, Level& level) {
  std::vector<size_t> indices;
  const StreamRef input = streams.resolve(object, slot.task);
  const std::optional<size_t> numbered = layers.num_experts(tensors, slot);
  const size_t num_experts = numbered.value_or(1);
  if (level.experts.size() + num_experts > kMaxExpertsPerLevel) {
    object.fail("more than " + std::to_string(kMaxExpertsPerLevel) + " experts in one level");
  }
  for (size_t i = 0; i < num_experts; ++i) {
    if (numbered) slot.expert = i;
    Expert expert;
    expert.name = numbered ? name + "." + std::to_string(i) : name;
    expert.input = input;
    expert.layers = layers.bind(tensors, slot, streams.width(input));
    streams.learn_width(input, expert.layers.front().inputs());
    indices.push_back(level.experts.size());
    level.experts.push_back(std::move(expert));
  }
  return indices;
}

Pool bind_pool(const JsonReader& object, size_t level_index, TensorIndex& tensors, Streams& streams, Level& level) {
  const LayersFields layers(object, {"name", "reads"}, false);
  Pool pool;
  const auto name = object.find("name");
  pool.name = name ? name->string() : "experts";
  pool.per_task = layers.has(Placeholder::kTask);
  Slot slot;
  slot.level = level_index;
  if (!pool.per_task) {
    pool.experts.push_back(bind_experts(object, layers, pool.name, slot, tensors, streams, level));
    return pool;
  }
  for (size_t task = 0; task < tensors.task_names().size(); ++task) {
    slot.task = task;
    const std::string task_pool = pool.name + "." + tensors.task_names()[task];
    pool.experts.push_back(bind_experts(object, layers, task_pool, slot, tensors, streams, level));
  }
  return pool;
}

}  // namespace

std::vector<Pool> bind_pools(const JsonReader& field, size_t level_index, TensorIndex& tensors, Streams& streams,
                             Level& level) {
  std::vector<Pool> pools;
  for (const JsonReader& item : field.items_or_self()) {
    pools.push_back(bind_pool(item, level_index, tensors, streams, level));
    for (size_t i = 0; i + 1 < pools.size(); ++i) {
      if (pools[i].name != pools.back().name) continue;
      item.fail("two pools are named \"" + pools[i].name + "\"; give them a `name`");
    }
  }
  if (pools.empty()) field.fail_expected("at least one pool of experts");
  return pools;
}

std::vector<size_t> mixed_experts(const std::vector<Pool>& pools, std::optional<size_t> task) {
  std::vector<size_t> experts;
  for (const Pool& pool : pools) {
    for (size_t i = 0; i < pool.experts.size(); ++i) {
      if (pool.per_task && task && i != *task) continue;
      experts.insert(experts.end(), pool.experts[i].begin(), pool.experts[i].end());
    }
  }
  return experts;
}

}  // namespace mmoe::converter
