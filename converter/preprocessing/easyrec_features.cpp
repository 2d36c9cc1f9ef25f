#include "converter/preprocessing/easyrec_features.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "converter/preprocessing/easyrec_fields.h"
#include "converter/preprocessing/easyrec_numbers.h"
#include "converter/preprocessing/text_hash.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

namespace {

using nlohmann::json;

using namespace easyrec;

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

/// What a value is that is missing; of a sequence it is never empty.
std::string default_of(const JsonReader& feature, bool in_sequence) {
  const std::string value = text_at(feature, "default_value", "");
  return value.empty() && in_sequence ? "0" : value;
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

/// What an id feature is of.
struct Sequence {
  size_t length = 0;        // the most elements of a row, which are kept; 0: it is of no sequence
  std::string prefix = "";  // of the names of features and columns
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
  json id_feature(const JsonReader& feature, const std::string& kind, const Sequence& sequence = {});
  json raw_feature(const JsonReader& feature);
  void sequence(const JsonReader& sequence, std::map<std::string, MadeFeature>& made, std::vector<std::string>& order);

  void add_vocabulary(const JsonReader& feature, const std::vector<Input>& inputs, const std::string& missing,
                      json& out);
  void add_encoded(const JsonReader& feature, json& out) const;
  void add_words(const JsonReader& feature, const std::vector<Input>& inputs, const std::string& missing, json& out);
  void add_buckets(size_t buckets, const std::vector<Input>& inputs, const std::string& missing, json& out) const;
  Words words_of(const JsonReader& feature, const std::string& missing);
  Words words_of_file(const JsonReader& feature);
  void add_table(const JsonReader& feature, const std::string& name, json& out);
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
void EasyRecDescriber::add_table(const JsonReader& feature, const std::string& name, json& out) {
  std::string table = text_at(feature, "embedding_name", "");
  if (table.empty()) table = name + "_emb";
  if (!suffix_.empty()) table += "_" + suffix_;
  const auto pattern = entry_.find("embedding");
  if (pattern) {
    std::string tensor = pattern->string();
    const std::string placeholder = "{table}";
    const size_t at = tensor.find(placeholder);
    if (at == tensor.npos) pattern->fail_expected("{table} in the name");
    out["embedding"] = tensor.replace(at, placeholder.size(), table);
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
    const auto id = parsed<size_t>(std::string(number));
    if (!id) name.fail(where + ": expected a word and its id");
    words.ids.push_back(*id);
  }
  return words;
}

// Without default_bucketize_value, 0 is the id of the default value and 1 that of unknown ones.
Words EasyRecDescriber::words_of(const JsonReader& feature, const std::string& missing) {
  const auto list = feature.find("vocab_list"), dict = feature.find("vocab_dict");
  const auto other = feature.find("default_bucketize_value");
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
void EasyRecDescriber::add_words(const JsonReader& feature, const std::vector<Input>& inputs,
                                 const std::string& missing, json& out) {
  const Words words = words_of(feature, missing);
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

// An empty value is a missing one, and the default value is hashed like any other.
void EasyRecDescriber::add_buckets(size_t buckets, const std::vector<Input>& inputs, const std::string& missing,
                                   json& out) const {
  json vocabulary = {{"hash", farmhash_ ? "farmhash64" : "murmur64"}, {"buckets", buckets}, {"mask", ""}};
  if (!farmhash_) vocabulary["seed"] = kStdHashSeed;
  if (inputs.size() > 1) {
    for (const Input& input : inputs) vocabulary["join"].push_back(input.column);
    vocabulary["separator"] = "_";
  }
  out["vocabulary"] = vocabulary;
  out["unknown"] = "zero";
  if (missing.empty()) return;
  const size_t bucket = farmhash_ ? farmhash64_bucket(missing, buckets) : std_hash_bucket(missing, buckets);
  out["unknown"] = {{"id", bucket}};
}

void EasyRecDescriber::add_vocabulary(const JsonReader& feature, const std::vector<Input>& inputs,
                                      const std::string& missing, json& out) {
  const auto buckets = feature.find("hash_bucket_size"), ids = feature.find("num_buckets");
  const bool has_words = feature.find("vocab_list") || feature.find("vocab_dict") || feature.find("vocab_file");
  if (int{buckets.has_value()} + int{ids.has_value()} + int{has_words} != 1) {
    feature.fail("expected one of hash_bucket_size, num_buckets, vocab_list, vocab_dict and vocab_file");
  }
  if (has_words) return add_words(feature, inputs, missing, out);
  const JsonReader& field = buckets ? *buckets : *ids;
  if (field.count() == 0) field.fail_expected("1 or more");
  if (buckets) return add_buckets(buckets->count(), inputs, missing, out);
  out["vocabulary"] = {{"identity", ids->count()}};
  out["unknown"] = "zero";
  if (missing.empty()) return;
  const auto id = parsed<size_t>(missing);
  if (!id || *id >= ids->count()) feature.get("default_value", "").fail_expected("an id below num_buckets");
  out["unknown"] = {{"id", *id}};
}

size_t sequence_length_of(const JsonReader& from) {
  const size_t length = count_at(from, "sequence_length", 0);
  if (length == 0) from.fail("sequence_length: missing: the most elements of a row");
  return length;
}

// What a row in which no element is left has: the default value.
void add_empty(json& feature) {
  const json& rule = feature.contains("missing") ? feature["missing"] : feature["unknown"];
  if (rule.is_object()) feature["empty"] = rule;
}

// Several values of several columns make many texts: the rows have these.
json EasyRecDescriber::id_feature(const JsonReader& feature, const std::string& kind, const Sequence& sequence) {
  refuse_unsupported(feature);
  const std::string name = sequence.prefix + feature.get("feature_name", "the feature's name").string();
  std::vector<Input> inputs = inputs_of(feature);
  if (kind == "combo_feature" && !encoded_ && inputs.size() < 2) {
    feature.get("expression", "").fail_expected("two columns or more");
  }
  json out = {{"name", name}, {"kind", "categorical"}, {"side", side_of(inputs)}};
  const bool kept = sequence.length != 0;
  const auto bag = lengths_.find(name);
  if (bag != lengths_.end() && kept) feature.fail("elements of several values (lengths) are not supported");
  if (bag != lengths_.end() && inputs.size() > 1) inputs = {{"", name}};
  const std::string column = encoded_ || inputs.size() > 1 ? name : sequence.prefix + inputs.front().column;
  if (column != name) out["column"] = column;
  encoded_ ? add_encoded(feature, out) : add_vocabulary(feature, inputs, default_of(feature, kept), out);
  if (bag != lengths_.end() || kept) {
    out["kind"] = "sequence";
    out["length"] = kept ? sequence.length : bag->second;
    out["pooling"] = kept ? "none" : text_at(feature, "pooling", "sum");  // none: the elements side by side
    add_empty(out);
  }
  add_table(feature, name, out);
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
  const auto id = parsed<size_t>(missing->text());
  if (!id || *id >= ids) missing->fail_expected("one id");
  out["unknown"] = {{"id", *id}};
}

json EasyRecDescriber::raw_feature(const JsonReader& feature) {
  refuse_unsupported(feature);
  const std::string name = feature.get("feature_name", "the feature's name").string();
  const std::vector<Input> inputs = inputs_of(feature);
  json out = {{"name", name}, {"side", side_of(inputs)}};
  if (inputs.front().column != name && !encoded_) out["column"] = inputs.front().column;
  const bool bins = feature.find("boundaries").has_value();
  if (!bins || !encoded_) out.update(bins ? describe_bins(feature) : describe_number(feature, encoded_));
  if (!bins) return out;
  if (encoded_) add_encoded(feature, out);
  add_table(feature, name, out);
  return out;
}

// Its features are named as TorchEasyRec names them, and so are the columns: click_50_seq__item_id.
void EasyRecDescriber::sequence(const JsonReader& sequence, std::map<std::string, MadeFeature>& made,
                                std::vector<std::string>& order) {
  const std::string prefix = sequence.get("sequence_name", "the name of the sequence").string() + "__";
  const size_t length = sequence_length_of(sequence);
  for (const JsonReader& feature : sequence.get("features", "the features of the sequence").items()) {
    const auto part = feature.find("id_feature");
    if (!part) feature.fail("only an id_feature is supported in a sequence");
    if (const auto fields = part->find("sequence_fields")) fields->fail("is not supported");
    json out = id_feature(*part, "id_feature", {length, prefix});
    out["side"] = "user";
    const std::string name = out["name"];
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
    out = id_feature(part, "id_feature", {sequence_length_of(part), ""});
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
