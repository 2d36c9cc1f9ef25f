// One linear layer and one batch normalisation out of the weights.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "converter/model/model.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/tensor_index.h"

namespace mmoe::converter {

/// How a framework names and stores a linear layer: `weight`, `bias`, `orientation`.
struct DenseForm {
  std::string weight = ".weight";  ///< may be empty: the layer's name is that of the tensor (nn.ParameterList)
  std::string bias = ".bias";
  bool in_out = false;
};

DenseForm read_dense_form(const JsonReader& object);

/// Without the trailing ones of a convolution's kernel of one place, which is a layer for each place.
std::vector<uint64_t> layer_shape(const TensorInfo& info);

/// What is known of a layer before its weights are seen.
struct DenseShape {
  std::optional<size_t> inputs;
  std::optional<size_t> outputs;
  std::string outputs_noun = "output";  ///< "expert" for a gate's logits
};

/// Throws, naming the tensor, when the weight is not the matrix expected or the bias (none if there is no tensor
/// of that name) does not fit it. No activation.
DenseLayer bind_dense(TensorIndex& tensors, size_t weight, const std::string& bias_name, const DenseForm& form,
                      const DenseShape& shape);

/// How a framework names the tensors of a batch normalisation, behind the module's name.
struct NormForm {
  std::string gamma = ".weight";
  std::string beta = ".bias";
  std::string mean = ".running_mean";
  std::string variance = ".running_var";
  bool torch = true;  ///< these names: scale and shift are both there or both absent
};

/// The tensors of a module: scale and shift (may be absent: 1, 0), running mean and variance.
BatchNorm bind_batch_norm(TensorIndex& tensors, const std::string& module, const NormForm& form, size_t channels,
                          double epsilon, const std::string& path);

/// Scale and shift of a module, or 1 and 0 where it has none.
LayerNorm bind_layer_norm(TensorIndex& tensors, const std::string& module, const NormForm& form, size_t width,
                          double epsilon);

}  // namespace mmoe::converter
