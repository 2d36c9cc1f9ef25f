#include "runtime/tools/rows/row_batch.h"

#include <algorithm>

namespace mmoe::tools {

std::size_t rows_that_fit(std::size_t row_bytes, std::size_t wanted) {
  return std::clamp<std::size_t>(kMaxBatchBytes / std::max<std::size_t>(1, row_bytes), 1, wanted);
}

std::size_t rows_that_fit(const InputSpec& spec, std::size_t wanted) {
  std::size_t row_bytes = spec.features.empty() ? spec.input_dim * sizeof(float) : 0;
  for (const FeatureSpec& feature : spec.features) {
    const std::size_t width = feature.kind == FeatureKind::kDense ? feature.width : feature.length;
    row_bytes += width * sizeof(float);  // an id has the size of a float
  }
  return rows_that_fit(row_bytes, wanted);
}

RowBatch::RowBatch(const InputSpec& spec, std::size_t capacity)
    : has_features_(!spec.features.empty()),
      capacity_(capacity),
      num_columns_(std::max(spec.num_model_features, spec.features.size())),
      indices_(spec.indices),
      kept_(capacity) {
  if (!has_features_) slots_.push_back({spec.input_dim, std::vector<float>(capacity * spec.input_dim), {}});
  for (const FeatureSpec& feature : spec.features) {
    Slot slot{feature.kind == FeatureKind::kDense ? feature.width : feature.length, {}, {}};
    if (feature.kind == FeatureKind::kDense) {
      slot.values.resize(capacity * feature.width);
    } else {
      slot.ids.resize(capacity * feature.length);
    }
    slots_.push_back(std::move(slot));
  }
}

std::vector<FeatureColumn> RowBatch::columns(std::size_t row) const {
  if (!has_features_) return {};
  std::vector<FeatureColumn> result(num_columns_);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    FeatureColumn& column = result[indices_.empty() ? i : indices_[i]];
    if (!slot.values.empty()) column.values = slot.values.data() + row * slot.width;
    if (!slot.ids.empty()) column.ids = slot.ids.data() + row * slot.width;
  }
  return result;
}

}  // namespace mmoe::tools
