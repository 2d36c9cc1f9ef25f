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

std::vector<size_t> put_shared_columns_first(TrainedModel& model) {
  std::vector<size_t> order(model.features.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<size_t> former;  // first column of each feature
  size_t next = 0;
  for (const Feature& feature : model.features) {
    former.push_back(next);
    next += feature.width;
  }
  const auto shared = [&](size_t i) { return model.features[i].side != Side::kItem; };
  if (std::is_partitioned(order.begin(), order.end(), shared)) return former;
  std::stable_partition(order.begin(), order.end(), shared);

  std::vector<size_t> columns(order.size());
  std::vector<size_t> from;
  for (const size_t i : order) {
    columns[i] = from.size();
    for (size_t c = 0; c < model.features[i].width; ++c) from.push_back(former[i] + c);
  }
  change_readers(model, [&](DenseLayer& layer) { permute_columns(layer.weight, from); });
  return columns;
}

size_t shared_dim(const TrainedModel& model) {
  if (model.features.empty()) return model.shared_dim;
  size_t columns = 0;
  bool has_items = false;
  for (const Feature& feature : model.features) {
    const bool item = feature.side == Side::kItem;
    has_items = has_items || item;
    columns += item ? 0 : feature.width;
  }
  return has_items ? columns : 0;  // without them there are no candidates to tell apart
}

}  // namespace mmoe::converter
