#include "converter/description/stated.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "converter/error.h"
#include "converter/reading/activations.h"
#include "converter/reading/text.h"
#include "converter/shape_text.h"

namespace mmoe::converter {

namespace {

const char* const kFile = "the file's own configuration";

// Decimal numbers of a float32 (0.0010000000474974513) are the number that was meant.
bool same_number(double a, double b) { return std::abs(a - b) <= 1e-6 * std::max(std::abs(a), std::abs(b)); }

std::string number_text(double number) {
  std::string text = std::to_string(number);
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.9g", number);
  return buffer;
}

bool is_layer_norm(const KerasLayer& layer) { return layer.kind == "layer_normalization"; }

std::string stated_text(const StatedStack::Item& item) {
  const KerasLayer& layer = *item.layer;
  if (!item.is_activation) return (is_layer_norm(layer) ? "layer norm \"" : "batch norm \"") + layer.name + "\"";
  return layer.activation->written + " (of \"" + layer.name + "\")";
}

// One thing behind a described layer, in the order of DenseLayer.
struct Described {
  enum Kind { kBatchNorm, kLayerNorm, kActivation } kind;
  std::string layer;  // of a normalisation, where it is known
  double epsilon = 0;
  const Activation* activation = nullptr;

  std::string text() const {
    if (kind == kActivation) return activation_text(*activation);
    return std::string(kind == kLayerNorm ? "layer norm" : "batch norm") + (layer.empty() ? "" : " \"" + layer + "\"");
  }
};

std::vector<Described> described_items(const DenseLayer& layer, const NormNames& norms) {
  std::vector<Described> items;
  const auto add_batch = [&](const std::optional<BatchNorm>& norm, const std::string& name) {
    if (norm) items.push_back({Described::kBatchNorm, name, norm->epsilon, nullptr});
  };
  const auto add_layer = [&](const std::optional<LayerNorm>& norm, const std::string& name) {
    if (norm) items.push_back({Described::kLayerNorm, name, norm->epsilon, nullptr});
  };
  add_batch(layer.norm_before_activation, norms.before_activation);
  add_layer(layer.layer_norm_before_activation, norms.layer_before_activation);
  if (layer.activation.kind != ActivationKind::kIdentity) {
    items.push_back({Described::kActivation, "", 0, &layer.activation});
  }
  add_layer(layer.layer_norm_after_activation, norms.layer_after_activation);
  add_batch(layer.norm_after_activation, norms.after_activation);
  return items;
}

// One way to write what has several.
Activation canonical(Activation activation) {
  if (activation.kind == ActivationKind::kSwish && activation.alpha == 1) activation.kind = ActivationKind::kSilu;
  const bool plain = activation.kind == ActivationKind::kSilu || activation.kind == ActivationKind::kSoftplus;
  if (plain && activation.alpha == 1) activation.alpha = 0;
  return activation;
}

bool same_activation(const Activation& described, const KerasActivation& stated) {
  const std::optional<Activation> wanted = as_described(stated);
  if (!wanted) return true;  // the user knows what it is
  const Activation found = canonical(described);
  return wanted->kind == found.kind && same_number(wanted->alpha, found.alpha) && same_number(wanted->beta, found.beta);
}

bool agree(const StatedStack::Item& stated, const Described& described) {
  if (stated.is_activation != (described.kind == Described::kActivation)) return false;
  if (stated.is_activation) return same_activation(*described.activation, *stated.layer->activation);
  if (is_layer_norm(*stated.layer) != (described.kind == Described::kLayerNorm)) return false;
  if (!described.layer.empty() && described.layer != stated.layer->name) return false;
  return !stated.layer->epsilon || same_number(*stated.layer->epsilon, described.epsilon);
}

template <class Items, class Text>
std::string listed(const Items& items, const Text& text) {
  std::vector<std::string> texts;
  for (const auto& item : items) texts.push_back(text(item));
  return texts.empty() ? "nothing" : join(texts);
}

[[noreturn]] void fail(const DenseLayer& layer, const StatedStack& stack, const std::vector<Described>& described,
                       const std::string& path) {
  throw ConvertError(
      layer.name + ": behind this layer, " + kFile + " has " + listed(stack.items, stated_text) +
      "; the description (" + path + ") has " + listed(described, [](const Described& item) { return item.text(); }) +
      ". What the file says is the default: leave `activation` and the norms' epsilons and positions out");
}

bool may_follow(const StatedStack::Item& item, AfterStack end) {
  if (!item.is_activation || end == AfterStack::kNothing) return false;
  return end == AfterStack::kLink || item.layer->activation->kind == "softmax";
}

void check_size_and_bias(const DenseLayer& layer, const KerasLayer& stated) {
  if (stated.units && *stated.units != layer.outputs()) {
    throw ConvertError(layer.name + ": " + counted(layer.outputs(), "output") + ", but " + kFile +
                       " says \"units\": " + std::to_string(*stated.units) + " of \"" + stated.name + "\"");
  }
  if (stated.use_bias == true && layer.bias.empty()) {
    throw ConvertError(layer.name + ": " + kFile + " says \"use_bias\": true of \"" + stated.name +
                       "\", but the description finds no bias: `bias` is its suffix");
  }
}

}  // namespace

std::optional<Activation> as_described(const KerasActivation& stated) {
  Activation activation;
  activation.alpha = static_cast<float>(stated.alpha.value_or(0));
  const auto plain = [&](ActivationKind kind) {
    activation.kind = kind;
    activation.alpha = 0;
    return activation;
  };
  const auto with_alpha = [&](ActivationKind kind) {
    activation.kind = kind;
    return activation;
  };
  const std::string& kind = stated.kind;
  if (stated.threshold == 0 && stated.max_value && kind == "relu" && !stated.alpha) {
    activation.kind = ActivationKind::kClamp;  // from 0 to the largest value
    activation.alpha = 0;
    activation.beta = static_cast<float>(*stated.max_value);
    return activation;
  }
  if (stated.threshold != 0 || stated.max_value) return std::nullopt;
  if (kind == "linear") return plain(ActivationKind::kIdentity);
  if (kind == "relu") return stated.alpha ? with_alpha(ActivationKind::kLeakyRelu) : plain(ActivationKind::kRelu);
  if (kind == "leaky_relu") return with_alpha(ActivationKind::kLeakyRelu);
  if (kind == "p_re_lu") return plain(ActivationKind::kPRelu);
  if (kind == "elu") return with_alpha(ActivationKind::kElu);
  if (kind == "selu") return plain(ActivationKind::kSelu);
  if (kind == "sigmoid") return plain(ActivationKind::kSigmoid);
  if (kind == "tanh") return plain(ActivationKind::kTanh);
  if (kind == "silu") return plain(ActivationKind::kSilu);
  if (kind == "gelu") return plain(ActivationKind::kGelu);
  if (kind == "softplus") return plain(ActivationKind::kSoftplus);
  const std::map<std::string, ActivationKind> others = {{"mish", ActivationKind::kMish},
                                                        {"softsign", ActivationKind::kSoftsign},
                                                        {"hard_silu", ActivationKind::kHardSwish},
                                                        {"log_sigmoid", ActivationKind::kLogSigmoid},
                                                        {"exp", ActivationKind::kExp},
                                                        {"exponential", ActivationKind::kExp}};
  if (kind == "celu") return with_alpha(ActivationKind::kCelu);
  const auto found = others.find(kind);
  return found == others.end() ? std::nullopt : std::optional<Activation>(plain(found->second));
}

std::optional<bool> StatedStack::norm_is_after_activation(const std::string& norm) const {
  bool after = false;
  for (const Item& item : items) {
    if (item.is_activation) after = true;
    if (!item.is_activation && item.layer->name == norm) return after;
  }
  return std::nullopt;
}

std::optional<Activation> StatedStack::activation() const {
  const Item* found = nullptr;
  for (const Item& item : items) {
    if (!item.is_activation) continue;
    if (found != nullptr) return std::nullopt;
    found = &item;
  }
  if (found != nullptr) return as_described(*found->layer->activation);
  return complete ? std::optional<Activation>(Activation()) : std::nullopt;
}

std::optional<StatedStack> stated_stack(const TensorIndex& tensors, const std::string& tensor) {
  const KerasPlace place = find_layer_of_tensor(tensors.keras_layers(), tensor);
  if (place.layer == nullptr || place.layer->kind != "dense") return std::nullopt;
  StatedStack stack;
  stack.layer = place.layer;
  const auto add = [&](const KerasLayer& layer) {
    const bool norm = layer.kind == "batch_normalization" || layer.kind == "layer_normalization";
    const bool linear = !norm && layer.activation && layer.activation->kind == "linear";
    if (!linear) stack.items.push_back({&layer, !norm});
  };
  if (place.layer->activation) add(*place.layer);
  const KerasChain chain = chain_behind(place);
  for (const KerasLayer* layer : chain.layers) {
    if (!layer->is_activation || layer->activation) add(*layer);
  }
  stack.complete = chain.complete;
  return stack;
}

double stated_epsilon(const TensorIndex& tensors, const std::string& tensor, const NormFields& fields) {
  const KerasPlace place = find_layer_of_tensor(tensors.keras_layers(), tensor);
  if (place.layer == nullptr || !place.layer->epsilon) return fields.epsilon;
  const KerasLayer& layer = *place.layer;
  for (const int64_t axis : layer.axis) {
    // Rows of numbers: the batch's dimension and theirs, unless the file says that there are more.
    const bool last = axis == -1 || axis == layer.input_rank.value_or(2) - 1;
    if (last && layer.axis.size() == 1) continue;
    throw ConvertError(tensor + ": " + kFile + " says that \"" + layer.name + "\" normalises axis " +
                       std::to_string(axis) + ", expected the last one alone");
  }
  if (fields.epsilon_given && !same_number(fields.epsilon, *layer.epsilon)) {
    throw ConvertError(fields.path + "_epsilon: found " + number_text(fields.epsilon) + ", but " + kFile +
                       " says \"epsilon\": " + number_text(*layer.epsilon) + " of \"" + layer.name +
                       "\"; leave it out to use that value");
  }
  return *layer.epsilon;
}

void check_stated(const TensorIndex& tensors, const DenseLayer& layer, const NormNames& norms, AfterStack end,
                  const std::string& path) {
  const std::optional<StatedStack> stack = stated_stack(tensors, layer.name);
  if (!stack) return;
  check_size_and_bias(layer, *stack->layer);
  const std::vector<Described> described = described_items(layer, norms);
  const size_t common = std::min(described.size(), stack->items.size());
  for (size_t i = 0; i < common; ++i) {
    if (!agree(stack->items[i], described[i])) fail(layer, *stack, described, path);
  }
  const bool more_described = described.size() > common && stack->complete;
  const bool more_stated =
      stack->items.size() > common + 1 || (stack->items.size() == common + 1 && !may_follow(stack->items.back(), end));
  if (more_described || more_stated) fail(layer, *stack, described, path);
}

std::string check_stated_link(const TensorIndex& tensors, const Tower& tower, const Task& task) {
  const DenseLayer& last = tower.layers.back();
  const std::optional<StatedStack> stack = stated_stack(tensors, last.name);
  if (!stack) return "";
  const bool softmax = task.link.source == LinkSource::kSoftmaxColumn || task.link.source == LinkSource::kExpectedValue;
  const bool linear = task.link.source == LinkSource::kLogit && task.link.activation.kind == ActivationKind::kIdentity;
  if (stack->items.size() <= described_items(last, {}).size()) {
    if (linear || !stack->complete) return "";
    return std::string(kFile) + " has nothing behind \"" + stack->layer->name +
           "\": the model of the framework returns the logit of \"" + task.name +
           "\", but the description has a link that changes it";
  }
  const KerasActivation& stated = *stack->items.back().layer->activation;
  const std::string& kind = stated.kind;
  const bool agrees = kind == "softmax" ? softmax
                      : kind == "log_softmax"
                          ? task.link.source == LinkSource::kLogSoftmaxColumn
                          : task.link.source == LinkSource::kLogit && same_activation(task.link.activation, stated);
  if (agrees) return "";
  throw ConvertError("task \"" + task.name + "\": " + kFile + " has " + stated_text(stack->items.back()) + " behind " +
                     last.name + ", which is not what the description's link is");
}

std::vector<std::string> stated_types(const std::vector<KerasLayer>& layers) {
  std::map<std::string, std::string> first;  // type -> the first layer that has it
  for (const KerasLayer& layer : layers) {
    for (const std::string& warning : stated_types(layer.members)) first.emplace(warning, "");
    const bool computes =
        layer.kind == "dense" || layer.kind == "embedding" || layer.kind.find("normalization") != std::string::npos;
    const bool usual = !computes || layer.dtype.empty() || layer.dtype == "float32" || layer.dtype == "float64";
    if (!usual && layer.dtype.find("float16") == std::string::npos) {
      throw ConvertError(
          std::string(kFile) + " says \"dtype\": \"" + layer.dtype + "\" of \"" + layer.name +
          "\": expected float32, float64, or half precision; save the model as it was before quantisation");
    }
    if (!usual) first.emplace(layer.dtype, layer.name);
  }
  std::vector<std::string> warnings;
  for (const auto& [type, layer] : first) {
    warnings.push_back(layer.empty()
                           ? type
                           : std::string(kFile) + " says \"dtype\": \"" + type + "\" of \"" + layer +
                                 "\": the framework computes in half precision, the written file in float32; " +
                                 "scores differ by up to some 1e-3");
  }
  return warnings;
}

const KerasLayer* find_stated_embedding(const TensorIndex& tensors, size_t tensor) {
  const TensorInfo& info = tensors.info(tensor);
  const KerasLayer* layer = find_layer_of_tensor(tensors.keras_layers(), info.name).layer;
  if (layer == nullptr || layer->kind != "embedding") return nullptr;
  const bool fits = (!layer->input_dim || *layer->input_dim == info.shape[0]) &&
                    (!layer->output_dim || *layer->output_dim == info.shape[1]);
  if (fits) return layer;
  throw ConvertError(info.name + ": " + shape_text(info.shape) + ", but " + kFile +
                     " says \"input_dim\": " + std::to_string(layer->input_dim.value_or(0)) + ", \"output_dim\": " +
                     std::to_string(layer->output_dim.value_or(0)) + " of \"" + layer->name + "\"");
}

}  // namespace mmoe::converter
