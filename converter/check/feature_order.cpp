#include "converter/check/feature_order.h"

#include <algorithm>

#include "runtime/tools/support/text.h"

namespace mmoe::converter {

namespace {

using tools::counted;

std::string columns(size_t first, size_t width) {
  return width == 1 ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(first + width - 1);
}

std::string of_x(const ModelDescription& model) {
  std::string text = "order: x as the training code has it, " + counted(model.input_dim, "column");
  if (model.shared_dim == 0) return text;
  return text + "; set_user takes the first " + std::to_string(model.shared_dim) + ", candidates bring the others";
}

}  // namespace

std::vector<std::string> describe_feature_order(const ModelDescription& model, const std::vector<size_t>& order) {
  if (model.features.empty()) return {of_x(model)};
  const auto is_item = [&](size_t i) { return model.features[i].side == Side::kItem; };
  const size_t num_items = static_cast<size_t>(std::count_if(order.begin(), order.end(), is_item));
  const size_t num_shared = order.size() - num_items;
  std::string user;
  if (num_items != 0 && num_shared != 0) {
    user = "; set_user takes the first " + std::to_string(num_shared) + ", candidates bring the others";
  }
  if (std::is_sorted(order.begin(), order.end())) {
    return {"order: " + counted(order.size(), "feature") + " in the description's order" + user};
  }
  std::vector<size_t> first_column;  // of each feature, in the description
  size_t next = 0;
  for (const Feature& feature : model.features) {
    first_column.push_back(next);
    next += feature.width;
  }
  std::vector<std::string> lines = {"order: NOT the description's: the file has item-side features behind the others, and takes features and "
                     "x's columns as it has them" + user + " (counted from 0):"};
  next = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const Feature& feature = model.features[order[i]];
    lines.push_back("  feature " + std::to_string(i) + " is \"" + feature.name + "\" (" + std::to_string(order[i]) +
            " in the description), x " + columns(next, feature.width) + " (" + columns(first_column[order[i]], feature.width) +
            ")");
    next += feature.width;
  }
  return lines;
}

}  // namespace mmoe::converter
