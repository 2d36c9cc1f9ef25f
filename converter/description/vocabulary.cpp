#include "converter/description/vocabulary.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "converter/description/limits.h"

namespace mmoe::converter {

namespace {

// In the order of the enumerations.
const std::vector<std::string> kFunctions = {"farmhash64", "xxh64", "murmur3", "crc32"};
const std::vector<std::string> kBytes = {"text", "int64", "int32"};
const std::vector<std::string> kRules = {"unsigned", "absolute", "floored"};

Bins read_bins(const JsonReader& field) {
  field.allow_keys({"bounds", "side", "values"});
  Bins bins;
  const JsonReader side = field.get("side", "left or right: which bin a number that equals a bound is in");
  bins.right = side.choice({"left", "right"}) == 1;
  if (const auto values = field.find("values")) bins.f32 = values->choice({"float32", "float64"}) == 0;
  const std::vector<JsonReader> bounds = field.get("bounds", "").items();
  if (bounds.empty()) field.get("bounds", "").fail_expected("at least one bound");
  for (const JsonReader& bound : bounds) {
    const double value = bins.f32 ? static_cast<double>(bound.real()) : bound.number();
    if (!bins.bounds.empty() && !(bins.bounds.back() < value)) {
      bound.fail_expected(bins.f32 ? "more than the bound before it, as float32" : "more than the bound before it");
    }
    bins.bounds.push_back(value);
  }
  return bins;
}

uint64_t read_seed(const JsonReader& field, HashFunction function) {
  const bool wide = function == HashFunction::kXXH64;
  if (!wide && function != HashFunction::kMurmur3) field.fail("only xxh64 and murmur3 have a seed");
  return field.count(wide ? std::numeric_limits<size_t>::max() : std::numeric_limits<uint32_t>::max());
}

Hashing read_hashing(const JsonReader& field, size_t first_id) {
  field.allow_keys({"hash", "buckets", "seed", "of", "modulo", "mask"});
  Hashing hashing;
  hashing.function = static_cast<HashFunction>(field.get("hash", "the hash function").choice(kFunctions));
  if (const auto seed = field.find("seed")) hashing.seed = read_seed(*seed, hashing.function);
  if (const auto bytes = field.find("of")) hashing.bytes = static_cast<HashedBytes>(bytes->choice(kBytes));
  if (const auto rule = field.find("modulo")) hashing.rule = static_cast<BucketRule>(rule->choice(kRules));
  if (const auto mask = field.find("mask")) {
    hashing.mask = mask->is_string() ? mask->text() : std::to_string(mask->integer());
  }
  hashing.first_id = static_cast<uint32_t>(first_id);
  return hashing;
}

/// TensorFlow's default for the key of its crosses.
constexpr uint64_t kCrossKey = 0xdecafcaffe;

// Columns, by name or {"column": name, "of": "text" or "int64"}.
Hashing read_cross(const JsonReader& field, const JsonReader& feature, size_t first_id) {
  field.allow_keys({"cross", "buckets", "key"});
  if (const auto column = feature.find("column")) column->fail("a cross names its columns itself");
  Hashing hashing;
  hashing.bytes = HashedBytes::kCrossed;
  hashing.seed = kCrossKey;
  hashing.first_id = static_cast<uint32_t>(first_id);
  if (const auto key = field.find("key")) hashing.seed = key->count();
  const JsonReader list = field.get("cross", "");
  for (const JsonReader& part : list.items()) {
    if (part.is_string()) {
      hashing.parts.emplace_back(part.string(), HashedBytes::kText);
      continue;
    }
    part.allow_keys({"column", "of"});
    const std::string column = part.get("column", "the column of the raw data").string();
    const auto of = part.find("of");
    hashing.parts.emplace_back(column, static_cast<HashedBytes>(of ? of->choice({"text", "int64"}) : 0));
  }
  if (hashing.parts.size() < 2 || hashing.parts.size() > kMaxCrossed) {
    list.fail_expected("2 to " + std::to_string(kMaxCrossed) + " columns");
  }
  return hashing;
}

void read_unknown(const JsonReader& field, size_t table_rows, const std::string& table, Vocabulary& vocabulary) {
  if (!field.is_object()) {
    vocabulary.unknown = field.choice({"zero", "error"}) == 0 ? UnknownRule::kZero : UnknownRule::kError;
    return;
  }
  field.allow_keys({"id"});
  const JsonReader id = field.get("id", "the row of the embedding that unknown values take");
  const size_t row = id.count();
  if (row >= table_rows) id.fail_expected("less than " + std::to_string(table_rows) + ", the rows of " + table);
  vocabulary.unknown = UnknownRule::kId;
  vocabulary.unknown_id = static_cast<uint32_t>(row);
}

// An id for each key, several of which may have the same.
void read_ids(const JsonReader& field, size_t table_rows, const std::string& table, Vocabulary& vocabulary) {
  const std::vector<JsonReader> items = field.items();
  if (items.size() != vocabulary.size) field.fail_expected(std::to_string(vocabulary.size) + ", one for each key");
  for (const JsonReader& item : items) {
    const size_t id = item.count();
    if (id >= table_rows) item.fail_expected("less than " + std::to_string(table_rows) + ", the rows of " + table);
    vocabulary.ids.push_back(static_cast<uint32_t>(id));
  }
}

void number_ids(const JsonReader& field, size_t first_id, size_t table_rows, const std::string& table,
                Vocabulary& vocabulary) {
  if (vocabulary.size > table_rows - first_id) {
    field.fail("ids " + std::to_string(first_id) + " to " + std::to_string(first_id + vocabulary.size - 1) + ", but " +
               table + " has " + std::to_string(table_rows) + " rows");
  }
  if (vocabulary.identity || vocabulary.hashing) return;
  vocabulary.ids.resize(vocabulary.size);
  std::iota(vocabulary.ids.begin(), vocabulary.ids.end(), static_cast<uint32_t>(first_id));
}

}  // namespace

Vocabulary read_vocabulary(const JsonReader& feature, size_t table_rows, const std::string& table,
                           KeySources& sources) {
  Vocabulary vocabulary;
  const JsonReader field =
      feature.get("vocabulary",
                  "a list of strings or integers, {\"file\": name}, {\"identity\": n}, {\"hash\": "
                  "function, \"buckets\": n}, {\"cross\": columns, \"buckets\": n} or {\"bounds\": list}");
  const auto first = feature.find("first_id");
  const size_t first_id = first ? first->count(table_rows) : 0;
  const bool crosses = field.is_object() && field.find("cross");
  if (crosses || (field.is_object() && field.find("hash"))) {
    vocabulary.hashing = crosses ? read_cross(field, feature, first_id) : read_hashing(field, first_id);
    const JsonReader buckets = field.get("buckets", "the number of buckets");
    vocabulary.size = buckets.count();
    if (vocabulary.size == 0) buckets.fail_expected("1 or more");
  } else if (field.is_object() && field.find("bounds")) {
    vocabulary.bins = read_bins(field);
    vocabulary.size = vocabulary.bins->bounds.size() + 1;
  } else if (field.is_object() && !field.find("file")) {
    field.allow_keys({"identity"});
    if (first) first->fail("an identity vocabulary has no `first_id`: its values are the ids");
    vocabulary.identity = true;
    vocabulary.size = field.get("identity", "the number of ids").count();
    if (vocabulary.size == 0) field.fail("an identity vocabulary of no ids");
  } else {
    read_keys(field, sources, vocabulary);
  }
  if (const auto ids = feature.find("ids")) {
    if (first || vocabulary.identity || vocabulary.hashing || vocabulary.bins) {
      ids->fail("only for a list or a file of keys, in the place of `first_id`");
    }
    read_ids(*ids, table_rows, table, vocabulary);
  } else {
    number_ids(field, first_id, table_rows, table, vocabulary);
  }
  if (const auto unknown = feature.find("unknown")) read_unknown(*unknown, table_rows, table, vocabulary);
  return vocabulary;
}

size_t num_rows(const Vocabulary& vocabulary) {
  size_t rows = vocabulary.identity  ? vocabulary.size
                : vocabulary.hashing ? vocabulary.hashing->first_id + vocabulary.size
                                     : 0;
  for (const uint32_t id : vocabulary.ids) rows = std::max<size_t>(rows, size_t{id} + 1);
  if (vocabulary.unknown == UnknownRule::kId) rows = std::max<size_t>(rows, size_t{vocabulary.unknown_id} + 1);
  return rows;
}

}  // namespace mmoe::converter
