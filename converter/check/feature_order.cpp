#include "converter/check/feature_order.h"

#include "runtime/tools/support/text.h"

namespace mmoe::converter {

namespace {

using tools::counted;

// "  user part: 3 features, 23 columns of x: country, device, history"
std::string describe_part(const TrainedModel& model, const std::string& title, bool items) {
  std::vector<std::string> names;
  size_t columns = 0;
  for (const Feature& feature : model.features) {
    if ((feature.side == Side::kItem) != items) continue;
    names.push_back(feature.name);
    columns += feature.num_ids() != 0 ? feature.width : feature.num_values();
  }
  return "  " + title + ": " + counted(names.size(), "feature") + ", " + counted(columns, "column") +
         " of x: " + tools::join(names);
}

// Two parts of x, for a model without features.
std::vector<std::string> describe_x(const TrainedModel& model) {
  std::vector<std::string> lines = {"order: x as the training code has it, " + counted(model.input_dim, "column")};
  if (model.shared_dim == 0) return lines;
  lines.push_back("  user part (set_user): the first " + counted(model.shared_dim, "column"));
  lines.push_back("  candidate part: the other " + counted(model.input_dim - model.shared_dim, "column"));
  return lines;
}

}  // namespace

std::vector<std::string> describe_feature_order(const TrainedModel& model) {
  if (model.features.empty()) return describe_x(model);
  std::vector<std::string> lines = {"order: features and the columns of x as in the description, " +
                                    counted(model.features.size(), "feature")};
  size_t num_items = 0;
  for (const Feature& feature : model.features) num_items += feature.side == Side::kItem;
  if (num_items == 0) return lines;
  lines.push_back(describe_part(model, "user part (set_user)", false));
  lines.push_back(describe_part(model, "candidate part", true));
  return lines;
}

}  // namespace mmoe::converter
