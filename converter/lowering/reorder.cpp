#include "converter/lowering/reorder.h"

#include <algorithm>
#include <numeric>

#include "converter/lowering/readers.h"

namespace mmoe::converter {
namespace {

void permute_columns(Matrix& matrix, const std::vector<size_t>& from) {
  std::vector<float> row(matrix.cols);
  for (size_t r = 0; r < matrix.rows; ++r) {
    float* data = matrix.data.data() + r * matrix.cols;
    for (size_t c = 0; c < matrix.cols; ++c) row[c] = data[from[c]];
    std::copy(row.begin(), row.end(), data);
  }
}

}  // namespace

std::vector<size_t> put_shared_features_first(ModelDescription& model) {
  std::vector<size_t> order(model.features.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto shared = [&](size_t i) { return model.features[i].side != Side::kItem; };
  if (std::is_partitioned(order.begin(), order.end(), shared)) return order;
  std::stable_partition(order.begin(), order.end(), shared);

  std::vector<size_t> column;  // of each feature, before
  size_t next = 0;
  for (const Feature& feature : model.features) {
    column.push_back(next);
    next += feature.width;
  }
  std::vector<size_t> from;
  std::vector<Feature> features;
  for (const size_t i : order) {
    for (size_t c = 0; c < model.features[i].width; ++c) from.push_back(column[i] + c);
    features.push_back(model.features[i]);
  }
  change_readers(model, [&](DenseLayer& layer) { permute_columns(layer.weight, from); });
  model.features = std::move(features);
  return order;
}

size_t shared_dim(const ModelDescription& model) {
  if (model.features.empty()) return model.shared_dim;
  size_t columns = 0;
  for (const Feature& feature : model.features) {
    if (feature.side == Side::kItem) return columns;
    columns += feature.width;
  }
  return 0;  // no candidates to tell apart
}

}  // namespace mmoe::converter
