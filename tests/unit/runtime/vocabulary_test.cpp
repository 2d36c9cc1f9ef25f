// Look-ups by hash, in sound files and in damaged ones.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>

#include <doctest/doctest.h>

#include "mmoe/mmoe.h"
#include "mmoe/model.h"
#include "mmoe/rows.h"
#include "schema/format.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/models.h"
#include "tests/unit/runtime/c_calls.h"

namespace mmoe::test {
namespace {

using converter::SparseFeature;

// Of feature_description(): with a vocabulary of strings, and of integers.
constexpr std::size_t kCountry = 1, kShop = 2;

std::vector<std::string> some_strings(std::size_t count) {
  Random random(7);
  std::vector<std::string> strings;
  for (std::size_t i = 0; i < count; ++i) {
    // Of 1 to 70 bytes, which takes XXH64 through all its ways; the number makes each unlike the others.
    std::string text = std::to_string(i) + ":";
    for (std::size_t more = random.below(65); more > 0; --more) text += static_cast<char>(random.below(256));
    strings.push_back(text);
  }
  strings.back() = "";
  return strings;
}

std::vector<std::int64_t> some_integers(std::size_t count) {
  std::vector<std::int64_t> integers = {INT64_MIN, INT64_MAX, -1, 0};
  for (std::int64_t i = 1; integers.size() < count; ++i) integers.push_back(i * (i % 2 == 0 ? 1000003 : -977));
  integers.resize(count);
  return integers;
}

void set_keys(converter::TrainedModel& model, std::size_t feature, std::size_t count) {
  SparseFeature& sparse = std::get<SparseFeature>(model.features[feature].kind);
  converter::Vocabulary& vocabulary = sparse.vocabulary;
  if (feature == kCountry) {
    vocabulary.keys = some_strings(count);
  } else {
    vocabulary.keys = some_integers(count);
  }
  vocabulary.size = count;
  vocabulary.ids.resize(count);
  std::iota(vocabulary.ids.rbegin(), vocabulary.ids.rend(), 0);  // the last key has id 0
  converter::Table& table = model.embeddings[sparse.embedding].table;
  table = {count, table.cols, std::vector<float>(count * table.cols)};
}

AlignedBytes file_of(std::size_t count) {
  converter::TrainedModel model = feature_description();
  set_keys(model, kCountry, count);
  set_keys(model, kShop, count);
  return model_file(model);
}

const schema::Vocabulary& vocabulary_of(const AlignedBytes& file, std::size_t feature) {
  const auto index = static_cast<flatbuffers::uoffset_t>(feature);
  return *schema::GetSizePrefixedModel(file.data())->features()->Get(index)->vocabulary();
}

const schema::Tensor& tensor_of(const AlignedBytes& file, std::int32_t index) {
  return *schema::GetSizePrefixedModel(file.data())->tensors()->Get(static_cast<flatbuffers::uoffset_t>(index));
}

template <class T>
T* elements(const AlignedBytes& file, std::int32_t index) {
  const schema::Tensor& tensor = tensor_of(file, index);
  const schema::Segment& segment = *schema::GetSizePrefixedModel(file.data())->segments()->Get(tensor.segment());
  return reinterpret_cast<T*>(file.data() + segment.offset() + tensor.offset());
}

TEST_CASE("find_id: every key, and nothing that is not one") {
  for (const std::size_t count : {1, 2, 63, 20000}) {
    CAPTURE(count);
    const AlignedBytes file = file_of(count);
    const Model model = load(file);
    const std::vector<std::string> strings = some_strings(count);
    const std::vector<std::int64_t> integers = some_integers(count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto id = static_cast<std::int32_t>(count - 1 - i);
      REQUIRE(model.find_id(kCountry, strings[i]) == id);
      REQUIRE(model.find_id(kShop, integers[i]) == id);
      REQUIRE(model.find_id(kCountry, strings[i] + "~") == Model::kUnknownId);
      if (i < 4) continue;  // beside these others stand
      REQUIRE(model.find_id(kShop, integers[i] + 1) == Model::kUnknownId);
    }
  }
}

TEST_CASE("category: every key once, with the id that find_id gives") {
  for (const std::size_t count : {1, 2, 63, 2000}) {
    CAPTURE(count);
    const AlignedBytes file = file_of(count);
    const Model model = load(file);
    std::vector<std::string> strings;
    std::vector<std::int64_t> integers;
    REQUIRE(model.num_categories(kCountry) == count);
    REQUIRE(model.num_categories(kShop) == count);
    for (std::size_t place = 0; place < count; ++place) {
      const Category country = model.category(kCountry, place), shop = model.category(kShop, place);
      REQUIRE(country.id == model.find_id(kCountry, country.text));
      REQUIRE(shop.id == model.find_id(kShop, shop.integer));
      strings.emplace_back(country.text);
      integers.push_back(shop.integer);
      REQUIRE_FALSE(shop.is_unsigned);
    }
    const auto sorted = [](auto values) { return std::sort(values.begin(), values.end()), values; };
    CHECK(sorted(strings) == sorted(some_strings(count)));
    CHECK(sorted(integers) == sorted(some_integers(count)));
  }
}

TEST_CASE("num_categories: ids that are numbers are listed, computed ones are not") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  const std::size_t device = model.find_feature("device");  // an identity
  REQUIRE(model.num_categories(device) == 4);
  CHECK(model.category(device, 3).integer == 3);
  CHECK(model.category(device, 3).id == 3);
  CHECK(model.num_categories(model.find_feature("price")) == 0);
  const AlignedBytes hashed = model_file(hashed_description()), binned = model_file(binned_description());
  for (const AlignedBytes* other : {&hashed, &binned}) {
    const Model computed = load(*other);
    for (std::size_t i = 0; i < computed.num_features(); ++i) {
      const FeatureInfo feature = computed.feature(i);
      if (feature.hashed || feature.number_values) CHECK(computed.num_categories(i) == 0);
    }
  }
  const AlignedBytes dated = model_file(date_description());
  const Model dates = load(dated);  // no keys: what stands in their place is another tensor
  for (const char* name : {"minute", "hour", "day_of_week", "day", "month", "local_hour"}) {
    CAPTURE(name);
    const std::size_t feature = dates.find_feature(name);
    REQUIRE(feature < dates.num_features());
    CHECK(dates.feature(feature).num_values > 0);
    CHECK(dates.num_categories(feature) == 0);
  }
}

TEST_CASE("category in C: the same, and errors") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  mmoe_model* c_model = nullptr;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), nullptr, &c_model) == MMOE_OK);
  for (std::size_t i = 0; i < model.num_features(); ++i) {
    REQUIRE(mmoe_model_num_categories(c_model, i) == model.num_categories(i));
    for (std::size_t place = 0; place < model.num_categories(i); ++place) {
      mmoe_category found = sized<mmoe_category>();
      REQUIRE(mmoe_model_category(c_model, i, place, &found) == MMOE_OK);
      const Category expected = model.category(i, place);
      CHECK(std::string_view(found.text, found.text_size) == expected.text);
      CHECK(found.integer == expected.integer);
      CHECK(found.id == expected.id);
      CHECK((found.is_unsigned != 0) == expected.is_unsigned);
    }
  }
  mmoe_category found = sized<mmoe_category>();
  CHECK(mmoe_model_category(c_model, kCountry, 4, &found) == MMOE_INVALID_ARGUMENT);
  CHECK(std::string(mmoe_last_message()) == "feature 1: it lists 4 categories, there is no place 4");
  CHECK(mmoe_model_category(c_model, 0, 0, &found) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_category(c_model, 99, 0, &found) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_category(c_model, kCountry, 0, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_category(nullptr, kCountry, 0, &found) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_num_categories(nullptr, kCountry) == 0);
  CHECK(mmoe_model_num_categories(c_model, 99) == 0);
  mmoe_model_free(c_model);
}

// feature_description() with the shops 0, 1, 2^63 and 2^64 - 1, or 0, 1, -2^63 and -1, of which the bits are the same.
AlignedBytes file_of_shops(bool are_unsigned) {
  converter::TrainedModel model = feature_description();
  SparseFeature& shop = std::get<SparseFeature>(model.features[kShop].kind);
  shop.vocabulary.keys = std::vector<std::int64_t>{0, 1, INT64_MIN, -1};
  shop.vocabulary.ids = {10, 11, 12, 13};
  shop.vocabulary.unsigned_keys = are_unsigned;
  return model_file(model);
}

TEST_CASE("find_id: a negative integer is no unsigned one of the same bits") {
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 63;
  for (const bool are_unsigned : {false, true}) {
    const AlignedBytes file = file_of_shops(are_unsigned);
    const Model model = load(file);
    const auto ids = [&](auto zero, auto one, auto third, auto last) {
      return std::vector<std::int32_t>{model.find_id(kShop, zero), model.find_id(kShop, one),
                                       model.find_id(kShop, third), model.find_id(kShop, last)};
    };
    const std::vector<std::int32_t> all = {10, 11, 12, 13}, small = {10, 11, -1, -1};
    CHECK(ids(std::int64_t{0}, std::int64_t{1}, INT64_MIN, std::int64_t{-1}) == (are_unsigned ? small : all));
    CHECK(ids(std::uint64_t{0}, std::uint64_t{1}, kHalf, UINT64_MAX) == (are_unsigned ? all : small));
    CHECK(ids(0, 1u, std::int8_t{-2}, UINT32_MAX) == small);
    const std::size_t device = model.find_feature("device");  // an identity
    CHECK(model.find_id(device, std::uint64_t{3}) == 3);
    CHECK(model.find_id(device, UINT64_MAX) == Model::kUnknownId);
    for (std::size_t place = 0; place < 4; ++place) {
      CHECK(model.category(kShop, place).is_unsigned == are_unsigned);
    }
  }
}

TEST_CASE("Rows: unsigned integers of 64 bits, one and a column") {
  const AlignedBytes file = file_of_shops(true);
  const Model model = load(file);
  RowsOptions options;
  options.max_rows = 3;
  Result<Rows> rows = Rows::create(model, options);
  REQUIRE(rows.ok());
  const auto ids = [&] {
    const Span<const std::int32_t> column = rows->columns()[kShop].ids;
    return std::vector<std::int32_t>(column.begin(), column.end());
  };
  rows->set(0, "shop", UINT64_MAX);
  rows->set(1, "shop", std::uint64_t{1});
  rows->set(2, "shop", -1);
  CHECK(rows->status().ok());
  CHECK(ids() == std::vector<std::int32_t>{13, 11, -1});
  const std::vector<std::uint64_t> column = {std::uint64_t{1} << 63, 5, UINT64_MAX};
  CHECK(rows->set_column("shop", column).ok());
  CHECK(ids() == std::vector<std::int32_t>{12, -1, 13});
  rows->set(0, "price", std::uint64_t{1} << 63);  // a number too
  CHECK(rows->columns()[0].values[0] == 9223372036854775808.0f);
  CHECK(rows->set(0, "device", UINT64_MAX).error().code() == ErrorCode::kUnknownCategory);
  CHECK(std::string(rows->status().error().message()).find("unknown category 18446744073709551615") !=
        std::string::npos);
}

TEST_CASE("find_id: damaged buckets, offsets and ids give any id or none, and nothing beyond the file is read") {
  constexpr std::size_t kKeys = 40;
  const AlignedBytes file = file_of(kKeys);
  const Model model = load(file);
  const std::vector<std::string> strings = some_strings(kKeys);
  const std::vector<std::int64_t> integers = some_integers(kKeys);
  const auto look_up_all = [&] {
    for (std::size_t i = 0; i < kKeys; ++i) {
      REQUIRE(model.find_id(kCountry, strings[i]) >= Model::kUnknownId);
      REQUIRE(model.find_id(kShop, integers[i]) >= Model::kUnknownId);
      REQUIRE(model.category(kShop, i).id >= Model::kUnknownId);
      const Category country = model.category(kCountry, i);
      REQUIRE(std::count(country.text.begin(), country.text.end(), '~') <= std::ptrdiff_t(country.text.size()));
    }
  };
  const auto damage = [&](auto* words, std::size_t count) {
    using Word = std::remove_reference_t<decltype(*words)>;
    for (std::size_t i = 0; i < count; ++i) {
      const Word original = words[i];
      const Word values[] = {
          0, 1, kKeys - 1, kKeys, kKeys + 1, static_cast<Word>(-1), static_cast<Word>(-20), original - 1, original + 1};
      for (const Word value : values) {
        words[i] = value;
        look_up_all();
      }
      words[i] = original;
    }
  };
  for (const std::size_t feature : {kCountry, kShop}) {
    const schema::Vocabulary& vocabulary = vocabulary_of(file, feature);
    damage(elements<std::uint32_t>(file, vocabulary.buckets()), kKeys + 1);
    damage(elements<std::uint32_t>(file, vocabulary.ids()), kKeys);
    if (feature == kCountry) damage(elements<std::uint64_t>(file, vocabulary.offsets()), kKeys + 1);
  }
  look_up_all();
}

// Where one bucket has all keys and the others none, a key is found if it belongs to that one.
TEST_CASE("find_id: buckets of more keys than the format allows are not looked at") {
  for (const std::size_t count : {schema::kMaxBucketKeys, schema::kMaxBucketKeys + 1}) {
    const AlignedBytes file = file_of(count);
    const Model model = load(file);
    std::size_t strings_found = 0, integers_found = 0;
    for (std::size_t bucket = 0; bucket < count; ++bucket) {
      for (const std::size_t feature : {kCountry, kShop}) {
        std::uint32_t* starts = elements<std::uint32_t>(file, vocabulary_of(file, feature).buckets());
        std::fill(starts, starts + bucket + 1, 0u);
        std::fill(starts + bucket + 1, starts + count + 1, static_cast<std::uint32_t>(count));
      }
      for (const std::string& key : some_strings(count)) strings_found += model.find_id(kCountry, key) >= 0;
      for (const std::int64_t key : some_integers(count)) integers_found += model.find_id(kShop, key) >= 0;
    }
    const std::size_t expected = count <= schema::kMaxBucketKeys ? count : 0;
    CHECK(strings_found == expected);
    CHECK(integers_found == expected);
  }
}

TEST_CASE("vocabularies: buckets that are missing, of another type or none are refused") {
  const auto error_after = [](auto change) {
    const AlignedBytes file = file_of(5);
    const schema::Vocabulary& vocabulary = vocabulary_of(file, kCountry);
    change(file, vocabulary, *reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Vocabulary*>(&vocabulary)));
    seal(file);
    const Result<Model> model = Model::from_bytes(file.data(), file.size());
    return model ? ErrorCode::kOk : model.error().code();
  };
  using Table = flatbuffers::Table;
  const auto set_buckets = [](Table& table, std::int32_t tensor) {
    REQUIRE(table.SetField<std::int32_t>(schema::Vocabulary::VT_BUCKETS, tensor, -1));
  };
  CHECK(error_after([](const auto&, const auto&, Table&) {}) == ErrorCode::kOk);
  for (const std::int32_t tensor : {-1, -2, 1000000, INT32_MAX}) {
    CHECK(error_after([&](const auto&, const auto&, Table& table) { set_buckets(table, tensor); }) ==
          ErrorCode::kDamaged);
  }
  CHECK(error_after([&](const auto&, const auto& its, Table& table) { set_buckets(table, its.offsets()); }) ==
        ErrorCode::kDamaged);
  CHECK(error_after([](const AlignedBytes& file, const auto& its, Table&) {
          auto& tensor = *reinterpret_cast<Table*>(const_cast<schema::Tensor*>(&tensor_of(file, its.buckets())));
          REQUIRE(tensor.SetField<std::uint32_t>(schema::Tensor::VT_ROWS, 1, 0));
          REQUIRE(tensor.SetField<std::uint64_t>(schema::Tensor::VT_BYTES, 4, 0));
        }) == ErrorCode::kDamaged);
}

}  // namespace
}  // namespace mmoe::test
