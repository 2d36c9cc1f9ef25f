#include "converter/preprocessing/easyrec_features.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "converter/reading/text.h"

namespace mmoe::converter {

namespace {

using nlohmann::json;

std::string text_at(const JsonReader& feature, const char* key, const std::string& otherwise) {
  const auto field = feature.find(key);
  return field ? field->text() : otherwise;
}

size_t count_at(const JsonReader& feature, const char* key, size_t otherwise) {
  const auto field = feature.find(key);
  return field ? field->count() : otherwise;
}

bool true_at(const JsonReader& feature, const char* key) {
  const auto field = feature.find(key);
  return field && field->boolean();
}

/// Where a value comes from: "user:age".
struct Input {
  std::string side, column;
};

// What TorchEasyRec calls context belongs to an item: how it was recalled, for example.
Input input_of(const JsonReader& expression) {
  const std::string text = expression.string();
  const size_t colon = text.find(':');
  const std::string side = text.substr(0, colon);
  if (colon == text.npos || colon + 1 == text.size()) expression.fail_expected("a side and a column, as in user:age");
  if (side == "feature" || side == "const") {
    expression.fail("an input that is another feature or a constant is not supported");
  }
  if (side != "user" && side != "item" && side != "context") expression.fail_expected("a side: user, item or context");
  return {side == "user" ? "user" : "item", text.substr(colon + 1)};
}

std::vector<Input> inputs_of(const JsonReader& feature) {
  const auto expression = feature.find("expression");
  std::vector<Input> inputs;
  if (!expression) return {{"item", text_at(feature, "feature_name", "")}};  // of rows that are encoded already
  for (const JsonReader& item : expression->items_or_self()) inputs.push_back(input_of(item));
  return inputs;
}

std::string side_of(const std::vector<Input>& inputs) {
  const bool user = std::all_of(inputs.begin(), inputs.end(), [](const Input& input) { return input.side == "user"; });
  return user ? "user" : "item";
}

/// A list of keys, or a file, with their ids.
struct Words {
  json vocabulary;
  std::vector<size_t> ids;  // empty: 0, 1, ... from `first` on
  size_t first = 0;
  std::optional<size_t> other;  // the id of what is no key

  std::optional<size_t> find(const std::string& word) const {
    const auto found = std::find(vocabulary.begin(), vocabulary.end(), json(word));
    if (found == vocabulary.end()) return std::nullopt;
    const auto place = static_cast<size_t>(found - vocabulary.begin());
    return ids.empty() ? first + place : ids[place];
  }
};

class EasyRecDescriber {
 public:
  EasyRecDescriber(const JsonReader& entry, bool encoded, KeySources& sources, const FindTensor& find_tensor)
      : entry_(entry), encoded_(encoded), sources_(sources), find_tensor_(find_tensor) {
    if (const auto hash = entry.find("hash")) farmhash_ = hash->choice({"std", "farmhash64"}) == 1;
    if (const auto lengths = entry.find("lengths")) {
      for (const std::string& name : lengths->keys()) lengths_[name] = lengths->get(name, "").count();
    }
  }

  /// `feature`: {"id_feature": {...}}. Of sequences several.
  void add(const JsonReader& feature, std::map<std::string, MadeFeature>& made, std::vector<std::string>& order);

  /// That each length is of a feature there is.
  void check_lengths(const std::map<std::string, MadeFeature>& made) const {
    for (const auto& [name, length] : lengths_) {
      if (made.count(name) == 0) entry_.get("lengths", "").get(name, "").fail("no feature of the configuration");
    }
  }

  void set_suffix(std::string suffix) { suffix_ = std::move(suffix); }

 private:
  json id_feature(const JsonReader& feature, const std::string& kind);
  json raw_feature(const JsonReader& feature);
  void sequence(const JsonReader& sequence, std::map<std::string, MadeFeature>& made, std::vector<std::string>& order);
  void keep_elements(const JsonReader& from, json& feature, size_t length) const;

  void add_vocabulary(const JsonReader& feature, const std::vector<Input>& inputs, json& out);
  void add_encoded(const JsonReader& feature, json& out) const;
  void add_words(const JsonReader& feature, const std::vector<Input>& inputs, json& out);
  Words words_of(const JsonReader& feature);
  Words words_of_file(const JsonReader& feature);
  void add_bins(const JsonReader& feature, json& out) const;
  void add_number(const JsonReader& feature, json& out) const;
  void add_table(const JsonReader& feature, json& out);
  void refuse_unsupported(const JsonReader& feature) const;

  const JsonReader& entry_;
  bool encoded_;
  bool farmhash_ = false;
  KeySources& sources_;
  const FindTensor& find_tensor_;
  std::map<std::string, size_t> lengths_;
  std::string suffix_;
};

void EasyRecDescriber::refuse_unsupported(const JsonReader& feature) const {
  for (const char* key : {"zch", "dynamicemb", "autodis", "mlp"}) {
    if (const auto field = feature.find(key)) field->fail("is not supported");
  }
  for (const char* key : {"weighted", "stub_type"}) {
    if (true_at(feature, key)) feature.get(key, "").fail("is not supported");
  }
}

// The table's name is that of the feature, unless features share one.
void EasyRecDescriber::add_table(const JsonReader& feature, json& out) {
  std::string table = text_at(feature, "embedding_name", text_at(feature, "feature_name", "") + "_emb");
  if (!suffix_.empty()) table += "_" + suffix_;
  const auto pattern = entry_.find("embedding");
  if (pattern) {
    std::string name = pattern->string();
    const std::string placeholder = "{table}";
    const size_t at = name.find(placeholder);
    if (at == name.npos) pattern->fail_expected("{table} in the name");
    out["embedding"] = name.replace(at, placeholder.size(), table);
  } else {
    out["embedding"] = find_tensor_(feature, "." + table + ".weight");
  }
  if (const auto width = feature.find("embedding_dim")) out["embedding_width"] = width->count();
}

Words EasyRecDescriber::words_of_file(const JsonReader& feature) {
  const JsonReader name = feature.get("vocab_file", "");
  feature.get("default_bucketize_value", "the id of what is not in the file, which TorchEasyRec requires");
  if (!sources_.open) name.fail("a description that is not in a file has none beside it");
  const std::string folder = text_at(feature, "asset_dir", "");
  const SharedBytes file = sources_.open(folder.empty() ? name.string() : folder + "/" + name.string());
  Words words;
  words.vocabulary = json::array();
  constexpr std::string_view kBlanks = " \t\r\v\f";
  std::string_view left = file.bytes;
  size_t line = 0;
  while (!left.empty()) {
    const size_t end = std::min(left.find('\n'), left.size());
    std::string_view text = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    ++line;
    const size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
    text = text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
    const std::string where = "line " + std::to_string(line);
    if (text.empty()) name.fail(where + " is empty");
    const size_t blank = text.find_first_of(kBlanks);
    words.vocabulary.push_back(std::string(text.substr(0, blank)));
    if ((blank != text.npos) != (!words.ids.empty()) && line != 1)
      name.fail(where + ": some lines have ids, some none");
    if (blank == text.npos) continue;
    const std::string_view number = text.substr(text.find_first_not_of(kBlanks, blank));
    size_t id = 0;
    const auto [at, error] = std::from_chars(number.data(), number.data() + number.size(), id);
    if (error != std::errc() || at != number.data() + number.size()) name.fail(where + ": expected a word and its id");
    words.ids.push_back(id);
  }
  return words;
}

// Without default_bucketize_value, 0 is the id of the default value and 1 that of unknown ones.
Words EasyRecDescriber::words_of(const JsonReader& feature) {
  const auto list = feature.find("vocab_list"), dict = feature.find("vocab_dict");
  const auto other = feature.find("default_bucketize_value");
  const std::string missing = text_at(feature, "default_value", "");
  Words words;
  if (list) {
    words.vocabulary = list->copy();
    words.first = other ? 0 : 2;
    if (!other) {
      for (const auto& [text, id] : {std::pair<std::string, size_t>(missing, 0), {"<OOV>", 1}}) {
        if (words.find(text) || (id == 0 && text.empty())) continue;
        if (words.ids.empty()) {
          for (size_t i = 0; i < words.vocabulary.size(); ++i) words.ids.push_back(words.first + i);
        }
        words.vocabulary.push_back(text);
        words.ids.push_back(id);
      }
    }
  } else if (dict) {
    words.vocabulary = json::array();
    for (const std::string& key : dict->keys()) {
      words.vocabulary.push_back(key);
      words.ids.push_back(!other && !missing.empty() && key == missing ? 0 : dict->get(key, "").count());
    }
    if (!other && !missing.empty() && !words.find(missing)) {
      words.vocabulary.push_back(missing);
      words.ids.push_back(0);
    }
  } else {
    words = words_of_file(feature);
  }
  words.other = other ? other->count() : 1;
  return words;
}

// An empty value is a missing one: it has the id of the default value, or without one a zero embedding.
void EasyRecDescriber::add_words(const JsonReader& feature, const std::vector<Input>& inputs, json& out) {
  const Words words = words_of(feature);
  const std::string missing = text_at(feature, "default_value", "");
  json& vocabulary = out["vocabulary"];
  vocabulary = words.vocabulary;
  if (inputs.size() > 1) {
    json columns = json::array();
    for (const Input& input : inputs) columns.push_back(input.column);
    vocabulary = {{"list", words.vocabulary}, {"join", columns}, {"separator", "_"}, {"mask", ""}};
  }
  if (words.ids.empty()) {
    out["first_id"] = words.first;
  } else {
    out["ids"] = words.ids;
  }
  out["unknown"] = {{"buckets", 1}, {"first_id", *words.other}, {"mask", ""}};
  out["missing"] = missing.empty() ? json("zero") : json({{"id", words.find(missing).value_or(*words.other)}});
}

constexpr uint64_t kStdSeed = 0xc70f6907;  // of std::hash of libstdc++

void EasyRecDescriber::add_vocabulary(const JsonReader& feature, const std::vector<Input>& inputs, json& out) {
  const auto buckets = feature.find("hash_bucket_size"), ids = feature.find("num_buckets");
  const std::string missing = text_at(feature, "default_value", "");
  const bool has_words = feature.find("vocab_list") || feature.find("vocab_dict") || feature.find("vocab_file");
  if (int{buckets.has_value()} + int{ids.has_value()} + int{has_words} != 1) {
    feature.fail("expected one of hash_bucket_size, num_buckets, vocab_list, vocab_dict and vocab_file");
  }
  if (has_words) return add_words(feature, inputs, out);
  if (buckets) {
    if (!missing.empty()) {
      feature.get("default_value", "").fail("a default value that is hashed is not supported; fill the rows with it");
    }
    json vocabulary = {{"hash", farmhash_ ? "farmhash64" : "murmur64"}, {"buckets", buckets->count()}, {"mask", ""}};
    if (!farmhash_) vocabulary["seed"] = kStdSeed;
    if (inputs.size() > 1) {
      for (const Input& input : inputs) vocabulary["join"].push_back(input.column);
      vocabulary["separator"] = "_";
    }
    out["vocabulary"] = vocabulary;
    out["unknown"] = "zero";
    return;
  }
  out["vocabulary"] = {{"identity", ids->count()}};
  out["unknown"] = "zero";
  if (missing.empty()) return;
  size_t id = 0;
  const auto [end, error] = std::from_chars(missing.data(), missing.data() + missing.size(), id);
  const bool fits = error == std::errc() && end == missing.data() + missing.size() && id < ids->count();
  if (!fits) feature.get("default_value", "").fail_expected("an id below num_buckets");
  out["unknown"] = {{"id", id}};
}

// The elements of a sequence side by side.
void EasyRecDescriber::keep_elements(const JsonReader& from, json& feature, size_t length) const {
  if (length == 0) from.fail("sequence_length: missing: the most elements of a row");
  feature["kind"] = "sequence";
  feature["length"] = length;
  feature["pooling"] = "none";
}

json EasyRecDescriber::id_feature(const JsonReader& feature, const std::string& kind) {
  refuse_unsupported(feature);
  const std::string name = feature.get("feature_name", "the feature's name").string();
  const std::vector<Input> inputs = inputs_of(feature);
  if (kind == "combo_feature" && !encoded_ && inputs.size() < 2) {
    feature.get("expression", "").fail_expected("two columns or more");
  }
  json out = {{"name", name}, {"kind", "categorical"}, {"side", side_of(inputs)}};
  const bool combines = inputs.size() > 1 && !encoded_;
  if (!combines && inputs.front().column != name && !encoded_) out["column"] = inputs.front().column;
  if (encoded_) {
    add_encoded(feature, out);
  } else {
    add_vocabulary(feature, inputs, out);
  }
  if (const auto length = lengths_.find(name); length != lengths_.end()) {
    if (combines) feature.fail("combinations of several values (lengths) are not supported");
    out["kind"] = "sequence";
    out["length"] = length->second;
    out["pooling"] = text_at(feature, "pooling", "sum");
  }
  add_table(feature, out);
  return out;
}

// Of rows that have ids already (fg_mode: FG_NONE).
void EasyRecDescriber::add_encoded(const JsonReader& feature, json& out) const {
  size_t ids = count_at(feature, "hash_bucket_size", count_at(feature, "num_buckets", 0));
  const bool reserved = !feature.find("default_bucketize_value");
  if (const auto list = feature.find("vocab_list")) ids = list->items().size() + (reserved ? 2 : 0);
  if (const auto bounds = feature.find("boundaries")) ids = bounds->items().size() + 1;
  if (const auto dict = feature.find("vocab_dict")) {
    for (const std::string& key : dict->keys()) ids = std::max(ids, dict->get(key, "").count() + 1);
  }
  if (ids == 0) feature.fail("expected hash_bucket_size, num_buckets, vocab_list, vocab_dict or boundaries");
  out["vocabulary"] = {{"identity", ids}};
  const auto missing = feature.find("fg_encoded_default_value");
  out["unknown"] = "zero";
  if (!missing || missing->text().empty()) return;
  size_t id = 0;
  const std::string text = missing->text();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id >= ids) missing->fail_expected("one id");
  out["unknown"] = {{"id", id}};
}

double number_of(const JsonReader& field, const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    field.fail_expected("a number instead of \"" + text + "\"");
  }
  return value;
}

// "method=zscore,mean=0.0,standard_deviation=10.0"
std::map<std::string, std::string> parameters_of(const JsonReader& normalizer) {
  std::map<std::string, std::string> parameters;
  const std::string text = normalizer.text();
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size()), equal = text.find('=', begin);
    if (equal >= end) normalizer.fail_expected("method=..., and its parameters");
    parameters[text.substr(begin, equal - begin)] = text.substr(equal + 1, end - equal - 1);
    begin = end + 1;
  }
  return parameters;
}

/// A default value is that of the normalised number: what becomes it is its place among raw ones.
struct Normalised {
  json fields;
  double offset = 0, factor = 1;
  bool log10 = false;

  double raw_of(double value) const { return log10 ? std::pow(10, value) : value / factor + offset; }
};

Normalised normalise(const JsonReader& field) {
  std::map<std::string, std::string> parameters = parameters_of(field);
  const auto get = [&](const std::string& key) {
    if (parameters.count(key) == 0) field.fail("missing: " + key);
    return number_of(field, parameters[key]);
  };
  Normalised out;
  if (const std::string method = parameters["method"]; method == "zscore") {
    out.offset = get("mean");
    out.factor = 1 / get("standard_deviation");
  } else if (method == "minmax") {
    out.offset = get("min");
    out.factor = 1 / (get("max") - out.offset);
  } else if (method == "log10") {
    // What is not above the threshold is replaced: the same as raising it to the threshold, of which this is the log.
    const double threshold = parameters.count("threshold") != 0 ? get("threshold") : 1e-10;
    const double low = parameters.count("default") != 0 ? get("default") : -10;
    if (!(threshold > 0) || std::abs(std::log10(threshold) - low) > 1e-6 * std::abs(low)) {
      field.fail("`default` is not the logarithm of `threshold`, which is not supported");
    }
    out.log10 = true;
    out.fields = {{"clip", {threshold, nullptr}}, {"function", "log10"}};
    return out;
  } else {
    field.fail("method=" + method + " is not supported: log10, zscore and minmax are");
  }
  if (!std::isfinite(out.factor)) field.fail("its range is 0");
  out.fields = {{"scale", {{"offset", out.offset}, {"factor", out.factor}}}};
  return out;
}

void EasyRecDescriber::add_number(const JsonReader& feature, json& out) const {
  out["kind"] = "dense";
  if (const size_t width = count_at(feature, "value_dim", 1); width != 1) out["width"] = width;
  const auto normalizer = feature.find("normalizer");
  Normalised normalised;
  if (normalizer && !encoded_ && !normalizer->text().empty()) normalised = normalise(*normalizer);
  for (const auto& [key, value] : normalised.fields.items()) out[key] = value;
  const std::string missing = text_at(feature, encoded_ ? "fg_encoded_default_value" : "default_value", "0");
  if (missing.empty()) return;
  const JsonReader field = feature.find("default_value").value_or(feature);
  const double value = number_of(field, missing), raw = normalised.raw_of(value);
  if (normalised.log10 && raw < normalised.fields["clip"][0].get<double>()) {
    field.fail("is below the normalizer's default, which is not supported");
  }
  out["missing"] = raw;
}

// A value that equals a boundary is in the bin above it.
void EasyRecDescriber::add_bins(const JsonReader& feature, json& out) const {
  const auto normalizer = feature.find("normalizer");
  if (normalizer && !normalizer->text().empty()) normalizer->fail("with boundaries it is not supported");
  if (count_at(feature, "value_dim", 1) != 1) feature.get("value_dim", "").fail("with boundaries only 1 is supported");
  const JsonReader bounds = feature.get("boundaries", "");
  out["kind"] = "categorical";
  out["vocabulary"] = {{"bounds", bounds.copy()}, {"side", "right"}};
  const std::string missing = text_at(feature, "default_value", "0");
  out["unknown"] = "zero";
  if (missing.empty()) return;
  const auto value = static_cast<float>(number_of(feature.find("default_value").value_or(feature), missing));
  size_t id = 0;
  for (const JsonReader& bound : bounds.items()) id += bound.real() <= value ? 1 : 0;
  out["unknown"] = {{"id", id}};
}

json EasyRecDescriber::raw_feature(const JsonReader& feature) {
  refuse_unsupported(feature);
  const std::string name = feature.get("feature_name", "the feature's name").string();
  const std::vector<Input> inputs = inputs_of(feature);
  json out = {{"name", name}, {"side", side_of(inputs)}};
  if (inputs.front().column != name && !encoded_) out["column"] = inputs.front().column;
  if (!feature.find("boundaries")) {
    add_number(feature, out);
    return out;
  }
  out["kind"] = "categorical";
  encoded_ ? add_encoded(feature, out) : add_bins(feature, out);
  add_table(feature, out);
  return out;
}

// Its features are named as TorchEasyRec names them, and so are the columns: click_50_seq__item_id.
void EasyRecDescriber::sequence(const JsonReader& sequence, std::map<std::string, MadeFeature>& made,
                                std::vector<std::string>& order) {
  const std::string prefix = sequence.get("sequence_name", "the name of the sequence").string() + "__";
  for (const JsonReader& feature : sequence.get("features", "the features of the sequence").items()) {
    const auto part = feature.find("id_feature");
    if (!part) feature.fail("only an id_feature is supported in a sequence");
    json out = id_feature(*part, "id_feature");
    if (out["kind"] != "categorical") part->fail("elements of several values (lengths) are not supported");
    const bool of_sequence = part->find("sequence_fields") ? false : true;
    if (!of_sequence) part->get("sequence_fields", "").fail("is not supported");
    keep_elements(sequence, out, count_at(sequence, "sequence_length", 0));
    const std::string column = out.value("column", out["name"].get<std::string>()),
                      name = prefix + out["name"].get<std::string>();
    out["name"] = name;
    out["column"] = prefix + column;
    out["side"] = "user";
    order.push_back(name);
    made[name] = {name, std::move(out)};
  }
}

void EasyRecDescriber::add(const JsonReader& feature, std::map<std::string, MadeFeature>& made,
                           std::vector<std::string>& order) {
  const std::vector<std::string> keys = feature.keys();
  if (keys.size() != 1) feature.fail_expected("a feature");
  const JsonReader part = feature.get(keys.front(), "");
  if (keys.front() == "sequence_feature") return sequence(part, made, order);
  json out;
  if (keys.front() == "id_feature" || keys.front() == "combo_feature") {
    out = id_feature(part, keys.front());
  } else if (keys.front() == "raw_feature") {
    out = raw_feature(part);
  } else if (keys.front() == "sequence_id_feature") {
    out = id_feature(part, "id_feature");
    keep_elements(part, out, count_at(part, "sequence_length", 0));
  } else {
    feature.fail("a " + keys.front() + " is not supported");
  }
  const std::string name = out["name"];
  order.push_back(name);
  if (!made.emplace(name, MadeFeature{name, std::move(out)}).second) feature.fail("two features are named " + name);
}

/// The features of a group, by what they are called; of the only one that is no sequence, if the entry names none.
struct Group {
  std::vector<std::string> names;
  std::string suffix;
};

std::optional<Group> find_group(const JsonReader& pipeline, const JsonReader& entry) {
  const auto wanted = entry.find("group");
  const auto config = pipeline.find("model_config");
  const auto groups = config ? config->find("feature_groups") : std::nullopt;
  std::vector<std::string> known;
  std::optional<JsonReader> found;
  for (const JsonReader& group : groups ? groups->items() : std::vector<JsonReader>()) {
    const std::string name = group.get("group_name", "the group's name").string();
    if (wanted && wanted->string() == name) found = group;
    if (!wanted && known.empty()) found = group;
    known.push_back(name);
  }
  if (!wanted && known.empty()) return std::nullopt;
  if (!found) wanted->fail_expected("a group of the configuration: " + join(known));
  if (!wanted && known.size() > 1)
    entry.fail("the configuration has several groups; say which by `group`: " + join(known));
  if (text_at(*found, "group_type", "DEEP") == "WIDE") found->fail("a group of the type WIDE is not supported");
  Group group;
  for (const JsonReader& name : found->get("feature_names", "the group's features").items()) {
    group.names.push_back(name.string());
  }
  group.suffix = text_at(*found, "embedding_name_suffix", "");
  return group;
}

// Whether the group has the feature, or one of a sequence. What is not read need not be supported.
bool is_wanted_feature(const JsonReader& feature, const std::function<bool(const std::string&)>& is_wanted) {
  for (const std::string& kind : feature.keys()) {
    const JsonReader part = feature.get(kind, "");
    if (kind != "sequence_feature") {
      const auto name = part.find("feature_name");
      return !name || is_wanted(name->string());
    }
    for (const JsonReader& element : part.get("features", "the features of the sequence").items()) {
      for (const std::string& of : element.keys()) {
        const std::string name = text_at(element.get(of, ""), "feature_name", "");
        if (is_wanted(text_at(part, "sequence_name", "") + "__" + name)) return true;
      }
    }
  }
  return false;
}

}  // namespace

std::vector<MadeFeature> describe_easyrec(const JsonReader& pipeline, const JsonReader& entry, KeySources& sources,
                                          const FindTensor& find_tensor) {
  entry.allow_keys({"torch_easy_rec", "group", "lengths", "hash", "embedding"});
  const auto data = pipeline.find("data_config");
  const bool encoded = text_at(data.value_or(pipeline), "fg_mode", "FG_NONE") == "FG_NONE";
  const std::optional<Group> group = find_group(pipeline, entry);
  const auto is_wanted = [&](const std::string& name) {
    return !group || std::find(group->names.begin(), group->names.end(), name) != group->names.end();
  };
  EasyRecDescriber describer(entry, encoded, sources, find_tensor);
  if (group) describer.set_suffix(group->suffix);
  std::map<std::string, MadeFeature> made;
  std::vector<std::string> order;
  for (const JsonReader& feature : pipeline.get("feature_configs", "the features").items()) {
    if (is_wanted_feature(feature, is_wanted)) describer.add(feature, made, order);
  }
  describer.check_lengths(made);
  std::vector<MadeFeature> features;
  for (const std::string& name : group ? group->names : order) {
    const auto found = made.find(name);
    if (found == made.end()) entry.fail("the group has the feature " + join({name}) + ", which is not configured");
    features.push_back(found->second);
  }
  return features;
}

}  // namespace mmoe::converter
