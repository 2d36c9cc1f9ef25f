#include "mmoe/structure.h"

#include "model/access.h"

namespace mmoe {
inline namespace v0_1 {

// A verified expert reads gates that there are.
bool expert_reads(const Model& model, std::size_t level, std::size_t expert, std::size_t gate) {
  using flatbuffers::uoffset_t;
  const schema::Model& root = *internal::ModelAccess::root(model);
  if (level == 0 || level >= internal::size_of(root.levels())) return false;
  const auto& experts = *root.levels()->Get(static_cast<uoffset_t>(level))->experts();
  if (expert >= experts.size()) return false;
  bool found = false;
  const schema::Expert& its_expert = *experts.Get(static_cast<uoffset_t>(expert));
  internal::for_each_source(root, its_expert.source(), its_expert.input(),
                            [&](schema::StreamSource source, std::uint32_t index) {
                              found = found || (source == schema::StreamSource_Previous && index == gate);
                            });
  return found;
}

}  // namespace v0_1
}  // namespace mmoe
