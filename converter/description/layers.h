// The layers object of a description: patterns, activations, normalisation -> Mlp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "converter/description/dense.h"
#include "converter/description/norms.h"
#include "converter/model/model.h"
#include "converter/reading/activations.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/keys.h"
#include "converter/reading/numbering.h"

namespace mmoe::converter {

class LayersFields {
 public:
  /// `keys`: what the object may hold. `linear_end`: the last layer is linear unless it says otherwise.
  LayersFields(const JsonReader& object, const Keys& keys, bool linear_end);

  /// Whether a pattern has this placeholder.
  bool has(Placeholder placeholder) const;
  /// None without {expert} in `layers`; slot.expert is ignored.
  std::optional<size_t> num_experts(TensorIndex& tensors, const Slot& slot) const;
  /// The slot's layers, each checked against the one before and the first against `inputs`, if known.
  Mlp bind(TensorIndex& tensors, const Slot& slot, std::optional<size_t> inputs) const;
  const std::string& path() const { return path_; }

  struct Bound;  ///< layers_bound.h

 private:
  void bind_linear_layers(Bound& bound, const Slot& slot, std::optional<size_t> inputs) const;
  void bind_output(Bound& bound, const Slot& slot) const;
  void bind_output_bias(Bound& bound, const Slot& slot) const;
  void bind_input_norm(Bound& bound, const NumberedTensor& found, const NormFields& fields) const;
  void bind_input_norm(Bound& bound, const Slot& slot) const;
  void bind_norms(Bound& bound, const Slot& slot) const;
  void bind_layer_norms(Bound& bound, const Slot& slot) const;
  void bind_dice(Bound& bound, const Slot& slot) const;
  void bind_activations(Bound& bound) const;
  void check_against_file(const Bound& bound) const;
  void bind_slopes(Bound& bound, const Slot& slot) const;
  bool numbered_together(const NormFields& fields) const;
  DenseLayer& owner_of_norm(Bound& bound, const NormFields& fields, size_t position, const NumberedTensor& norm,
                            const std::string& name) const;
  std::vector<std::vector<float>> bind_slope_vectors(Bound& bound, const Slot& slot, const Pattern& pattern,
                                                     const std::vector<DenseLayer*>& layers) const;

  std::string path_;
  bool linear_end_ = false;
  std::vector<std::string> layers_;
  bool layers_is_list_ = false;
  std::string output_, output_bias_, slopes_;  // patterns; empty: none
  std::optional<std::string> output_weight_;
  DenseForm form_;
  NormFields input_norm_, norm_, layer_norm_;
  DiceFields dice_;
  ActivationFields activations_;
};

}  // namespace mmoe::converter
