// What stands between linear layers: normalisations, and the parameters of activations.
#include <algorithm>

#include "converter/description/layers_bound.h"
#include "converter/error.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

namespace {

std::vector<DenseLayer*> layers_with(Mlp& mlp, ActivationKind kind) {
  std::vector<DenseLayer*> layers;
  for (DenseLayer& layer : mlp) {
    if (layer.activation.kind == kind) layers.push_back(&layer);
  }
  return layers;
}

}  // namespace

// In an nn.Sequential, where layers and normalisations are numbered together, a normalisation belongs to the
// layer it follows; elsewhere the k-th belongs to the k-th.
bool LayersFields::numbered_together(const NormFields& fields) const {
  return !layers_is_list_ && fields.module == layers_.front();
}

DenseLayer& LayersFields::owner_of_norm(Bound& bound, const NormFields& fields, size_t position,
                                        const NumberedTensor& norm, const std::string& name) const {
  if (!numbered_together(fields)) {
    if (position < bound.mlp.size()) return bound.mlp[position];
    throw ConvertError(fields.path + ": " + name + " is the " + std::to_string(position + 1) +
                       ". normalisation, but there are only " + counted(bound.mlp.size(), "layer"));
  }
  const auto next = std::upper_bound(bound.numbers.begin(), bound.numbers.end(), norm.layer);
  if (next == bound.numbers.begin()) throw ConvertError(fields.path + ": " + name + " comes before the first layer");
  return bound.mlp[static_cast<size_t>(next - bound.numbers.begin()) - 1];
}

namespace {

std::string keras_name(const LayersFields::Bound& bound, const std::string& tensor) {
  const KerasLayer* layer = find_layer_of_tensor(bound.tensors.keras_layers(), tensor).layer;
  return layer == nullptr ? "" : layer->name;
}

NormNames& names_of_norms(LayersFields::Bound& bound, const DenseLayer& layer) {
  bound.norms.resize(bound.mlp.size());
  return bound.norms[static_cast<size_t>(&layer - bound.mlp.data())];
}

// As the description says, or the file of the norm that has the tensor (empty: the layer's only layer norm).
bool is_after_activation(const LayersFields::Bound& bound, const NormFields& fields, const DenseLayer& layer,
                         const std::string& tensor) {
  if (fields.position_given) return fields.after_activation;
  const std::optional<StatedStack> stack = stated_stack(bound.tensors, layer.name);
  return stack && stack->norm_is_after_activation(keras_name(bound, tensor)).value_or(false);
}

}  // namespace

// Of the first layer's inputs.
void LayersFields::bind_input_norm(Bound& bound, const NumberedTensor& found, const NormFields& fields) const {
  const std::string module = full_name(fields.module, found.values, fields.path);
  DenseLayer& first = bound.mlp.front();
  bound.input_norm = module;
  if (first.norm_of_inputs) throw ConvertError(fields.path + ": " + module + " is the second before " + first.name);
  const double epsilon = stated_epsilon(bound.tensors, bound.tensors.info(found.tensor).name, fields);
  first.norm_of_inputs = bind_batch_norm(bound.tensors, module, fields.form, first.inputs(), epsilon, fields.path);
}

void LayersFields::bind_input_norm(Bound& bound, const Slot& slot) const {
  if (input_norm_.module.empty()) return;
  const Pattern pattern(input_norm_.module + input_norm_.form.mean, input_norm_.path);
  if (pattern.has(Placeholder::kLayer)) throw ConvertError(pattern.path() + ": is one norm, without {layer}");
  bind_input_norm(bound, find_numbered(bound.tensors, pattern, slot).front(), input_norm_);
}

void LayersFields::bind_norms(Bound& bound, const Slot& slot) const {
  if (norm_.module.empty()) return;
  const Pattern pattern(norm_.module + norm_.form.mean, norm_.path);
  size_t position = 0;
  for (const NumberedTensor& found : find_numbered(bound.tensors, pattern, slot)) {
    const std::string module = full_name(norm_.module, found.values, norm_.path);
    if (module == bound.input_norm) continue;
    if (numbered_together(norm_) && found.layer < bound.numbers.front()) {
      bind_input_norm(bound, found, norm_);
      continue;
    }
    DenseLayer& layer = owner_of_norm(bound, norm_, position++, found, module);
    const std::string& tensor = bound.tensors.info(found.tensor).name;
    const bool after = is_after_activation(bound, norm_, layer, tensor);
    std::optional<BatchNorm>& norm = after ? layer.norm_after_activation : layer.norm_before_activation;
    if (norm) throw ConvertError(norm_.path + ": " + module + " is the second to follow " + layer.name);
    norm = bind_batch_norm(bound.tensors, module, norm_.form, layer.outputs(),
                           stated_epsilon(bound.tensors, tensor, norm_), norm_.path);
    NormNames& names = names_of_norms(bound, layer);
    (after ? names.after_activation : names.before_activation) = keras_name(bound, tensor);
  }
}

// A module with a scale of one dimension and a shift; what has running statistics is a batch norm.
void LayersFields::bind_layer_norms(Bound& bound, const Slot& slot) const {
  const NormFields& fields = layer_norm_;
  const auto set = [&](DenseLayer& layer, const std::string& module, const std::string& tensor) {
    const bool after = is_after_activation(bound, fields, layer, tensor);
    std::optional<LayerNorm>& norm = after ? layer.layer_norm_after_activation : layer.layer_norm_before_activation;
    if (norm) throw ConvertError(fields.path + ": " + module + " is the second to follow " + layer.name);
    norm = bind_layer_norm(bound.tensors, module, fields.form, layer.outputs(),
                           stated_epsilon(bound.tensors, tensor, fields));
    NormNames& names = names_of_norms(bound, layer);
    (after ? names.layer_after_activation : names.layer_before_activation) = keras_name(bound, tensor);
  };
  if (fields.every_layer) {
    for (DenseLayer& layer : bound.mlp) set(layer, "", "");
  }
  if (fields.module.empty()) return;
  const Pattern pattern(fields.module + fields.form.gamma, fields.path);
  size_t position = 0;
  for (const NumberedTensor& found : find_numbered(bound.tensors, pattern, slot)) {
    const std::string module = full_name(fields.module, found.values, fields.path);
    const bool other = bound.tensors.info(found.tensor).shape.size() != 1 ||
                       bound.tensors.find(module + norm_.form.mean) || !bound.tensors.find(module + fields.form.beta);
    if (!other)
      set(owner_of_norm(bound, fields, position++, found, module), module, bound.tensors.info(found.tensor).name);
  }
  if (position == 0) throw ConvertError(fields.path + ": " + fields.module + " has no layer norms, of one dimension");
}

// [n, 1] is a vector too, unless it is the weight of a layer.
bool is_vector(const TensorInfo& info, const std::string& weight) {
  if (info.shape.size() < 2) return true;
  const bool of_layer = info.name.size() >= weight.size() &&
                        info.name.compare(info.name.size() - weight.size(), weight.size(), weight) == 0;
  return info.shape.size() == 2 && info.shape[1] == 1 && !of_layer;
}

// One vector per layer: of one element for all outputs, or one per output. A single tensor whose pattern has no
// {layer} serves all layers.
std::vector<std::vector<float>> LayersFields::bind_slope_vectors(Bound& bound, const Slot& slot, const Pattern& pattern,
                                                                 const std::vector<DenseLayer*>& layers) const {
  std::vector<size_t> found;
  for (const NumberedTensor& tensor : find_numbered(bound.tensors, pattern, slot)) {
    const std::string& name = bound.tensors.info(tensor.tensor).name;
    // Linear layers and normalisations of one nn.Sequential match the same pattern.
    const std::string module = name.substr(0, name.rfind('.'));
    const bool norm =
        bound.tensors.find(module + norm_.form.mean) || (layer_norm_.given() && bound.tensors.find(module + ".bias"));
    if (is_vector(bound.tensors.info(tensor.tensor), form_.weight) && !norm) found.push_back(tensor.tensor);
  }
  const bool shared = !pattern.has(Placeholder::kLayer) && found.size() == 1;
  if (found.size() != layers.size() && !shared) {
    throw ConvertError(pattern.path() + ": " + pattern.text() + ": found slopes for " + counted(found.size(), "layer") +
                       ", expected " + std::to_string(layers.size()) + ", one per layer with that activation");
  }
  std::vector<std::vector<float>> slopes;
  for (size_t i = 0; i < layers.size(); ++i) {
    const size_t tensor = found[shared ? 0 : i];
    const std::vector<uint64_t>& shape = bound.tensors.info(tensor).shape;
    const bool scalar = shape.empty() || shape == std::vector<uint64_t>{1};
    const size_t outputs = layers[i]->outputs();
    std::vector<float> values =
        shape == std::vector<uint64_t>{outputs, 1}
            ? bound.tensors.read(tensor)
            : bound.tensors.read_vector(tensor, scalar ? 1 : outputs, "one slope, or one per output");
    slopes.push_back(scalar ? std::vector<float>(outputs, values.front()) : std::move(values));
  }
  return slopes;
}

void LayersFields::bind_slopes(Bound& bound, const Slot& slot) const {
  const std::vector<DenseLayer*> layers = layers_with(bound.mlp, ActivationKind::kPRelu);
  const std::string path = path_ + ".slopes";
  if (layers.empty() && slopes_.empty()) return;
  if (layers.empty()) throw ConvertError(path + ": has no meaning without the activation prelu");
  if (slopes_.empty()) throw ConvertError(path + ": missing: prelu needs the pattern of the modules with its slopes");
  // The tensor itself, or the module (torch.nn.PReLU).
  const Pattern tensor(slopes_, path);
  const bool named = !bound.tensors.find_all(tensor).empty();
  const Pattern pattern = named ? tensor : Pattern(slopes_ + ".weight", path);
  std::vector<std::vector<float>> slopes = bind_slope_vectors(bound, slot, pattern, layers);
  for (size_t i = 0; i < layers.size(); ++i) layers[i]->activation.slopes = std::move(slopes[i]);
}

void LayersFields::bind_dice(Bound& bound, const Slot& slot) const {
  const std::vector<DenseLayer*> layers = layers_with(bound.mlp, ActivationKind::kDice);
  if (layers.empty() && dice_.alpha.empty()) return;
  if (layers.empty()) throw ConvertError(dice_.path + ": has no meaning without the activation dice");
  if (dice_.alpha.empty()) throw ConvertError(dice_.path + ": missing: dice needs at least the pattern of its `alpha`");
  std::vector<std::vector<float>> slopes =
      bind_slope_vectors(bound, slot, Pattern(dice_.alpha, dice_.path + ".alpha"), layers);
  for (size_t i = 0; i < layers.size(); ++i) {
    layers[i]->activation.slopes = std::move(slopes[i]);
    layers[i]->activation.dice_epsilon = dice_.norm.epsilon;
    layers[i]->activation.dice_deviation = dice_.deviation;
  }
  if (dice_.norm.module.empty()) return;
  const NormFields& fields = dice_.norm;
  const std::vector<NumberedTensor> norms =
      find_numbered(bound.tensors, Pattern(fields.module + fields.form.mean, fields.path), slot);
  if (norms.size() != layers.size()) {
    throw ConvertError(fields.path + ": found " + counted(norms.size(), "normalisation") + ", expected " +
                       std::to_string(layers.size()) + ", one per layer with the activation dice");
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string module = full_name(fields.module, norms[i].values, fields.path);
    layers[i]->activation.dice_norm =
        bind_batch_norm(bound.tensors, module, fields.form, layers[i]->outputs(), fields.epsilon, fields.path);
  }
}

}  // namespace mmoe::converter
