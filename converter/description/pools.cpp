#include "converter/description/pools.h"

#include <optional>

#include "converter/description/layers.h"
#include "converter/model/limits.h"
#include "converter/reading/keys.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

namespace {

// Which of the experts that the pattern finds belong to a pool: some, where task-specific and shared experts are
// numbered together; and whether they go task by task.
struct Range {
  explicit Range(const JsonReader& object) : object_(object) {
    if (const auto field = object.find("per")) per_task = field->choice({"task"}) == 0;
    if (const auto field = object.find("first_expert")) first = field->count(kMaxExpertsPerLevel);
    if (const auto field = object.find("num_experts")) count = field->count(kMaxExpertsPerLevel);
    if (count == size_t{0}) object.get("num_experts", "").fail_expected("1 or more");
    given = object.find("per") || object.find("first_expert") || object.find("num_experts");
  }

  // Of `found` experts, how many each of `num_owners` (tasks, or 1) has.
  size_t per_owner(size_t found, size_t num_owners) const {
    const size_t rest = found > first ? found - first : 0;
    if (!count && rest % num_owners != 0) {
      object_.fail(counted(rest, "expert") + " for " + counted(num_owners, "task") + "; say with `num_experts` how " +
                   "many each task has");
    }
    const size_t each = count.value_or(rest / num_owners);
    if (each == 0 || each * num_owners > rest) {
      object_.fail("found " + counted(found, "expert") + ", expected at least " +
                   std::to_string(first + (each == 0 ? 1 : each) * num_owners));
    }
    return each;
  }

  bool given = false;
  bool per_task = false;
  size_t first = 0;
  std::optional<size_t> count;

 private:
  JsonReader object_;
};

class PoolBinder {
 public:
  PoolBinder(const JsonReader& object, TensorIndex& tensors, Streams& streams, Level& level)
      : object_(object),
        layers_(object, pool_keys(), false),
        range_(object),
        tensors_(tensors),
        streams_(streams),
        level_(level) {
    if (const auto field = object.find("name")) name_ = field->string();
    has_task_ = layers_.has(Placeholder::kTask);
    if (has_task_ && range_.per_task) object.get("per", "").fail("`layers` has {task}: the pool is per task already");
  }

  Pool bind(size_t level_index) {
    Pool pool;
    pool.name = name_;
    pool.per_task = has_task_ || range_.per_task;
    Slot slot;
    slot.level = level_index;
    for (size_t owner = 0; owner < (pool.per_task ? tensors_.task_names().size() : 1); ++owner) {
      if (pool.per_task) slot.task = owner;
      pool.experts.push_back(bind_experts(slot, pool.per_task ? name_ + "." + tensors_.task_names()[owner] : name_));
    }
    return pool;
  }

 private:
  // Those of one owner: the task of the slot, or all.
  std::vector<size_t> bind_experts(Slot slot, const std::string& name) {
    ConstantColumns constants;
    const StreamRef input = streams_.resolve(object_, slot.task, &constants);
    const std::optional<size_t> numbered = layers_.num_experts(tensors_, slot);
    if (!numbered && range_.given) object_.fail("`per`, `first_expert` and `num_experts` need {expert} in `layers`");
    const bool flat = range_.per_task;
    const size_t count = numbered ? range_.per_owner(*numbered, flat ? tensors_.task_names().size() : 1) : 1;
    const size_t first = range_.first + (flat ? *slot.task * count : 0);
    if (level_.experts.size() + count > kMaxExpertsPerLevel) {
      object_.fail("more than " + std::to_string(kMaxExpertsPerLevel) + " experts in one level");
    }
    std::vector<size_t> indices;
    for (size_t i = 0; i < count; ++i) {
      if (numbered) slot.expert = first + i;
      Expert expert;
      expert.name = numbered ? name + "." + std::to_string(i) : name;
      expert.input = input;
      expert.layers = layers_.bind(tensors_, slot, constants.with(streams_.width(input)));
      constants.fold_into(expert.layers.front());
      streams_.learn_width(input, expert.layers.front().inputs());
      indices.push_back(level_.experts.size());
      level_.experts.push_back(std::move(expert));
    }
    return indices;
  }

  JsonReader object_;
  LayersFields layers_;
  Range range_;
  TensorIndex& tensors_;
  Streams& streams_;
  Level& level_;
  std::string name_ = "experts";
  bool has_task_ = false;
};

}  // namespace

std::vector<Pool> bind_pools(const JsonReader& field, size_t level_index, TensorIndex& tensors, Streams& streams,
                             Level& level) {
  std::vector<Pool> pools;
  for (const JsonReader& item : field.items_or_self()) {
    pools.push_back(PoolBinder(item, tensors, streams, level).bind(level_index));
    for (size_t i = 0; i + 1 < pools.size(); ++i) {
      if (pools[i].name != pools.back().name) continue;
      item.fail("two pools are named \"" + pools[i].name + "\"; give them a `name`");
    }
  }
  if (pools.empty()) field.fail_expected("at least one pool of experts");
  return pools;
}

}  // namespace mmoe::converter
