// Features that TorchEasyRec and FuxiCTR save, as entries of a description.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <memory>

#include "converter/error.h"
#include "converter/preprocessing/preprocessing.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using nlohmann::json;
using test::contains;
using test::MemoryWeights;

using Files = std::map<std::string, std::string>;

json made(const Files& files, const std::string& entry) {
  KeySources sources;
  sources.open = [&files](const std::string& location) {
    const auto found = files.find(location);
    if (found == files.end()) throw ConvertError(location + " is not there");
    const auto text = std::make_shared<const std::string>(found->second);
    return SharedBytes{text, *text};
  };
  MemoryWeights weights;
  for (const char* table : {"user_id_emb", "f_emb", "shared", "f_emb_side", "s__f_emb"}) {
    weights.add(std::string("model.ebc.embedding_bags.") + table + ".weight", {10, 4});
  }
  for (const char* table : {"city", "price", "item"}) {
    weights.add(std::string("embedding_layer.embedding_layers.") + table + ".weight", {10, 4});
  }
  const TensorIndex tensors(weights, {});
  const json document = parse_json(entry);
  json list = json::array();
  for (const MadeFeature& feature : read_preprocessing(JsonReader(document, "features[0]"), sources, tensors)) {
    list.push_back(feature.description);
  }
  return list;
}

std::string error_of(const Files& files, const std::string& entry) {
  try {
    made(files, entry);
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

// One feature f, without groups.
std::string config(const std::string& feature, const std::string& mode = "FG_DAG") {
  return "train_config { num_epochs: 1 unknown { deep: [1, 2] } }\ndata_config { batch_size: 8 fg_mode: " + mode +
         " }\nfeature_configs { " + feature + " }";
}

const std::string kEntry = R"({"torch_easy_rec": "p.config"})";

json feature_of(const std::string& feature, const std::string& entry = kEntry, const std::string& mode = "FG_DAG") {
  const json list = made({{"p.config", config(feature, mode)}}, entry);
  REQUIRE(list.size() == 1);
  return list[0];
}

std::string refused(const std::string& feature, const std::string& entry = kEntry) {
  return error_of({{"p.config", config(feature)}}, entry);
}

json expected(const std::string& fields) {
  json feature = {{"name", "f"}, {"kind", "categorical"}, {"side", "user"}};
  feature["embedding"] = "model.ebc.embedding_bags.f_emb.weight";
  feature["embedding_width"] = 4;
  feature.update(json::parse("{" + fields + "}"));
  return feature;
}

std::string id(const std::string& fields, const std::string& expression = "user:f") {
  return "id_feature { feature_name: 'f' expression: '" + expression + "' embedding_dim: 4 " + fields + " }";
}

TEST_CASE("TorchEasyRec: ids and hash buckets") {
  CHECK(feature_of(id("num_buckets: 9")) == expected(R"("vocabulary": {"identity": 9}, "unknown": "zero")"));
  CHECK(feature_of(id("num_buckets: 9 default_value: '3'"))["unknown"] == json{{"id", 3}});
  CHECK(feature_of(id("hash_bucket_size: 10")) ==
        expected(R"("vocabulary": {"hash": "murmur64", "seed": 3339675911, "buckets": 10, "mask": ""},
                    "unknown": "zero")"));
  CHECK(feature_of(id("hash_bucket_size: 100 default_value: 'xyz'"))["unknown"] == json{{"id", 13}});
  const std::string farm = R"({"torch_easy_rec": "p.config", "hash": "farmhash64"})";
  CHECK(feature_of(id("hash_bucket_size: 10"), farm)["vocabulary"] ==
        json{{"hash", "farmhash64"}, {"buckets", 10}, {"mask", ""}});
  CHECK(feature_of(id("hash_bucket_size: 100 default_value: '2'"), farm)["unknown"] == json{{"id", 59}});
  const json item = feature_of(id("num_buckets: 9 embedding_name: 'shared'", "context:raw"));
  CHECK(item["side"] == "item");
  CHECK(item["column"] == "raw");
  CHECK(item["embedding"] == "model.ebc.embedding_bags.shared.weight");
  const json named = feature_of(id("num_buckets: 9"), R"({"torch_easy_rec": "p.config", "embedding": "e.{table}"})");
  CHECK(named["embedding"] == "e.f_emb");
}

// As the tests of TorchEasyRec state: without default_bucketize_value, 0 is the default value's id and 1 that of
// others.
TEST_CASE("TorchEasyRec: lists and dictionaries of keys") {
  const std::string list = "vocab_list: ['abc', 'efg'] ";
  const std::string others = R"("unknown": {"buckets": 1, "first_id": 1, "mask": ""}, )";
  CHECK(feature_of(id(list)) ==
        expected(R"("vocabulary": ["abc", "efg", "<OOV>"], "ids": [2, 3, 1], "missing": "zero", )" + others +
                 R"("kind": "categorical")"));
  const json defaulted = feature_of(id(list + "default_value: 'xyz'"));
  CHECK(defaulted["vocabulary"] == json{"abc", "efg", "xyz", "<OOV>"});
  CHECK(defaulted["ids"] == json{2, 3, 0, 1});
  CHECK(defaulted["missing"] == json{{"id", 0}});
  CHECK(feature_of(id(list + "default_value: 'abc'"))["missing"] == json{{"id", 2}});
  const json own = feature_of(id("vocab_list: ['xyz', 'abc'] default_bucketize_value: 0 default_value: 'xyz'"));
  CHECK(own["vocabulary"] == json{"xyz", "abc"});
  CHECK(own["first_id"] == 0);
  CHECK(own["missing"] == json{{"id", 0}});
  const json dict = feature_of(id("vocab_dict: [{key: 'abc' value: 2}, {key: 'efg' value: 2}] default_value: 'abc'"));
  CHECK(dict["vocabulary"] == json{"abc", "efg"});
  CHECK(dict["ids"] == json{0, 2});
  CHECK(dict["missing"] == json{{"id", 0}});
  const Files files = {{"p.config", config(id("vocab_file: 'w.txt' asset_dir: 'a' default_bucketize_value: 1"))},
                       {"a/w.txt", "x 3\r\ny 4\n"}};
  const json words = made(files, kEntry)[0];
  CHECK(words["vocabulary"] == json{"x", "y"});
  CHECK(words["ids"] == json{3, 4});
}

TEST_CASE("TorchEasyRec: numbers and bins") {
  const auto raw = [](const std::string& fields) {
    return "raw_feature { feature_name: 'f' expression: 'item:f' " + fields + " }";
  };
  const json number = {{"name", "f"}, {"kind", "dense"}, {"side", "item"}, {"missing", 0.0}};
  CHECK(feature_of(raw("")) == number);
  CHECK(feature_of(raw("value_dim: 4"))["width"] == 4);
  const json zscore = feature_of(raw("normalizer: 'method=zscore,mean=1.5,standard_deviation=4.0' default_value: '1'"));
  CHECK(zscore["scale"] == json{{"offset", 1.5}, {"factor", 0.25}});
  CHECK(zscore["missing"] == 5.5);  // what becomes 1
  const json range = feature_of(raw("normalizer: 'method=minmax,min=1,max=3'"));
  CHECK(range["scale"] == json{{"offset", 1.0}, {"factor", 0.5}});
  CHECK(range["missing"] == 1.0);
  const json log10 = feature_of(raw("normalizer: 'method=log10,threshold=1e-10,default=-10'"));
  CHECK(log10["function"] == "log10");
  CHECK(log10["clip"] == json{1e-10, nullptr});
  CHECK(log10["missing"] == 1.0);
  const json bins = feature_of(raw("boundaries: [0, 150, 1500] embedding_dim: 4"));
  CHECK(bins["vocabulary"] == json{{"bounds", {0.0, 150.0, 1500.0}}, {"side", "right"}});
  CHECK(bins["unknown"] == json{{"id", 1}});  // that of the default value 0
  CHECK(feature_of(raw("boundaries: [1] embedding_dim: 4 default_value: ''"))["unknown"] == "zero");
  CHECK(contains(refused(raw("normalizer: 'method=log10,threshold=0.05,default=-5'")), "is not the logarithm of"));
  CHECK(contains(refused(raw("normalizer: 'method=expression,expr=sign(x)'")), "method=expression is not supported"));
  CHECK(contains(refused(raw("normalizer: 'zscore'")), "expected method=..."));
  CHECK(contains(refused(raw("normalizer: 'method=zscore,mean=1'")), "missing: standard_deviation"));
  CHECK(contains(refused(raw("normalizer: 'method=minmax,min=1,max=1'")), "its range is 0"));
  CHECK(contains(refused(raw("autodis { num_channels: 3 }")), "autodis: is not supported"));
}

TEST_CASE("TorchEasyRec: bins of normalised numbers are bins of raw ones") {
  const auto bins = [](const std::string& bounds, const std::string& normalizer) {
    return "raw_feature { feature_name: 'f' expression: 'item:f' embedding_dim: 4 boundaries: " + bounds +
           " normalizer: 'method=" + normalizer + "' default_value: '0.1' }";
  };
  const json zscore = feature_of(bins("[0, 1.5]", "zscore,mean=10,standard_deviation=2"));
  CHECK(zscore["vocabulary"] == json{{"bounds", {10.0, 13.0}}, {"side", "right"}});
  CHECK(zscore["ids"] == json{0, 1, 2});
  CHECK(zscore["unknown"] == json{{"id", 1}});  // the default value is not normalised
  CHECK(feature_of(bins("[0.5]", "minmax,min=2,max=6"))["vocabulary"]["bounds"] == json{4.0});
  const json log10 = feature_of(bins("[-6, -3, -2, 0, 2]", "log10,threshold=0.5,default=-5"));
  // What is not above 0.5 is -5, above the first bound; the next number is above the second and the third.
  const float above = std::nextafter(0.5f, 1.0f);
  CHECK(log10["vocabulary"]["bounds"] == json{above, 1.0f, 100.0f});
  CHECK(log10["ids"] == json{1, 3, 4, 5});
  const json one = feature_of(bins("[-6]", "log10,threshold=0.5,default=-5"));
  CHECK(one["ids"] == json{1, 1});
  CHECK(contains(refused(bins("[1]", "zscore,mean=1,standard_deviation=-1")), "does not ascend"));
  CHECK(contains(refused(bins("[1]", "log10,threshold=0.5,default=3")), "does not ascend"));
  CHECK(contains(refused(bins("[60]", "log10")), "boundaries[0]: no number reaches it"));
}

TEST_CASE("TorchEasyRec: combinations, bags and sequences") {
  const std::string combo =
      "combo_feature { feature_name: 'f' expression: ['user:u', 'item:i'] embedding_dim: 4 hash_bucket_size: 10 }";
  const json combined = feature_of(combo);
  CHECK(combined["side"] == "item");
  CHECK(combined["vocabulary"] == json{{"hash", "murmur64"},
                                       {"seed", 3339675911u},
                                       {"buckets", 10},
                                       {"mask", ""},
                                       {"join", {"u", "i"}},
                                       {"separator", "_"}});
  const json listed = feature_of(
      "combo_feature { feature_name: 'f' expression: ['user:u', 'user:v'] embedding_dim: 4 vocab_list: ['u_v'] }");
  CHECK(listed["side"] == "user");
  CHECK(listed["vocabulary"]["join"] == json{"u", "v"});
  CHECK(listed["vocabulary"]["list"] == json{"u_v", "<OOV>"});
  const std::string bags = R"({"torch_easy_rec": "p.config", "lengths": {"f": 5}})";
  const json bag = feature_of(id("hash_bucket_size: 10 pooling: 'mean'"), bags);
  CHECK(bag["kind"] == "sequence");
  CHECK(bag["length"] == 5);
  CHECK(bag["pooling"] == "mean");
  CHECK_FALSE(bag.contains("empty"));
  CHECK(feature_of(id("hash_bucket_size: 100 default_value: 'xyz'"), bags)["empty"] == json{{"id", 13}});
  CHECK(feature_of(id("vocab_list: ['a'] default_value: 'xyz'"), bags)["empty"] == json{{"id", 0}});
  const json pairs = feature_of(combo, bags);  // their joined texts are the elements
  CHECK(pairs["kind"] == "sequence");
  CHECK_FALSE(pairs.contains("column"));
  CHECK_FALSE(pairs["vocabulary"].contains("join"));
  CHECK(pairs["side"] == "item");
  CHECK(contains(refused(id("num_buckets: 2"), R"({"torch_easy_rec": "p.config", "lengths": {"g": 5}})"),
                 "lengths.g: no feature of the configuration"));
  const auto of_sequence = [](const std::string& feature) {
    return "sequence_feature { sequence_name: 's' sequence_length: 20 sequence_delim: '|' features { " + feature +
           " } }";
  };
  const json sequence = feature_of(of_sequence(id("num_buckets: 9", "item:raw")));
  CHECK(sequence["name"] == "s__f");
  CHECK(sequence["column"] == "s__raw");
  CHECK(sequence["length"] == 20);
  CHECK(sequence["pooling"] == "none");
  CHECK(sequence["embedding"] == "model.ebc.embedding_bags.s__f_emb.weight");
  // An empty sequence has one element, the default value; without one this is "0".
  CHECK(sequence["empty"] == json{{"id", 0}});
  CHECK(feature_of(of_sequence(id("hash_bucket_size: 100")))["empty"] == json{{"id", 26}});
  CHECK(feature_of(of_sequence(id("hash_bucket_size: 100")))["unknown"] == json{{"id", 26}});
  const json listed_elements = feature_of(of_sequence(id("vocab_list: ['a', 'b']")));
  CHECK(listed_elements["vocabulary"] == json{"a", "b", "0", "<OOV>"});
  CHECK(listed_elements["empty"] == json{{"id", 0}});
  CHECK(
      contains(refused(of_sequence(id("num_buckets: 9")), R"({"torch_easy_rec": "p.config", "lengths": {"s__f": 5}})"),
               "elements of several values (lengths)"));
  CHECK(contains(refused("sequence_feature { sequence_name: 's' sequence_length: 20 features { raw_feature { "
                         "feature_name: 'f' } } }"),
                 "only an id_feature is supported in a sequence"));
}

TEST_CASE("TorchEasyRec: rows that are encoded, and groups") {
  const json encoded = feature_of(id("hash_bucket_size: 10 fg_encoded_default_value: '2'"), kEntry, "FG_NONE");
  CHECK(encoded["vocabulary"] == json{{"identity", 10}});
  CHECK(encoded["unknown"] == json{{"id", 2}});
  const std::string features =
      config("id_feature { feature_name: 'user_id' expression: 'user:user_id' num_buckets: 5 }") +
      " feature_configs { " + id("num_buckets: 9") +
      " } feature_configs { expr_feature { feature_name: 'e' variables: ['a'] } }";
  const std::string group = "feature_groups { group_name: 'all' feature_names: ['f', 'user_id'] group_type: DEEP }";
  const std::string side =
      "feature_groups { group_name: 'side' feature_names: ['f'] group_type: DEEP embedding_name_suffix: 'side' }";
  const json all = made({{"p.config", features + " model_config { mmoe { x: 1 } " + group + " }"}}, kEntry);
  REQUIRE(all.size() == 2);
  CHECK(all[0]["name"] == "f");
  CHECK(all[1]["name"] == "user_id");
  const Files both = {{"p.config", features + " model_config { " + group + side + " }"}};
  const json one = made(both, R"({"torch_easy_rec": "p.config", "group": "side"})");
  REQUIRE(one.size() == 1);
  CHECK(one[0]["embedding"] == "model.ebc.embedding_bags.f_emb_side.weight");
  CHECK(contains(error_of(both, kEntry), "several groups; say which by `group`: all, side"));
  CHECK(contains(error_of(both, R"({"torch_easy_rec": "p.config", "group": "x"})"), "found \"x\", expected a group"));
  CHECK(contains(error_of({{"p.config", features}}, kEntry), "a expr_feature is not supported"));
}

TEST_CASE("TorchEasyRec: what is refused names the field") {
  CHECK(contains(refused(id("num_buckets: 5 zch { zch_size: 3 }")), "id_feature.zch: is not supported"));
  CHECK(contains(refused(id("num_buckets: 5 dynamicemb { max_capacity: 3 }")), "dynamicemb: is not supported"));
  CHECK(contains(refused(id("num_buckets: 5 weighted: true")), "weighted: is not supported"));
  CHECK(contains(refused(id("num_buckets: 5 hash_bucket_size: 4")), "expected one of hash_bucket_size, num_buckets"));
  CHECK(contains(refused(id("")), "expected one of hash_bucket_size, num_buckets"));
  CHECK(contains(refused(id("hash_bucket_size: 0")), "hash_bucket_size: found 0, expected 1 or more"));
  CHECK(contains(refused(id("num_buckets: 5 default_value: 'x'")), "expected an id below num_buckets"));
  CHECK(contains(refused(id("num_buckets: 5", "feature:g")), "an input that is another feature"));
  CHECK(contains(refused(id("num_buckets: 5", "f")), "expected a side and a column"));
  CHECK(contains(refused(id("num_buckets: 5 new_field: 3")), "has no field named"));
  CHECK(contains(refused("lookup_feature { feature_name: 'f' map: 'user:m' }"), "a lookup_feature is not supported"));
  CHECK(contains(refused("id_feature { feature_name: }"), "features[0].torch_easy_rec: line 3"));
  CHECK(contains(refused(id("num_buckets: 5 embedding_name: 'none'")), "no tensor's name ends in .none.weight"));
  CHECK(contains(error_of({}, kEntry), "p.config is not there"));
  std::string deep = "x { ";
  for (int i = 0; i < 100000; ++i) deep += "x { ";
  CHECK_FALSE(error_of({{"p.config", deep}}, kEntry).empty());
}

const char* const kMap = R"x({"dataset_id": "d", "features": [
  {"city": {"source": "", "type": "categorical", "padding_idx": 0, "vocab_size": 4}},
  {"price": {"source": "", "type": "numeric"}},
  {"group": {"type": "meta"}},
  {"item": {"source": "", "type": "categorical", "vocab_size": 5}},
  {"clicks": {"source": "", "type": "sequence", "share_embedding": "item", "padding_idx": 0, "vocab_size": 5,
              "max_len": 6, "feature_encoder": "layers.MaskedAveragePooling()"}}]})x";
const char* const kWords = R"({"city": {"__PAD__": 0, "Wien": 1, "7": 2, "__OOV__": 3},
  "item": {"__PAD__": 0, "12": 1, "-3": 2, "5": 3, "__OOV__": 4},
  "clicks": {"__PAD__": 0, "12": 1, "-3": 2, "5": 3, "__OOV__": 4}})";

TEST_CASE("FuxiCTR: the features of a map") {
  const Files files = {{"d/feature_map.json", kMap}, {"d/feature_vocab.json", kWords}};
  const json list = made(files, R"({"fuxictr": "d/feature_map.json", "side": {"user": ["clicks"], "item": ["item"]},
                                    "scale": {"price": {"mean": 3, "std": 2}}})");
  REQUIRE(list.size() == 4);
  const json texts = {"7", "Wien"}, text_ids = {2, 1}, integers = {-3, 12, 5}, integer_ids = {2, 1, 3};
  CHECK(list[0] == json{{"name", "city"},
                        {"kind", "categorical"},
                        {"vocabulary", texts},
                        {"ids", text_ids},
                        {"unknown", {{"id", 3}}},
                        {"embedding", "embedding_layer.embedding_layers.city.weight"}});
  CHECK(list[1] == json{{"name", "price"},
                        {"kind", "dense"},
                        {"missing", 0},
                        {"scale", {{"mean", 3}, {"std", 2}}},
                        {"projection", {{"weight", "embedding_layer.embedding_layers.price.weight"}}}});
  CHECK(list[2]["vocabulary"] == integers);
  CHECK(list[2]["ids"] == integer_ids);
  CHECK(list[2]["side"] == "item");
  CHECK(list[3]["kind"] == "sequence");
  CHECK(list[3]["embedding"] == "embedding_layer.embedding_layers.item.weight");
  CHECK(list[3]["length"] == 6);
  CHECK(list[3]["pooling"] == "mean");
  CHECK(list[3]["padding_id"] == 0);
  CHECK(list[3]["side"] == "user");
  const json two = made({{"m.json", kMap}, {"v.json", kWords}},
                        R"({"fuxictr": "m.json", "vocabulary": "v.json", "columns": ["item", "city"],
                            "embedding": "t.{column}"})");
  REQUIRE(two.size() == 2);
  CHECK(two[0]["embedding"] == "t.city");
}

TEST_CASE("FuxiCTR: what is refused names the feature") {
  const auto error = [](const std::string& spec, const std::string& more = "") {
    const std::string map = R"({"features": [{"city": )" + spec + "}]}";
    return error_of({{"m.json", map}, {"feature_vocab.json", kWords}}, R"({"fuxictr": "m.json")" + more + "}");
  };
  CHECK(contains(error(R"({"type": "embedding"})"), "found \"embedding\", expected one of numeric, categorical"));
  CHECK(contains(error(R"({"type": "categorical", "pretrained_emb": "x"})"), "pretrained_emb: is not supported"));
  CHECK(contains(error(R"({"type": "categorical", "vocab_size": 2})"), "has ids beyond the map's vocab_size"));
  CHECK(
      contains(error(R"({"type": "sequence", "max_len": 3, "feature_encoder": "nn.GRU"})"), "feature_encoder: is not"));
  CHECK(contains(error(R"({"type": "sequence"})"), "max_len: missing"));
  CHECK(contains(error(R"({"type": "categorical"})", R"(, "columns": ["x"])"), "expected a feature of the map"));
  CHECK(contains(error(R"({"type": "categorical"})", R"(, "scale": {"x": {}})"), "no feature of the map is named so"));
  CHECK(contains(error(R"({"type": "categorical"})", R"(, "embedding": "t")"), "expected {column} in the name"));
  CHECK(contains(error(R"({"type": "meta"})"), "it has no features"));
  CHECK(contains(error_of({{"m.json", kMap}}, R"({"fuxictr": "m.json"})"), "feature_vocab.json is not there"));
}

}  // namespace
}  // namespace mmoe::converter
