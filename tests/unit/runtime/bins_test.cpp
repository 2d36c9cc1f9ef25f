// Numbers in bins: ids at, below and above each bound, and errors.
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "mmoe/mmoe.h"
#include "mmoe/rows.h"
#include "mmoe/session.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// binned_description(): age (float; 0.1, 18, 25.5; the upper side), price (double; 0.1, 9.99; the lower side, ids from
// 2), steps (float; 0, 1; a sequence).
TEST_CASE("find_bin: below, at and above each bound") {
  const AlignedBytes file = model_file(binned_description());
  const Model model = load(file);
  const std::pair<double, std::int32_t> ages[] = {{-kInfinity, 0}, {-5, 0},        {0.1, 1},     {0.0999, 0}, {17.9, 1},
                                                  {18, 2},         {18.5, 2},      {25.4999, 2}, {25.5, 3},   {1e30, 3},
                                                  {1e300, 3},      {kInfinity, 3}, {-0.0, 0}};
  for (const auto& age : ages) {
    CAPTURE(age.first);
    CHECK(model.find_bin(0, age.first) == age.second);
  }
  // 0.1 of double is less than 0.1 of float, to which age's numbers are rounded first. Those of price are not.
  CHECK(model.find_bin(0, std::nextafter(0.1, 0)) == 1);
  const std::pair<double, std::int32_t> prices[] = {
      {0.1, 2},  {std::nextafter(0.1, 1), 3},  {double{0.1f}, 3}, {9.99, 3}, {10, 4}, {-kInfinity, 2}, {kInfinity, 4},
      {9.98, 3}, {std::nextafter(9.99, 10), 4}};
  for (const auto& price : prices) {
    CAPTURE(price.first);
    CHECK(model.find_bin(1, price.first) == price.second);
  }
  CHECK(model.find_bin(0, kNan) == Model::kUnknownId);
  CHECK(model.find_bin(1, kNan) == Model::kUnknownId);
  CHECK(model.find_id(0, std::int64_t{18}) == 2);  // an integer is a number
  CHECK(model.feature(0).number_values);
  CHECK_FALSE(model.feature(0).string_values);
  CHECK(model.feature(0).num_values == 4);
  const AlignedBytes plain = model_file(feature_description());
  const Model without = load(plain);
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK_FALSE(without.feature(i).number_values);
    CHECK(without.find_bin(i, 2) == Model::kUnknownId);
  }
}

TEST_CASE("Rows: numbers in bins have the bits of the ids that find_bin gives") {
  const AlignedBytes file = model_file(binned_description());
  const Model model = load(file);
  Result<Session> session = Session::create(model);
  const std::int32_t age[] = {2, 3}, price[] = {3, Model::kUnknownId}, steps[] = {0, 2, 1, -1, -2, -2};
  const FeatureColumn columns[] = {{{}, age}, {{}, price}, {{}, steps}};
  std::vector<float> expected(4), found(4);
  REQUIRE(session->score(Input::columns(columns, 2), {expected}).ok());
  Result<Rows> rows = Rows::create(model, {2});
  rows->set(0, "age", 18);
  rows->set(1, "age", 25.5f);
  rows->set(0, "price", 9.99);
  rows->set(1, "price", kNan);
  rows->set(0, "steps", {-1, 1, 0.5});
  rows->set(1, "steps", {kNan});
  const Status status = session->score(Input::rows(*rows), {found});
  CAPTURE(status.error().message());
  REQUIRE(status.ok());
  CHECK(found == expected);
  CHECK(std::string(rows->set(1, "age", "18").error().message()) ==
        "feature \"age\", row 1: a string, expected a number");
  rows->clear(2);
  CHECK(rows->set(1, "age", kNan).error().code() == ErrorCode::kUnknownCategory);
}

TEST_CASE("C interface: numbers in bins") {
  const AlignedBytes file = model_file(binned_description());
  mmoe_model* model = nullptr;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), nullptr, &model) == MMOE_OK);
  int32_t id = 0;
  CHECK(mmoe_model_find_bin(model, 0, 18, &id) == MMOE_OK);
  CHECK(id == 2);
  CHECK(mmoe_model_find_bin(model, 0, kNan, &id) == MMOE_OK);
  CHECK(id == MMOE_UNKNOWN_ID);
  CHECK(mmoe_model_find_id_integer(model, 0, 26, &id) == MMOE_OK);
  CHECK(id == 3);
  CHECK(mmoe_model_find_id_text(model, 0, "18", 2, &id) == MMOE_INVALID_ARGUMENT);
  CHECK(std::string(mmoe_last_message()) == "feature 0: its values are numbers");
  CHECK(mmoe_model_find_bin(model, 3, 1, &id) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_find_bin(model, 0, 1, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_find_bin(nullptr, 0, 1, &id) == MMOE_INVALID_ARGUMENT);
  mmoe_model_free(model);
  const AlignedBytes plain = model_file(feature_description());
  REQUIRE(mmoe_model_from_bytes(plain.data(), plain.size(), nullptr, &model) == MMOE_OK);
  for (size_t i = 0; i < 5; ++i) CHECK(mmoe_model_find_bin(model, i, 1, &id) == MMOE_INVALID_ARGUMENT);
  mmoe_model_free(model);
}

TEST_CASE("hostile: bins whose tensors do not fit are refused by name") {
  const auto refused = [](flatbuffers::voffset_t field, auto value, ErrorCode code) {
    const AlignedBytes file = model_file(binned_description(), 1);
    const schema::Model& root = *schema::GetSizePrefixedModel(file.data());
    auto* table =
        reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Vocabulary*>(root.features()->Get(0)->vocabulary()));
    REQUIRE(table->SetField<decltype(value)>(field, value, static_cast<decltype(value)>(value + 1)));
    seal(file);
    const Result<Model> model = Model::from_bytes(file.data(), file.size());
    REQUIRE_FALSE(model.ok());
    CHECK(model.error().code() == code);
    return std::string(model.error().message());
  };
  using schema::Vocabulary;
  const char* tensors = "features[0].vocabulary: wrong tensors or size";
  for (const std::uint32_t size : {0u, 1u, 3u, 5u, UINT32_MAX}) {
    CHECK(refused(Vocabulary::VT_SIZE, size, ErrorCode::kDamaged) == tensors);
  }
  for (const std::int32_t tensor : {-1, 0, 100000}) {
    CHECK(refused(Vocabulary::VT_KEYS, tensor, ErrorCode::kDamaged) == tensors);
    CHECK(refused(Vocabulary::VT_IDS, tensor, ErrorCode::kDamaged) == tensors);
  }
  CHECK(refused(Vocabulary::VT_SIDE, std::uint8_t{2}, ErrorCode::kUnsupported) == "features[0].vocabulary.side: 2");
}

// The loader does not read them: any order finds some bin.
TEST_CASE("hostile: bounds that are not ascending, and NaN among them") {
  const AlignedBytes file = model_file(binned_description(), 1);
  const schema::Model& root = *schema::GetSizePrefixedModel(file.data());
  const auto keys = static_cast<flatbuffers::uoffset_t>(root.features()->Get(0)->vocabulary()->keys());
  const schema::Tensor& tensor = *root.tensors()->Get(keys);
  const float bounds[] = {30, std::numeric_limits<float>::quiet_NaN(), -1};
  std::memcpy(file.data() + root.segments()->Get(tensor.segment())->offset() + tensor.offset(), bounds, sizeof bounds);
  const Result<Model> model = Model::from_bytes(file.data(), file.size());
  REQUIRE(model.ok());
  for (const double value : {-kInfinity, -1.0, 0.0, 30.0, kInfinity}) {
    const std::int32_t id = model->find_bin(0, value);
    CHECK(id >= 0);
    CHECK(id < 4);
  }
}

}  // namespace
}  // namespace mmoe::test
