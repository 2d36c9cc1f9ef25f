#include "converter/recipes/fuxictr.h"

#include <algorithm>

#include "converter/error.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text_file.h"

namespace mmoe::converter {

using nlohmann::json;

namespace {

constexpr const char* kPad = "__PAD__";
constexpr const char* kUnknown = "__OOV__";

json read_file(const Settings& settings, const char* key) {
  const std::filesystem::path path = settings.folder / settings.reader().get(key, "a file of FuxiCTR's").string();
  std::string text;
  try {
    text = tools::read_text_file(path);
  } catch (const tools::ToolError& error) {
    throw ConvertError(std::string(key) + ": " + error.what());
  }
  try {
    return parse_json(text);
  } catch (const ConvertError& error) {
    throw ConvertError(std::string(key) + ": " + path.string() + ": " + error.what());
  }
}

// The tokens in the order of their ids, which are 1, 2, ...; 0 is padding and the last one stands for what is unknown.
void add_vocabulary(json& feature, const JsonReader& tokens, const json& ids) {
  const int64_t unknown = tokens.get(kUnknown, "the id of unknown tokens").integer();
  json vocabulary = json::array();
  std::vector<std::pair<int64_t, std::string>> by_id;
  for (const auto& [token, id] : ids.items()) {
    if (token != kPad && token != kUnknown) by_id.emplace_back(tokens.get(token, "").integer(), token);
  }
  std::sort(by_id.begin(), by_id.end());
  for (const auto& [id, token] : by_id) {
    if (id != static_cast<int64_t>(vocabulary.size()) + 1) {
      tokens.fail("ids are 1, 2, ... without gaps, but \"" + token + "\" has " + std::to_string(id));
    }
    vocabulary.push_back(token);
  }
  feature["vocabulary"] = std::move(vocabulary);
  feature["first_id"] = 1;
  feature["unknown"] = {{"id", unknown}};
}

void add_given(json& feature, const json* given) {
  if (given == nullptr || !given->is_array()) return;
  for (const json& item : *given) {
    if (item.is_object() && item.value("name", json()) == feature["name"]) feature.update(item);
  }
}

// An encoder that is not there leaves the elements side by side. Padding is no element, whatever the vocabulary has for
// it.
void add_sequence(json& feature, const JsonReader& spec) {
  feature["length"] = spec.get("max_len", "the most elements").count();
  feature["padding_id"] = spec.find("padding_idx") ? json(spec.get("padding_idx", "").count()) : json();
  const auto encoder = spec.find("feature_encoder");
  if (!encoder || encoder->is_null()) {
    feature["pooling"] = "none";
    return;
  }
  const std::string text = encoder->is_string() ? encoder->string() : "";
  if (text != "layers.MaskedAveragePooling()" && text != "layers.MaskedSumPooling()")
    encoder->fail("is not supported: layers.MaskedAveragePooling() and layers.MaskedSumPooling() are");
  feature["pooling"] = text == "layers.MaskedSumPooling()" ? "sum" : "mean";
}

json read_feature(const std::string& name, const JsonReader& spec, const json* vocabularies) {
  const std::vector<std::string> kinds = {"numeric", "categorical", "sequence", "meta"};
  const std::string type = kinds[spec.get("type", "the kind of feature").choice(kinds)];
  for (const char* key : {"pretrained_emb", "feature_encoder"}) {
    const auto field = spec.find(key);
    const bool pools = type == "sequence" && std::string(key) == "feature_encoder";
    if (field && !field->is_null() && !pools)
      spec.fail(std::string("has `") + key + "`, which changes what the embedding is; not supported");
  }
  json feature = {{"name", name}};
  if (type == "meta") return nullptr;
  if (type == "numeric") {
    feature["kind"] = "dense";
    return feature;
  }
  feature["kind"] = type;
  if (type == "sequence") add_sequence(feature, spec);
  if (const auto shared = spec.find("share_embedding")) feature["shared_with"] = shared->string();
  if (vocabularies == nullptr) return feature;
  const JsonReader tokens = JsonReader(*vocabularies).get(name, "the vocabulary of a categorical feature");
  add_vocabulary(feature, tokens, (*vocabularies)[name]);
  return feature;
}

}  // namespace

json fuxictr_features(const Settings& settings) {
  const json map = read_file(settings, "feature_map");
  json vocabularies;
  const bool with_vocabularies = settings.find("feature_vocab") != nullptr;
  if (with_vocabularies) vocabularies = read_file(settings, "feature_vocab");
  json features = json::array();
  const JsonReader list = JsonReader(map).get("features", "FuxiCTR's list of features");
  size_t index = 0;
  for (const JsonReader& item : list.items()) {
    const json& entry = map["features"][index++];
    if (!item.is_object() || entry.size() != 1) item.fail_expected("one feature's name and what it is");
    const std::string name = entry.begin().key();
    json feature = read_feature(name, item.get(name, ""), with_vocabularies ? &vocabularies : nullptr);
    if (feature.is_null()) continue;
    add_given(feature, settings.find("features"));
    features.push_back(std::move(feature));
  }
  return features;
}

std::vector<std::string> fuxictr_labels(const Settings& settings) {
  const json map = read_file(settings, "feature_map");
  std::vector<std::string> labels;
  for (const JsonReader& item : JsonReader(map).get("labels", "FuxiCTR's list of labels").items()) {
    labels.push_back(item.string());
  }
  return labels;
}

}  // namespace mmoe::converter
