#include "converter/preprocessing/fuxictr_features.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "converter/error.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

namespace {

using nlohmann::json;

json open_json(const JsonReader& field, const std::string& name, const KeySources& sources) {
  if (!sources.open) field.fail("a description that is not in a file has none beside it");
  try {
    return parse_json(sources.open(name).bytes);
  } catch (const ConvertError& error) {
    field.fail(error.what());
  }
}

/// The map's features, and what the entry says of them.
class FuxictrDescriber {
 public:
  FuxictrDescriber(const JsonReader& entry, const KeySources& sources, const FindTensor& find_tensor)
      : entry_(entry), sources_(sources), find_tensor_(find_tensor), map_name_(entry.get("fuxictr", "")) {
    map_ = open_json(map_name_, map_name_.string(), sources);
    const JsonReader map(map_, map_name_.string());
    for (const JsonReader& item : map.get("features", "the features of a feature_map.json").items()) {
      const std::vector<std::string> names = item.keys();
      if (names.size() != 1) item.fail_expected("one feature");
      const JsonReader spec = item.get(names.front(), "");
      if (spec.get("type", "the feature's type").text() == "meta") continue;
      features_.emplace_back(names.front(), spec);
    }
    if (const auto columns = entry.find("columns")) select(*columns);
    if (const auto side = entry.find("side")) read_sides(*side);
    if (const auto scales = entry.find("scale")) check_names(*scales);
  }

  std::vector<MadeFeature> describe() {
    std::vector<MadeFeature> made;
    for (const auto& [name, spec] : features_) made.push_back({name, feature(name, spec)});
    if (made.empty()) map_name_.fail("it has no features");
    return made;
  }

 private:
  bool has(const std::string& name) const {
    return std::any_of(features_.begin(), features_.end(), [&](const auto& feature) { return feature.first == name; });
  }

  std::string known(const JsonReader& name) const {
    if (!has(name.string())) name.fail_expected("a feature of the map");
    return name.string();
  }

  void check_names(const JsonReader& object) const {
    for (const std::string& name : object.keys()) {
      if (!has(name)) object.get(name, "").fail("no feature of the map is named so");
    }
  }

  void select(const JsonReader& list) {
    std::set<std::string> wanted;
    for (const JsonReader& item : list.items()) wanted.insert(known(item));
    const auto left_out = [&](const auto& feature) { return wanted.count(feature.first) == 0; };
    features_.erase(std::remove_if(features_.begin(), features_.end(), left_out), features_.end());
  }

  void read_sides(const JsonReader& field) {
    if (!field.is_object()) {
      for (const auto& feature : features_) sides_[feature.first] = field.string();
      return;
    }
    field.allow_keys({"user", "item", "context"});
    for (const std::string& side : field.keys()) {
      for (const JsonReader& item : field.get(side, "").items()) sides_[known(item)] = side;
    }
  }

  // Its own, or that of the feature whose embedding it shares.
  std::string table_of(const std::string& name, const JsonReader& spec) const {
    const auto shares = spec.find("share_embedding");
    const std::string& owner = shares ? shares->string() : name;
    const auto pattern = entry_.find("embedding");
    if (!pattern) return find_tensor_(spec, "embedding_layers." + owner + ".weight");
    std::string table = pattern->string();
    const std::string placeholder = "{column}";
    const size_t at = table.find(placeholder);
    if (at == table.npos) pattern->fail_expected("{column} in the name");
    return table.replace(at, placeholder.size(), owner);
  }

  json feature(const std::string& name, const JsonReader& spec) {
    json out = {{"name", name}};
    if (const auto side = sides_.find(name); side != sides_.end()) out["side"] = side->second;
    for (const char* key : {"pretrained_emb", "category_processor", "emb_output_dim"}) {
      if (const auto field = spec.find(key)) field->fail("is not supported");
    }
    const JsonReader type = spec.get("type", "");
    switch (type.choice({"numeric", "categorical", "sequence"})) {
      case 0: add_number(name, spec, out); break;
      case 1:
        out["kind"] = "categorical";
        if (const auto encoder = spec.find("feature_encoder"); encoder && !encoder->is_null()) {
          encoder->fail("of a category it is not supported");
        }
        add_keys(name, spec, out);
        break;
      default:
        out["kind"] = "sequence";
        out["length"] = spec.get("max_len", "the most elements").count();
        out["pooling"] = pooling_of(spec);
        add_keys(name, spec, out);
        // Elements that are padding are no elements, whatever the vocabulary has for them.
        out["padding_id"] = spec.find("padding_idx") ? json(spec.get("padding_idx", "").count()) : json();
    }
    return out;
  }

  // An encoder that is not there leaves the elements side by side.
  static std::string pooling_of(const JsonReader& spec) {
    const auto encoder = spec.find("feature_encoder");
    if (!encoder || encoder->is_null()) return "none";
    const std::vector<JsonReader> parts = encoder->items_or_self();
    const std::string text = parts.size() == 1 ? parts.front().text() : "";
    if (text == "layers.MaskedAveragePooling()") return "mean";
    if (text == "layers.MaskedSumPooling()") return "sum";
    encoder->fail("is not supported: layers.MaskedAveragePooling() and layers.MaskedSumPooling() are");
  }

  // A number multiplies a vector that training has learned.
  void add_number(const std::string& name, const JsonReader& spec, json& out) const {
    if (const auto encoder = spec.find("feature_encoder"); encoder && !encoder->is_null()) {
      encoder->fail("of a number it is not supported");
    }
    out["kind"] = "dense";
    out["missing"] = 0;
    const auto scales = entry_.find("scale");
    if (const auto scale = scales ? scales->find(name) : std::nullopt) out["scale"] = scale->copy();
    out["projection"] = {{"weight", table_of(name, spec)}};
  }

  const json& vocabularies() {
    if (vocabularies_.is_null()) {
      const auto given = entry_.find("vocabulary");
      const std::string map = map_name_.string();
      const size_t slash = map.rfind('/');
      const std::string beside = (slash == map.npos ? "" : map.substr(0, slash + 1)) + "feature_vocab.json";
      vocabularies_ = open_json(given ? *given : map_name_, given ? given->string() : beside, sources_);
    }
    return vocabularies_;
  }

  // Texts, or whole numbers where every key is one as Python writes it.
  void add_keys(const std::string& name, const JsonReader& spec, json& out) {
    const JsonReader vocabulary =
        JsonReader(vocabularies(), "feature_vocab").get(name, "the keys of a feature of the map");
    const size_t other = vocabulary.get("__OOV__", "the id of unknown values").count();
    json texts = json::array(), integers = json::array(), ids = json::array();
    for (const std::string& key : vocabulary.keys()) {
      if (key == "__PAD__" || key == "__OOV__") continue;
      texts.push_back(key);
      int64_t value = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), value);
      if (error == std::errc() && end == key.data() + key.size() && std::to_string(value) == key) {
        integers.push_back(value);
      }
      ids.push_back(vocabulary.get(key, "").count());
    }
    if (texts.empty()) vocabulary.fail_expected("keys beside __PAD__ and __OOV__");
    const auto size = spec.find("vocab_size");
    for (const json& id : ids) {
      if (size && id.get<size_t>() >= size->count()) vocabulary.fail("has ids beyond the map's vocab_size");
    }
    out["vocabulary"] = integers.size() == texts.size() ? std::move(integers) : std::move(texts);
    out["ids"] = std::move(ids);
    out["unknown"] = {{"id", other}};
    out["embedding"] = table_of(name, spec);
  }

  const JsonReader& entry_;
  const KeySources& sources_;
  const FindTensor& find_tensor_;
  JsonReader map_name_;
  json map_, vocabularies_;
  std::vector<std::pair<std::string, JsonReader>> features_;
  std::map<std::string, std::string> sides_;
};

}  // namespace

std::vector<MadeFeature> describe_fuxictr(const JsonReader& entry, const KeySources& sources,
                                          const FindTensor& find_tensor) {
  entry.allow_keys({"fuxictr", "vocabulary", "columns", "side", "embedding", "scale"});
  return FuxictrDescriber(entry, sources, find_tensor).describe();
}

}  // namespace mmoe::converter
