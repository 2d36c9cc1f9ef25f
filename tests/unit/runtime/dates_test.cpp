// Parts of dates: against the C library's calendar, at the ends of what 64 bits hold, and errors.
#include <array>
#include <cstdint>
#include <ctime>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "mmoe/rows.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/models.h"
#include "tests/unit/random.h"

namespace mmoe::test {
namespace {

// Of date_description(): minute, hour, day_of_week, day, month (from 1), local_hour.
std::array<std::int32_t, 5> parts_of(const Model& model, std::int64_t seconds) {
  std::array<std::int32_t, 5> ids{};
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = model.find_id(i, seconds);
  return ids;
}

TEST_CASE("find_id: parts of dates are those of gmtime()") {
  const AlignedBytes file = model_file(date_description());
  const Model model = load(file);
  const auto check = [&](std::int64_t seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    if (time != seconds) return;  // of 32 bits, on ARMv7
    std::tm date{};
    REQUIRE(gmtime_r(&time, &date) != nullptr);
    CAPTURE(seconds);
    const std::array<std::int32_t, 5> expected = {date.tm_min, date.tm_hour, (date.tm_wday + 6) % 7, date.tm_mday - 1,
                                                  date.tm_mon + 1};
    CHECK(parts_of(model, seconds) == expected);
  };
  constexpr std::int64_t kDay = 86400;
  for (std::int64_t day = -200000; day <= 200000; day += 7) check(day * kDay + day % kDay);
  for (std::int64_t day = 10950; day <= 11700; ++day) check(day * kDay);  // around the year 2000
  for (const std::int64_t seconds : {INT64_C(0), INT64_C(-1), INT64_C(951782399), INT64_C(951868800)}) check(seconds);
  Random random(4);
  for (int i = 0; i < 2000; ++i) check(static_cast<std::int64_t>(random.next()) >> 12);
}

TEST_CASE("find_id: dates in milliseconds with an offset, and at the ends of 64 bits") {
  const AlignedBytes file = model_file(date_description());
  const Model model = load(file);
  CHECK(model.find_id(5, std::int64_t{0}) == 22);  // half past ten in the evening
  CHECK(model.find_id(5, std::int64_t{5399999}) == 23);
  CHECK(model.find_id(5, std::int64_t{5400000}) == 0);
  CHECK(model.find_id(5, std::int64_t{-1}) == 22);
  CHECK(model.find_id(1, std::uint64_t{7200}) == 2);
  CHECK(model.find_id(1, UINT64_MAX) == Model::kUnknownId);
  for (const std::int64_t value :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    for (std::size_t feature = 0; feature < 6; ++feature) {
      const std::int32_t id = model.find_id(feature, value);
      CHECK((id >= 0 && id < static_cast<std::int32_t>(model.feature(feature).num_values) + 1));
    }
  }
  CHECK_FALSE(model.feature(1).string_values);
  CHECK_FALSE(model.feature(1).number_values);
}

TEST_CASE("Rows: integers are dates, texts are not") {
  const AlignedBytes file = model_file(date_description());
  const Model model = load(file);
  Rows rows = std::move(*Rows::create(model));
  rows.set(0, "hour", 7200);
  CHECK(rows.columns()[1].ids[0] == 2);
  rows.set(0, "hour", nullptr);
  CHECK(rows.columns()[1].ids[0] == Model::kUnknownId);
  CHECK(rows.set(0, "hour", "7200").error().message() ==
        std::string("feature \"hour\", row 0: a string, expected an integer"));
}

TEST_CASE("hostile: dates that do not fit are refused by name") {
  const auto refused = [](flatbuffers::voffset_t field, auto value) {
    const AlignedBytes file = model_file(date_description(), 1);
    const schema::Model& root = *schema::GetSizePrefixedModel(file.data());
    auto* table =
        reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Vocabulary*>(root.features()->Get(5)->vocabulary()));
    REQUIRE(table->SetField<decltype(value)>(field, value, static_cast<decltype(value)>(value + 1)));
    seal(file);
    const Result<Model> model = Model::from_bytes(file.data(), file.size());
    return model ? std::string() : std::string(model.error().message());
  };
  using schema::Vocabulary;
  const char* none = "features[5].vocabulary: not a date of 60 ids";
  CHECK(refused(Vocabulary::VT_DATE_TICKS, std::uint32_t{0}) == none);
  CHECK(refused(Vocabulary::VT_SIZE, std::uint32_t{23}) == none);
  CHECK(refused(Vocabulary::VT_DATE_OFFSET, std::int32_t{86401}) == none);
  CHECK(refused(Vocabulary::VT_DATE_OFFSET, std::numeric_limits<std::int32_t>::min()) == none);
  CHECK(refused(Vocabulary::VT_DATE_PART, std::uint8_t{5}) == "features[5].vocabulary.date_part: 5");
  CHECK(refused(Vocabulary::VT_DATE_PART, std::uint8_t{4}) == none);
}

}  // namespace
}  // namespace mmoe::test
