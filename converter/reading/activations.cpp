#include "converter/reading/activations.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>

#include "converter/error.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

namespace {

// What one of an activation's two numbers is called in the description.
struct Parameter {
  const char* key = nullptr;  // null: it has none
  std::optional<float> standard;
};

struct NamedActivation {
  const char* name;
  ActivationKind kind;
  Parameter alpha = {}, beta = {};
};

constexpr float kUnbounded = std::numeric_limits<float>::infinity();

// Frameworks agree on the defaults that are given here.
const std::vector<NamedActivation>& named_activations() {
  using K = ActivationKind;
  static const std::vector<NamedActivation> table = {
      {"linear", K::kIdentity},
      {"relu", K::kRelu},
      {"leaky_relu", K::kLeakyRelu, {"alpha", {}}},
      {"prelu", K::kPRelu},
      {"elu", K::kElu, {"alpha", 1.0f}},
      {"selu", K::kSelu},
      {"sigmoid", K::kSigmoid},
      {"tanh", K::kTanh},
      {"silu", K::kSilu},
      {"gelu", K::kGelu},
      {"gelu_tanh", K::kGeluTanh},
      {"softplus", K::kSoftplus, {"beta", 1.0f}},
      {"dice", K::kDice},
      {"celu", K::kCelu, {"alpha", 1.0f}},
      {"mish", K::kMish},
      {"hard_swish", K::kHardSwish},
      {"hard_sigmoid", K::kHardSigmoid, {"alpha", {}}, {"beta", 0.5f}},
      {"clamp", K::kClamp, {"min", -kUnbounded}, {"max", kUnbounded}},
      {"hardtanh", K::kClamp, {"min", -1.0f}, {"max", 1.0f}},
      {"swish", K::kSwish, {"alpha", 1.0f}},
      {"softsign", K::kSoftsign},
      {"log_sigmoid", K::kLogSigmoid},
      {"threshold", K::kThreshold, {"threshold", {}}, {"value", {}}},
      {"squared_relu", K::kSquaredRelu},
      {"exp", K::kExp},
      {"relu6", K::kClamp},       // clamp from 0 to 6
      {"quick_gelu", K::kSwish},  // swish with alpha 1.702
  };
  return table;
}

float read_parameter(const JsonReader& field, const NamedActivation& named, const Parameter& parameter) {
  const std::optional<JsonReader> given = field.is_object() ? field.find(parameter.key) : std::nullopt;
  if (given) return given->real();
  if (parameter.standard) return *parameter.standard;
  const std::string name = named.name;
  if (named.kind == ActivationKind::kHardSigmoid) {
    field.fail(R"(hard_sigmoid needs its slope, {"kind": "hard_sigmoid", "alpha": 0.2} in Keras 2, "alpha": )"
               "0.16666667 in PyTorch and Keras 3: frameworks differ in it");
  }
  if (named.kind == ActivationKind::kLeakyRelu) {
    field.fail("leaky_relu needs its slope, {\"kind\": \"leaky_relu\", \"alpha\": 0.01}: frameworks differ in it");
  }
  field.fail(name + " needs its `" + parameter.key + "`");
}

void allow_parameters(const JsonReader& object, const NamedActivation& named) {
  object.allow_keys({"kind", "alpha", "beta", "min", "max", "threshold", "value"});
  for (const char* key : {"alpha", "beta", "min", "max", "threshold", "value"}) {
    const auto given = object.find(key);
    const auto is = [&](const Parameter& parameter) { return parameter.key && std::string(parameter.key) == key; };
    if (given && !is(named.alpha) && !is(named.beta)) given->fail(std::string(named.name) + " has no `" + key + "`");
  }
}

// What the kernels divide by, and bounds that leave something between them.
void check_parameters(const JsonReader& field, const Activation& activation) {
  const bool divides = activation.kind == ActivationKind::kCelu || activation.kind == ActivationKind::kSoftplus;
  if (divides && !(activation.alpha > 0)) field.fail_expected("more than 0 for it");
  if (activation.kind != ActivationKind::kClamp) return;
  if (!(activation.alpha <= activation.beta)) field.fail_expected("`min` of at most `max`");
  if (activation.alpha == -kUnbounded && activation.beta == kUnbounded) field.fail("clamp needs `min`, `max` or both");
}

}  // namespace

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (const NamedActivation& named : named_activations()) names.emplace_back(named.name);
  return names;
}

std::vector<ActivationKind> activation_kinds() {
  std::vector<ActivationKind> kinds;
  for (const NamedActivation& named : named_activations()) {
    if (std::find(kinds.begin(), kinds.end(), named.kind) == kinds.end()) kinds.push_back(named.kind);
  }
  return kinds;
}

Activation read_activation(const JsonReader& field) {
  const JsonReader kind = field.is_object() ? field.get("kind", "one of " + join(activation_names())) : field;
  const NamedActivation& named = named_activations()[kind.choice(activation_names())];
  if (field.is_object()) allow_parameters(field, named);
  Activation activation;
  activation.kind = named.kind;
  if (named.alpha.key) activation.alpha = read_parameter(field, named, named.alpha);
  if (named.beta.key) activation.beta = read_parameter(field, named, named.beta);
  if (!named.beta.key && named.kind == ActivationKind::kClamp) activation.beta = 6;
  if (!named.alpha.key && named.kind == ActivationKind::kSwish) activation.alpha = 1.702f;
  check_parameters(field, activation);
  return activation;
}

std::string activation_text(const Activation& activation) {
  std::string text = "another activation";
  for (const NamedActivation& named : named_activations()) {
    if (named.kind != activation.kind) continue;
    text = named.name;
    break;
  }
  if (activation.alpha == 0 && activation.beta == 0) return text;
  char numbers[64];
  std::snprintf(numbers, sizeof numbers, " (%.9g, %.9g)", static_cast<double>(activation.alpha),
                static_cast<double>(activation.beta));
  return text + numbers;
}

ActivationFields::ActivationFields(const JsonReader& layers, bool linear_end)
    : path_(layers.path() + ".activation"), linear_end_(linear_end) {
  if (const auto field = layers.find("activation")) {
    is_list_ = field->is_array();
    for (const JsonReader& item : field->items_or_self()) activations_.push_back(read_activation(item));
  }
  if (const auto field = layers.find("last_activation")) last_ = read_activation(*field);
}

const Activation& ActivationFields::of_layer(size_t layer, const std::optional<Activation>& stated) const {
  if (activations_.empty() && stated) return *stated;
  if (activations_.empty()) {
    throw ConvertError(path_ + ": missing: say which activation follows each layer (" + join(activation_names()) +
                       "): it is not in the weights");
  }
  return is_list_ ? activations_[layer] : activations_.front();
}

std::vector<Activation> ActivationFields::for_layers(const std::vector<std::optional<Activation>>& stated,
                                                     bool has_output) const {
  const size_t num_layers = stated.size() - (has_output ? 1 : 0);
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
      result.push_back(of_layer(i, stated[i]));
    }
  }
  if (has_output) result.push_back(last_ ? *last_ : linear_end_ ? linear : stated.back().value_or(linear));
  return result;
}

}  // namespace mmoe::converter
