#include "converter/description/vocabulary.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "converter/model/limits.h"

namespace mmoe::converter {

namespace {

// In the order of the enumerations.
const std::vector<std::string> kFunctions = {"farmhash64", "xxh64",     "murmur3", "crc32",
                                             "murmur64",   "siphash24", "value"};
const std::vector<std::string> kBytes = {"text", "int64", "int32"};
const std::vector<std::string> kRules = {"unsigned", "absolute", "floored", "signed"};

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
  const bool wide = function == HashFunction::kXXH64 || function == HashFunction::kMurmur64;
  if (!wide && function != HashFunction::kMurmur3) field.fail("only xxh64, murmur3 and murmur64 have a seed");
  return field.count(wide ? std::numeric_limits<size_t>::max() : std::numeric_limits<uint32_t>::max());
}

void read_key(const JsonReader& field, Hashing& hashing) {
  const auto key = field.find("key");
  if (hashing.function != HashFunction::kSipHash24) {
    if (key) key->fail("only siphash24 has a key");
    return;
  }
  const JsonReader pair = field.get("key", "two numbers of 64 bits");
  const std::vector<JsonReader> halves = pair.items();
  if (halves.size() != 2) pair.fail_expected("two numbers of 64 bits");
  hashing.seed = halves[0].count();
  hashing.seed_high = halves[1].count();
}

void read_mask(const JsonReader& field, Hashing& hashing) {
  if (const auto mask = field.find("mask")) {
    hashing.mask = mask->is_string() ? mask->text() : std::to_string(mask->integer());
  }
}

// {"join": columns, "separator": text}
void read_join(const JsonReader& field, const JsonReader& feature, Hashing& hashing) {
  if (const auto column = feature.find("column")) column->fail("a join names its columns itself");
  hashing.bytes = HashedBytes::kJoined;
  const JsonReader list = field.get("join", "");
  for (const JsonReader& part : list.items()) hashing.parts.emplace_back(part.string(), HashedBytes::kText);
  if (hashing.parts.size() < 2 || hashing.parts.size() > kMaxCrossed) {
    list.fail_expected("2 to " + std::to_string(kMaxCrossed) + " columns");
  }
  hashing.separator = field.get("separator", "the text between the values, which may be empty").text();
}

// What makes a bucket of a value; `function` where the field does not say it.
void read_function(const JsonReader& field, HashFunction function, Hashing& hashing) {
  hashing.function = function;
  if (const auto name = field.find("hash")) hashing.function = static_cast<HashFunction>(name->choice(kFunctions));
  if (const auto seed = field.find("seed")) hashing.seed = read_seed(*seed, hashing.function);
  read_key(field, hashing);
  const auto bytes = field.find("of");
  if (bytes && hashing.bytes == HashedBytes::kJoined) bytes->fail("a join is a text");
  if (bytes) hashing.bytes = static_cast<HashedBytes>(bytes->choice(kBytes));
  const bool whole = hashing.function == HashFunction::kValue;
  if (whole && !bytes) hashing.bytes = HashedBytes::kInt64;
  if (whole && hashing.bytes != HashedBytes::kInt64) field.fail("`value` is of int64 alone");
  if (const auto rule = field.find("modulo")) hashing.rule = static_cast<BucketRule>(rule->choice(kRules));
  read_mask(field, hashing);
}

std::string read_prefix(const JsonReader& field, const Hashing& hashing) {
  const std::string prefix = field.string();
  if (hashing.bytes == HashedBytes::kInt64 || hashing.bytes == HashedBytes::kInt32) field.fail("only of texts");
  if (prefix.size() > kMaxJoined) field.fail_expected("at most " + std::to_string(kMaxJoined) + " bytes");
  return prefix;
}

// Negative hashes have half of the buckets.
void check_number(const JsonReader& buckets, BucketRule rule, size_t number) {
  if (number == 0) buckets.fail_expected("1 or more");
  if (rule == BucketRule::kSigned && number % 2 != 0) buckets.fail_expected("an even number, since `modulo` is signed");
}

Hashing read_hashing(const JsonReader& field, const JsonReader& feature, size_t first_id) {
  field.allow_keys({"hash", "buckets", "seed", "key", "of", "modulo", "mask", "join", "separator", "prefix"});
  Hashing hashing;
  if (field.find("join")) {
    read_join(field, feature, hashing);
  } else if (const auto separator = field.find("separator")) {
    separator->fail("only with `join`");
  }
  read_function(field, HashFunction::kFarmHash64, hashing);
  if (const auto prefix = field.find("prefix")) hashing.prefix = read_prefix(*prefix, hashing);
  hashing.first_id = static_cast<uint32_t>(first_id);
  return hashing;
}

// {"buckets": n, "first_id": m, ...}: values that are no keys are hashed. Keras's functions are the defaults.
Hashing read_others(const JsonReader& field, size_t table_rows, const std::string& table,
                    const Vocabulary& vocabulary) {
  field.allow_keys({"buckets", "first_id", "hash", "seed", "key", "of", "modulo", "mask"});
  if (!vocabulary.has_keys()) field.fail("only where a list or a file of keys leaves values unknown");
  const bool texts = std::holds_alternative<StringList>(vocabulary.keys);
  Hashing hashing = vocabulary.others.value_or(Hashing());
  if (!texts) hashing.rule = BucketRule::kFloored;
  const std::optional<std::string> mask = hashing.mask;
  read_function(field, texts ? HashFunction::kFarmHash64 : HashFunction::kValue, hashing);
  if (!hashing.mask) hashing.mask = mask;
  if (texts && hashing.bytes != HashedBytes::kText && hashing.bytes != HashedBytes::kJoined) {
    field.get("of", "").fail("the keys are texts");
  }
  const JsonReader buckets = field.get("buckets", "the number of ids that unknown values have");
  hashing.buckets = buckets.count(table_rows);
  check_number(buckets, hashing.rule, hashing.buckets);
  const auto first = field.find("first_id");
  hashing.first_id = first ? static_cast<uint32_t>(first->count(table_rows)) : 0;
  if (hashing.buckets > table_rows - hashing.first_id) {
    buckets.fail("ids " + std::to_string(hashing.first_id) + " to " +
                 std::to_string(hashing.first_id + hashing.buckets - 1) + ", but " + table + " has " +
                 std::to_string(table_rows) + " rows");
  }
  return hashing;
}

// Keys that are joined of several columns: {"list" or "file", "join", "separator", "mask"}.
void read_joined_keys(const JsonReader& field, const JsonReader& feature, Vocabulary& vocabulary) {
  const auto mask = field.find("mask"), join = field.find("join");
  if (!join) {
    for (const char* key : {"separator", "mask"}) {
      if (const auto other = field.find(key)) other->fail("only with `join`");
    }
    return;
  }
  if (!std::holds_alternative<StringList>(vocabulary.keys)) join->fail("the keys are integers");
  vocabulary.others.emplace();
  read_join(field, feature, *vocabulary.others);
  read_mask(field, *vocabulary.others);
}

Dates read_dates(const JsonReader& field, size_t first_id, size_t& size) {
  constexpr size_t kSizes[] = {60, 24, 7, 31, 12};
  constexpr uint32_t kTicks[] = {1, 1000, 1000000, 1000000000};
  constexpr int64_t kDay = 86400;
  field.allow_keys({"date", "unit", "utc_offset"});
  Dates dates;
  const size_t part = field.get("date", "").choice({"minute", "hour", "day_of_week", "day", "month"});
  dates.part = static_cast<DatePart>(part);
  dates.ticks = kTicks[field.get("unit", "s, ms, us or ns: what the integers count").choice({"s", "ms", "us", "ns"})];
  if (const auto offset = field.find("utc_offset")) {
    if (offset->integer() < -kDay || offset->integer() > kDay) offset->fail_expected("seconds, at most a day");
    dates.offset = static_cast<int32_t>(offset->integer());
  }
  dates.first_id = static_cast<uint32_t>(first_id);
  size = kSizes[part];
  return dates;
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

// A rule for values without an id: of unknown ones, or of missing ones.
void read_rule(const JsonReader& field, size_t table_rows, const std::string& table, Vocabulary& vocabulary) {
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

// Where unknown values have buckets, the rule is that of missing ones.
void read_unknown(const JsonReader& feature, size_t table_rows, const std::string& table, Vocabulary& vocabulary) {
  const auto unknown = feature.find("unknown"), missing = feature.find("missing");
  const bool hashes = unknown && unknown->is_object() && unknown->find("buckets");
  if (hashes) vocabulary.others = read_others(*unknown, table_rows, table, vocabulary);
  if (missing && !hashes) missing->fail("only where `unknown` has buckets; else missing values are unknown ones");
  if (unknown && !hashes) read_rule(*unknown, table_rows, table, vocabulary);
  if (missing) read_rule(*missing, table_rows, table, vocabulary);
}

// An id for each key, several of which may have the same.
void read_ids(const JsonReader& field, size_t table_rows, const std::string& table, Vocabulary& vocabulary) {
  const std::vector<JsonReader> items = field.items();
  if (items.size() != vocabulary.size)
    field.fail_expected(std::to_string(vocabulary.size) + ", one for each " + (vocabulary.bins ? "bin" : "key"));
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
  if (vocabulary.identity || vocabulary.hashing || vocabulary.dates) return;
  vocabulary.ids.resize(vocabulary.size);
  std::iota(vocabulary.ids.begin(), vocabulary.ids.end(), static_cast<uint32_t>(first_id));
}

}  // namespace

Vocabulary read_vocabulary(const JsonReader& feature, size_t table_rows, const std::string& table,
                           KeySources& sources) {
  Vocabulary vocabulary;
  const JsonReader field = feature.get(
      "vocabulary",
      "a list of strings or integers, {\"file\": name}, {\"identity\": n}, {\"hash\": "
      "function, \"buckets\": n}, {\"cross\": columns, \"buckets\": n}, {\"bounds\": list} or {\"date\": part}");
  const auto first = feature.find("first_id");
  const size_t first_id = first ? first->count(table_rows) : 0;
  const bool crosses = field.is_object() && field.find("cross");
  if (crosses || (field.is_object() && field.find("hash"))) {
    vocabulary.hashing = crosses ? read_cross(field, feature, first_id) : read_hashing(field, feature, first_id);
    const JsonReader buckets = field.get("buckets", "the number of buckets");
    vocabulary.size = buckets.count();
    check_number(buckets, vocabulary.hashing->rule, vocabulary.size);
  } else if (field.is_object() && field.find("bounds")) {
    vocabulary.bins = read_bins(field);
    vocabulary.size = vocabulary.bins->bounds.size() + 1;
  } else if (field.is_object() && field.find("date")) {
    vocabulary.dates = read_dates(field, first_id, vocabulary.size);
  } else if (field.is_object() && !field.find("file") && !field.find("list")) {
    field.allow_keys({"identity"});
    if (first) first->fail("an identity vocabulary has no `first_id`: its values are the ids");
    vocabulary.identity = true;
    vocabulary.size = field.get("identity", "the number of ids").count();
    if (vocabulary.size == 0) field.fail("an identity vocabulary of no ids");
  } else {
    read_keys(field, sources, vocabulary);
    if (field.is_object()) read_joined_keys(field, feature, vocabulary);
  }
  if (const auto ids = feature.find("ids")) {
    if (first || (!vocabulary.has_keys() && !vocabulary.bins)) {
      ids->fail("only for a list or a file of keys, or for bins, in the place of `first_id`");
    }
    read_ids(*ids, table_rows, table, vocabulary);
  } else {
    number_ids(field, first_id, table_rows, table, vocabulary);
  }
  read_unknown(feature, table_rows, table, vocabulary);
  return vocabulary;
}

size_t num_rows(const Vocabulary& vocabulary) {
  size_t rows = vocabulary.identity  ? vocabulary.size
                : vocabulary.hashing ? vocabulary.hashing->first_id + vocabulary.size
                : vocabulary.dates   ? vocabulary.dates->first_id + vocabulary.size
                : vocabulary.others  ? vocabulary.others->first_id + vocabulary.others->buckets
                                     : 0;
  for (const uint32_t id : vocabulary.ids) rows = std::max<size_t>(rows, size_t{id} + 1);
  if (vocabulary.unknown == UnknownRule::kId) rows = std::max<size_t>(rows, size_t{vocabulary.unknown_id} + 1);
  return rows;
}

}  // namespace mmoe::converter
