#include "runtime/tools/input_spec.h"

namespace mmoe::tools {
namespace {

FeatureSpec feature_spec(const FeatureInfo& info) {
  FeatureSpec spec;
  spec.name = info.name;
  spec.kind = info.kind;
  spec.width = info.kind == FeatureKind::kDense ? info.width : 1;
  spec.string_values = info.string_values;
  spec.refuses_unknown = info.refuses_unknown;
  spec.refuses_missing = info.refuses_missing;
  return spec;
}

}  // namespace

InputSpec input_spec(const Model& model) {
  InputSpec spec;
  spec.input_dim = model.input_dim();
  for (std::size_t i = 0; i < model.num_features(); ++i) spec.features.push_back(feature_spec(model.feature(i)));
  spec.find_string = [&model](std::size_t feature, std::string_view value) { return model.find_id(feature, value); };
  spec.find_integer = [&model](std::size_t feature, std::int64_t value) { return model.find_id(feature, value); };
  return spec;
}

}  // namespace mmoe::tools
