#include <utility>

#include "converter/model/model.h"

namespace mmoe::converter {

Link identity_link(size_t tower) {
  Link link;
  link.tower = tower;
  return link;
}

Link sigmoid_link(size_t tower) {
  Link link = identity_link(tower);
  link.activation.kind = ActivationKind::kSigmoid;
  return link;
}

Link softmax_link(size_t tower, size_t column) {
  Link link = identity_link(tower);
  link.source = LinkSource::kSoftmaxColumn;
  link.column = column;
  return link;
}

Link product_link(std::vector<size_t> factors) {
  Link link;
  link.source = LinkSource::kProduct;
  link.factors = std::move(factors);
  return link;
}

std::vector<std::string> TrainedModel::output_names() const {
  std::vector<std::string> names;
  for (const Task& task : tasks) {
    if (task.output) names.push_back(task.name);
  }
  return names;
}

}  // namespace mmoe::converter
