// The gates of a plan: names, experts and columns of their weights, for reports.
#include <cstring>

#include "kernels/assertion.h"
#include "mmoe/plan.h"
#include "model/access.h"
#include "plan/needs.h"

namespace mmoe {

using flatbuffers::uoffset_t;
using internal::ModelAccess;
using internal::Needs;

namespace {

// The tasks whose towers depend on each of a level's gates and on each node, as bits. Known backwards: of a level when
// all that reads it has been looked at.
struct DependingTasks {
  std::uint64_t gates[internal::kMaxGates] = {};
  std::uint64_t nodes[internal::kHasNodes ? internal::kMaxNodes : 1] = {};
};

// What is read of the level before goes to `previous`.
void add_source(schema::StreamSource source, std::uint32_t index, std::uint64_t its_tasks, std::uint64_t* previous,
                DependingTasks& tasks) {
  if (source == schema::StreamSource_Previous) previous[index] |= its_tasks;
  if (internal::kHasNodes && source == schema::StreamSource_Node) tasks.nodes[index] |= its_tasks;
}

// `source` and `input`: of what depends on them.
void add_sources(const schema::Model& root, schema::StreamSource source, std::uint32_t input, std::uint64_t its_tasks,
                 std::uint64_t* previous, DependingTasks& tasks) {
  internal::for_each_source(root, source, input, [&](schema::StreamSource its_source, std::uint32_t index) {
    add_source(its_source, index, its_tasks, previous, tasks);
  });
}

// By what the nodes behind `level` levels read. A node reads those before it.
void pass_nodes(const schema::Model& root, std::size_t level, DependingTasks& tasks) {
  for (auto n = static_cast<uoffset_t>(internal::size_of(root.nodes())); n-- > 0;) {
    const schema::Node& node = *root.nodes()->Get(n);
    if (node.level() != level || tasks.nodes[n] == 0) continue;
    internal::for_each_source_of_node(root, node, [&](schema::StreamSource source, std::uint32_t index) {
      add_source(source, index, tasks.nodes[n], tasks.gates, tasks);
    });
  }
}

// By what a level's gates and the experts that they list read: `tasks` are then those of the level before.
void pass_level(const schema::Model& root, const schema::Level& level, DependingTasks& tasks) {
  std::uint64_t previous[internal::kMaxGates] = {};
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    const schema::Gate& gate = *level.gates()->Get(g);
    for (const std::uint32_t expert : *gate.experts()) {
      const schema::Expert& its_expert = *level.experts()->Get(expert);
      add_sources(root, its_expert.source(), its_expert.input(), tasks.gates[g], previous, tasks);
    }
    if (gate.kind() == schema::GateKind_Constant) continue;
    add_sources(root, gate.source(), gate.input(), tasks.gates[g], previous, tasks);
  }
  std::memcpy(tasks.gates, previous, sizeof previous);
}

// By the towers. A product of scores has no tower of its own: its factors stand for it, and it stands for those that
// are auxiliary.
void pass_towers(const schema::Model& root, DependingTasks& tasks) {
  const std::size_t num_tasks = root.tasks()->size();
  std::uint64_t bits[internal::kMaxTasks] = {};
  for (std::size_t t = 0; t < num_tasks; ++t) bits[t] = std::uint64_t{1} << t;
  for (std::size_t position = internal::num_all_tasks(root); position-- > 0;) {
    const std::size_t task = internal::task_at(root, position);
    const schema::Link& link = internal::link_of(root, task);
    if (internal::source_of(link) != schema::LinkKind_Product) {
      const schema::Tower& tower = *root.towers()->Get(link.tower());
      add_sources(root, tower.source(), tower.input(), bits[task], tasks.gates, tasks);
      continue;
    }
    for (const std::uint32_t factor : *link.factors()) {
      if (factor >= num_tasks) bits[factor] |= bits[task];
    }
  }
}

/// Calls take(i, info) for every softmax gate that is needed, from the last to the first: what depends on a gate is
/// known before it, and only of one level at a time. A program runs them in ascending order.
template <class Take>
void name_gates(const schema::Model& root, const Needs& needs, std::size_t index, std::size_t column,
                const Take& take) {
  DependingTasks tasks;
  pass_towers(root, tasks);
  for (uoffset_t l = root.levels()->size(); l-- > 0;) {
    const schema::Level& level = *root.levels()->Get(l);
    if (internal::kHasNodes) pass_nodes(root, l + 1, tasks);
    for (uoffset_t g = level.gates()->size(); g-- > 0;) {
      const schema::Gate& gate = *level.gates()->Get(g);
      if (!needs.levels[l].gates.contains(g) || gate.kind() == schema::GateKind_Constant) continue;
      column -= gate.experts()->size();
      take(--index, GateInfo{internal::text_of(gate.name()), l, g, column, gate.experts()->size(),
                             gate.experts()->data(), tasks.gates[g]});
    }
    if (l > 0) pass_level(root, level, tasks);
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
