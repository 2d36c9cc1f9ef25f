#include "converter/description/layers.h"

#include <algorithm>

#include "converter/description/layers_bound.h"
#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/text.h"
#include "converter/shape_text.h"

namespace mmoe::converter {

namespace {

JsonReader checked(const JsonReader& object, const Keys& keys) {
  object.allow_keys(keys);
  return object;
}

}  // namespace

LayersFields::LayersFields(const JsonReader& object, const Keys& keys, bool linear_end)
    : path_(checked(object, keys).path()),
      linear_end_(linear_end),
      form_(read_dense_form(object)),
      input_norm_(object, "input_batch_norm", false),
      norm_(object, "batch_norm", true),
      layer_norm_(object, "layer_norm", true),
      dice_(object),
      activations_(object, linear_end) {
  const JsonReader layers = object.get("layers", "the pattern of the layers' names, such as experts.{expert}.{layer}");
  layers_is_list_ = layers.is_array();
  for (const JsonReader& item : layers.items_or_self()) layers_.push_back(item.string());
  if (layers_.empty()) layers.fail_expected("at least one pattern");
  output_ = optional_string(object, "output");
  if (const auto field = object.find("output_weight")) output_weight_ = field->text();
  output_bias_ = optional_string(object, "output_bias");
  slopes_ = optional_string(object, "slopes");
}

bool LayersFields::has(Placeholder placeholder) const {
  std::vector<std::string> patterns = layers_;
  patterns.insert(patterns.end(),
                  {output_, output_bias_, slopes_, input_norm_.module, norm_.module, layer_norm_.module, dice_.alpha});
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& text) { return Pattern(text, path_).has(placeholder); });
}

std::optional<size_t> LayersFields::num_experts(TensorIndex& tensors, const Slot& slot) const {
  for (const std::string& text : layers_) {
    const Pattern pattern(text + form_.weight, path_ + ".layers");
    if (pattern.has(Placeholder::kExpert)) return count_experts(tensors, pattern, slot);
  }
  return std::nullopt;
}

Mlp LayersFields::bind(TensorIndex& tensors, const Slot& slot, std::optional<size_t> inputs) const {
  Bound bound{tensors, {}, {}, {}, {}, {}};
  bind_linear_layers(bound, slot, inputs);
  bind_input_norm(bound, slot);
  bind_norms(bound, slot);
  bind_layer_norms(bound, slot);
  if (!output_.empty()) bind_output(bound, slot);
  if (!output_bias_.empty()) bind_output_bias(bound, slot);
  bind_activations(bound);
  bind_slopes(bound, slot);
  bind_dice(bound, slot);
  check_against_file(bound);
  if (bound.mlp.size() > kMaxLayers) {
    throw ConvertError(path_ + ": " + counted(bound.mlp.size(), "layer") + ", expected at most " +
                       std::to_string(kMaxLayers));
  }
  // A normalisation that the description does not mention would silently be left out.
  for (const NumberedTensor& other : bound.others) {
    if (tensors.is_used(other.tensor)) continue;
    const TensorInfo& info = tensors.info(other.tensor);
    throw ConvertError(info.name + ": " + shape_text(info.shape) + " lies among the layers of " + path_ +
                       ".layers, but is neither a layer's weight (two dimensions) nor named by " +
                       "`input_batch_norm`, `batch_norm`, `layer_norm`, `slopes` or `dice`");
  }
  return std::move(bound.mlp);
}

void LayersFields::bind_linear_layers(Bound& bound, const Slot& slot, std::optional<size_t> inputs) const {
  for (const std::string& text : layers_) {
    const Pattern pattern(text + form_.weight, path_ + ".layers");
    if (layers_is_list_ && pattern.has(Placeholder::kLayer)) {
      throw ConvertError(pattern.path() + ": \"" + text + "\": a list names one layer each, without {layer}");
    }
    for (const NumberedTensor& found : find_numbered(bound.tensors, pattern, slot)) {
      const bool matrix = layer_shape(bound.tensors.info(found.tensor)).size() == 2;
      if (!matrix && pattern.has(Placeholder::kLayer)) {
        bound.others.push_back(found);
        continue;
      }
      const std::string bias = full_name(text + form_.bias, found.values, path_ + ".bias");
      bound.mlp.push_back(bind_dense(bound.tensors, found.tensor, bias, form_, {inputs, {}, "output"}));
      bound.numbers.push_back(found.layer);
      inputs = bound.mlp.back().outputs();
    }
  }
  if (bound.mlp.empty()) {
    const TensorInfo& info = bound.tensors.info(bound.others.front().tensor);
    throw ConvertError(info.name + ": " + shape_text(info.shape) + ", expected a layer's weight, of two dimensions");
  }
}

void LayersFields::bind_output(Bound& bound, const Slot& slot) const {
  const Pattern pattern(output_ + output_weight_.value_or(form_.weight), path_ + ".output");
  if (pattern.has(Placeholder::kLayer)) throw ConvertError(pattern.path() + ": is one layer, without {layer}");
  const NumberedTensor found = find_numbered(bound.tensors, pattern, slot).front();
  const std::string bias = full_name(output_ + form_.bias, found.values, path_ + ".bias");
  const DenseShape shape{bound.mlp.back().outputs(), {}, "output"};
  bound.mlp.push_back(bind_dense(bound.tensors, found.tensor, bias, form_, shape));
}

void LayersFields::bind_output_bias(Bound& bound, const Slot& slot) const {
  const Pattern pattern(output_bias_, path_ + ".output_bias");
  const NumberedTensor found = find_numbered(bound.tensors, pattern, slot).front();
  DenseLayer& last = bound.mlp.back();
  const std::string& name = bound.tensors.info(found.tensor).name;
  if (!last.bias.empty()) {
    throw ConvertError(pattern.path() + ": " + name + " would be a second bias: " + last.name + " has its own");
  }
  last.bias = bound.tensors.read_vector(found.tensor, last.outputs(), "one per output of " + last.name);
}

void LayersFields::bind_activations(Bound& bound) const {
  const bool has_output = !output_.empty();
  std::vector<std::optional<Activation>> stated;
  for (const DenseLayer& layer : bound.mlp) {
    const std::optional<StatedStack> stack = stated_stack(bound.tensors, layer.name);
    stated.push_back(stack ? stack->activation() : std::nullopt);
  }
  const std::vector<Activation> activations = activations_.for_layers(stated, has_output);
  for (size_t i = 0; i < bound.mlp.size(); ++i) bound.mlp[i].activation = activations[i];
}

void LayersFields::check_against_file(const Bound& bound) const {
  for (size_t i = 0; i < bound.mlp.size(); ++i) {
    const bool is_end = linear_end_ && i + 1 == bound.mlp.size();
    check_stated(bound.tensors, bound.mlp[i], i < bound.norms.size() ? bound.norms[i] : NormNames(),
                 is_end ? AfterStack::kLink : AfterStack::kNothing, path_);
  }
}

}  // namespace mmoe::converter
