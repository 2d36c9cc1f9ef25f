// The gates of a plan, for people and for what they draw.
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
      if (needs.levels[l].gates.contains(g) && gate.kind() == schema::GateKind_Softmax) visit(l, g, gate);
    }
  }
}

// A product of scores has no tower of its own: its factors stand for it.
std::uint64_t tasks_of(const schema::Model& root, std::size_t level, std::size_t index) {
  std::uint64_t tasks = 0;
  for (uoffset_t t = 0; t < root.tasks()->size(); ++t) {
    if (root.tasks()->Get(t)->link()->kind() == schema::LinkKind_Product) continue;
    const auto task = static_cast<std::uint8_t>(t);
    const Needs of_task = internal::find_needs(root, &task, 1);
    if (of_task.levels[level].gates.contains(index)) tasks |= std::uint64_t{1} << t;
  }
  return tasks;
}

}  // namespace

std::size_t Plan::num_gates() const {
  const schema::Model& root = *ModelAccess::root(*model_);
  std::size_t count = 0;
  visit_gates(root, internal::find_needs(root, tasks_, num_tasks_),
              [&](uoffset_t, uoffset_t, const schema::Gate&) { ++count; });
  return count;
}

std::size_t Plan::num_gate_weights() const {
  const schema::Model& root = *ModelAccess::root(*model_);
  std::size_t count = 0;
  visit_gates(root, internal::find_needs(root, tasks_, num_tasks_),
              [&](uoffset_t, uoffset_t, const schema::Gate& gate) { count += gate.experts()->size(); });
  return count;
}

GateInfo Plan::gate(std::size_t index) const {
  const schema::Model& root = *ModelAccess::root(*model_);
  GateInfo info{};
  std::size_t column = 0, next = 0;
  const Needs needs = internal::find_needs(root, tasks_, num_tasks_);
  visit_gates(root, needs, [&](uoffset_t level, uoffset_t place, const schema::Gate& gate) {
    if (next++ == index) {
      info = {internal::text_of(gate.name()), level, place, column, gate.experts()->size(), gate.experts()->data(),
              tasks_of(root, level, place)};
    }
    column += gate.experts()->size();
  });
  return info;
}

}  // namespace mmoe
