// Hash buckets: the functions against published values and what the libraries give, and ids of a model's features.
#include <array>
#include <limits>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "mmoe/mmoe.h"
#include "mmoe/rows.h"
#include "mmoe/session.h"
#include "runtime/src/core/hashes.h"
#include "schema/format.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

std::uint64_t farm(std::string_view text) { return internal::farmhash64(text.data(), text.size()); }
std::uint32_t murmur(std::string_view text, std::uint32_t seed) {
  return internal::murmur3(text.data(), text.size(), seed);
}

TEST_CASE("farmhash64: the examples of BigQuery's FARM_FINGERPRINT and of TensorFlow's documentation") {
  CHECK(farm("1footrue") == static_cast<std::uint64_t>(-1541654101129638711));
  CHECK(farm("2applefalse") == 2794438866806483259u);
  CHECK(farm("3true") == static_cast<std::uint64_t>(-4880158226897771312));
  // tf.strings.to_hash_bucket_fast(["Hello", "TensorFlow", "2.x"], 3)
  CHECK(farm("Hello") % 3 == 0);
  CHECK(farm("TensorFlow") % 3 == 2);
  CHECK(farm("2.x") % 3 == 2);
}

// fingerprint64() of the Python package pyfarmhash of the first `size` bytes of 0, 7, 14, ... modulo 256.
TEST_CASE("farmhash64: the library's values at each length where the method changes") {
  constexpr struct {
    std::size_t size;
    std::uint64_t hash;
  } kKnown[] = {
      {0, 0x9ae16a3b2f90404fu},   {1, 0xbe6056edf5e94b54u},    {3, 0x6cc1a093e8224428u},   {4, 0x05112b9e6277f665u},
      {7, 0x0f95c16a7544a65bu},   {8, 0xdc480bbce8c737a7u},    {16, 0xfbb2740319962d9bu},  {17, 0xa55b9970b7b70074u},
      {32, 0x0a9d86aa8d37da5cu},  {33, 0xfb43f626c43b2047u},   {64, 0xe0446dd71a78f98au},  {65, 0x184a25714b2ce96bu},
      {127, 0xa67e0ac14caa8c22u}, {128, 0xa7b5b6228208c47bu},  {129, 0xecb25d796437d25bu}, {192, 0x0d76426aae6a6970u},
      {193, 0x24df9b8292922712u}, {1000, 0x953aafcc827b1b7fu},
  };
  unsigned char bytes[1000];
  for (std::size_t i = 0; i < sizeof bytes; ++i) bytes[i] = static_cast<unsigned char>(i * 7);
  for (const auto& known : kKnown) {
    CAPTURE(known.size);
    CHECK(internal::farmhash64(bytes, known.size) == known.hash);
  }
}

// murmurhash3_32() of scikit-learn 1.9, and the values that its author's test suite is quoted with.
TEST_CASE("murmur3: published values, every length of the tail") {
  CHECK(murmur("", 0) == 0);
  CHECK(murmur("", 1) == 0x514e28b7u);
  CHECK(murmur("Hello, world!", 0x9747b28cu) == 0x24884cbau);
  CHECK(murmur("The quick brown fox jumps over the lazy dog", 0x9747b28cu) == 0x2fa826cdu);
  CHECK(murmur("a", 0) == 0x3c2569b2u);
  CHECK(murmur("a", 42) == 0xb2e5a263u);
  CHECK(murmur("ab", 0) == 0x9bbfd75fu);
  CHECK(murmur("ab", 42) == 0xd72d0e47u);
  CHECK(murmur("abc", 0) == 0xb3dd93fau);
  CHECK(murmur("abc", 42) == 0x4e4f1e68u);
  CHECK(murmur("abcd", 0) == 0x43ed676au);
  CHECK(murmur("abcd", 42) == 0xe860e5ccu);
  CHECK(murmur("city=Wien", 0) == 0x0a55dad9u);
  CHECK(murmur("city=Wien", 42) == 0x1593a594u);
}

TEST_CASE("crc32: the check value of its catalogue, and zlib's values") {
  const auto crc = [](std::string_view text) { return internal::crc32(text.data(), text.size()); };
  CHECK(crc("123456789") == 0xcbf43926u);
  CHECK(crc("") == 0);
  CHECK(crc("The quick brown fox jumps over the lazy dog") == 0x414fa339u);
}

// The values of its authors' reference implementation: the key is the bytes 0 to 15, the data 0, 1, 2, ...
TEST_CASE("siphash24: its authors' vectors, and Keras's documentation of Hashing") {
  unsigned char bytes[16];
  for (std::size_t i = 0; i < sizeof bytes; ++i) bytes[i] = static_cast<unsigned char>(i);
  const auto sip = [&](std::size_t size) {
    return internal::siphash24(bytes, size, 0x0706050403020100u, 0x0f0e0d0c0b0a0908u);
  };
  CHECK(sip(0) == 0x726fdb47dd0e0e31u);
  CHECK(sip(15) == 0xa129ca6149be45e5u);
  constexpr int kSalted[] = {1, 2, 1, 0, 2}, kOneSalt[] = {0, 0, 2, 1, 0};  // salt=[133, 137], salt=133; 3 bins
  for (int i = 0; i < 5; ++i) {
    const char text = static_cast<char>('A' + i);
    CHECK(internal::siphash24(&text, 1, 133, 137) % 3 == static_cast<std::uint64_t>(kSalted[i]));
    CHECK(internal::siphash24(&text, 1, 133, 133) % 3 == static_cast<std::uint64_t>(kOneSalt[i]));
  }
  // tf.strings.to_hash_bucket_strong(texts, 2^61, [133, 137]) of TensorFlow 2.21
  const std::pair<const char*, std::uint64_t> texts[] = {{"", 316627932347062996u},
                                                         {"a", 160410968480759498u},
                                                         {"Wien", 791948911619932845u},
                                                         {"S\xc3\xa3o Paulo", 846506683556965098u},
                                                         {"seventeen bytes..", 1261675015354326052u}};
  for (const auto& [text, bucket] : texts) {
    CHECK(internal::siphash24(text, std::string_view(text).size(), 133, 137) % (std::uint64_t{1} << 61) == bucket);
  }
}

// Ids that the tests of TorchEasyRec state for hash_bucket_size: 100: it hashes by std::hash of libstdc++.
TEST_CASE("murmur64: what std::hash of libstdc++ gives") {
  const std::pair<std::string_view, std::uint64_t> known[] = {
      {"1", 95},     {"2", 70},     {"3", 13},     {"4", 56},     {"abc", 33},  {"efg", 44},
      {"hij", 66},   {"xyz", 13},   {"ua_ia", 37}, {"ua_ib", 90}, {"ub_ia", 5}, {"ub_ib", 97},
      {"uc_ic", 60}, {"ug_id", 40}, {"ug_ie", 57}, {"uh_if", 55}};
  for (const auto& [text, id] : known) CHECK(internal::murmur64(text.data(), text.size(), 0xc70f6907) % 100 == id);
#if defined(__GLIBCXX__) && __SIZEOF_SIZE_T__ == 8
  std::string text;
  for (int size = 0; size < 40; ++size, text += static_cast<char>(size * 37 + 200)) {
    CHECK(internal::murmur64(text.data(), text.size(), 0xc70f6907) == std::hash<std::string>()(text));
  }
#endif
}

// Ids of keras.layers.StringLookup and IntegerLookup with num_oov_indices=3 (Keras 3.15), whose ids begin with 0.
TEST_CASE("find_id: keys, and buckets of what is none") {
  const AlignedBytes file = model_file(unknown_buckets_description());
  const Model model = load(file);
  const std::pair<std::string_view, std::int32_t> words[] = {
      {"a", 3}, {"b", 4}, {"c", 1}, {"d", 2}, {"Wien", 1}, {"x", 2}, {"", Model::kUnknownId}};
  for (const auto& word : words) {
    CAPTURE(word.first);
    CHECK(model.find_id(0, word.first) == word.second);
  }
  const std::pair<std::int64_t, std::int32_t> numbers[] = {
      {7, 3},        {-3, 4}, {0, 0}, {1, 1}, {2, 2}, {3, 0}, {-1, 2}, {-2, 1}, {-4, 2}, {INT64_C(1) << 62, 1},
      {INT64_MIN, 1}};
  for (const auto& number : numbers) {
    CAPTURE(number.first);
    CHECK(model.find_id(1, number.first) == number.second);
  }
  CHECK(model.find_id(1, UINT64_MAX) == Model::kUnknownId);
  CHECK(model.find_id(3, "a") == 4);
  CHECK_FALSE(model.feature(0).hashed);
  CHECK(model.feature(0).num_values == 2);
  CHECK(model.feature(2).num_parts == 2);
  CHECK(model.crossed_column(2, 1) == "item");
}

TEST_CASE("Rows: joined texts are keys, or are hashed") {
  const AlignedBytes file = model_file(unknown_buckets_description());
  const Model model = load(file);
  Rows rows = std::move(*Rows::create(model));
  const auto id = [&](std::size_t feature, const RawValue& values) {
    rows.clear();
    REQUIRE(rows.set(0, feature, values).ok());
    return rows.columns()[feature].ids[0];
  };
  CHECK(id(2, {"ua", "ia"}) == 2);
  CHECK(id(2, {"ub", "ia"}) == 3);
  CHECK(id(2, {"ub", "ib"}) == 1);
  CHECK(id(2, {"ua_ia", "x"}) == 1);
  CHECK(id(2, {"", "ia"}) == Model::kUnknownId);
  CHECK(id(2, {"ua", nullptr}) == Model::kUnknownId);
  CHECK(id(4, {"ua", "ib"}) == 90);
  CHECK(id(4, {"ub", "ib"}) == 97);
  CHECK(id(4, {-12, std::uint64_t{7}}) == id(4, {"-12", "7"}));
  const auto error = [&](const RawValue& values) -> std::string {
    rows.clear();
    const Status& status = rows.set(0, 4, values);
    return status ? "" : status.error().message();
  };
  const std::string half(schema::kMaxJoined / 2, 'x');
  CHECK(error({half, half}) == "feature \"tag\", row 0: the joined text is longer than 1024 bytes");
  CHECK(error({half, half.substr(1)}).empty());
  CHECK(error({"a", nullptr}).find("a missing category, which the feature refuses") != std::string::npos);
  CHECK(error("a") == "feature \"tag\", row 0: number of values: 1, expected 2");
  CHECK(error({"a", 0.5}).find("a number with a fraction") != std::string::npos);
}

// hashed_description(): city (texts, "" masked, ids from 1), shop (32 bits, from 2), words, user (64 bits, -7 masked).
TEST_CASE("find_id: hashed texts and integers") {
  const AlignedBytes file = model_file(hashed_description());
  const Model model = load(file);
  const auto text = [&](std::size_t feature, std::string_view value) { return model.find_id(feature, value); };
  const auto integer = [&](std::size_t feature, std::int64_t value) { return model.find_id(feature, value); };
  CHECK(text(0, "Wien") == 1 + static_cast<std::int32_t>(farm("Wien") % 11));
  CHECK(text(0, "Wien") == 2);
  CHECK(text(0, "S\xc3\xa3o Paulo") == 10);
  CHECK(text(0, "") == Model::kUnknownId);
  CHECK(text(0, "7") == 9);
  CHECK(text(0, " 7") == 1);
  CHECK(integer(0, 7) == 9);  // in decimal
  CHECK(integer(0, std::numeric_limits<std::int64_t>::min()) == text(0, "-9223372036854775808"));
  CHECK(integer(0, std::numeric_limits<std::int64_t>::min()) == 11);
  CHECK(integer(0, 0) == text(0, "0"));
  CHECK(integer(0, -10) == text(0, "-10"));
  CHECK(integer(1, 7) == 332);
  CHECK(integer(1, -3) == 396);  // a hash with the sign bit, floored
  CHECK(integer(1, 0) == 850);
  CHECK(integer(1, std::int64_t{1} << 31) == Model::kUnknownId);
  CHECK(integer(1, -(std::int64_t{1} << 31) - 1) == Model::kUnknownId);
  CHECK(text(2, "shoes") == 447);
  CHECK(text(2, "") == 0);
  CHECK(integer(2, 123456789) == 262);
  CHECK(integer(3, 7) == 663);  // a hash with the sign bit, its absolute value
  CHECK(integer(3, -7) == Model::kUnknownId);
  CHECK(integer(3, 5000000000) == 431);
}

// As scikit-learn's FeatureHasher: MurmurHash3_x86_32 of "city=Wien" is 0x0a55dad9, that of "abc" 0xb3dd93fa.
TEST_CASE("find_id: a prefix is hashed too, and negative hashes have buckets of their own") {
  converter::TrainedModel description = hashed_description();
  const auto vocabulary = [&](std::size_t feature) -> converter::Vocabulary& {
    return std::get<converter::SparseFeature>(description.features[feature].kind).vocabulary;
  };
  const converter::Hashing hashing{converter::HashFunction::kMurmur3, 0, converter::HashedBytes::kText,
                                   converter::BucketRule::kSigned,    2, {}};
  for (const std::size_t feature : {1, 3}) {
    vocabulary(feature).hashing = hashing;
    vocabulary(feature).size = 998;
  }
  vocabulary(3).hashing->prefix = "city=";
  const AlignedBytes file = model_file(description);
  const Model model = load(file);
  CHECK(model.find_id(1, "city=Wien") == 2 + 0x0a55dad9 % 499);
  CHECK(model.find_id(1, "abc") == 2 + 499 + (0x100000000 - 0xb3dd93fa) % 499);
  CHECK(model.find_id(3, "Wien") == 2 + 0x0a55dad9 % 499);
  CHECK(model.find_id(3, "7") == model.find_id(3, std::int64_t{7}));
  CHECK(model.find_id(3, "7") == model.find_id(1, "city=7"));
  CHECK(model.find_id(3, "") == model.find_id(1, "city="));
  const std::string most(schema::kMaxJoined - 5, 'x');
  CHECK(model.find_id(3, most) == model.find_id(1, "city=" + most));
  CHECK(model.find_id(3, most + "x") == Model::kUnknownId);
}

TEST_CASE("Model: hashed features say what they take") {
  const AlignedBytes file = model_file(hashed_description());
  const Model model = load(file);
  for (std::size_t i = 0; i < 4; ++i) CHECK(model.feature(i).hashed);
  CHECK(model.feature(0).string_values);
  CHECK_FALSE(model.feature(1).string_values);
  CHECK(model.feature(0).num_values == 11);
  CHECK(model.feature(0).num_ids == 12);
  CHECK(model.feature(1).refuses_unknown);
  const AlignedBytes plain = model_file(feature_description());
  const Model without = load(plain);
  for (std::size_t i = 0; i < without.num_features(); ++i) CHECK_FALSE(without.feature(i).hashed);
}

TEST_CASE("Rows: hashed values have the bits of the ids that find_id gives") {
  const AlignedBytes file = model_file(hashed_description());
  const Model model = load(file);
  Result<Session> session = Session::create(model);
  const std::int32_t city[] = {2, 9, Model::kUnknownId}, shop[] = {332, 396, 850}, user[] = {663, 431, -1};
  const std::int32_t words[] = {447, 262, Model::kNoElement, 69, -2, -2, -2, -2, -2};
  const FeatureColumn columns[] = {{{}, city}, {{}, shop}, {{}, words}, {{}, user}};
  std::vector<float> expected(6), found(6);
  REQUIRE(session->score(Input::columns(columns, 3), {expected}).ok());
  Result<Rows> rows = Rows::create(model, {3});
  rows->set(0, "city", "Wien");
  rows->set(1, "city", 7.0);
  rows->set(2, "city", "");
  rows->set_column("shop", std::array<std::int64_t, 3>{7, -3, 0});
  rows->set(0, "words", {"shoes", 123456789});
  rows->set(1, "words", {"bags"});
  rows->set(0, "user", 7);
  rows->set(1, "user", std::int64_t{5000000000});
  const Status status = session->score(Input::rows(*rows), {found});
  CAPTURE(status.error().message());
  REQUIRE(status.ok());
  CHECK(found == expected);

  const auto error = [&](const FeatureKey& feature, const RawValue& value) {
    rows->clear(3);
    return std::string(rows->set(1, feature, value).error().message());
  };
  CHECK(error("shop", "7") == "feature \"shop\", row 1: a string, expected an integer");
  CHECK(error("shop", std::int64_t{1} << 31) == "feature \"shop\", row 1: unknown category 2147483648");
  CHECK(error("city", 0.5).find("feature \"city\", row 1: a number with a fraction") == 0);
  CHECK(error("user", 0.5).find("feature \"user\", row 1: a number with a fraction") == 0);
}

TEST_CASE("C interface: hashed texts and integers") {
  const AlignedBytes file = model_file(hashed_description());
  mmoe_model* model = nullptr;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), nullptr, &model) == MMOE_OK);
  int32_t id = 0;
  CHECK(mmoe_model_find_id_text(model, 0, "Wien", 4, &id) == MMOE_OK);
  CHECK(id == 2);
  CHECK(mmoe_model_find_id_integer(model, 0, 7, &id) == MMOE_OK);
  CHECK(id == 9);
  CHECK(mmoe_model_find_id_integer(model, 1, 7, &id) == MMOE_OK);
  CHECK(id == 332);
  CHECK(mmoe_model_find_id_text(model, 1, "7", 1, &id) == MMOE_INVALID_ARGUMENT);
  mmoe_model_free(model);
}

// The field of the first feature's Hashing, or of its Vocabulary, becomes `value`; the file stays well formed.
template <class Table, class T>
std::string refused(const Table* (*find)(const schema::Vocabulary&), flatbuffers::voffset_t field, T value,
                    ErrorCode code) {
  const AlignedBytes file = model_file(hashed_description(), 1);
  const schema::Model& root = *schema::GetSizePrefixedModel(file.data());
  const Table* found = find(*root.features()->Get(1)->vocabulary());
  auto* table = reinterpret_cast<flatbuffers::Table*>(const_cast<Table*>(found));
  REQUIRE(table->SetField<T>(field, value, static_cast<T>(value + 1)));
  seal(file);
  const Result<Model> model = Model::from_bytes(file.data(), file.size());
  REQUIRE_FALSE(model.ok());
  CHECK(model.error().code() == code);
  return model.error().message();
}

TEST_CASE("hostile: hash rules that do not fit the table or are not known are refused by name") {
  using schema::Hashing;
  const auto hashing = [](flatbuffers::voffset_t field, auto value, ErrorCode code) {
    return refused<Hashing>([](const schema::Vocabulary& vocabulary) { return vocabulary.hashing(); }, field, value,
                            code);
  };
  const auto unsupported = ErrorCode::kUnsupported;
  CHECK(hashing(Hashing::VT_FUNCTION, std::uint8_t{7}, unsupported) ==
        "features[1].vocabulary.hashing: function 7, bytes 2, rule 2");
  CHECK(hashing(Hashing::VT_FUNCTION, std::uint8_t{6}, ErrorCode::kDamaged) ==
        "features[1].vocabulary.hashing.bytes: 2 of function 6");
  CHECK(hashing(Hashing::VT_BYTES, std::uint8_t{5}, unsupported) ==
        "features[1].vocabulary.hashing: function 2, bytes 5, rule 2");
  CHECK(hashing(Hashing::VT_BYTES, std::uint8_t{4}, ErrorCode::kDamaged) ==
        "features[1].vocabulary.hashing.parts: 0 of a cross");
  CHECK(hashing(Hashing::VT_BYTES, std::uint8_t{3}, ErrorCode::kDamaged) ==
        "features[1].vocabulary.hashing.parts: 0 of a cross");
  CHECK(hashing(Hashing::VT_RULE, std::uint8_t{4}, unsupported) ==
        "features[1].vocabulary.hashing: function 2, bytes 2, rule 4");
  CHECK(hashing(Hashing::VT_RULE, std::uint8_t{3}, ErrorCode::kDamaged) ==
        "features[1].vocabulary: 997 buckets, expected an even number");
  CHECK(hashing(Hashing::VT_SEED, std::uint64_t{1} << 32, ErrorCode::kDamaged) ==
        "features[1].vocabulary.hashing.seed: 4294967296");
  CHECK(hashing(Hashing::VT_FIRST_ID, std::uint32_t{4}, ErrorCode::kDamaged) ==
        "features[1].vocabulary: ids 4 to 1001, of 1000");
  CHECK(hashing(Hashing::VT_FIRST_ID, UINT32_MAX, ErrorCode::kDamaged) ==
        "features[1].vocabulary: ids 4294967295 to 4294968292, of 1000");
  const auto size = [](std::uint32_t value) {
    return refused<schema::Vocabulary>([](const schema::Vocabulary& vocabulary) { return &vocabulary; },
                                       schema::Vocabulary::VT_SIZE, value, ErrorCode::kDamaged);
  };
  CHECK(size(0) == "features[1].vocabulary: ids 2 to 2, of 1000");
  CHECK(size(999) == "features[1].vocabulary: ids 2 to 1001, of 1000");
  const AlignedBytes file = model_file(feature_description(), 1);
  const schema::Vocabulary* integers = schema::GetSizePrefixedModel(file.data())->features()->Get(2)->vocabulary();
  auto* table = reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Vocabulary*>(integers));
  REQUIRE(table->SetField<std::uint8_t>(schema::Vocabulary::VT_KIND, schema::VocabularyKind_Hash, 0));
  seal(file);
  const Result<Model> model = Model::from_bytes(file.data(), file.size());
  REQUIRE_FALSE(model.ok());
  CHECK(std::string(model.error().message()) == "features[2].vocabulary.hashing: missing");
}

TEST_CASE("hostile: buckets of unknown values, and joins, that do not fit are refused by name") {
  const auto refused_with = [](flatbuffers::uoffset_t feature, flatbuffers::voffset_t field, auto value) {
    const AlignedBytes file = model_file(unknown_buckets_description(), 1);
    const schema::Model& root = *schema::GetSizePrefixedModel(file.data());
    const schema::Hashing* hashing = root.features()->Get(feature)->vocabulary()->hashing();
    auto* table = reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Hashing*>(hashing));
    REQUIRE(table->SetField<decltype(value)>(field, value, static_cast<decltype(value)>(value + 1)));
    seal(file);
    const Result<Model> model = Model::from_bytes(file.data(), file.size());
    return model ? std::string() : std::string(model.error().message());
  };
  using schema::Hashing;
  CHECK(refused_with(0, Hashing::VT_BUCKETS, std::uint32_t{6}) == "features[0].vocabulary: ids 0 to 6, of 5");
  CHECK(refused_with(0, Hashing::VT_BUCKETS, UINT32_MAX) == "features[0].vocabulary: ids 0 to 4294967295, of 5");
  CHECK(refused_with(1, Hashing::VT_BYTES, std::uint8_t{4}) == "features[1].vocabulary.hashing.bytes: 4 of function 6");
  CHECK(refused_with(2, Hashing::VT_BYTES, std::uint8_t{3}) == "features[2].vocabulary.hashing.bytes: 3 of function 0");
}

// Buckets of tf.sparse.cross_hashed() in TensorFlow 2.21; place has ids from 1.
TEST_CASE("Rows: crosses have TensorFlow's buckets, of texts and integers in either form") {
  const AlignedBytes file = model_file(crossed_description());
  const Model model = load(file);
  CHECK(model.feature(0).num_parts == 2);
  CHECK(model.feature(0).hashed);
  CHECK(model.crossed_column(0, 0) == "city");
  CHECK(model.crossed_column(0, 1) == "hour");
  CHECK(model.find_id(0, "Wien") == Model::kUnknownId);
  CHECK(model.find_id(0, 7) == Model::kUnknownId);
  Rows rows = std::move(*Rows::create(model));
  const auto place = [&](const RawValue& values) {
    rows.clear();
    REQUIRE(rows.set(0, "place", values).ok());
    return rows.columns()[0].ids[0];
  };
  CHECK(place({"Wien", 7}) == 1 + 964);
  CHECK(place({"Wien", 7.0}) == 1 + 964);
  CHECK(place({"Wien", "7"}) == 1 + 964);
  CHECK(place({"Wien", std::uint64_t{7}}) == 1 + 964);
  CHECK(place({"Wien", nullptr}) == Model::kUnknownId);
  CHECK(place({"Wien", ""}) == Model::kUnknownId);
  CHECK(place({std::numeric_limits<double>::quiet_NaN(), 7}) == Model::kUnknownId);
  CHECK(place({"Wien", "-9223372036854775808"}) == place({"Wien", INT64_MIN}));
  CHECK(place({7, 7}) == place({"7", 7}));
  const auto pair = [&](const RawValue& values) {
    rows.clear();
    REQUIRE(rows.set(0, 1, values).ok());
    return rows.columns()[1].ids[0];
  };
  CHECK(pair({"a", "d"}) == 182 % 10);  // buckets of 1000, whose rest is that of 10
  CHECK(pair({"", ""}) == 373 % 10);
  const auto error = [&](const FeatureKey& feature, const RawValue& values) -> std::string {
    rows.clear();
    const Status& status = rows.set(0, feature, values);
    return status ? "" : status.error().message();
  };
  CHECK(error("place", {"Wien", "seven"}) == "feature \"place\", row 0: \"seven\", expected an integer");
  for (const char* text :
       {"+7", " 7", "7.0", "-", "9223372036854775808", "-9223372036854775809", "18446744073709551616"}) {
    CHECK(error("place", {"Wien", text}).find("expected an integer") != std::string::npos);
  }
  CHECK(error("place", {"Wien", 0.5}).find("a number with a fraction") != std::string::npos);
  CHECK(error("place", "Wien") == "feature \"place\", row 0: number of values: 1, expected 2");
  CHECK(error("place", {"Wien", 7, 8}) == "feature \"place\", row 0: number of values: 3, expected 2");
  CHECK(error("pair", {"a", nullptr}).find("a missing category, which the feature refuses") != std::string::npos);
}

TEST_CASE("Rows: a column of crosses, and scores of its ids") {
  const AlignedBytes file = model_file(crossed_description());
  const Model model = load(file);
  RowsOptions options;
  options.max_rows = 3;
  Rows rows = std::move(*Rows::create(model, options));
  const std::vector<std::string> places = {"Wien", "7", "", "3", "Linz", ""}, pairs = {"a", "d", "", "", "Wien", "7"};
  rows.set_column("place", places);
  rows.set_column("pair", pairs);
  REQUIRE(rows.status().ok());
  CHECK(rows.columns()[0].ids[0] == 965);
  CHECK(rows.columns()[0].ids[2] == Model::kUnknownId);
  CHECK(rows.columns()[1].ids[0] == 2);
  CHECK_FALSE(rows.set_column("pair", std::vector<std::string>{"a", "b", "c"}).ok());
  rows.clear();
  rows.set_column("place", places);
  rows.set_column("pair", pairs);
  SessionOptions session_options;
  session_options.max_batch = 3;
  Session session = std::move(*Session::create(model, session_options));
  std::vector<float> scores(3 * model.num_tasks()), one(model.num_tasks());
  REQUIRE(session.score(Input::rows(rows), {scores}).ok());
  const std::int32_t unknown = -1, third = rows.columns()[1].ids[2];
  const FeatureColumn columns[] = {{{}, {&unknown, 1}}, {{}, {&third, 1}}};
  REQUIRE(session.score(Input::columns(columns, 1), {one}).ok());
  for (std::size_t task = 0; task < one.size(); ++task) CHECK(one[task] == scores[2 * one.size() + task]);
}

TEST_CASE("C interface: columns of a cross, and its values as texts") {
  const AlignedBytes file = model_file(crossed_description());
  mmoe_model* model = nullptr;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), nullptr, &model) == MMOE_OK);
  size_t size = 0;
  const char* column = mmoe_model_crossed_column(model, 0, 1, &size);
  CHECK(std::string_view(column, size) == "hour");
  CHECK(mmoe_model_crossed_column(model, 0, 2, &size) == nullptr);
  CHECK(mmoe_model_crossed_column(model, 2, 0, &size) == nullptr);
  int32_t id = 0;
  CHECK(mmoe_model_find_id_text(model, 0, "Wien", 4, &id) == MMOE_INVALID_ARGUMENT);
  mmoe_rows* rows = nullptr;
  REQUIRE(mmoe_rows_create(model, nullptr, &rows) == MMOE_OK);
  const char* texts[] = {"Wien", "7"};
  mmoe_values values = {};
  values.data = texts;
  values.size = 2;
  values.type = MMOE_TEXTS;
  CHECK(mmoe_rows_set_list(rows, 0, "place", &values) == MMOE_OK);
  mmoe_rows_free(rows);
  mmoe_model_free(model);
}

TEST_CASE("hostile: crosses that are none are refused by name") {
  const auto refused_cross = [](const auto& change) {
    const AlignedBytes file = model_file(crossed_description(), 1);
    const schema::Model& root = *schema::GetSizePrefixedModel(file.data());
    change(root);
    seal(file);
    const Result<Model> model = Model::from_bytes(file.data(), file.size());
    return model ? std::string() : std::string(model.error().message());
  };
  const auto table = [](const auto* found) {
    using Found = std::remove_cv_t<std::remove_pointer_t<decltype(found)>>;
    return reinterpret_cast<flatbuffers::Table*>(const_cast<Found*>(found));
  };
  CHECK(refused_cross([](const schema::Model&) {}) == "");
  CHECK(refused_cross([&](const schema::Model& root) {
          REQUIRE(table(root.features()->Get(0)->vocabulary()->hashing()->parts()->Get(1))
                      ->SetField<std::uint8_t>(schema::HashedPart::VT_BYTES, 2, 0));
        }) == "features[0].vocabulary.hashing.parts[1].bytes: 2");
  CHECK(refused_cross([&](const schema::Model& root) {
          auto* length = reinterpret_cast<std::uint32_t*>(
              const_cast<void*>(static_cast<const void*>(root.features()->Get(1)->vocabulary()->hashing()->parts())));
          *length = 1;
        }) == "features[1].vocabulary.hashing.parts: 1 of a cross");
}

}  // namespace
}  // namespace mmoe::test
