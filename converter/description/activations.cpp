#include "converter/description/activations.h"

#include "converter/description/text.h"
#include "converter/error.h"

namespace mmoe::converter {

namespace {

const std::vector<std::string>& activation_names() {
  // In the order of ActivationKind.
  static const std::vector<std::string> names = {"linear", "relu", "leaky_relu", "prelu", "elu",
                                                 "selu",   "sigmoid", "tanh",    "silu", "gelu",
                                                 "gelu_tanh", "softplus", "dice"};
  return names;
}

}  // namespace

Activation read_activation(const JsonReader& field) {
  Activation activation;
  if (field.is_object()) field.allow_keys({"kind", "alpha"});
  const JsonReader kind = field.is_object() ? field.get("kind", "one of " + join(activation_names())) : field;
  activation.kind = static_cast<ActivationKind>(kind.choice(activation_names()));
  const std::optional<JsonReader> alpha = field.is_object() ? field.find("alpha") : std::nullopt;
  const bool takes_alpha = activation.kind == ActivationKind::kLeakyRelu || activation.kind == ActivationKind::kElu;
  if (alpha && !takes_alpha) alpha->fail("only leaky_relu and elu have an alpha");
  if (alpha) {
    activation.alpha = alpha->real();
  } else if (activation.kind == ActivationKind::kElu) {
    activation.alpha = 1;
  } else if (takes_alpha) {
    field.fail("leaky_relu needs its slope, {\"kind\": \"leaky_relu\", \"alpha\": 0.01}: frameworks differ in it");
  }
  return activation;
}

ActivationFields::ActivationFields(const JsonReader& layers, bool linear_end)
    : path_(layers.path() + ".activation"), linear_end_(linear_end) {
  if (const auto field = layers.find("activation")) {
    is_list_ = field->is_array();
    for (const JsonReader& item : field->items_or_self()) activations_.push_back(read_activation(item));
  }
  if (const auto field = layers.find("last_activation")) last_ = read_activation(*field);
}

const Activation& ActivationFields::of_layer(size_t layer) const {
  if (activations_.empty()) {
    throw ConvertError(path_ + ": missing: say which activation follows each layer (" + join(activation_names()) +
                       "): it is not in the weights");
  }
  return is_list_ ? activations_[layer] : activations_.front();
}

std::vector<Activation> ActivationFields::for_layers(size_t num_layers, bool has_output) const {
  if (is_list_ && activations_.size() != num_layers) {
    throw ConvertError(path_ + ": found a list of " + std::to_string(activations_.size()) + ", expected " +
                       std::to_string(num_layers) + ", one per layer of `layers`");
  }
  const Activation linear;
  std::vector<Activation> result;
  for (size_t i = 0; i < num_layers; ++i) {
    const bool last = i + 1 == num_layers && !has_output;
    if (last && last_) {
      result.push_back(*last_);
    } else if (last && linear_end_ && !is_list_) {
      result.push_back(linear);
    } else {
      result.push_back(of_layer(i));
    }
  }
  if (has_output) result.push_back(last_.value_or(linear));
  return result;
}

}  // namespace mmoe::converter
