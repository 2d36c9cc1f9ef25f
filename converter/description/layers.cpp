#include "converter/description/layers.h"

#include <algorithm>

#include "converter/description/limits.h"
#include "converter/description/text.h"
#include "converter/error.h"

namespace mmoe::converter {

namespace {

std::vector<std::string> layers_keys(const std::vector<std::string>& more) {
  std::vector<std::string> keys = {"layers", "output", "activation", "last_activation", "slopes", "batch_norm",
                                   "batch_norm_tensors", "batch_norm_epsilon", "batch_norm_position", "weight", "bias", "output_bias",
                                   "orientation"};
  keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

JsonReader checked(const JsonReader& object, const std::vector<std::string>& more_keys) {
  object.allow_keys(layers_keys(more_keys));
  return object;
}

std::string optional_string(const JsonReader& object, const char* key) {
  const auto field = object.find(key);
  return field ? field->string() : "";
}

std::string full_name(const std::string& pattern, const PlaceholderValues& values, const std::string& path) {
  return Pattern(pattern, path).with(values).text();
}

}  // namespace

NormFields::NormFields(const JsonReader& object, bool with_position) : path(object.path() + ".batch_norm") {
  module = optional_string(object, "batch_norm");
  const auto needs_norm = [&](const JsonReader& field) {
    if (module.empty()) field.fail("has no meaning without `batch_norm`");
  };
  if (const auto field = object.find("batch_norm_epsilon")) {
    needs_norm(*field);
    epsilon = field->number();
    if (epsilon < 0) field->fail_expected("0 or more");
  }
  if (const auto field = object.find("batch_norm_tensors")) {
    needs_norm(*field);
    form.torch = false;
    field->allow_keys({"gamma", "beta", "mean", "variance"});
    const auto read = [&](const char* key, std::string& suffix) {
      if (const auto text = field->find(key)) suffix = text->string();
    };
    read("gamma", form.gamma);
    read("beta", form.beta);
    read("mean", form.mean);
    read("variance", form.variance);
  }
  if (!with_position) return;
  if (const auto field = object.find("batch_norm_position")) {
    needs_norm(*field);
    after_activation = field->choice({"before_activation", "after_activation"}) == 1;
  }
}

LayersFields::LayersFields(const JsonReader& object, const std::vector<std::string>& more_keys, bool linear_end)
    : path_(checked(object, more_keys).path()),
      form_(read_dense_form(object)),
      norm_(object, true),
      activations_(object, linear_end) {
  const JsonReader layers = object.get("layers", "the pattern of the layers' names, such as experts.{expert}.{layer}");
  layers_is_list_ = layers.is_array();
  for (const JsonReader& item : layers.items_or_self()) layers_.push_back(item.string());
  if (layers_.empty()) layers.fail_expected("at least one pattern");
  output_ = optional_string(object, "output");
  output_bias_ = optional_string(object, "output_bias");
  slopes_ = optional_string(object, "slopes");
}

bool LayersFields::has(Placeholder placeholder) const {
  std::vector<std::string> patterns = layers_;
  patterns.insert(patterns.end(), {output_, output_bias_, slopes_, norm_.module});
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

// The layers as far as they are known, and where each came from.
struct LayersFields::Bound {
  TensorIndex& tensors;
  Mlp mlp;
  std::vector<size_t> numbers;         // of each layer in its tensors' names
  std::vector<NumberedTensor> others;  // tensors of the layers' pattern that are no matrix
};

Mlp LayersFields::bind(TensorIndex& tensors, const Slot& slot, std::optional<size_t> inputs) const {
  Bound bound{tensors, {}, {}, {}};
  bind_linear_layers(bound, slot, inputs);
  bind_norms(bound, slot);
  if (!output_.empty()) bind_output(bound, slot);
  if (!output_bias_.empty()) bind_output_bias(bound, slot);
  bind_activations(bound);
  bind_slopes(bound, slot);
  if (bound.mlp.size() > kMaxLayers) {
    throw ConvertError(path_ + ": " + counted(bound.mlp.size(), "layer") + ", expected at most " +
                       std::to_string(kMaxLayers));
  }
  // A normalisation that the description does not mention would silently be left out.
  for (const NumberedTensor& other : bound.others) {
    if (tensors.is_used(other.tensor)) continue;
    const TensorInfo& info = tensors.info(other.tensor);
    throw ConvertError(info.name + ": " + shape_text(info.shape) + " lies among the layers of " + path_ +
                       ".layers, but is neither a layer's weight (two dimensions) nor named by `batch_norm` or " +
                       "`slopes`");
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
      const bool matrix = bound.tensors.info(found.tensor).shape.size() == 2;
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
  const Pattern pattern(output_ + form_.weight, path_ + ".output");
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

// In an nn.Sequential, where layers and normalisations are numbered together, a normalisation belongs to the
// layer it follows; elsewhere the k-th belongs to the k-th.
size_t LayersFields::owner_of_norm(const Bound& bound, size_t position, const NumberedTensor& norm,
                                   const std::string& name) const {
  const bool numbered_together = !layers_is_list_ && norm_.module == layers_.front();
  if (!numbered_together) {
    if (position < bound.mlp.size()) return position;
    throw ConvertError(norm_.path + ": " + name + " is the " + std::to_string(position + 1) +
                       ". normalisation, but there are only " + counted(bound.mlp.size(), "layer"));
  }
  const auto next = std::upper_bound(bound.numbers.begin(), bound.numbers.end(), norm.layer);
  if (next == bound.numbers.begin()) throw ConvertError(norm_.path + ": " + name + " comes before the first layer");
  return static_cast<size_t>(next - bound.numbers.begin()) - 1;
}

void LayersFields::bind_norms(Bound& bound, const Slot& slot) const {
  if (norm_.module.empty()) return;
  const Pattern pattern(norm_.module + norm_.form.mean, norm_.path);
  size_t position = 0;
  for (const NumberedTensor& found : find_numbered(bound.tensors, pattern, slot)) {
    const std::string module = full_name(norm_.module, found.values, norm_.path);
    DenseLayer& layer = bound.mlp[owner_of_norm(bound, position++, found, module)];
    std::optional<BatchNorm>& norm =
        norm_.after_activation ? layer.norm_after_activation : layer.norm_before_activation;
    if (norm) throw ConvertError(norm_.path + ": " + module + " is the second to follow " + layer.name);
    norm = bind_batch_norm(bound.tensors, module, norm_.form, layer.outputs(), norm_.epsilon, norm_.path);
  }
}

void LayersFields::bind_activations(Bound& bound) const {
  const bool has_output = !output_.empty();
  const std::vector<Activation> activations =
      activations_.for_layers(bound.mlp.size() - (has_output ? 1 : 0), has_output);
  for (size_t i = 0; i < bound.mlp.size(); ++i) bound.mlp[i].activation = activations[i];
}

void LayersFields::bind_slopes(Bound& bound, const Slot& slot) const {
  std::vector<DenseLayer*> layers;
  for (DenseLayer& layer : bound.mlp) {
    if (layer.activation.kind == ActivationKind::kPRelu) layers.push_back(&layer);
  }
  const std::string path = path_ + ".slopes";
  if (layers.empty() && slopes_.empty()) return;
  if (layers.empty()) throw ConvertError(path + ": has no meaning without the activation prelu");
  if (slopes_.empty()) throw ConvertError(path + ": missing: prelu needs the pattern of the modules with its slopes");

  // The module (torch.nn.PReLU) or the tensor itself.
  const Pattern tensor_itself(slopes_, path);
  const bool named = !bound.tensors.find_all(tensor_itself).empty();
  const Pattern pattern = named ? tensor_itself : Pattern(slopes_ + ".weight", path);
  std::vector<size_t> found;
  for (const NumberedTensor& tensor : find_numbered(bound.tensors, pattern, slot)) {
    // Linear layers and normalisations of one nn.Sequential match the same pattern.
    const bool norm = bound.tensors.find(full_name(slopes_ + norm_.form.mean, tensor.values, path)).has_value();
    if (bound.tensors.info(tensor.tensor).shape.size() < 2 && !norm) found.push_back(tensor.tensor);
  }
  const bool shared = !pattern.has(Placeholder::kLayer) && found.size() == 1;
  if (found.size() != layers.size() && !shared) {
    throw ConvertError(path + ": " + slopes_ + ": found slopes for " + counted(found.size(), "layer") + ", expected " +
                       std::to_string(layers.size()) + ", one per prelu layer");
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    const size_t tensor = found[shared ? 0 : i];
    const std::vector<uint64_t>& shape = bound.tensors.info(tensor).shape;
    const bool scalar = shape.empty() || shape == std::vector<uint64_t>{1};
    const size_t outputs = layers[i]->outputs();
    std::vector<float> slopes = bound.tensors.read_vector(tensor, scalar ? 1 : outputs, "one slope, or one per output");
    layers[i]->activation.slopes = scalar ? std::vector<float>(outputs, slopes.front()) : std::move(slopes);
  }
}

}  // namespace mmoe::converter
