#include "runtime/tools/rows/input_spec.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "mmoe/rows.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

FeatureSpec feature_spec(const Model& model, std::size_t index) {
  const FeatureInfo info = model.feature(index);
  FeatureSpec spec;
  spec.index = index;
  spec.name = info.name;
  spec.source = info.source;
  spec.kind = info.kind;
  spec.width = info.kind == FeatureKind::kDense ? info.width : 1;
  spec.length = info.length;
  spec.string_values = info.string_values;
  spec.hashed = info.hashed;
  spec.number_values = info.number_values;
  spec.refuses_unknown = info.refuses_unknown;
  spec.refuses_missing = info.refuses_missing;
  spec.weights = info.weights;
  for (std::size_t i = 0; i < info.num_parts && info.num_parts > 1; ++i) {
    spec.parts.emplace_back(model.crossed_column(index, i));
  }
  return spec;
}

bool is_in(const Model& model, std::size_t index, Part part) {
  return part == Part::kWhole || (model.feature(index).side == Side::kItem) == (part == Part::kCandidate);
}

std::size_t dim_of(const Model& model, Part part) {
  if (part == Part::kWhole) return model.input_dim();
  return part == Part::kUser ? model.user_dim() : model.candidate_dim();
}

// A few bytes of a file may give thousands of features one long name.
void check_names(const Model& model) {
  constexpr std::size_t kMaxBytes = std::size_t{16} << 20;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < model.num_features(); ++i) bytes += model.feature(i).name.size();
  if (bytes <= kMaxBytes) return;
  throw ToolError("the features' names have " + human_bytes(bytes) + " in all; expected at most " +
                  human_bytes(kMaxBytes));
}

bool has_crosses(const InputSpec& spec) {
  return std::any_of(spec.features.begin(), spec.features.end(),
                     [](const FeatureSpec& feature) { return !feature.parts.empty(); });
}

/// Crosses have ids in rows alone.
class Crosses {
 public:
  Crosses(const Model& model, Part part) {
    RowsOptions options;
    options.part = part;
    Result<Rows> rows = Rows::create(model, options);
    if (!rows) throw ToolError(rows.error().message());
    rows_ = std::make_shared<Rows>(std::move(*rows));
  }

  std::optional<std::int32_t> find(std::size_t index, const std::vector<std::string_view>& values) const {
    rows_->clear();
    const Status& status = rows_->set(0, index, values);
    if (!status && status.error().code() != ErrorCode::kUnknownCategory) return std::nullopt;
    return rows_->columns()[index].ids[0];
  }

 private:
  std::shared_ptr<Rows> rows_;
};

}  // namespace

InputSpec input_spec(const Model& model, Part part) {
  check_names(model);
  InputSpec spec;
  spec.input_dim = dim_of(model, part);
  spec.num_model_features = model.num_features();
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < model.num_features(); ++i) {
    if (!is_in(model, i, part)) continue;
    spec.features.push_back(feature_spec(model, i));
    indices.push_back(i);
  }
  spec.find_string = [&model, indices](std::size_t feature, std::string_view value) {
    return model.find_id(indices[feature], value);
  };
  spec.find_integer = [&model, indices](std::size_t feature, std::int64_t value) {
    return model.find_id(indices[feature], value);
  };
  spec.find_unsigned = [&model, indices](std::size_t feature, std::uint64_t value) {
    return model.find_id(indices[feature], value);
  };
  if (has_crosses(spec)) {
    spec.find_crossed = [crosses = Crosses(model, part), indices](std::size_t feature,
                                                                  const std::vector<std::string_view>& values) {
      return crosses.find(indices[feature], values);
    };
  }
  spec.find_bin = [&model, indices](std::size_t feature, double value) {
    return model.find_bin(indices[feature], value);
  };
  return spec;
}

}  // namespace mmoe::tools
