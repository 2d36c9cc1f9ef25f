#include "converter/lowering/project.h"

#include <algorithm>

#include "converter/lowering/fold.h"
#include "converter/lowering/readers.h"

namespace mmoe::converter {
namespace {

const Projection* projection_of(const Feature& feature) {
  const auto* dense = std::get_if<DenseFeature>(&feature.kind);
  return dense != nullptr && dense->projection ? &*dense->projection : nullptr;
}

// W (P v + b) = (W P) v + W b for the columns [column, column + P's rows) of W's row; appends W P, adds W b to the
// bias.
void project(const float* weights, const Projection& projection, std::vector<float>& row, double& bias) {
  for (size_t value = 0; value < projection.weight.cols; ++value) {
    double sum = 0;
    for (size_t i = 0; i < projection.weight.rows; ++i) sum += double{weights[i]} * projection.weight.at(i, value);
    row.push_back(static_cast<float>(sum));
  }
  for (size_t i = 0; i < projection.bias.size(); ++i) bias += double{weights[i]} * projection.bias[i];
}

void project_inputs(const std::vector<Feature>& features, DenseLayer& layer) {
  Matrix weight{layer.outputs(), 0, {}};
  layer.bias.resize(layer.outputs());
  for (size_t o = 0; o < layer.outputs(); ++o) {
    const float* from = layer.weight.data.data() + o * layer.inputs();
    double bias = layer.bias[o];
    for (const Feature& feature : features) {
      if (const Projection* projection = projection_of(feature)) {
        project(from, *projection, weight.data, bias);
      } else {
        weight.data.insert(weight.data.end(), from, from + feature.width);
      }
      from += feature.width;
    }
    layer.bias[o] = static_cast<float>(bias);
  }
  weight.cols = weight.data.size() / weight.rows;
  layer.weight = std::move(weight);
  require_finite(layer);
}

}  // namespace

void fold_projections(TrainedModel& model) {
  const auto projected = [](const Feature& feature) { return projection_of(feature) != nullptr; };
  if (std::none_of(model.features.begin(), model.features.end(), projected)) return;
  change_readers(model, [&](DenseLayer& layer) { project_inputs(model.features, layer); });
  model.input_dim = 0;
  for (Feature& feature : model.features) {
    if (projected(feature)) {
      feature.width = feature.num_values();
      std::get<DenseFeature>(feature.kind).projection.reset();
    }
    model.input_dim += feature.width;
  }
}

}  // namespace mmoe::converter
