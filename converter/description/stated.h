// What a Keras file says of its own layers: the default for the description, which must not contradict it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "converter/description/norms.h"
#include "converter/importers/keras_config.h"
#include "converter/model/model.h"
#include "converter/reading/tensor_index.h"

namespace mmoe::converter {

/// A linear layer of the file, and what follows it element by element.
struct StatedStack {
  struct Item {
    const KerasLayer* layer = nullptr;
    bool is_activation = false;  ///< else a normalisation
  };
  const KerasLayer* layer = nullptr;
  std::vector<Item> items;  ///< without activations that are linear
  bool complete = false;    ///< no more activations follow

  /// Whether the normalisation of this name comes behind an activation; none: it is not among the items.
  std::optional<bool> norm_is_after_activation(const std::string& norm) const;
  /// The only activation; none where there are several, or one that is unknown, or it may be elsewhere.
  std::optional<Activation> activation() const;
};

/// Of the layer that has the tensor; nothing where the file does not describe it.
std::optional<StatedStack> stated_stack(const TensorIndex& tensors, const std::string& tensor);

/// In the description's terms; none for one that this converter does not know.
std::optional<Activation> as_described(const KerasActivation& activation);

/// What the description makes of a normalisation's epsilon, the file's own where it says none. `tensor`: one of the
/// normalisation's. Throws ConvertError where both say it and differ, and for an axis that is not the last one.
double stated_epsilon(const TensorIndex& tensors, const std::string& tensor, const NormFields& fields);

/// Names of the layers that a described layer's normalisations come from; empty: none, or not from the file.
struct NormNames {
  std::string before_activation, layer_before_activation, layer_after_activation, after_activation;
};

/// What stands behind a described layer besides what the description says of it.
enum class AfterStack {
  kNothing,
  kLink,    ///< an activation that the task's link is
  kSoftmax  ///< the gate's
};

/// Throws ConvertError, quoting the file and the description, where they contradict each other in units, bias,
/// activation, normalisations or their order. `path`: of the description's object.
void check_stated(const TensorIndex& tensors, const DenseLayer& layer, const NormNames& norms, AfterStack end,
                  const std::string& path);

/// The same for a task's link, which is what stands behind its tower. Returns a note where the file's model ends with
/// the logit that the link goes on from; empty: none.
std::string check_stated_link(const TensorIndex& tensors, const Tower& tower, const Task& task);

/// A warning for each type other than float in which layers compute. Throws for layers with quantised weights.
std::vector<std::string> stated_types(const std::vector<KerasLayer>& layers);

/// Throws where an embedding table has other dimensions than the file says of its layer.
const KerasLayer* find_stated_embedding(const TensorIndex& tensors, size_t tensor);

}  // namespace mmoe::converter
