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
    if (!feature.weights.empty()) row_bytes += width * sizeof(float);
  }
  return rows_that_fit(row_bytes, wanted);
}

RowBatch::RowBatch(const InputSpec& spec, std::size_t capacity)
    : has_features_(!spec.features.empty()),
      capacity_(capacity),
      kept_(capacity),
      columns_(std::max(spec.num_model_features, spec.features.size())) {
  if (!has_features_) slots_.push_back({0, spec.input_dim, std::vector<float>(capacity * spec.input_dim), {}});
  for (const FeatureSpec& feature : spec.features) {
    Slot slot{feature.index, feature.kind == FeatureKind::kDense ? feature.width : feature.length, {}, {}};
    if (feature.kind == FeatureKind::kDense) {
      slot.values.resize(capacity * feature.width);
    } else {
      slot.ids.resize(capacity * feature.length);
      if (!feature.weights.empty()) slot.values.resize(capacity * feature.length);
    }
    slots_.push_back(std::move(slot));
  }
}

Input RowBatch::input(std::size_t first, std::size_t num_rows) const {
  const auto part = [&](const auto& all, std::size_t width) {
    return all.empty() ? Span(all.data(), 0) : Span(all.data() + first * width, num_rows * width);
  };
  if (!has_features_) return Input::x(part(slots_[0].values, slots_[0].width), num_rows);
  for (const Slot& slot : slots_) {
    columns_[slot.feature] = {part(slot.values, slot.width), part(slot.ids, slot.width)};
  }
  return Input::columns(columns_, num_rows);
}

}  // namespace mmoe::tools
