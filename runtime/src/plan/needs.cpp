#include "plan/needs.h"

namespace mmoe::internal {
namespace {

using flatbuffers::uoffset_t;

// A product's factors come before it, so one pass backwards finds all that it needs.
void find_tasks(const schema::Model& root, Needs& needs) {
  for (std::size_t position = num_all_tasks(root); position-- > 0;) {
    const std::size_t task = task_at(root, position);
    if (!needs.tasks.contains(task)) continue;
    const schema::Link& link = link_of(root, task);
    if (source_of(link) != schema::LinkKind_Product) {
      needs.towers.insert(link.tower());
      continue;
    }
    for (const std::uint32_t factor : *link.factors()) needs.tasks.insert(factor);
  }
}

template <class Reader>
void need_input(const schema::Model& root, const Reader& reader, Needs::Level* previous) {
  if (previous) for_each_previous(root, reader, [&](std::uint32_t gate) { previous->gates.insert(gate); });
}

void find_level(const schema::Model& root, const schema::Level& level, Needs::Level& needs, Needs::Level* previous) {
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    if (!needs.gates.contains(g)) continue;
    const schema::Gate& gate = *level.gates()->Get(g);
    for (const std::uint32_t expert : *gate.experts()) needs.experts.insert(expert);
    if (gate.kind() != schema::GateKind_Constant) need_input(root, gate, previous);
  }
  for (uoffset_t e = 0; e < level.experts()->size(); ++e) {
    if (needs.experts.contains(e)) need_input(root, *level.experts()->Get(e), previous);
  }
}

}  // namespace

std::size_t num_logits(const schema::Model& root, const Needs& needs, std::size_t num_towers) {
  std::size_t count = 0;
  for (uoffset_t t = 0; t < num_towers; ++t) {
    if (needs.towers.contains(t)) count += outputs_of(*root.towers()->Get(t));
  }
  return count;
}

Needs find_needs(const schema::Model& root, const std::uint8_t* tasks, std::size_t num_tasks) {
  Needs needs;
  for (std::size_t i = 0; i < num_tasks; ++i) needs.tasks.insert(tasks[i]);
  find_tasks(root, needs);
  const uoffset_t last = root.levels()->size() - 1;
  for (uoffset_t t = 0; t < size_of(root.towers()); ++t) {
    if (needs.towers.contains(t)) need_input(root, *root.towers()->Get(t), &needs.levels[last]);
  }
  for (uoffset_t l = last + 1; l-- > 0;) {
    find_level(root, *root.levels()->Get(l), needs.levels[l], l > 0 ? &needs.levels[l - 1] : nullptr);
  }
  return needs;
}

}  // namespace mmoe::internal
