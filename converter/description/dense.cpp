#include "converter/description/dense.h"

#include <algorithm>

#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/text.h"
#include "converter/shape_text.h"

namespace mmoe::converter {

namespace {

Matrix transposed(const Matrix& matrix) {
  Matrix result{matrix.cols, matrix.rows, std::vector<float>(matrix.data.size())};
  for (size_t row = 0; row < matrix.rows; ++row) {
    for (size_t col = 0; col < matrix.cols; ++col) result.data[col * matrix.rows + row] = matrix.at(row, col);
  }
  return result;
}

std::vector<uint64_t> file_shape(uint64_t outputs, uint64_t inputs, bool in_out) {
  return in_out ? std::vector<uint64_t>{inputs, outputs} : std::vector<uint64_t>{outputs, inputs};
}

// `found` has two dimensions, or is the kernel of a convolution.
void check_shape(const TensorInfo& info, const DenseForm& form, const DenseShape& shape) {
  const std::vector<uint64_t> found = layer_shape(info);
  const auto fits = [&](const std::vector<uint64_t>& expected) { return found == expected; };
  const uint64_t outputs = shape.outputs.value_or(found[form.in_out ? 1 : 0]);
  const uint64_t inputs = shape.inputs.value_or(found[form.in_out ? 0 : 1]);
  const std::vector<uint64_t> expected = file_shape(outputs, inputs, form.in_out);
  if (!fits(expected)) {
    std::string message = info.name + ": " + shape_text(info.shape) + ", expected " + shape_text(expected) + " (" +
                          counted(outputs, shape.outputs_noun) + ", " + counted(inputs, "input") + ")";
    const uint64_t turned_outputs = shape.outputs.value_or(found[form.in_out ? 0 : 1]);
    if (shape.inputs && fits(file_shape(turned_outputs, inputs, !form.in_out))) {
      message += std::string("; it would fit with \"orientation\": \"") + (form.in_out ? "out_in" : "in_out") + "\"";
    }
    throw ConvertError(message);
  }
  const auto [smallest, largest] = std::minmax(outputs, inputs);
  if (smallest == 0 || largest > kMaxDim) {
    throw ConvertError(info.name + ": " + shape_text(info.shape) + ", expected dimensions of 1 to " +
                       std::to_string(kMaxDim));
  }
}

size_t require_tensor(TensorIndex& tensors, const std::string& name, const std::string& path) {
  const std::optional<size_t> tensor = tensors.find(name);
  if (!tensor) tensors.fail_missing(Pattern(name, path));
  return *tensor;
}

}  // namespace

std::vector<uint64_t> layer_shape(const TensorInfo& info) {
  std::vector<uint64_t> shape = info.shape;
  while (shape.size() > 2 && shape.back() == 1) shape.pop_back();
  return shape;
}

DenseForm read_dense_form(const JsonReader& object) {
  DenseForm form;
  if (const auto field = object.find("weight")) form.weight = field->text();
  if (const auto field = object.find("bias")) {
    form.bias = field->text();
    if (form.bias == form.weight) field->fail("is what `weight` is: one tensor cannot be both");
  }
  if (const auto field = object.find("orientation")) form.in_out = field->choice({"out_in", "in_out"}) == 1;
  return form;
}

DenseLayer bind_dense(TensorIndex& tensors, size_t weight, const std::string& bias_name, const DenseForm& form,
                      const DenseShape& shape) {
  const TensorInfo& info = tensors.info(weight);
  if (layer_shape(info).size() != 2) {
    throw ConvertError(info.name + ": " + shape_text(info.shape) + ", expected a layer's weight, of two dimensions");
  }
  check_shape(info, form, shape);
  DenseLayer layer;
  layer.name = info.name;
  layer.storage.coded = info.coded;
  layer.weight = {static_cast<size_t>(info.shape[0]), static_cast<size_t>(info.shape[1]), tensors.read(weight)};
  if (form.in_out) layer.weight = transposed(layer.weight);
  if (const auto bias = tensors.find(bias_name)) {
    layer.bias = tensors.read_vector(*bias, layer.outputs(), "one per " + shape.outputs_noun + " of " + info.name);
  }
  return layer;
}

BatchNorm bind_batch_norm(TensorIndex& tensors, const std::string& module, const NormForm& form, size_t channels,
                          double epsilon, const std::string& path) {
  const std::string meaning = "one per number it normalises";
  const auto vector = [&](const std::string& suffix) {
    return tensors.read_vector(require_tensor(tensors, module + suffix, path), channels, meaning);
  };
  BatchNorm norm;
  norm.epsilon = epsilon;
  norm.mean = vector(form.mean);
  norm.variance = vector(form.variance);
  const bool expected = form.torch && (tensors.find(module + form.gamma) || tensors.find(module + form.beta));
  const auto optional = [&](const std::string& suffix, float absent) {
    return expected || tensors.find(module + suffix) ? vector(suffix) : std::vector<float>(channels, absent);
  };
  norm.gamma = optional(form.gamma, 1.0f);
  norm.beta = optional(form.beta, 0.0f);
  for (size_t i = 0; i < channels; ++i) {
    if (!(norm.variance[i] >= 0) || static_cast<double>(norm.variance[i]) + epsilon <= 0) {
      throw ConvertError(module + form.variance + ": element [" + std::to_string(i) + "] is " +
                         std::to_string(norm.variance[i]) + ", expected a variance: more than 0 with epsilon added");
    }
  }
  return norm;
}

LayerNorm bind_layer_norm(TensorIndex& tensors, const std::string& module, const NormForm& form, size_t width,
                          double epsilon) {
  const auto optional = [&](const std::string& suffix, float absent) {
    const std::optional<size_t> tensor = tensors.find(module + suffix);
    if (!tensor) return std::vector<float>(width, absent);
    return tensors.read_vector(*tensor, width, "one per number it normalises");
  };
  LayerNorm norm;
  norm.epsilon = epsilon;
  norm.gamma = optional(form.gamma, 1.0f);
  norm.beta = optional(form.beta, 0.0f);
  return norm;
}

}  // namespace mmoe::converter
