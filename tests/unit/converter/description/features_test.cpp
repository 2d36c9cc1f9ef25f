#include "converter/description/features.h"
#include "converter/description/vocabulary.h"

#include <doctest/doctest.h>

#include <cmath>

#include "kernels/stored.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::bind_error;
using test::contains;
using test::MemoryWeights;
using test::replaced;

// One expert of `inputs` inputs, one tower, a table c.weight [4, 3].
MemoryWeights weights(uint64_t inputs) {
  return MemoryWeights().linear("e", 2, inputs).linear("t", 1, 2).add("c.weight", {4, 3});
}

std::string description(const std::string& features) {
  return R"({"mmoe_description": 1, "features": [)" + features + R"(],
    "levels": [{"experts": {"layers": "e", "activation": "relu"}, "gates": {"constant": [1]}}],
    "towers": {"layers": "t"}, "tasks": [{"name": "x", "link": "identity"}]})";
}

Feature bound(const std::string& feature, uint64_t inputs) {
  return bind_description_text(description(feature), weights(inputs), "m", nullptr, UnusedTensors::kReport)
      .features.at(0);
}

Scaling scaling(const std::string& fields) {
  return std::get<DenseFeature>(bound(R"({"name": "a", "kind": "dense")" + fields + "}", 1).kind).scaling;
}

Vocabulary vocabulary(const std::string& fields) {
  const std::string feature = R"({"name": "c", "kind": "categorical", "embedding": "c.weight", )" + fields + "}";
  return std::get<SparseFeature>(bound(feature, 3).kind).vocabulary;
}

std::string error_of(const std::string& features, uint64_t inputs = 3) {
  return bind_error(description(features), weights(inputs));
}

std::string categorical_error(const std::string& fields) {
  return error_of(R"({"name": "c", "kind": "categorical", "embedding": "c.weight")" + fields + "}");
}

TEST_CASE("x is the features' blocks side by side, tables shared") {
  const std::string c = R"("kind": "categorical", "embedding": "c.weight", "vocabulary": {"identity": 4})";
  const TrainedModel model = bind_description_text(
      description(R"({"name": "a", "kind": "dense", "width": 2, "side": "user"}, {"name": "b", "side": "item", )" + c +
                  R"(}, {"name": "c", )" + c + "}"),
      weights(8), "m");
  CHECK(model.input_dim == 8);
  CHECK(model.features[0].width == 2);
  CHECK(model.features[0].side == Side::kUser);
  CHECK(model.features[1].side == Side::kItem);
  CHECK(model.features[2].side == Side::kContext);
  REQUIRE(model.embeddings.size() == 1);
  CHECK(model.embeddings[0].table.rows == 4);
  CHECK(model.features[1].width == 3);
}

TEST_CASE("scaling") {
  CHECK(scaling("").factor == 1);
  CHECK(std::isnan(scaling("").missing));
  const Scaling range = scaling(R"(, "scale": {"min": -2, "max": 6}, "clip": [-3, 7.5], "missing": 1)");
  CHECK(range.offset == -2);
  CHECK(range.factor == 0.125f);
  CHECK(range.lower == -3);
  CHECK(range.upper == 7.5f);
  CHECK(range.missing == 1);
  CHECK(scaling(R"(, "scale": {"mean": 3, "std": 4})").factor == 0.25f);
  CHECK(scaling(R"(, "scale": {"offset": 3, "factor": 4})").factor == 4);
}

TEST_CASE("functions of numbers, and open bounds") {
  const Scaling log = scaling(R"(, "function": "log1p", "clip": [0, null], "scale": {"mean": 2, "std": 4})");
  CHECK(log.function == NumberFunction::kLog1p);
  CHECK(log.lower == 0);
  CHECK(std::isinf(log.upper));
  CHECK(log.offset == 2);
  CHECK(scaling("").function == NumberFunction::kIdentity);
  const Scaling root = scaling(R"(, "function": {"power": 0.5})");
  CHECK(root.function == NumberFunction::kPower);
  CHECK(root.exponent == 0.5f);
  const std::pair<const char*, NumberFunction> names[] = {{"log", NumberFunction::kLog},
                                                          {"log10", NumberFunction::kLog10},
                                                          {"sqrt", NumberFunction::kSqrt},
                                                          {"abs", NumberFunction::kAbs},
                                                          {"signed_log1p", NumberFunction::kSignedLog1p},
                                                          {"is_missing", NumberFunction::kIsMissing}};
  for (const auto& [name, function] : names) {
    CHECK(scaling(std::string(R"(, "function": ")") + name + "\"").function == function);
  }
}

TEST_CASE("functions with parameters") {
  CHECK(scaling(R"(, "function": {"yeo_johnson": 0})").function == NumberFunction::kYeoJohnson);
  const Scaling box_cox = scaling(R"(, "function": {"box_cox": -0.5})");
  CHECK(box_cox.function == NumberFunction::kBoxCox);
  CHECK(box_cox.exponent == -0.5f);
  const Scaling points = scaling(R"(, "function": {"points": [[0.1, 0], [2, 0.5], [2, 1]]})");
  CHECK(points.function == NumberFunction::kPoints);
  REQUIRE(points.points.size() == 3);
  CHECK(points.points[0] == std::pair<double, double>{0.1f, 0});
  CHECK(scaling(R"(, "function": {"points": [[0, 0], [2, 1]], "normal": true})").function ==
        NumberFunction::kNormalPoints);
  const auto error = [](const std::string& fields) {
    return error_of(R"({"name": "a", "kind": "dense", "function": )" + fields + "}", 1);
  };
  CHECK(
      contains(error(R"({"points": [[0, 0]]})"), "features[0].function.points: found a list of 1, expected at least"));
  CHECK(contains(error(R"({"points": [[1, 0], [0, 1]]})"), "points[1]: found a list of 2, expected v in ascending"));
  CHECK(contains(error(R"({"points": [[1, 0], [2]]})"), "points[1]: found a list of 1, expected [v, result]"));
  CHECK(contains(error(R"({"points": [[1, 0], [2, 3]], "normal": true})"), "expected a probability"));
  CHECK(contains(error(R"({"box_cox": 1, "power": 2})"), "unknown key"));
}

TEST_CASE("scaling: errors") {
  const auto error = [](const std::string& fields) {
    return error_of(R"({"name": "a", "kind": "dense", )" + fields + "}", 1);
  };
  CHECK(error(R"("scale": {"min": 1, "max": 1})") == "features[0].scale: expected min less than max");
  CHECK(contains(error(R"("scale": {"min": 1})"), "features[0].scale.max: missing"));
  CHECK(contains(error(R"("scale": {"min": 1, "std": 1})"), "features[0].scale.std: unknown key"));
  CHECK(error(R"("scale": {"mean": 1, "std": 0})") == "features[0].scale: expected std more than 0");
  CHECK(contains(error(R"("scale": {})"), "features[0].scale.offset: missing: {\"min\", \"max\"}"));
  CHECK(contains(error(R"("clip": [2, 1])"), "features[0].clip: expected lower no more than upper"));
  CHECK(contains(error(R"("clip": [2])"), "features[0].clip: found a list of 1, expected [lower, upper]"));
  CHECK(contains(error(R"("clip": [null, "a"])"), "features[0].clip[1]: found \"a\""));
  CHECK(contains(error(R"("function": "log2")"), "expected one of log, log1p, log10, sqrt, abs, signed_log1p, is"));
  CHECK(contains(error(R"("function": {"power": 0})"), "features[0].function.power: found 0, expected a number other"));
  CHECK(contains(error(R"("function": "is_missing", "missing": 0)"), "features[0].missing: is_missing would never"));
  CHECK(contains(error(R"("function": {"exponent": 2})"), "features[0].function.exponent: unknown key"));
  CHECK(contains(error(R"("width": 0)"), "features[0].width: found 0, expected 1 or more"));
  CHECK(contains(error(R"("vocabulary": [1])"), "features[0].vocabulary: unknown key"));
}

TEST_CASE("vocabularies") {
  const Vocabulary words = vocabulary(R"("vocabulary": ["AT", "", "BR"], "first_id": 1, "unknown": {"id": 0})");
  const StringList& texts = std::get<StringList>(words.keys);
  REQUIRE(texts.size() == 3);
  CHECK(texts[0] == "AT");
  CHECK(texts[1] == "");
  CHECK(texts[2] == "BR");
  CHECK(words.ids == std::vector<uint32_t>{1, 2, 3});
  CHECK(words.size == 3);
  CHECK(words.unknown == UnknownRule::kId);
  CHECK(words.unknown_id == 0);
  const Vocabulary numbers = vocabulary(R"("vocabulary": [7, -3], "unknown": "zero")");
  CHECK(std::get<std::vector<int64_t>>(numbers.keys) == std::vector<int64_t>{7, -3});
  CHECK(numbers.unknown == UnknownRule::kZero);
  const Vocabulary identity = vocabulary(R"("vocabulary": {"identity": 4})");
  CHECK(identity.identity);
  CHECK(identity.size == 4);
  CHECK(identity.ids.empty());
  CHECK(identity.unknown == UnknownRule::kError);
}

TEST_CASE("vocabularies of hash buckets") {
  const Vocabulary keras = vocabulary(
      R"("vocabulary": {"hash": "farmhash64", "buckets": 3, "mask": ""}, "first_id": 1, "unknown": {"id": 0})");
  REQUIRE(keras.hashing);
  CHECK(keras.hashing->function == HashFunction::kFarmHash64);
  CHECK(keras.hashing->bytes == HashedBytes::kText);
  CHECK(keras.hashing->rule == BucketRule::kUnsigned);
  CHECK(keras.hashing->seed == 0);
  CHECK(keras.hashing->first_id == 1);
  CHECK(keras.hashing->mask == "");
  CHECK(keras.size == 3);
  CHECK(keras.ids.empty());
  CHECK_FALSE(keras.identity);
  CHECK(keras.id_of(2) == 3);
  CHECK(num_rows(keras) == 4);
  const Vocabulary spark = vocabulary(
      R"("vocabulary": {"hash": "murmur3", "seed": 42, "of": "int64", "modulo": "floored", "buckets": 4, "mask": -1})");
  CHECK(spark.hashing->function == HashFunction::kMurmur3);
  CHECK(spark.hashing->bytes == HashedBytes::kInt64);
  CHECK(spark.hashing->rule == BucketRule::kFloored);
  CHECK(spark.hashing->seed == 42);
  CHECK(spark.hashing->mask == "-1");
  CHECK(spark.unknown == UnknownRule::kError);
}

TEST_CASE("vocabularies of keys and buckets of what is none") {
  const Vocabulary words = vocabulary(
      R"("vocabulary": ["a", "b"], "first_id": 2, "unknown": {"buckets": 2, "mask": ""}, "missing": "zero")");
  REQUIRE(words.others);
  CHECK(words.others->function == HashFunction::kFarmHash64);
  CHECK(words.others->buckets == 2);
  CHECK(words.others->first_id == 0);
  CHECK(words.others->mask == "");
  CHECK(words.unknown == UnknownRule::kZero);
  CHECK(words.has_keys());
  CHECK(num_rows(words) == 4);
  const Vocabulary numbers = vocabulary(R"("vocabulary": [7], "unknown": {"buckets": 3, "first_id": 1})");
  CHECK(numbers.others->function == HashFunction::kValue);
  CHECK(numbers.others->bytes == HashedBytes::kInt64);
  CHECK(numbers.others->rule == BucketRule::kFloored);
  CHECK(numbers.unknown == UnknownRule::kError);
  CHECK(num_rows(numbers) == 4);
  const auto error = [](const std::string& fields) { return categorical_error(", \"vocabulary\": " + fields); };
  CHECK(contains(error(R"(["a"], "unknown": {"buckets": 0})"), "features[0].unknown.buckets: found 0, expected 1"));
  CHECK(contains(error(R"(["a"], "unknown": {"buckets": 3, "first_id": 2})"), "ids 2 to 4, but c.weight has 4 rows"));
  CHECK(contains(error(R"(["a"], "unknown": {"buckets": 3, "of": "int64"})"), "unknown.of: the keys are texts"));
  CHECK(contains(error(R"({"identity": 2}, "unknown": {"buckets": 1})"), "only where a list or a file of keys"));
  CHECK(contains(error(R"(["a"], "unknown": {"id": 1}, "missing": "zero")"), "only where `unknown` has buckets"));
}

TEST_CASE("hashes with keys, of values themselves, and of joined texts") {
  const Vocabulary salted = vocabulary(R"("vocabulary": {"hash": "siphash24", "key": [133, 137], "buckets": 3})");
  CHECK(salted.hashing->seed == 133);
  CHECK(salted.hashing->seed_high == 137);
  const Vocabulary rest = vocabulary(R"("vocabulary": {"hash": "value", "buckets": 3})");
  CHECK(rest.hashing->bytes == HashedBytes::kInt64);
  const Vocabulary joined = vocabulary(
      R"("vocabulary": {"hash": "murmur64", "seed": 3339675911, "join": ["a", "b"], "separator": "_", "buckets": 3})");
  CHECK(joined.hashing->bytes == HashedBytes::kJoined);
  CHECK(joined.hashing->parts[1].first == "b");
  CHECK(joined.hashing->separator == "_");
  const Vocabulary keys = vocabulary(
      R"("vocabulary": {"list": ["a_b", "a_c"], "join": ["a", "b"], "separator": "_", "mask": ""}, "unknown": {"id": 3})");
  REQUIRE(keys.others);
  CHECK(keys.others->buckets == 0);
  CHECK(keys.others->parts.size() == 2);
  CHECK(keys.unknown_id == 3);
  const auto error = [](const std::string& fields) { return categorical_error(", \"vocabulary\": " + fields); };
  CHECK(contains(error(R"({"hash": "siphash24", "buckets": 3})"), "vocabulary.key: missing: two numbers of 64 bits"));
  CHECK(contains(error(R"({"hash": "siphash24", "key": [1], "buckets": 3})"), "expected two numbers"));
  CHECK(contains(error(R"({"hash": "xxh64", "key": [1, 2], "buckets": 3})"), "key: only siphash24 has a key"));
  CHECK(contains(error(R"({"hash": "value", "of": "text", "buckets": 3})"), "`value` is of int64 alone"));
  CHECK(contains(error(R"({"hash": "crc32", "join": ["a"], "separator": "_", "buckets": 3})"),
                 "join: found a list of 1"));
  CHECK(contains(error(R"({"hash": "crc32", "join": ["a", "b"], "buckets": 3})"), "vocabulary.separator: missing"));
  CHECK(contains(error(R"({"hash": "crc32", "separator": "_", "buckets": 3})"), "separator: only with `join`"));
  CHECK(contains(error(R"({"hash": "crc32", "join": ["a", "b"], "separator": "", "of": "int64", "buckets": 3})"),
                 "of: a join is a text"));
  CHECK(contains(error(R"({"list": [1], "join": ["a", "b"], "separator": ""})"), "join: the keys are integers"));
  CHECK(contains(error(R"({"list": ["a"], "separator": ""})"), "separator: only with `join`"));
  CHECK(contains(error(R"({"list": ["a"], "join": ["a", "b"], "separator": ""}, "column": "a")"),
                 "a join names its columns itself"));
}

TEST_CASE("hashes with a sign, and with a prefix") {
  const Vocabulary made =
      vocabulary(R"("vocabulary": {"hash": "murmur3", "buckets": 4, "modulo": "signed", "prefix": "city="})");
  CHECK(made.hashing->rule == BucketRule::kSigned);
  CHECK(made.hashing->prefix == "city=");
  const auto error = [](const std::string& fields) { return categorical_error(", \"vocabulary\": " + fields); };
  CHECK(contains(error(R"({"hash": "murmur3", "buckets": 3, "modulo": "signed"})"),
                 "features[0].vocabulary.buckets: found 3, expected an even number"));
  CHECK(contains(error(R"(["a"], "unknown": {"buckets": 3, "modulo": "signed"})"), "expected an even number"));
  CHECK(contains(error(R"({"hash": "murmur3", "buckets": 3, "of": "int64", "prefix": "a"})"), "prefix: only of texts"));
  CHECK(contains(error(R"({"hash": "murmur3", "buckets": 3, "prefix": ")" + std::string(1025, 'a') + "\"}"),
                 "at most 1024 bytes"));
}

TEST_CASE("parts of dates") {
  const std::string feature = R"({"name": "c", "kind": "categorical", "embedding": {"one_hot": 31}, "vocabulary": )";
  const auto dates = [&](const std::string& fields) {
    const Feature made = bound(feature + fields + "}", 31);
    return std::get<SparseFeature>(made.kind).vocabulary;
  };
  const Vocabulary hour =
      dates(R"({"date": "hour", "unit": "ms", "utc_offset": -3600}, "first_id": 1, "unknown": "zero")");
  REQUIRE(hour.dates);
  CHECK(hour.dates->part == DatePart::kHour);
  CHECK(hour.dates->ticks == 1000);
  CHECK(hour.dates->offset == -3600);
  CHECK(hour.size == 24);
  CHECK(hour.id_of(23) == 24);
  CHECK(num_rows(hour) == 25);
  CHECK(dates(R"({"date": "day", "unit": "s"})").size == 31);
  const auto error = [](const std::string& fields) { return categorical_error(", \"vocabulary\": " + fields); };
  CHECK(contains(error(R"({"date": "year", "unit": "s"})"), "expected one of minute, hour, day_of_week, day, month"));
  CHECK(contains(error(R"({"date": "hour"})"), "vocabulary.unit: missing: s, ms, us or ns"));
  CHECK(contains(error(R"({"date": "hour", "unit": "s", "utc_offset": 86401})"), "expected seconds, at most a day"));
  CHECK(contains(error(R"({"date": "day_of_week", "unit": "s"})"), "ids 0 to 6, but c.weight has 4 rows"));
}

TEST_CASE("vocabularies of bins") {
  const Vocabulary keras =
      vocabulary(R"("vocabulary": {"bounds": [0.1, 18], "side": "right"}, "first_id": 1, "unknown": {"id": 0})");
  REQUIRE(keras.bins);
  CHECK(keras.bins->bounds == std::vector<double>{0.1f, 18});
  CHECK(keras.bins->right);
  CHECK(keras.bins->f32);
  CHECK(keras.size == 3);
  CHECK(keras.ids == std::vector<uint32_t>{1, 2, 3});
  CHECK(num_rows(keras) == 4);
  const Vocabulary exact =
      vocabulary(R"("vocabulary": {"bounds": [-1e300, 0.1], "side": "left", "values": "float64"})");
  CHECK(exact.bins->bounds == std::vector<double>{-1e300, 0.1});
  CHECK_FALSE(exact.bins->right);
  CHECK_FALSE(exact.bins->f32);
  const Vocabulary shared = vocabulary(R"("vocabulary": {"bounds": [1, 2], "side": "left"}, "ids": [2, 0, 2])");
  CHECK(shared.ids == std::vector<uint32_t>{2, 0, 2});
  CHECK(contains(categorical_error(R"(, "vocabulary": {"bounds": [1], "side": "left"}, "ids": [1])"),
                 "ids: found a list of 1, expected 2, one for each bin"));
  CHECK(contains(categorical_error(R"(, "vocabulary": {"identity": 2}, "ids": [1, 1])"), "or for bins"));
}

TEST_CASE("vocabularies of bins: errors") {
  const auto error = [](const std::string& fields) { return categorical_error(R"(, "vocabulary": {)" + fields); };
  CHECK(contains(error(R"("bounds": [1]})"), "features[0].vocabulary.side: missing: left or right"));
  CHECK(contains(error(R"("bounds": [], "side": "left"})"), "expected at least one bound"));
  CHECK(error(R"("bounds": [2, 1], "side": "left"})") ==
        "features[0].vocabulary.bounds[1]: found 1, expected more than the bound before it, as float32");
  CHECK(contains(error(R"("bounds": [1, 1.00000001], "side": "left"})"), "as float32"));
  CHECK(contains(error(R"("bounds": [1, 1], "side": "left", "values": "float64"})"), "the bound before it"));
  CHECK(contains(error(R"("bounds": [1e300], "side": "left"})"), "features[0].vocabulary.bounds[0]: found"));
  CHECK(contains(error(R"("bounds": ["a"], "side": "left"})"), "features[0].vocabulary.bounds[0]: found \"a\""));
  CHECK(contains(error(R"("bounds": [1], "side": "both"})"), "expected one of left, right"));
  CHECK(contains(error(R"("bounds": [1], "side": "left", "values": "f32"})"), "expected one of float32, float64"));
  CHECK(contains(error(R"("bounds": [1, 2, 3, 4], "side": "left"})"), "ids 0 to 4, but c.weight has 4 rows"));
  CHECK(contains(error(R"("bounds": [1], "side": "left", "bins": 2})"), "features[0].vocabulary.bins: unknown key"));
}

TEST_CASE("vocabularies of hash buckets: errors") {
  const auto error = [](const std::string& fields) {
    return categorical_error(R"(, "vocabulary": {"hash": )" + fields);
  };
  CHECK(contains(error(R"("md5", "buckets": 4})"),
                 "features[0].vocabulary.hash: found \"md5\", expected one of farmhash64, xxh64, murmur3, crc32"));
  CHECK(error(R"("crc32"})") == "features[0].vocabulary.buckets: missing: the number of buckets");
  CHECK(error(R"("crc32", "buckets": 0})") == "features[0].vocabulary.buckets: found 0, expected 1 or more");
  CHECK(error(R"("crc32", "buckets": 5})") == "features[0].vocabulary: ids 0 to 4, but c.weight has 4 rows");
  CHECK(error(R"("crc32", "buckets": 4}, "first_id": 1)") ==
        "features[0].vocabulary: ids 1 to 4, but c.weight has 4 rows");
  CHECK(error(R"("crc32", "buckets": 4, "seed": 1})") ==
        "features[0].vocabulary.seed: only xxh64, murmur3 and murmur64 have a seed");
  CHECK(contains(error(R"("murmur3", "buckets": 4, "seed": 4294967296})"), "features[0].vocabulary.seed: found"));
  CHECK(contains(error(R"("crc32", "buckets": 4, "of": "int16"})"), "expected one of text, int64, int32"));
  CHECK(contains(error(R"("crc32", "buckets": 4, "modulo": "even"})"), "one of unsigned, absolute, floored, signed"));
  CHECK(contains(error(R"("crc32", "buckets": 4, "mask": 0.5})"), "features[0].vocabulary.mask: found 0.5"));
  CHECK(contains(error(R"("crc32", "buckets": 4, "size": 1})"), "features[0].vocabulary.size: unknown key"));
}

TEST_CASE("vocabularies: errors") {
  CHECK(categorical_error(R"(, "vocabulary": ["a", "b", "a"])") ==
        "features[0].vocabulary: \"a\" twice, as entries 0 and 2");
  CHECK(categorical_error(R"(, "vocabulary": [5, 5])") == "features[0].vocabulary: 5 twice, as entries 0 and 1");
  CHECK(categorical_error(R"(, "vocabulary": ["a", 1])") ==
        "features[0].vocabulary[1]: found 1, expected a string, as the first entry is");
  CHECK(contains(categorical_error(R"(, "vocabulary": [1, "a"])"), "features[0].vocabulary[1]: found \"a\""));
  CHECK(categorical_error(R"(, "vocabulary": [1, 2, 3, 4], "first_id": 1)") ==
        "features[0].vocabulary: ids 1 to 4, but c.weight has 4 rows");
  CHECK(contains(categorical_error(R"(, "vocabulary": {"identity": 5})"), "ids 0 to 4, but c.weight has 4 rows"));
  CHECK(contains(categorical_error(R"(, "vocabulary": {"identity": 2}, "first_id": 1)"), "has no `first_id`"));
  CHECK(categorical_error(R"(, "vocabulary": [1], "unknown": {"id": 4})") ==
        "features[0].unknown.id: found 4, expected less than 4, the rows of c.weight");
  CHECK(contains(categorical_error(R"(, "vocabulary": [1], "unknown": "ignore")"), "expected one of zero, error"));
  CHECK(contains(categorical_error(R"(, "vocabulary": [])"), "expected at least one entry"));
  CHECK(contains(categorical_error(""), "features[0].vocabulary: missing"));
  CHECK(contains(categorical_error(R"(, "vocabulary": [1], "width": 3)"), "features[0].width: unknown key"));
  CHECK(contains(error_of(R"({"name": "c", "kind": "categorical", "embedding": "d.weight", "vocabulary": [1]})"),
                 "features[0].embedding: no tensor is named d.weight; nearest: c.weight"));
  CHECK(contains(error_of(R"({"name": "c", "kind": "categorical", "embedding": "t.bias", "vocabulary": [1]})"),
                 "t.bias: [1], expected an embedding table, [ids, width]"));
}

TEST_CASE("features: several may read one column, if one of them says so") {
  const auto names = [](const std::string& features, uint64_t inputs) {
    std::string text;
    const TrainedModel model =
        bind_description_text(description(features), weights(inputs), "m", nullptr, UnusedTensors::kReport);
    for (const Feature& feature : model.features) {
      text += feature.name + "<" + feature.source + " ";
    }
    return text;
  };
  const std::string user = R"({"name": "user", "kind": "dense"})";
  CHECK(names(user + R"(, {"name": "again", "kind": "dense", "column": "user"})", 2) == "user< again<user ");
  CHECK(names(R"({"name": "again", "kind": "dense", "column": "user"}, )" + user, 2) == "again<user user< ");
  CHECK(names(R"({"name": "a", "column": "u", "kind": "dense"}, {"name": "b", "column": "u", "kind": "dense"})", 2) ==
        "a<u b<u ");
}

TEST_CASE("features: duplicates and widths") {
  const std::string a = R"({"name": "a", "kind": "dense"})";
  CHECK(error_of(a + ", " + a) == "features[1]: two features are named \"a\"");
  CHECK(contains(error_of(R"({"name": "a", "kind": "dense", "width": 2}, {"name": "a.1", "kind": "dense"})"),
                 "features[1]: two features read the column \"a.1\"; where they are meant to"));
  CHECK(error_of(a) == "e.weight: [2, 3], expected [2, 1] (2 outputs, 1 input)");
  CHECK(contains(error_of(""), "features: empty"));
  CHECK(contains(error_of(R"({"name": "a", "kind": "dens"})"),
                 "features[0].kind: found \"dens\", expected one of dense"));
  const std::string text = replaced(description(a), R"("levels")", R"("input_dim": 2, "levels")");
  CHECK(bind_error(text, weights(1)) == "input_dim: found 2, expected 1, the sum of the features' widths");
}

TEST_CASE("sequences") {
  const std::string start = R"({"name": "s", "kind": "sequence", "embedding": "c.weight", "vocabulary": ["a", "b"], )";
  const Feature feature = bound(start + R"("first_id": 1, "length": 5, "pooling": "max", "padding_id": 0})", 3);
  const auto& sequence = std::get<SequenceFeature>(feature.kind);
  CHECK(feature.width == 3);
  CHECK(feature.num_ids() == 5);
  CHECK(sequence.pooling == Pooling::kMax);
  CHECK(sequence.padding_id == 0u);
  CHECK(sequence.vocabulary.ids == std::vector<uint32_t>{1, 2});
  CHECK(contains(error_of(start + R"("pooling": "sum"})"), "features[0].length: missing: the most elements of a row"));
  CHECK(contains(error_of(start + R"("length": 5})"), "features[0].pooling: missing"));
  CHECK(contains(error_of(start + R"("length": 0, "pooling": "sum"})"), "expected 1 or more"));
  CHECK(contains(error_of(start + R"("length": 5, "pooling": "attention"})"),
                 "expected one of sum, mean, max, none, sqrtn"));
  const Feature bag = bound(start + R"("length": 5, "pooling": "sqrtn", "weights": "w"})", 3);
  CHECK(std::get<SequenceFeature>(bag.kind).weights == "w");
  CHECK(std::get<SequenceFeature>(bag.kind).pooling == Pooling::kSqrtN);
  CHECK(bag.num_values() == 5);
  CHECK(contains(error_of(start + R"("length": 5, "pooling": "max", "weights": "w"})"),
                 "only for the pooling sum, mean or sqrtn"));
  CHECK(contains(error_of(start + R"("length": 5, "pooling": "sum", "padding_id": 4})"), "expected at most 3"));
}

TEST_CASE("sequences: the element of a row that has none") {
  const std::string start = R"({"name": "s", "kind": "sequence", "embedding": "c.weight", "vocabulary": ["a", "b"],
                                "length": 5, "pooling": "sum", "empty": )";
  const auto empty_id = [](const Feature& feature) { return std::get<SequenceFeature>(feature.kind).empty_id; };
  CHECK(empty_id(bound(start + R"({"id": 3}})", 3)) == 3u);
  CHECK_FALSE(empty_id(bound(start + R"("zero"})", 3)));
  CHECK(contains(error_of(start + R"({"id": 4}})"), "features[0].empty.id: found 4, expected at most 3"));
  CHECK(contains(error_of(start + R"({"buckets": 1}})"), "features[0].empty.buckets: unknown key"));
  CHECK(contains(error_of(start + R"("error"})"), "features[0].empty: found \"error\", expected one of zero"));
}

TEST_CASE("crosses") {
  const Vocabulary plain = vocabulary(R"("vocabulary": {"cross": ["a", "b"], "buckets": 3}, "first_id": 1)");
  REQUIRE(plain.hashing);
  CHECK(plain.hashing->bytes == HashedBytes::kCrossed);
  CHECK(plain.hashing->seed == 0xdecafcaffe);
  CHECK(plain.hashing->first_id == 1);
  CHECK(plain.size == 3);
  const Vocabulary typed = vocabulary(
      R"("vocabulary": {"cross": [{"column": "a", "of": "int64"}, {"column": "b"}], "buckets": 4, "key": 7})");
  CHECK(typed.hashing->seed == 7);
  CHECK(typed.hashing->parts[0] == std::pair<std::string, HashedBytes>{"a", HashedBytes::kInt64});
  CHECK(typed.hashing->parts[1] == std::pair<std::string, HashedBytes>{"b", HashedBytes::kText});
  const auto error = [](const std::string& fields) { return categorical_error(", \"vocabulary\": " + fields); };
  CHECK(contains(error(R"({"cross": ["a"], "buckets": 3})"),
                 "features[0].vocabulary.cross: found a list of 1, expected 2"));
  CHECK(contains(error(R"({"cross": ["a", {"column": "b", "of": "int32"}], "buckets": 3})"), "cross[1].of: found"));
  CHECK(contains(error(R"({"cross": ["a", {"name": "b"}], "buckets": 3})"), "cross[1].name: unknown key"));
  CHECK(contains(error(R"({"cross": ["a", "b"]})"), "features[0].vocabulary.buckets: missing"));
  CHECK(contains(error(R"({"cross": ["a", "b"], "buckets": 3, "hash": "crc32"})"), "vocabulary.hash: unknown key"));
  CHECK(contains(error(R"({"cross": ["a", "b"], "buckets": 5})"), "ids 0 to 4, but c.weight has 4 rows"));
  CHECK(contains(error(R"({"cross": ["a", "b"], "buckets": 3}, "column": "a")"), "a cross names its columns itself"));
  CHECK(contains(error_of(R"({"name": "c", "kind": "sequence", "length": 2, "pooling": "sum", "embedding": "c.weight",
                              "vocabulary": {"cross": ["a", "b"], "buckets": 3}})"),
                 "features[0].vocabulary: a sequence has no crosses"));
  // Columns of a cross may be those of other features, in any order.
  const std::string cross = R"({"name": "a x b", "kind": "categorical", "embedding": "c.weight",
                                "vocabulary": {"cross": ["a", "b"], "buckets": 3}})";
  const std::string dense = R"({"name": "a", "kind": "dense"})";
  for (const std::string& features : {cross + "," + dense, dense + "," + cross}) {
    CHECK(bind_description_text(description(features), weights(4), "m").features.size() == 2);
  }
}

TEST_CASE("one-hot columns, and rows in the description") {
  const auto table_of = [](const std::string& embedding, uint64_t inputs, const std::string& more = "") {
    const std::string feature =
        R"({"name": "c", "kind": "categorical", "vocabulary": [7, 8], "embedding": )" + embedding + more + "}";
    return bind_description_text(description(feature), weights(inputs), "m", nullptr, UnusedTensors::kReport)
        .embeddings.at(0);
  };
  const Embedding one_hot = table_of(R"({"one_hot": 3, "ids": 5})", 3);
  CHECK(one_hot.table.rows == 5);
  CHECK(one_hot.table.cols == 3);
  for (size_t row = 0; row < 5; ++row) {
    for (size_t col = 0; col < 3; ++col) CHECK(one_hot.table.at(row, col) == (row == col ? 1 : 0));
  }
  // Codes of 4 bits are exact.
  const std::optional<kernels::TableType> type = one_hot.table.stored_as();
  REQUIRE(type == kernels::TableType::kU4);
  std::vector<uint8_t> stored(5 * kernels::table_row_bytes(*type, 3));
  one_hot.table.read_stored(0, 5, stored.data());
  for (size_t i = 0; i < 15; ++i) {
    CHECK(kernels::table_element(*type, stored.data(), 3, i / 3, i % 3) == one_hot.table.at(i / 3, i % 3));
  }
  const Embedding pairs = table_of(R"({"signed_one_hot": 3})", 3);
  CHECK(pairs.table.rows == 6);
  for (size_t row = 0; row < 6; ++row) {
    for (size_t col = 0; col < 3; ++col) CHECK(pairs.table.at(row, col) == (row == col ? 1 : row == col + 3 ? -1 : 0));
  }
  const Embedding rows = table_of(R"({"rows": [[0.5, -1], [2, 3]]})", 2);
  CHECK(rows.table.at(1, 1) == 3);
  CHECK(!rows.table.stored_as());
  CHECK(vocabulary(R"("vocabulary": [7, 8, 9], "ids": [3, 0, 3])").ids == std::vector<uint32_t>{3, 0, 3});

  const auto error = [](const std::string& embedding, const std::string& more = "") {
    return error_of(R"({"name": "c", "kind": "categorical", "vocabulary": [7, 8], "embedding": )" + embedding + more +
                    "}");
  };
  CHECK(contains(error(R"({"signed_one_hot": 0})"), "signed_one_hot: found 0, expected 1 or more"));
  CHECK(contains(error(R"({"one_hot": 0})"), "features[0].embedding.one_hot: found 0, expected 1 or more"));
  CHECK(contains(error(R"({"one_hot": 3, "ids": 2})"), "features[0].embedding.ids: found 2, expected 3 or more"));
  CHECK(contains(error(R"({"one_hot": 1})"), "ids 0 to 1, but one-hot of 1 has 1 rows"));
  CHECK(contains(error(R"({"one_hot": 5000})"), "have more than 16777216 numbers"));
  CHECK(contains(error(R"({"rows": [[1], [1, 2]]})"), "features[0].embedding.rows[1]: found a list of 2, expected 1"));
  CHECK(
      contains(error(R"({"rows": [[], []]})"), "features[0].embedding.rows[0]: found a list of 0, expected at least"));
  CHECK(contains(error(R"({"rows": []})"), "features[0].embedding.rows: found a list of 0, expected at least one row"));
  CHECK(contains(error(R"({"one_hot": 2})", R"(, "first_row": 1)"), "first_row: only for a table of the weights file"));
  CHECK(
      contains(categorical_error(R"(, "vocabulary": [7, 8], "ids": [1])"), "ids: found a list of 1, expected 2, one"));
  CHECK(contains(categorical_error(R"(, "vocabulary": [7], "ids": [4])"), "ids[0]: found 4, expected less than 4"));
  CHECK(contains(categorical_error(R"(, "vocabulary": [7], "ids": [1], "first_id": 0)"), "ids: only for a list or a"));
  CHECK(contains(categorical_error(R"(, "vocabulary": {"identity": 1}, "ids": [1])"), "ids: only for a list or a"));
}

}  // namespace
}  // namespace mmoe::converter
