#include "converter/importers/keras_config.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>

namespace mmoe::converter {
namespace {

using Json = nlohmann::json;

std::string string_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool flag_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || !found->is_boolean() || found->get<bool>();
}

/// Both forms of inbound_nodes refer to a layer's output by a list that begins [name, node, tensor]: Keras 2 in
/// nested lists, Keras 3 as the "keras_history" of its tensors.
void find_references(const Json& nodes, std::vector<std::string>& names) {
  std::vector<const Json*> waiting = {&nodes};
  while (!waiting.empty()) {
    const Json& value = *waiting.back();
    waiting.pop_back();
    const bool reference = value.is_array() && value.size() >= 3 && value[0].is_string() &&
                           value[1].is_number_integer() && value[2].is_number_integer();
    if (reference) names.push_back(value[0].get<std::string>());
    if (!value.is_structured()) continue;
    for (const Json& child : value) waiting.push_back(&child);
  }
}

std::optional<double> number_of(const Json& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const auto found = object.find(key);
    if (found != object.end() && found->is_number()) return found->get<double>();
  }
  return std::nullopt;
}

std::optional<uint64_t> size_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? std::optional(found->get<uint64_t>()) : std::nullopt;
}

std::optional<bool> boolean_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() ? std::optional(found->get<bool>()) : std::nullopt;
}

/// "mixed_float16" of "mixed_float16" or of a serialised policy.
std::string dtype_of(const Json& config) {
  const auto found = config.find("dtype");
  if (found == config.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  const auto inner = found->is_object() ? found->find("config") : found->end();
  return found->is_object() && inner != found->end() && inner->is_object() ? string_of(*inner, "name") : "";
}

std::vector<int64_t> axis_of(const Json& config) {
  std::vector<int64_t> axes;
  const auto found = config.find("axis");
  if (found == config.end()) return axes;
  for (const Json& axis : found->is_array() ? *found : Json::array({*found})) {
    if (axis.is_number_integer()) axes.push_back(axis.get<int64_t>());
  }
  return axes;
}

std::optional<int64_t> input_rank_of(const Json& layer) {
  const auto build = layer.find("build_config");
  if (build == layer.end() || !build->is_object()) return std::nullopt;
  const auto shape = build->find("input_shape");
  if (shape == build->end() || !shape->is_array()) return std::nullopt;
  return static_cast<int64_t>(shape->size());
}

/// Keras's names for one function, in its versions and as an operation of a functional model.
std::string plain_activation(std::string name) {
  name = name.substr(name.find_last_of('.') + 1);
  if (name == "swish") return "silu";
  if (name == "hard_swish") return "hard_silu";
  if (name == "re_lu") return "relu";
  if (name == "leaky_re_lu") return "leaky_relu";
  if (name == "log_softmax_v2") return "log_softmax";
  return name;
}

std::string shortened(const Json& value) {
  constexpr size_t kMaxLength = 120;
  const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() <= kMaxLength ? text : text.substr(0, kMaxLength) + "...";
}

/// A layer that is nothing but an activation, or an operation of that name. None for other layers.
std::optional<KerasActivation> activation_of_layer(const std::string& kind, const Json& config) {
  const std::set<std::string> layers = {"re_lu", "leaky_re_lu", "elu", "p_re_lu", "softmax", "thresholded_re_lu"};
  const std::set<std::string> operations = {"relu",         "relu6",     "sigmoid",     "tanh",        "silu", "gelu",
                                            "leaky_relu",   "selu",      "softplus",    "softsign",    "celu", "mish",
                                            "hard_sigmoid", "hard_silu", "log_sigmoid", "log_softmax", "exp"};
  KerasActivation activation;
  std::string name = kind;
  if (kind == "tf_op_lambda") name = string_of(config, "function");
  activation.kind = plain_activation(name);
  if (layers.count(kind) == 0 && operations.count(activation.kind) == 0) return std::nullopt;
  activation.alpha = number_of(config, {"negative_slope", "alpha", "theta"});
  activation.max_value = number_of(config, {"max_value"});
  activation.threshold = number_of(config, {"threshold"}).value_or(0);
  if (!activation.alpha && kind == "leaky_re_lu") activation.alpha = 0.3;
  if (!activation.alpha && (kind == "elu" || kind == "celu")) activation.alpha = 1;
  if (kind == "re_lu" && activation.alpha == 0.0) activation.alpha.reset();
  activation.written = activation.kind + (activation.alpha ? " with " + shortened(*activation.alpha) : "") +
                       (activation.max_value ? " up to " + shortened(*activation.max_value) : "");
  return activation;
}

/// `activation` of a layer: a name, or a serialised function or layer.
KerasActivation read_activation(const Json& value) {
  KerasActivation activation{"linear", {}, {}, 0, "\"activation\": " + shortened(value)};
  if (value.is_null()) return activation;
  if (value.is_string()) {
    activation.kind = plain_activation(value.get<std::string>());
  } else if (value.is_object()) {
    const auto config = value.find("config");
    const std::string class_name = string_of(value, "class_name");
    if (config != value.end() && config->is_string()) {
      activation.kind = plain_activation(config->get<std::string>());
    } else {
      const Json inner = config != value.end() && config->is_object() ? *config : Json::object();
      const auto layer = activation_of_layer(snake_case(class_name), inner);
      activation.kind = class_name;
      if (layer) {
        const std::string written = activation.written;
        activation = *layer;
        activation.written = written;
      }
    }
    // "mine>relu" is a function of the user's own, whatever its name.
    if (string_of(value, "registered_name").find('>') != std::string::npos)
      activation.kind = string_of(value, "registered_name");
  }
  if (!activation.alpha && activation.kind == "leaky_relu")
    activation.alpha = 0.2;  // keras.activations.leaky_relu's default
  if (!activation.alpha && (activation.kind == "elu" || activation.kind == "celu")) activation.alpha = 1;
  if (activation.kind == "relu6") {
    activation.kind = "relu";
    activation.max_value = 6;
  }
  return activation;
}

bool is_preprocessing(const std::string& kind) {
  const std::set<std::string> kinds = {"string_lookup", "integer_lookup",    "hashing",        "discretization",
                                       "normalization", "category_encoding", "hashed_crossing"};
  return kinds.count(kind) != 0;
}

std::vector<KerasLayer> read_layers(const Json& model, size_t depth);

KerasLayer read_layer(const Json& object, size_t depth) {
  KerasLayer layer;
  layer.kind = snake_case(string_of(object, "class_name"));
  const auto config = object.find("config");
  if (config != object.end() && config->is_object()) {
    layer.name = string_of(*config, "name");
    layer.has_scale = flag_of(*config, "scale");
    layer.has_center = flag_of(*config, "center");
    layer.epsilon = number_of(*config, {"epsilon"});
    layer.axis = axis_of(*config);
    layer.use_bias = boolean_of(*config, "use_bias");
    layer.units = size_of(*config, "units");
    layer.input_dim = size_of(*config, "input_dim");
    layer.output_dim = size_of(*config, "output_dim");
    layer.mask_zero = boolean_of(*config, "mask_zero");
    layer.dtype = dtype_of(*config);
    if (is_preprocessing(layer.kind))
      layer.preprocessing = config->dump(-1, ' ', false, Json::error_handler_t::replace);
    const auto activation = config->find("activation");
    layer.activation = activation_of_layer(layer.kind, *config);
    layer.is_activation = layer.activation.has_value() || layer.kind == "activation";
    if (activation != config->end()) layer.activation = read_activation(*activation);
    layer.members = read_layers(object, depth + 1);
  }
  layer.input_rank = input_rank_of(object);
  if (layer.name.empty()) layer.name = string_of(object, "name");
  const auto nodes = object.find("inbound_nodes");
  if (nodes != object.end()) find_references(*nodes, layer.reads);
  return layer;
}

/// `layers` of a model. In a Sequential each reads the one before it.
std::vector<KerasLayer> read_layers(const Json& model, size_t depth) {
  constexpr size_t kMaxNestedModels = 8;
  std::vector<KerasLayer> layers;
  const auto config = model.find("config");
  if (depth > kMaxNestedModels || config == model.end() || !config->is_object()) return layers;
  const auto list = config->find("layers");
  if (list == config->end() || !list->is_array()) return layers;
  const bool sequential = string_of(model, "class_name") == "Sequential";
  for (const Json& object : *list) {
    if (!object.is_object()) continue;
    KerasLayer layer = read_layer(object, depth);
    if (sequential && layer.reads.empty() && !layers.empty()) layer.reads.push_back(layers.back().name);
    layers.push_back(std::move(layer));
  }
  return layers;
}

/// Keras names what it stores of a model inside a model by kind and number ("dense_1"), older versions by name.
const KerasLayer* find_member(const std::vector<KerasLayer>& layers, std::string_view name) {
  for (const KerasLayer& layer : layers) {
    if (layer.name == name) return &layer;
  }
  return nullptr;
}

bool is_passed_over(const KerasLayer& layer) {
  const std::set<std::string> kinds = {"dropout",  "gaussian_dropout",        "gaussian_noise",    "alpha_dropout",
                                       "identity", "activity_regularization", "spatial_dropout1_d"};
  return kinds.count(layer.kind) != 0;
}

bool is_element_by_element(const KerasLayer& layer) {
  return layer.kind == "batch_normalization" || layer.kind == "layer_normalization" || layer.is_activation;
}

/// Whether whatever reads `layer`, through changes of layout alone, takes products or sums of it.
bool ends_in_sums(const std::vector<KerasLayer>& layers, const KerasLayer& layer) {
  const std::set<std::string> sums = {"dense", "dot", "multiply", "matmul", "einsum"};
  const std::set<std::string> layouts = {"reshape",     "flatten", "repeat_vector", "permute",
                                         "expand_dims", "stack",   "concatenate"};
  std::set<std::string> passed = {layer.name};
  for (bool grew = true; grew;) {
    grew = false;
    for (const KerasLayer& reader : layers) {
      const bool reads = std::any_of(reader.reads.begin(), reader.reads.end(),
                                     [&](const std::string& name) { return passed.count(name) != 0; });
      if (!reads || sums.count(reader.kind) != 0) continue;
      if (layouts.count(reader.kind) == 0) return false;
      grew = passed.insert(reader.name).second || grew;
    }
  }
  return true;
}

}  // namespace

std::vector<KerasLayer> read_keras_config(std::string_view json) {
  const Json root = Json::parse(json, nullptr, false);
  if (!root.is_object()) return {};
  return read_layers(root, 0);
}

KerasPlace find_layer_of_tensor(const std::vector<KerasLayer>& layers, std::string_view tensor) {
  KerasPlace place;
  const std::vector<KerasLayer>* among = &layers;
  for (size_t slash = tensor.find('/'); slash != tensor.npos; slash = tensor.find('/')) {
    const KerasLayer* member = find_member(*among, tensor.substr(0, slash));
    tensor.remove_prefix(slash + 1);
    if (member == nullptr) return {};
    place = {among, member, among != &layers};
    among = &member->members;
  }
  return place.layer != nullptr && place.layer->members.empty() ? place : KerasPlace();
}

KerasChain chain_behind(const KerasPlace& place) {
  KerasChain chain;
  std::set<std::string> passed = {place.layer->name};
  for (const KerasLayer* last = place.layer;;) {
    std::vector<const KerasLayer*> readers;
    for (const KerasLayer& reader : *place.among) {
      if (std::find(reader.reads.begin(), reader.reads.end(), last->name) != reader.reads.end())
        readers.push_back(&reader);
    }
    const bool goes_on = readers.size() == 1 && (is_passed_over(*readers[0]) || is_element_by_element(*readers[0]));
    if (!goes_on || !passed.insert(readers[0]->name).second) {
      // What reads an inner model's output is outside of it.
      chain.complete = ends_in_sums(*place.among, *last) && !(place.in_member && readers.empty());
      return chain;
    }
    last = readers[0];
    if (!is_passed_over(*last)) chain.layers.push_back(last);
  }
}

std::string snake_case(std::string_view class_name) {
  const auto is_lower = [](char c) { return std::islower(static_cast<unsigned char>(c)) != 0; };
  const auto is_upper = [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; };
  std::string out;
  for (size_t i = 0; i < class_name.size(); ++i) {
    const char c = class_name[i];
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') continue;
    const bool after_lower = i > 0 && is_lower(class_name[i - 1]);
    const bool before_lower = i > 0 && i + 1 < class_name.size() && is_lower(class_name[i + 1]);
    if (is_upper(c) && (after_lower || before_lower)) out += '_';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

std::optional<size_t> automatic_number(std::string_view name, std::string_view kind) {
  if (kind.empty() || name.substr(0, kind.size()) != kind) return std::nullopt;
  if (name.size() == kind.size()) return 0;
  if (name[kind.size()] != '_') return std::nullopt;
  size_t number = 0;
  const char* const begin = name.data() + kind.size() + 1;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(begin, end, number);
  const bool whole = begin != end && error == std::errc() && stop == end && number > 0 && *begin != '0';
  return whole ? std::optional<size_t>(number) : std::nullopt;
}

std::string named_layer_after(const std::vector<KerasLayer>& layers, size_t index) {
  std::set<std::string> passed = {layers[index].name}, named;
  for (bool grew = true; grew;) {
    grew = false;
    for (const KerasLayer& layer : layers) {
      const bool reads = std::any_of(layer.reads.begin(), layer.reads.end(),
                                     [&](const std::string& name) { return passed.count(name) != 0; });
      if (!reads) continue;
      std::set<std::string>& found = automatic_number(layer.name, layer.kind) ? passed : named;
      grew = found.insert(layer.name).second || grew;
    }
  }
  return named.size() == 1 ? *named.begin() : "";
}

}  // namespace mmoe::converter
