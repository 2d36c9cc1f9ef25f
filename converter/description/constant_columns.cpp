#include "converter/description/constant_columns.h"

#include <cmath>

namespace mmoe::converter {
namespace {

double normalised(const std::optional<BatchNorm>& norm, size_t column, double value) {
  if (!norm) return value;
  const double deviation = std::sqrt(static_cast<double>(norm->variance[column]) + norm->epsilon);
  return (value - norm->mean[column]) / deviation * norm->gamma[column] + norm->beta[column];
}

// Leaves the channels of columns that change.
void keep_changing(const std::vector<const float*>& constants, std::vector<float>& channels) {
  std::vector<float> kept;
  for (size_t i = 0; i < channels.size(); ++i) {
    if (constants[i] == nullptr) kept.push_back(channels[i]);
  }
  channels = std::move(kept);
}

}  // namespace

size_t ConstantColumns::width() const {
  size_t width = 0;
  for (const Run& run : runs_) width += run.values.size();
  return width;
}

std::optional<size_t> ConstantColumns::with(std::optional<size_t> stream) const {
  if (!stream) return std::nullopt;
  return *stream + width();
}

void ConstantColumns::fold_into(DenseLayer& layer) const {
  if (runs_.empty()) return;
  std::vector<const float*> constants(layer.inputs());  // null: a column that changes
  for (const Run& run : runs_) {
    for (size_t i = 0; i < run.values.size(); ++i) constants[run.first + i] = &run.values[i];
  }
  Matrix rest{layer.outputs(), layer.inputs() - width(), {}};
  if (layer.bias.empty()) layer.bias.resize(layer.outputs());
  for (size_t row = 0; row < layer.outputs(); ++row) {
    double sum = layer.bias[row];
    for (size_t column = 0; column < layer.inputs(); ++column) {
      const float weight = layer.weight.data[row * layer.inputs() + column];
      if (constants[column] != nullptr) {
        sum += double{weight} * normalised(layer.norm_of_inputs, column, *constants[column]);
      } else {
        rest.data.push_back(weight);
      }
    }
    layer.bias[row] = static_cast<float>(sum);
  }
  layer.weight = std::move(rest);
  if (!layer.norm_of_inputs) return;
  BatchNorm& norm = *layer.norm_of_inputs;
  for (std::vector<float>* channels : {&norm.gamma, &norm.beta, &norm.mean, &norm.variance}) {
    keep_changing(constants, *channels);
  }
}

}  // namespace mmoe::converter
