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

// What stands behind `level` levels, 0: behind the trunk.
struct Finder {
  const schema::Model& root;
  Needs& needs;
  std::size_t level;

  void need(schema::StreamSource source, std::uint32_t index) const {
    if (source == schema::StreamSource_Previous && level > 0) needs.levels[level - 1].gates.insert(index);
    if (kHasNodes && source == schema::StreamSource_Node) needs.nodes.insert(index);
  }
  // `source` and `input`: a reader's.
  void need_input(schema::StreamSource source, std::uint32_t input) const {
    for_each_source(root, source, input,
                    [&](schema::StreamSource its_source, std::uint32_t index) { need(its_source, index); });
  }
  void find_nodes() const;
  void find_level(const schema::Level& level_table, Needs::Level& its_needs) const;
};

// A node reads those before it, so one pass backwards finds all.
void Finder::find_nodes() const {
  for (auto n = static_cast<uoffset_t>(size_of(root.nodes())); n-- > 0;) {
    const schema::Node& node = *root.nodes()->Get(n);
    if (node.level() != level || !needs.nodes.contains(n)) continue;
    for_each_source_of_node(root, node, [&](schema::StreamSource source, std::uint32_t index) { need(source, index); });
  }
}

void Finder::find_level(const schema::Level& level_table, Needs::Level& its_needs) const {
  for (uoffset_t g = 0; g < level_table.gates()->size(); ++g) {
    if (!its_needs.gates.contains(g)) continue;
    const schema::Gate& gate = *level_table.gates()->Get(g);
    for (const std::uint32_t expert : *gate.experts()) its_needs.experts.insert(expert);
    if (gate.kind() != schema::GateKind_Constant) need_input(gate.source(), gate.input());
  }
  for (uoffset_t e = 0; e < level_table.experts()->size(); ++e) {
    if (!its_needs.experts.contains(e)) continue;
    const schema::Expert& expert = *level_table.experts()->Get(e);
    need_input(expert.source(), expert.input());
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
  const uoffset_t num_levels = root.levels()->size();
  const Finder behind_all{root, needs, num_levels};
  for (uoffset_t t = 0; t < size_of(root.towers()); ++t) {
    if (!needs.towers.contains(t)) continue;
    const schema::Tower& tower = *root.towers()->Get(t);
    behind_all.need_input(tower.source(), tower.input());
  }
  if (kHasNodes) behind_all.find_nodes();
  for (uoffset_t l = num_levels; l-- > 0;) {
    const Finder finder{root, needs, l};
    finder.find_level(*root.levels()->Get(l), needs.levels[l]);
    if (kHasNodes) finder.find_nodes();
  }
  return needs;
}

}  // namespace mmoe::internal
