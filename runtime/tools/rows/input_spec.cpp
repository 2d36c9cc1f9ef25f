#include "runtime/tools/rows/input_spec.h"

#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

FeatureSpec feature_spec(const FeatureInfo& info) {
  FeatureSpec spec;
  spec.name = info.name;
  spec.source = info.source;
  spec.kind = info.kind;
  spec.width = info.kind == FeatureKind::kDense ? info.width : 1;
  spec.length = info.length;
  spec.string_values = info.string_values;
  spec.refuses_unknown = info.refuses_unknown;
  spec.refuses_missing = info.refuses_missing;
  return spec;
}

// A few bytes of a file may give thousands of features one long name.
void check_names(const Model& model, std::size_t first, std::size_t end) {
  constexpr std::size_t kMaxBytes = std::size_t{16} << 20;
  std::size_t bytes = 0;
  for (std::size_t i = first; i < end; ++i) bytes += model.feature(i).name.size();
  if (bytes <= kMaxBytes) return;
  throw ToolError("the features' names have " + human_bytes(bytes) + " in all; expected at most " +
                  human_bytes(kMaxBytes));
}

}  // namespace

InputSpec input_spec(const Model& model, InputPart part) {
  const bool items = part == InputPart::kItems;
  const std::size_t first = items ? model.num_shared_features() : 0;
  const std::size_t end = part == InputPart::kUser ? model.num_shared_features() : model.num_features();
  InputSpec spec;
  spec.input_dim = part == InputPart::kUser ? model.shared_dim() : model.input_dim() - (items ? model.shared_dim() : 0);
  check_names(model, first, end);
  for (std::size_t i = first; i < end; ++i) spec.features.push_back(feature_spec(model.feature(i)));
  spec.find_string = [&model, first](std::size_t feature, std::string_view value) {
    return model.find_id(first + feature, value);
  };
  spec.find_integer = [&model, first](std::size_t feature, std::int64_t value) {
    return model.find_id(first + feature, value);
  };
  return spec;
}

}  // namespace mmoe::tools
