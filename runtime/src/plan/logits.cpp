// Which columns of Output::logits are whose.
#include "mmoe/plan.h"
#include "model/access.h"
#include "plan/needs.h"

namespace mmoe {

LogitColumns Plan::logits(std::size_t column) const {
  const schema::Model& root = *internal::ModelAccess::root(data_);
  const schema::Link& link = internal::link_of(root, tasks_[column]);
  const schema::LinkKind kind = internal::source_of(link);
  if (kind == schema::LinkKind_Product) return {0, 0};
  const internal::Needs needs = internal::find_needs(root, tasks_, num_tasks_);
  const std::size_t first = internal::num_logits(root, needs, link.tower());
  if (kind < schema::LinkKind_Softmax) return {first + link.column(), 1};
  return {first, internal::outputs_of(*root.towers()->Get(link.tower()))};
}

}  // namespace mmoe
