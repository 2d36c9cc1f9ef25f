// The gates of a plan: names, experts and columns of their weights, for reports.
#include "kernels/assertion.h"
#include "mmoe/plan.h"
#include "model/access.h"
#include "plan/needs.h"

namespace mmoe {

using flatbuffers::uoffset_t;
using internal::ModelAccess;
using internal::Needs;

namespace {

// The tasks whose towers depend on each of a level's gates, as bits.
struct TasksOfGates {
  std::uint64_t gates[internal::kMaxGates] = {};
};

// From what is known of a level's gates: what they themselves and the experts that they list read of the level before.
TasksOfGates pass_on(const schema::Model& root, const schema::Level& level, const TasksOfGates& tasks) {
  TasksOfGates previous;
  const auto pass_input = [&](const auto& reader, std::uint64_t its_tasks) {
    internal::for_each_previous(root, reader, [&](std::uint32_t gate) { previous.gates[gate] |= its_tasks; });
  };
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    const schema::Gate& gate = *level.gates()->Get(g);
    for (const std::uint32_t expert : *gate.experts()) pass_input(*level.experts()->Get(expert), tasks.gates[g]);
    if (gate.kind() != schema::GateKind_Constant) pass_input(gate, tasks.gates[g]);
  }
  return previous;
}

// Of the last level, by its towers. A product of scores has no tower of its own: its factors stand for it, and it
// stands for those that are auxiliary.
TasksOfGates tasks_of_last_level(const schema::Model& root) {
  TasksOfGates tasks;
  const std::size_t num_tasks = root.tasks()->size();
  std::uint64_t bits[internal::kMaxTasks] = {};
  for (std::size_t t = 0; t < num_tasks; ++t) bits[t] = std::uint64_t{1} << t;
  for (std::size_t position = internal::num_all_tasks(root); position-- > 0;) {
    const std::size_t task = internal::task_at(root, position);
    const schema::Link& link = internal::link_of(root, task);
    if (internal::source_of(link) != schema::LinkKind_Product) {
      const schema::Tower& tower = *root.towers()->Get(link.tower());
      internal::for_each_previous(root, tower, [&](std::uint32_t gate) { tasks.gates[gate] |= bits[task]; });
      continue;
    }
    for (const std::uint32_t factor : *link.factors()) {
      if (factor >= num_tasks) bits[factor] |= bits[task];
    }
  }
  return tasks;
}

/// Calls take(i, info) for every softmax gate that is needed, from the last to the first: what depends on a gate is
/// known before it, and only of one level at a time. A program runs them in ascending order.
template <class Take>
void name_gates(const schema::Model& root, const Needs& needs, std::size_t index, std::size_t column,
                const Take& take) {
  TasksOfGates tasks = tasks_of_last_level(root);
  for (uoffset_t l = root.levels()->size(); l-- > 0;) {
    const schema::Level& level = *root.levels()->Get(l);
    for (uoffset_t g = level.gates()->size(); g-- > 0;) {
      const schema::Gate& gate = *level.gates()->Get(g);
      if (!needs.levels[l].gates.contains(g) || gate.kind() == schema::GateKind_Constant) continue;
      column -= gate.experts()->size();
      take(--index, GateInfo{internal::text_of(gate.name()), l, g, column, gate.experts()->size(),
                             gate.experts()->data(), tasks.gates[g]});
    }
    if (l > 0) tasks = pass_on(root, level, tasks);
  }
  MMOE_ASSERT(index == 0 && column == 0);
}

}  // namespace

void Plan::list_gates(GateInfo* gates) const {
  MMOE_ASSERT(gates || num_gates_ == 0);
  const schema::Model& root = *ModelAccess::root(data_);
  name_gates(root, internal::find_needs(root, tasks_, num_tasks_), num_gates_, num_gate_weights_,
             [&](std::size_t i, const GateInfo& info) { gates[i] = info; });
}

GateInfo Plan::gate(std::size_t index) const {
  MMOE_ASSERT(index < num_gates_);
  const schema::Model& root = *ModelAccess::root(data_);
  GateInfo found{};
  name_gates(root, internal::find_needs(root, tasks_, num_tasks_), num_gates_, num_gate_weights_,
             [&](std::size_t i, const GateInfo& info) {
               if (i == index) found = info;
             });
  return found;
}

}  // namespace mmoe
