// Raw rows by name: the bits of columns made by hand, and errors that say what is wrong with which feature and row.
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "mmoe/rows.h"
#include "mmoe/session.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

// feature_description(): price, country (strings), shop (integers), device (integers, refuses unknown ones),
// history[3]; price and shop are the item's.
struct Fixture {
  AlignedBytes file = model_file(feature_description());
  Model model = load(file);

  Rows make(std::size_t max_rows = 1, Part part = Part::kWhole) const {
    Result<Rows> rows = Rows::create(model, {max_rows, part});
    REQUIRE(rows.ok());
    return std::move(*rows);
  }
  std::vector<float> score(const Input& input) const {
    Result<Session> session = Session::create(model);
    std::vector<float> scores(input.num_rows() * 2);
    const Status status = session->score(input, {scores});
    if (!status) FAIL(std::string(status.error().message()));
    return scores;
  }
};

void set_row(Rows& rows, std::size_t row) {
  CHECK(rows.set(row, "price", 12.5).ok());
  CHECK(rows.set(row, "country", "AT").ok());
  CHECK(rows.set(row, "shop", 7).ok());
  CHECK(rows.set(row, "device", 2).ok());
  CHECK(rows.set(row, "history", {1.0, 2.0, 3.0}).ok());
}

std::string message_of(const Status& status, ErrorCode code = ErrorCode::kInvalidArgument) {
  CHECK(status.error().code() == code);
  return status.error().message();
}

TEST_CASE("Rows: ids that were looked up are the categories themselves") {
  const Fixture its;
  Rows named = its.make(2), by_id = its.make(2);
  for (Rows* rows : {&named, &by_id}) {
    for (std::size_t row = 0; row < 2; ++row) set_row(*rows, row);
  }
  CHECK(named.set_column("country", std::vector<std::string>{"BR", "nowhere"}).ok());
  const std::size_t country = 1;
  const std::int32_t brazil = its.model.find_id(country, "BR");
  CHECK(by_id.set_ids("country", std::vector<std::int32_t>{brazil, Model::kUnknownId}).ok());
  CHECK(its.score(Input::rows(by_id)) == its.score(Input::rows(named)));

  CHECK(message_of(by_id.set_ids("country", std::vector<std::int32_t>{0})) ==
        "feature \"country\": length 1, needs 2, one per row");
  by_id.clear(2);
  CHECK(message_of(by_id.set_ids("price", std::vector<std::int32_t>{0, 0})) ==
        "feature \"price\": has no ids of one category per row");
  by_id.clear(2);
  CHECK_FALSE(by_id.set_ids("history", std::vector<std::int32_t>{0, 0}).ok());
  by_id.clear(2);
  CHECK_FALSE(by_id.set_ids("colour", std::vector<std::int32_t>{0, 0}).ok());
  by_id.clear(2);
  message_of(by_id.set_ids("device", std::vector<std::int32_t>{0, Model::kUnknownId}), ErrorCode::kUnknownCategory);
  // What is none is found before it is used.
  Rows wrong = its.make();
  set_row(wrong, 0);
  CHECK(wrong.set_ids("country", std::vector<std::int32_t>{1 << 30}).ok());
  Result<Session> session = Session::create(its.model);
  float scores[2];
  CHECK_FALSE(session->score(Input::rows(wrong), {scores}).ok());
}

TEST_CASE("Rows: values by name and by index have the bits of columns made by hand") {
  const Fixture its;
  const float price[] = {12.5f}, history[] = {1, 2, 3};
  const std::int32_t country[] = {2}, shop[] = {99}, device[] = {2};
  const FeatureColumn columns[] = {{price, {}}, {{}, country}, {{}, shop}, {{}, device}, {history, {}}};
  const std::vector<float> expected = its.score(Input::columns(columns, 1));
  Rows rows = its.make();
  set_row(rows, 0);
  CHECK(its.score(Input::rows(rows)) == expected);
  rows.clear();
  CHECK(rows.set(0, 0, 12.5f).ok());
  CHECK(rows.set(0, 1u, std::string("AT")).ok());
  CHECK(rows.set(0, std::size_t{2}, std::int64_t{7}).ok());
  CHECK(rows.set(0, std::string("device"), 2.0).ok());  // a number without a fraction
  CHECK(rows.set(0, std::string_view("history"), std::vector<std::int32_t>{1, 2, 3}).ok());
  CHECK(its.score(Input::rows(rows)) == expected);
  CHECK(rows.set(0, "price", 11).ok());
  CHECK(rows.set(0, "price", 12.5).ok());  // the last value counts
  CHECK(its.score(Input::rows(rows)) == expected);
}

TEST_CASE("Rows: what is not set is missing, and a row can be built anew") {
  const Fixture its;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float price[] = {nan}, history[] = {1, 2, 3};
  const std::int32_t unknown[] = {Model::kUnknownId}, device[] = {2};
  const FeatureColumn columns[] = {{price, {}}, {{}, unknown}, {{}, unknown}, {{}, device}, {history, {}}};
  const std::vector<float> expected = its.score(Input::columns(columns, 1));
  Rows rows = its.make();
  set_row(rows, 0);
  rows.clear();
  CHECK(rows.set(0, "device", 2).ok());
  CHECK(rows.set(0, "history", std::array<float, 3>{1, 2, 3}).ok());
  CHECK(its.score(Input::rows(rows)) == expected);
  set_row(rows, 0);
  CHECK(rows.set(0, "price", {}).ok());
  CHECK(rows.set(0, "country", "no such country").ok());
  CHECK(rows.set(0, "shop", std::numeric_limits<double>::quiet_NaN()).ok());
  CHECK(its.score(Input::rows(rows)) == expected);
}

TEST_CASE("Rows: the first error names feature and row, stays, and is what scoring returns") {
  const Fixture its;
  Rows rows = its.make(2);
  Result<Session> session = Session::create(its.model);
  std::vector<float> scores(4);
  const auto error = [&](std::size_t row, const FeatureKey& feature, const RawValue& value,
                         ErrorCode code = ErrorCode::kInvalidArgument) {
    rows.clear();
    const std::string message = message_of(rows.set(row, feature, value), code);
    CHECK(message_of(rows.set(0, "price", 1), code) == message);
    CHECK(message_of(rows.status(), code) == message);
    CHECK(message_of(session->score(Input::rows(rows), {scores}), code) == message);
    return message;
  };
  CHECK(error(0, "contry", "AT") == "feature \"contry\": the model has no feature of this name");
  CHECK(error(0, 5, "AT") == "feature 5: expected an index below 5");
  CHECK(error(1, "country", 5) == "feature \"country\", row 1: a number, expected a string");
  CHECK(error(1, "shop", "7") == "feature \"shop\", row 1: a string, expected an integer");
  CHECK(error(1, "price", "7") == "feature \"price\", row 1: a string, expected a number");
  CHECK(error(0, "shop", 7.5).find("feature \"shop\", row 0: a number with a fraction") == 0);
  CHECK(error(0, "shop", 1e300).find("feature \"shop\", row 0: a number with a fraction or out of range") == 0);
  CHECK(error(0, "history", {1.0, 2.0}) == "feature \"history\", row 0: number of values: 2, expected 3");
  CHECK(error(0, "shop", {7, 7}) == "feature \"shop\", row 0: number of values: 2, expected 1");
  CHECK(error(2, "price", 1) == "feature \"price\", row 2: out of range, num_rows is 2");
  CHECK(error(1, "device", 4, ErrorCode::kUnknownCategory) == "feature \"device\", row 1: unknown category 4");
  // What is not set is found when it is scored.
  rows.clear();
  CHECK(message_of(session->score(Input::rows(rows), {scores}), ErrorCode::kUnknownCategory) ==
        "feature \"device\", row 0: missing or unknown category, which the feature refuses");
  CHECK(message_of(rows.clear(3)) == "num_rows: 3, but max_rows is 2");
  CHECK(message_of(session->score(Input::rows(rows), {scores})) == "num_rows: 3, but max_rows is 2");
}

TEST_CASE("Rows: columns in bulk: numbers, integers, strings of three kinds") {
  const Fixture its;
  constexpr std::size_t kRows = 3;
  Rows one_by_one = its.make(kRows), bulk = its.make(kRows);
  const char* const countries[] = {"AT", "US", "BR"};
  const std::int64_t shops[] = {7, -3, 42};
  const double prices[] = {1, 2.5, 3};
  for (std::size_t row = 0; row < kRows; ++row) {
    CHECK(one_by_one.set(row, "country", countries[row]).ok());
    CHECK(one_by_one.set(row, "shop", shops[row]).ok());
    CHECK(one_by_one.set(row, "price", prices[row]).ok());
    CHECK(one_by_one.set(row, "device", 1).ok());
    CHECK(one_by_one.set(row, "history", {0.5, -0.5, 1.5}).ok());
  }
  const std::vector<float> expected = its.score(Input::rows(one_by_one));
  const std::vector<std::string_view> views(countries, countries + kRows);
  const std::int32_t offsets[] = {0, 2, 4, 6};
  for (const RawValue& strings : {RawValue(countries), RawValue(views), RawValue::packed({"ATUSBR", 6}, offsets)}) {
    bulk.clear();
    CHECK(bulk.set_column("country", strings).ok());
    CHECK(bulk.set_column("shop", shops).ok());
    CHECK(bulk.set_column("price", prices).ok());
    CHECK(bulk.set_column("device", std::vector<std::int32_t>{1, 1, 1}).ok());
    CHECK(bulk.set_column("history", {0.5f, -0.5f, 1.5f, 0.5f, -0.5f, 1.5f, 0.5f, -0.5f, 1.5f}).ok());
    CHECK(its.score(Input::rows(bulk)) == expected);
  }
  const auto error = [&](const FeatureKey& feature, const RawValue& values, Span<const std::int32_t> rows = {}) {
    bulk.clear();
    return message_of(bulk.set_column(feature, values, rows));
  };
  CHECK(error("shop", {7, 7}) == "feature \"shop\": length 2, needs 3 (rows: 3, per row: 1)");
  CHECK(error("history", {1.0, 2.0, 3.0, 4.0}) == "feature \"history\": length 4, needs 9 (rows: 3, per row: 3)");
  const std::int32_t beyond[] = {0, 2, 9, 6}, negative[] = {-1, 2, 4, 6};
  CHECK(error("country", RawValue::packed({"ATUSBR", 6}, beyond)).find("row 1: the offsets of the packed string") !=
        std::string::npos);
  CHECK(error("country", RawValue::packed({"ATUSBR", 6}, negative)).find("row 0: the offsets of the packed string") !=
        std::string::npos);
}

TEST_CASE("Rows: lists in braces may mix what single values may be; lists of any strings") {
  const Fixture its;
  Rows rows = its.make(3), mixed = its.make(3);
  const std::string at = "AT";
  const std::size_t seven = 7;
  const float half = 0.5f;
  for (std::size_t row = 0; row < 3; ++row) {
    CHECK(rows.set(row, "history", std::array<double, 3>{0.5, 1, 7}).ok());
    CHECK(mixed.set(row, "history", {half, 1, static_cast<std::uint32_t>(seven)}).ok());
    CHECK(rows.set(row, "device", 1).ok());
    CHECK(mixed.set(row, "device", {1}).ok());
  }
  const char* const countries[] = {"AT", "US", nullptr};
  CHECK(rows.set_column("country", countries).ok());
  CHECK(rows.set_column("shop", std::vector<std::int64_t>{7, -3, 42}).ok());
  const std::vector<float> expected = its.score(Input::rows(rows));
  CHECK(mixed.set_column("shop", {7.0, -3, std::int64_t{42}}).ok());
  CHECK(mixed.set_column("country", {at, "US", nullptr}).ok());
  CHECK(its.score(Input::rows(mixed)) == expected);
  CHECK(rows.set(2, "country", "BR").ok());
  const std::vector<float> named = its.score(Input::rows(rows));
  const char arrays[][4] = {"AT", "US", "BR"};
  const std::vector<std::string> objects = {"AT", "US", "BR"};
  for (const RawValue& strings : {RawValue(objects), RawValue(arrays)}) {
    CHECK(mixed.set_column("country", strings).ok());
    CHECK(its.score(Input::rows(mixed)) == named);
  }
  CHECK(message_of(mixed.set(0, "history", {0.5, "1", 2})) ==
        "feature \"history\", row 0: a string, expected a number");
  mixed.clear();
  CHECK(message_of(mixed.set_column("country", {"AT", 5, "BR"})) ==
        "feature \"country\", row 1: a number, expected a string");
}

template <class... Arguments>
using Create = decltype(Rows::create(std::declval<Arguments>()...));
template <class Void, class... Arguments>
constexpr bool kCanCreate = false;
template <class... Arguments>
constexpr bool kCanCreate<std::void_t<Create<Arguments...>>, Arguments...> = true;

TEST_CASE("Rows: not of a model that would be gone; neither is what a temporary Result holds kept") {
  static_assert(kCanCreate<void, Model&> && !kCanCreate<void, Model>);
  static_assert(kCanCreate<void, Model&, void*, std::size_t> && !kCanCreate<void, Model, void*, std::size_t>);
  static_assert(std::is_same_v<decltype(*std::declval<Result<Model>&>()), Model&>);
  static_assert(std::is_same_v<decltype(*std::declval<Result<Model>>()), Model&&>);
}

TEST_CASE("Rows: no rows; more rows than there is room for are an error that stays until clear()") {
  const Fixture its;
  Rows rows = its.make(2);
  Result<Session> session = Session::create(its.model);
  float scores[4];
  rows.clear(0);  // may be ignored
  CHECK(rows.set_column("country", RawValue::packed({}, {})).ok());
  CHECK(session->score(Input::rows(rows), {}).ok());
  CHECK_FALSE(rows.clear(3).ok());
  CHECK_FALSE(rows.set(0, "price", 1).ok());
  CHECK(session->score(Input::rows(rows), {scores}).error().code() == ErrorCode::kInvalidArgument);
  CHECK(rows.clear(1).ok());
  set_row(rows, 0);
  CHECK(session->score(Input::rows(rows), {scores}).ok());
}

TEST_CASE("Rows: a null string is a missing value, not an empty one, and no feature's name") {
  const Fixture its;  // "" is in the vocabulary of country
  Rows missing = its.make(2), rows = its.make(2);
  for (Rows* each : {&missing, &rows}) {
    CHECK(each->set_column("device", {1, 1}).ok());
    CHECK(each->set_column("history", {0.5, -0.5, 1.5, 0.5, -0.5, 1.5}).ok());
    CHECK(each->set(1, "country", "AT").ok());
  }
  const std::vector<float> expected = its.score(Input::rows(missing));
  const char* const null = nullptr;
  CHECK(rows.set(0, "country", "").ok());
  CHECK(its.score(Input::rows(rows)) != expected);
  CHECK(rows.set(0, "country", null).ok());
  CHECK(its.score(Input::rows(rows)) == expected);
  CHECK(rows.set(0, "country", "US").ok());
  CHECK(rows.set(0, "country", nullptr).ok());
  CHECK(its.score(Input::rows(rows)) == expected);
  CHECK(rows.set_column("country", {null, "AT"}).ok());
  CHECK(its.score(Input::rows(rows)) == expected);
  CHECK(message_of(rows.set(0, null, 1)) == "feature \"\": the model has no feature of this name");
}

TEST_CASE("Rows: sequences, in lists of any length up to the feature's") {
  const AlignedBytes file = model_file(sequence_description());
  const Model model = load(file);
  Result<Rows> rows = Rows::create(model, {2, Part::kWhole});
  REQUIRE(rows.ok());
  Result<Session> session = Session::create(model);
  std::vector<float> expected(4), found(4);
  const float price[] = {1, 2};
  const std::int32_t words[] = {3, 4, -2, -2, 5, -2, -2, -2}, none[] = {-2, -2, -2, -2, -2, -2, -2, -2, -2, -2};
  const FeatureColumn columns[] = {{price, {}}, {{}, words}, {{}, none}, {{}, none}, {{}, {none, 8}}};
  REQUIRE(session->score(Input::columns(columns, 2), {expected}).ok());
  CHECK(rows->set_column("price", price).ok());
  CHECK(rows->set(0, "words", {3, 4}).ok());
  CHECK(rows->set(1, "words", 5).ok());
  REQUIRE(session->score(Input::rows(*rows), {found}).ok());
  CHECK(found == expected);
  rows->clear();
  const std::int32_t offsets[] = {0, 2, 3};
  CHECK(rows->set_column("price", price).ok());
  CHECK(rows->set_column("words", {3, 4, 5}, offsets).ok());
  REQUIRE(session->score(Input::rows(*rows), {found}).ok());
  CHECK(found == expected);
  CHECK(message_of(rows->set(1, "words", {1, 2, 3, 4, 5})) ==
        "feature \"words\", row 1: number of values: 5, expected at most 4");
}

TEST_CASE("Rows: a user's part and the candidates' part, for a session with a user") {
  const Fixture its;
  Rows user = its.make(1, Part::kUser), items = its.make(3, Part::kCandidate), whole = its.make(3);
  Result<Session> session = Session::create(its.model);
  CHECK(user.set(0, "country", "AT").ok());
  CHECK(user.set(0, "device", 1).ok());
  CHECK(user.set(0, "history", {1, 2, 3}).ok());
  for (std::size_t row = 0; row < 3; ++row) {
    CHECK(items.set(row, "price", static_cast<double>(row)).ok());
    CHECK(items.set(row, "shop", 7).ok());
    CHECK(whole.set(row, "price", static_cast<double>(row)).ok());
    CHECK(whole.set(row, "shop", 7).ok());
    CHECK(whole.set(row, "country", "AT").ok());
    CHECK(whole.set(row, "device", 1).ok());
    CHECK(whole.set(row, "history", {1, 2, 3}).ok());
  }
  std::vector<float> expected(6), found(6);
  REQUIRE(session->set_user(Input::rows(user)).ok());
  REQUIRE(session->score(Input::rows(whole), {expected}).ok());
  REQUIRE(session->score(Input::rows(items), {found}).ok());
  CHECK(found == expected);
  CHECK(session->score(Input::rows(user), {found}).error().code() == ErrorCode::kInvalidArgument);
  CHECK(session->set_user(Input::rows(items)).error().code() == ErrorCode::kInvalidArgument);
  CHECK(message_of(user.set(0, "price", 1)) ==
        "feature \"price\": describes the item, but the rows are of the user part");
  CHECK(message_of(items.set(0, "device", 1)).find("feature \"device\": describes the user or context, but") == 0);
  // The error of the rows is told, not what follows from it.
  CHECK(message_of(session->set_user(Input::rows(items))) == message_of(items.set(1, "price", 1)));
  CHECK(message_of(user.clear(2)) == "num_rows: 2, but max_rows is 1");
  CHECK(message_of(session->set_user(Input::rows(user))) == "num_rows: 2, but max_rows is 1");
}

TEST_CASE("Rows: creation refuses what makes no sense; exactly enough memory at any address") {
  const Fixture its;
  CHECK(Rows::create(its.model, {0, Part::kWhole}).error().code() == ErrorCode::kInvalidArgument);
  CHECK(Rows::create(its.model, {SIZE_MAX, Part::kWhole}).error().code() == ErrorCode::kUnsupported);
  const AlignedBytes plain_file = model_file(mmoe_description({}));
  const Model plain = load(plain_file);
  CHECK(Rows::create(plain).error().code() == ErrorCode::kInvalidArgument);
  const AlignedBytes other_file = model_file(feature_description());
  const Model other = load(other_file);
  Rows of_other = std::move(*Rows::create(other));
  std::vector<float> scores(2);
  CHECK(Session::create(its.model)->score(Input::rows(of_other), {scores}).error().code() ==
        ErrorCode::kInvalidArgument);
  const std::size_t needed = Rows::bytes(its.model, {7, Part::kWhole});
  for (std::size_t shift = 0; shift < 16; shift += 3) {
    std::vector<std::uint8_t> memory(needed + shift + 16, 0xA5);
    CHECK(Rows::create(its.model, memory.data() + shift, needed - 1, {7, Part::kWhole}).error().code() ==
          ErrorCode::kArenaTooSmall);
    Result<Rows> rows = Rows::create(its.model, memory.data() + shift, needed, {7, Part::kWhole});
    REQUIRE(rows.ok());
    set_row(*rows, 6);
    for (std::size_t i = 0; i < shift; ++i) REQUIRE(memory[i] == 0xA5);
    for (std::size_t i = shift + needed; i < memory.size(); ++i) REQUIRE(memory[i] == 0xA5);
  }
}

}  // namespace
}  // namespace mmoe::test
