// A Keras model's own description of itself: config.json of a .keras archive, the attribute model_config of an .h5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mmoe::converter {

/// An activation as Keras writes it down: by name, or as a layer with arguments.
struct KerasActivation {
  std::string kind;             ///< "linear", "relu", "leaky_relu", "p_re_lu", ...: Keras's own; another text: unknown
  std::optional<double> alpha;  ///< slope or scale below zero, where the config has it or its default is known
  std::optional<double> max_value;
  double threshold = 0;
  std::string written;  ///< as it stands in the config, for messages
};

/// One layer, and of its configuration what decides what it computes.
struct KerasLayer {
  std::string name;
  std::string kind;                           ///< the class in snake case: "dense", "batch_normalization"
  bool has_scale = true, has_center = true;   ///< of a normalisation
  std::vector<std::string> reads;             ///< names of the layers whose outputs it reads
  std::optional<KerasActivation> activation;  ///< `activation`, or what the layer itself is
  bool is_activation = false;                 ///< the layer is nothing else
  std::optional<double> epsilon;              ///< of a normalisation
  std::vector<int64_t> axis;                  ///< of a normalisation; empty: not said
  std::optional<int64_t> input_rank;          ///< dimensions of its input, with the batch's
  std::optional<bool> use_bias;
  std::optional<uint64_t> units, input_dim, output_dim;  ///< Dense; Embedding
  std::optional<bool> mask_zero;                         ///< Embedding
  std::string preprocessing;              ///< of StringLookup and its like: the whole configuration, JSON; else empty
  std::optional<std::string> vocabulary;  ///< of a lookup: a token in each line, where it lies beside the configuration
  std::string dtype;                      ///< name of the dtype policy; empty: not said
  std::vector<KerasLayer> members;        ///< of a model inside the model
};

/// The layers of the model's outermost list, in its order. Nothing when `json` is not of that form.
std::vector<KerasLayer> read_keras_config(std::string_view json);

/// A layer, and the list that it is in.
struct KerasPlace {
  const std::vector<KerasLayer>* among = nullptr;
  const KerasLayer* layer = nullptr;  ///< null: none
  bool in_member = false;             ///< it lies in a model inside the model
};

/// The layer that a tensor belongs to, by the layers' names in front of the variable's.
KerasPlace find_layer_of_tensor(const std::vector<KerasLayer>& layers, std::string_view tensor);

/// What follows a layer element by element, up to what does not: activations and normalisations in their order; layers
/// that only training knows (dropout) are passed over.
struct KerasChain {
  std::vector<const KerasLayer*> layers;
  bool complete = false;  ///< what comes behind is known to be no activation
};
KerasChain chain_behind(const KerasPlace& place);

/// "BatchNormalization" -> "batch_normalization", "PReLU" -> "p_re_lu", as Keras derives automatic names from classes.
std::string snake_case(std::string_view class_name);

/// The number that Keras put behind the kind when nobody named the layer ("dense" 0, "dense_3" 3); nothing for a name
/// that is not automatic.
std::optional<size_t> automatic_number(std::string_view name, std::string_view kind);

/// The only layer with a name that somebody gave it which layer `index` leads to, through automatically named ones;
/// empty when there is none or more than one.
std::string named_layer_after(const std::vector<KerasLayer>& layers, size_t index);

}  // namespace mmoe::converter
