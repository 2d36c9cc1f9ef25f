#include "runtime/tools/model/probability.h"

#include <algorithm>

namespace mmoe::tools {
namespace {

// 1 - p is one as well; anything else that scales, and every bound, leaves the question open.
bool keeps_probability(const schema::LinkMap& map) {
  const bool itself = map.scale() == 1 && map.shift() == 0;
  const bool complement = map.scale() == -1 && map.shift() == 1;
  return itself || complement;
}

}  // namespace

bool gives_probability(const schema::Model& model, Index task) {
  const schema::Link& link = *task_of(model, task).link();
  const schema::LinkMap* map = link.kind() == schema::LinkKind_Mapped ? link.map() : nullptr;
  if (map && !keeps_probability(*map)) return false;
  if (map && map->activation() == schema::ActivationKind_Sigmoid) return true;
  if (map && map->activation() != schema::ActivationKind_Identity) return false;
  switch (source_of(link)) {
    case schema::LinkKind_Sigmoid:
    case schema::LinkKind_Softmax: return true;
    case schema::LinkKind_Product:
      return std::all_of(link.factors()->begin(), link.factors()->end(),
                         [&](std::uint32_t factor) { return gives_probability(model, factor); });
    default: return false;
  }
}

bool is_probability(const Model& model, std::size_t task) {
  return gives_probability(ModelView(model).root(), static_cast<Index>(task));
}

}  // namespace mmoe::tools
