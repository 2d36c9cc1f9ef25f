#include "converter/description/levels.h"

#include "converter/description/gates.h"
#include "converter/description/pools.h"
#include "converter/reading/keys.h"

namespace mmoe::converter {

namespace {

void note_unmixed_experts(const JsonReader& object, const Level& level, std::vector<std::string>& notes) {
  std::vector<bool> mixed(level.experts.size());
  for (const Gate& gate : level.gates) {
    for (const size_t expert : gate.experts) mixed[expert] = true;
  }
  for (size_t i = 0; i < mixed.size(); ++i) {
    if (!mixed[i]) notes.push_back(object.path() + ": no gate mixes " + level.experts[i].name);
  }
}

}  // namespace

Level bind_level(const JsonReader& object, size_t index, TensorIndex& tensors, Streams& streams,
                 std::vector<std::string>& notes) {
  object.allow_keys(level_keys());
  Level level;
  const JsonReader experts = object.get("experts", "the level's experts, a layers object or a list of them");
  const JsonReader gates = object.get("gates", "what mixes the experts; {\"constant\": [1]} for a single one");
  const std::vector<Pool> pools = bind_pools(experts, index, tensors, streams, level);
  const std::vector<StreamGroup> groups = bind_gates(gates, index, pools, tensors, streams, level);
  note_unmixed_experts(object, level, notes);
  for (const std::string& name : streams.unread()) {
    notes.push_back(object.path() + ": nothing reads \"" + name + "\" of the level before");
  }
  std::vector<size_t> widths;
  for (const Gate& gate : level.gates) widths.push_back(level.experts[gate.experts.front()].layers.back().outputs());
  streams.pass_level(groups, widths);
  return level;
}

}  // namespace mmoe::converter
