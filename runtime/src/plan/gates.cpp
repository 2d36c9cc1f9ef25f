// The gates of a plan: names, experts and columns of their weights, for reports.
#include "model/access.h"
#include "mmoe/plan.h"
#include "plan/needs.h"

namespace mmoe {

using flatbuffers::uoffset_t;
using internal::ModelAccess;
using internal::Needs;

namespace {

/// Calls visit(level, place, gate) for every softmax gate that is needed, in the order in which a program runs them.
template <class Visit>
void visit_gates(const schema::Model& root, const Needs& needs, const Visit& visit) {
  for (uoffset_t l = 0; l < root.levels()->size(); ++l) {
    const schema::Level& level = *root.levels()->Get(l);
    for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
      const schema::Gate& gate = *level.gates()->Get(g);
      if (needs.levels[l].gates.contains(g) && gate.kind() != schema::GateKind_Constant) visit(l, g, gate);
    }
  }
}

// Of every gate, the tasks whose towers depend on it, as bits.
struct TasksOfGates {
  std::uint64_t levels[internal::kMaxLevels][internal::kMaxGates] = {};
};

// From what is known of a level's gates: what its experts and they themselves read of the level before.
void pass_on(const schema::Level& level, const std::uint64_t* gates, std::uint64_t* previous) {
  const auto pass_input = [&](const auto& reader, std::uint64_t its_tasks) {
    if (reader.source() == schema::StreamSource_Previous) previous[reader.input()] |= its_tasks;
  };
  std::uint64_t experts[internal::kMaxExperts] = {};
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    const schema::Gate& gate = *level.gates()->Get(g);
    for (const std::uint32_t expert : *gate.experts()) experts[expert] |= gates[g];
    if (gate.kind() != schema::GateKind_Constant) pass_input(gate, gates[g]);
  }
  for (uoffset_t e = 0; e < level.experts()->size(); ++e) pass_input(*level.experts()->Get(e), experts[e]);
}

// Backwards from the towers. A product of scores has no tower of its own: its factors stand for it, and it stands for
// those that are auxiliary.
void find_tasks(const schema::Model& root, TasksOfGates& tasks) {
  const uoffset_t last = root.levels()->size() - 1;
  const std::size_t num_tasks = root.tasks()->size();
  std::uint64_t bits[internal::kMaxTasks] = {};
  for (std::size_t t = 0; t < num_tasks; ++t) bits[t] = std::uint64_t{1} << t;
  for (std::size_t position = internal::num_all_tasks(root); position-- > 0;) {
    const std::size_t task = internal::task_at(root, position);
    const schema::Link& link = internal::link_of(root, task);
    if (internal::source_of(link) != schema::LinkKind_Product) {
      tasks.levels[last][root.towers()->Get(link.tower())->input()] |= bits[task];
      continue;
    }
    for (const std::uint32_t factor : *link.factors()) {
      if (factor >= num_tasks) bits[factor] |= bits[task];
    }
  }
  for (uoffset_t l = last; l > 0; --l) pass_on(*root.levels()->Get(l), tasks.levels[l], tasks.levels[l - 1]);
}

/// Calls take(i, info) for every gate of the plan.
template <class Take>
void name_gates(const schema::Model& root, const Needs& needs, const Take& take) {
  TasksOfGates tasks;
  find_tasks(root, tasks);
  std::size_t column = 0, index = 0;
  visit_gates(root, needs, [&](uoffset_t level, uoffset_t place, const schema::Gate& gate) {
    take(index++, GateInfo{internal::text_of(gate.name()), level, place, column, gate.experts()->size(),
                           gate.experts()->data(), tasks.levels[level][place]});
    column += gate.experts()->size();
  });
}

}  // namespace

void Plan::list_gates(GateInfo* gates) const {
  const schema::Model& root = *ModelAccess::root(*model_);
  name_gates(root, internal::find_needs(root, tasks_, num_tasks_),
             [&](std::size_t i, const GateInfo& info) { gates[i] = info; });
}

GateInfo Plan::gate(std::size_t index) const {
  const schema::Model& root = *ModelAccess::root(*model_);
  GateInfo found{};
  name_gates(root, internal::find_needs(root, tasks_, num_tasks_), [&](std::size_t i, const GateInfo& info) {
    if (i == index) found = info;
  });
  return found;
}

}  // namespace mmoe
