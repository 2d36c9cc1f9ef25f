#include "converter/preprocessing/keras_preprocessing.h"

#include <doctest/doctest.h>

#include "converter/importers/keras_config.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using nlohmann::json;
using test::contains;
using test::MemoryWeights;

class KerasLayerWeights : public MemoryWeights {
 public:
  KerasLayerWeights(MemoryWeights weights, const std::string& class_name, json config,
                    std::optional<std::string> vocabulary)
      : MemoryWeights(std::move(weights)) {
    config["name"] = "l";
    const json layers = {{{"class_name", class_name}, {"config", config}}};
    layers_ = read_keras_config(json{{"class_name", "Functional"}, {"config", {{"layers", layers}}}}.dump());
    layers_.at(0).vocabulary = std::move(vocabulary);
  }
  const std::vector<KerasLayer>& keras_layers() const override { return layers_; }

 private:
  std::vector<KerasLayer> layers_;
};

/// What a feature becomes, "unused" with the names of the layer's tensors that are not used.
json resolved(const std::string& class_name, const json& config, const json& feature,
              std::optional<std::string> vocabulary = std::nullopt, MemoryWeights weights = {}) {
  const KerasLayerWeights file(std::move(weights), class_name, config, std::move(vocabulary));
  TensorIndex tensors(file, {});
  json made = resolve_keras_layers(JsonReader(feature, "features[0]"), tensors).value();
  for (const size_t tensor : tensors.unused()) made["unused"].push_back(file.tensors()[tensor].name);
  return made;
}

const json kVocabulary = {{"vocabulary", {{"keras_layer", "l"}}}};
const json kScale = {{"scale", {{"keras_layer", "l"}}}};

json lookup(json changes = json::object()) {
  json config = {{"invert", false},       {"num_oov_indices", 1}, {"oov_token", "[UNK]"},
                 {"mask_token", nullptr}, {"output_mode", "int"}, {"vocabulary", nullptr}};
  config.update(changes);
  return config;
}

std::string error_of(const std::string& class_name, const json& config, const json& feature,
                     MemoryWeights weights = {}) {
  try {
    resolved(class_name, config, feature, std::nullopt, std::move(weights));
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("keras layers: texts to ids, with and without a mask") {
  const json plain = {{"vocabulary", {"AT", "BR"}}, {"ids", {1, 2}}, {"unknown", {{"id", 0}}}};
  CHECK(resolved("StringLookup", lookup({{"vocabulary", {"AT", "BR"}}}), kVocabulary) == plain);
  CHECK(resolved("StringLookup", lookup(), kVocabulary, "[UNK]\nAT\nBR") == plain);
  const json masked = {{"vocabulary", {"", "AT", "BR"}}, {"ids", {0, 2, 3}}, {"unknown", {{"id", 1}}}};
  CHECK(resolved("StringLookup", lookup({{"mask_token", ""}}), kVocabulary, "\n[UNK]\nAT\nBR") == masked);
  CHECK(resolved("StringLookup", lookup({{"mask_token", ""}, {"vocabulary", {"AT", "BR"}}}), kVocabulary) == masked);
  // Without an id for them, unknown texts are refused, as by the layer.
  CHECK(resolved("StringLookup", lookup({{"num_oov_indices", 0}}), kVocabulary, "AT\nBR") ==
        json{{"vocabulary", {"AT", "BR"}}, {"ids", {0, 1}}});
}

TEST_CASE("keras layers: several ids of unknown values, and salts") {
  const json others = {{"buckets", 3}, {"first_id", 0}}, behind_mask = {{"buckets", 2}, {"first_id", 1}};
  CHECK(resolved("StringLookup", lookup({{"num_oov_indices", 3}}), kVocabulary, "[UNK]\n[UNK]\n[UNK]\nAT") ==
        json{{"vocabulary", {"AT"}}, {"ids", {3}}, {"unknown", others}});
  CHECK(resolved("StringLookup", lookup({{"num_oov_indices", 2}, {"mask_token", ""}, {"vocabulary", {"AT"}}}),
                 kVocabulary) == json{{"vocabulary", {"", "AT"}}, {"ids", {0, 3}}, {"unknown", behind_mask}});
  CHECK(resolved("IntegerLookup", lookup({{"oov_token", -1}, {"num_oov_indices", 3}}), kVocabulary, "-1\n-1\n-1\n7") ==
        json{{"vocabulary", {7}}, {"ids", {3}}, {"unknown", others}});
  CHECK(resolved("Hashing", {{"num_bins", 9}, {"mask_value", ""}, {"salt", {1, 2}}}, kVocabulary)["vocabulary"] ==
        json{{"hash", "siphash24"}, {"key", {1, 2}}, {"buckets", 8}, {"mask", ""}});
  CHECK(resolved("Hashing", {{"num_bins", 9}, {"salt", 5}}, kVocabulary)["vocabulary"]["key"] == json{5, 5});
}

TEST_CASE("keras layers: integers to ids") {
  const json config = lookup({{"oov_token", -1}, {"mask_token", 0}});
  CHECK(resolved("IntegerLookup", config, kVocabulary, "0\n-1\n7\n5") ==
        json{{"vocabulary", {0, 7, 5}}, {"ids", {0, 2, 3}}, {"unknown", {{"id", 1}}}});
}

TEST_CASE("keras layers: buckets and bins") {
  CHECK(resolved("Hashing", {{"num_bins", 9}, {"mask_value", nullptr}, {"salt", nullptr}}, kVocabulary) ==
        json{{"vocabulary", {{"hash", "farmhash64"}, {"buckets", 9}}}});
  CHECK(resolved("Hashing", {{"num_bins", 9}, {"mask_value", ""}}, kVocabulary) ==
        json{{"vocabulary", {{"hash", "farmhash64"}, {"buckets", 8}, {"mask", ""}}},
             {"first_id", 1},
             {"unknown", {{"id", 0}}}});
  CHECK(resolved("Discretization", {{"bin_boundaries", {1.5, 2}}}, kVocabulary) ==
        json{{"vocabulary", {{"bounds", {1.5, 2}}, {"side", "right"}}}});
  json crossed = kVocabulary;
  crossed["vocabulary"]["columns"] = {"a", "b"};
  CHECK(resolved("HashedCrossing", {{"num_bins", 9}}, crossed) ==
        json{{"vocabulary", {{"cross", {"a", "b"}}, {"buckets", 9}}}});
  CHECK(contains(error_of("HashedCrossing", {{"num_bins", 9}}, kVocabulary), "vocabulary.columns: missing"));
  CHECK(contains(error_of("Hashing", {{"num_bins", 9}}, crossed), "columns: only for a HashedCrossing"));
  CHECK(resolved("CategoryEncoding", {{"num_tokens", 4}, {"output_mode", "multi_hot"}},
                 {{"embedding", {{"keras_layer", "l"}}}}) == json{{"embedding", {{"one_hot", 4}}}});
}

TEST_CASE("keras layers: what a Normalization has learned, or was made with") {
  const json learned = {{"mean", nullptr}, {"variance", nullptr}};
  MemoryWeights weights;
  weights.add("l/mean", {2}, {3, 5}).add("l/variance", {2}, {4, 0}).add("l/count", {});
  json feature = kScale;
  feature["scale"]["index"] = 0;
  CHECK(resolved("Normalization", learned, feature, std::nullopt, weights) ==
        json{{"scale", {{"mean", 3.0}, {"std", 2.0f}}}});
  feature["scale"]["index"] = 1;
  CHECK(resolved("Normalization", learned, feature, std::nullopt, weights)["scale"]["std"] == 1e-7f);
  CHECK(resolved("Normalization", {{"mean", {{3.0}}}, {"variance", 16}}, kScale) ==
        json{{"scale", {{"mean", 3.0}, {"std", 4.0f}}}});
  CHECK(contains(error_of("Normalization", learned, kScale, weights), "the layer has 2 columns; say which by `index`"));
  CHECK(contains(error_of("Normalization", learned, kScale),
                 "features[0].scale.keras_layer: the file does not have its"));
}

TEST_CASE("keras layers: what is refused") {
  const std::string path = "features[0].vocabulary.keras_layer";
  CHECK(contains(error_of("StringLookup", lookup(), kVocabulary), path + ": the file does not have its vocabulary"));
  CHECK(contains(error_of("StringLookup", lookup({{"invert", true}}), kVocabulary), "gives texts for ids"));
  CHECK(contains(error_of("StringLookup", lookup({{"output_mode", "tf_idf"}}), kVocabulary), "found \"tf_idf\""));
  CHECK(contains(error_of("StringLookup", lookup({{"output_mode", "one_hot"}, {"mask_token", ""}}), kVocabulary),
                 "a mask of columns is not supported"));
  CHECK(contains(error_of("Hashing", {{"num_bins", 9}}, kScale), "is no Normalization"));
  CHECK(contains(error_of("Normalization", {{"mean", 1}}, kVocabulary), path + ": is no StringLookup, IntegerLookup"));
  CHECK(contains(error_of("Dense", {{"units", 1}}, kVocabulary), "the file describes no preprocessing layers"));
  CHECK(contains(error_of("Hashing", {{"num_bins", 9}}, {{"vocabulary", {{"keras_layer", "m"}}}}),
                 "found \"m\", expected a preprocessing layer of the model: l"));
  json said = kVocabulary;
  said["unknown"] = "zero";
  CHECK(
      contains(error_of("StringLookup", lookup({{"vocabulary", {"a"}}}), said), "unknown: the layer of Keras says it"));
  CHECK(contains(error_of("Hashing", {{"num_bins", 9}}, {{"vocabulary", {{"keras_layer", "l"}, {"buckets", 2}}}}),
                 "buckets: unknown key"));
}

}  // namespace
}  // namespace mmoe::converter
