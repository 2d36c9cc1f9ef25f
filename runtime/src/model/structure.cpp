#include "mmoe/structure.h"

#include "model/access.h"

namespace mmoe {
namespace {

using flatbuffers::uoffset_t;
using internal::ModelAccess;
using internal::size_of;

bool part_is(const schema::StreamPart& part, std::size_t gate) {
  return part.source() == schema::StreamSource_Previous && part.input() == gate;
}

bool reads(const schema::Model& root, const schema::Expert& expert, std::size_t gate) {
  if (expert.source() == schema::StreamSource_Previous) return expert.input() == gate;
  if (expert.source() != schema::StreamSource_Named) return false;
  const auto& parts = *root.streams()->Get(expert.input())->parts();
  for (uoffset_t i = 0; i < parts.size(); ++i) {
    if (part_is(*parts.Get(i), gate)) return true;
  }
  return false;
}

}  // namespace

inline namespace v0_1 {

bool expert_reads(const Model& model, std::size_t level, std::size_t expert, std::size_t gate) {
  const schema::Model& root = *ModelAccess::root(model);
  if (level == 0 || level >= size_of(root.levels())) return false;
  const auto& levels = *root.levels();
  const auto& experts = *levels.Get(static_cast<uoffset_t>(level))->experts();
  const std::size_t num_gates = size_of(levels.Get(static_cast<uoffset_t>(level - 1))->gates());
  return expert < experts.size() && gate < num_gates && reads(root, *experts.Get(static_cast<uoffset_t>(expert)), gate);
}

}  // namespace v0_1
}  // namespace mmoe
