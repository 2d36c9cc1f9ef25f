#include "converter/preprocessing/keras_preprocessing.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "converter/importers/keras_config.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

namespace {

using nlohmann::json;

/// The parts of a feature that a layer states.
using Fields = std::vector<std::pair<std::string, json>>;

const KerasLayer& find_layer(const JsonReader& name, const TensorIndex& tensors) {
  std::vector<std::string> known;
  for (const KerasLayer& layer : tensors.keras_layers()) {
    if (layer.preprocessing.empty()) continue;
    if (layer.name == name.string()) return layer;
    known.push_back(layer.name);
  }
  if (known.empty())
    name.fail("the file describes no preprocessing layers: .keras files do that have them in the model");
  name.fail_expected("a preprocessing layer of the model: " + join(known));
}

json integer_of(const std::string& token, const JsonReader& name) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc() || end != token.data() + token.size()) {
    name.fail("its vocabulary has " + join({token}) + ", expected a whole number");
  }
  return value;
}

std::vector<json> tokens_of(const KerasLayer& layer, const JsonReader& config, const JsonReader& name) {
  std::vector<json> tokens;
  if (layer.vocabulary) {
    const std::string& text = *layer.vocabulary;
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      const std::string token = text.substr(begin, end - begin);
      tokens.push_back(layer.kind == "integer_lookup" ? integer_of(token, name) : json(token));
      begin = end + 1;
    }
    return tokens;
  }
  const auto list = config.find("vocabulary");
  if (!list || !list->is_array()) name.fail("the file does not have its vocabulary; save the model as .keras");
  for (const JsonReader& item : list->items()) {
    tokens.push_back(layer.kind == "integer_lookup" ? json(item.integer()) : json(item.text()));
  }
  return tokens;
}

void refuse(const JsonReader& config, const char* key, const std::string& why) {
  const auto field = config.find(key);
  if (field && !field->is_null() && !(field->is_boolean() && !field->is_true())) field->fail(why);
}

/// Ids: the mask's, where it has one, those of unknown values, then those of the tokens.
Fields lookup_fields(const KerasLayer& layer, const JsonReader& config, const JsonReader& name) {
  refuse(config, "invert", "it gives texts for ids, which is not supported");
  const JsonReader mode = config.get("output_mode", "");
  const bool ids = mode.choice({"int", "one_hot", "multi_hot", "count"}) == 0;
  const auto mask = config.find("mask_token");
  const bool masks = mask && !mask->is_null();
  if (masks && !ids) mask->fail("a mask of columns is not supported");
  const size_t unknown = config.get("num_oov_indices", "").count();
  std::vector<json> tokens = tokens_of(layer, config, name), keys, special;
  if (masks) special.push_back(mask->copy());
  for (size_t i = 0; i < unknown; ++i) special.push_back(config.get("oov_token", "").copy());
  const size_t first = special.size();
  if (tokens.size() >= first && std::equal(special.begin(), special.end(), tokens.begin())) {
    tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(first));
  }
  std::vector<size_t> numbers;
  if (masks) {
    keys.push_back(special.front());
    numbers.push_back(0);
  }
  for (size_t i = 0; i < tokens.size(); ++i) {
    keys.push_back(std::move(tokens[i]));
    numbers.push_back(first + i);
  }
  Fields fields = {{"vocabulary", std::move(keys)}, {"ids", std::move(numbers)}};
  if (unknown == 1) fields.push_back({"unknown", {{"id", first - 1}}});
  // One of several ids: by the hash of a text, or by the rest of an integer.
  if (unknown > 1) fields.push_back({"unknown", {{"buckets", unknown}, {"first_id", masks ? 1 : 0}}});
  return fields;
}

/// FarmHash64, or with a salt, of one number or two, SipHash. The first bucket is the mask's, where it has one.
Fields hashing_fields(const JsonReader& config) {
  json vocabulary = {{"hash", "farmhash64"}};
  if (const auto salt = config.find("salt"); salt && !salt->is_null()) {
    const std::vector<JsonReader> halves = salt->items_or_self();
    vocabulary = {{"hash", "siphash24"}, {"key", {halves.front().count(), halves.back().count()}}};
  }
  const JsonReader bins = config.get("num_bins", "");
  const auto mask = config.find("mask_value");
  vocabulary["buckets"] = bins.count();
  if (!mask || mask->is_null()) return {{"vocabulary", std::move(vocabulary)}};
  if (bins.count() < 2) bins.fail_expected("2 or more, with a mask");
  vocabulary["buckets"] = bins.count() - 1;
  vocabulary["mask"] = mask->copy();
  return {{"vocabulary", std::move(vocabulary)}, {"first_id", 1}, {"unknown", {{"id", 0}}}};
}

Fields vocabulary_fields(const KerasLayer& layer, const JsonReader& config, const JsonReader& field) {
  const JsonReader name = field.get("keras_layer", "");
  const auto columns = field.find("columns");
  if (layer.kind == "hashed_crossing") {
    const json crossed = field.get("columns", "the columns that it crosses, as `cross` has them").copy();
    return {{"vocabulary", {{"cross", crossed}, {"buckets", config.get("num_bins", "").count()}}}};
  }
  if (columns) columns->fail("only for a HashedCrossing");
  if (layer.kind == "string_lookup" || layer.kind == "integer_lookup") return lookup_fields(layer, config, name);
  if (layer.kind == "hashing") return hashing_fields(config);
  if (layer.kind != "discretization")
    name.fail("is no StringLookup, IntegerLookup, Hashing, HashedCrossing or Discretization");
  return {{"vocabulary", {{"bounds", config.get("bin_boundaries", "").copy()}, {"side", "right"}}}};
}

void flatten(const json& value, std::vector<double>& numbers) {
  if (value.is_number()) numbers.push_back(value.get<double>());
  if (!value.is_array()) return;
  for (const json& item : value) flatten(item, numbers);
}

/// What the layer was made with, or else has learned.
std::vector<double> statistics(const KerasLayer& layer, const JsonReader& config, const std::string& which,
                               const JsonReader& name, TensorIndex& tensors) {
  std::vector<double> numbers;
  if (const auto given = config.find(which); given && !given->is_null()) {
    flatten(given->copy(), numbers);
    return numbers;
  }
  const std::optional<size_t> tensor = tensors.find(layer.name + "/" + which);
  if (!tensor) name.fail("the file does not have its " + which);
  for (const float value : tensors.read(*tensor)) numbers.push_back(value);
  if (const auto count = tensors.find(layer.name + "/count")) tensors.use(*count);
  return numbers;
}

/// (v - mean) / max(sqrt(variance), epsilon), in floats.
Fields scale_fields(const KerasLayer& layer, const JsonReader& config, const JsonReader& field, TensorIndex& tensors) {
  constexpr float kEpsilon = 1e-7f;  // keras.backend.epsilon()
  const JsonReader name = field.get("keras_layer", "");
  if (layer.kind != "normalization") name.fail("is no Normalization");
  refuse(config, "invert", "it undoes a normalisation, which is not supported");
  const std::vector<double> means = statistics(layer, config, "mean", name, tensors);
  const std::vector<double> variances = statistics(layer, config, "variance", name, tensors);
  if (means.empty() || means.size() != variances.size()) name.fail("its mean and variance differ in length");
  const auto index = field.find("index");
  if (!index && means.size() != 1) {
    field.fail("the layer has " + std::to_string(means.size()) + " columns; say which by `index`, from 0 on");
  }
  const size_t column = index ? index->count(means.size() - 1) : 0;
  const auto variance = static_cast<float>(variances[column]);
  if (!(variance >= 0)) name.fail("its variance is negative");
  return {{"scale", {{"mean", means[column]}, {"std", std::max(std::sqrt(variance), kEpsilon)}}}};
}

Fields table_fields(const KerasLayer& layer, const JsonReader& config, const JsonReader& name) {
  if (layer.kind != "category_encoding") name.fail("is no CategoryEncoding");
  config.get("output_mode", "").choice({"one_hot", "multi_hot", "count"});
  return {{"embedding", {{"one_hot", config.get("num_tokens", "").count()}}}};
}

Fields fields_of(const std::string& key, const JsonReader& field, TensorIndex& tensors) {
  std::vector<std::string> known = {"keras_layer"};
  if (key != "embedding") known.emplace_back(key == "scale" ? "index" : "columns");
  field.allow_keys(known);
  const JsonReader name = field.get("keras_layer", "");
  const KerasLayer& layer = find_layer(name, tensors);
  const json document = parse_json(layer.preprocessing);
  const JsonReader config(document, name.path() + " (" + layer.name + ")");
  if (key == "vocabulary") return vocabulary_fields(layer, config, field);
  return key == "scale" ? scale_fields(layer, config, field, tensors) : table_fields(layer, config, name);
}

}  // namespace

std::optional<json> resolve_keras_layers(const JsonReader& feature, TensorIndex& tensors) {
  std::optional<json> resolved;
  for (const char* key : {"vocabulary", "scale", "embedding"}) {
    const auto field = feature.find(key);
    if (!field || !field->is_object() || !field->find("keras_layer")) continue;
    if (!resolved) resolved = feature.copy();
    for (auto& [name, value] : fields_of(key, *field, tensors)) {
      if (const auto said = feature.find(name); said && name != key) said->fail("the layer of Keras says it");
      (*resolved)[name] = std::move(value);
    }
  }
  return resolved;
}

}  // namespace mmoe::converter
