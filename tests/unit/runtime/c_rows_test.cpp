// The row builder through the C interface.
#include <cmath>
#include <string>

#include <doctest/doctest.h>

#include "mmoe/mmoe.h"
#include "tests/unit/models.h"
#include "tests/unit/runtime/c_calls.h"

namespace mmoe::test {
namespace {

struct Fixture {
  AlignedBytes file = model_file(feature_description());
  CModel model;
  CSession session;
  std::vector<float> scores = std::vector<float>(2);

  Fixture() {
    mmoe_model* loaded = nullptr;
    mmoe_session* made = nullptr;
    REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), nullptr, &loaded) == MMOE_OK);
    model.reset(loaded);
    REQUIRE(mmoe_session_create(loaded, nullptr, &made) == MMOE_OK);
    session.reset(made);
  }

  CRows rows(size_t max_rows = 1, int32_t part = MMOE_WHOLE) const {
    mmoe_rows_options options = sized<mmoe_rows_options>();
    options.max_rows = max_rows;
    options.part = part;
    mmoe_rows* made = nullptr;
    REQUIRE(mmoe_rows_create(model.get(), &options, &made) == MMOE_OK);
    return CRows(made);
  }

  // Scores of one row of columns.
  std::vector<float> expect(float price, int32_t country, int32_t shop, int32_t device, const float* history) {
    const mmoe_feature_column columns[] = {{&price, 1, nullptr, 0},
                                           {nullptr, 0, &country, 1},
                                           {nullptr, 0, &shop, 1},
                                           {nullptr, 0, &device, 1},
                                           {history, 3, nullptr, 0}};
    std::vector<float> expected(2);
    REQUIRE(score(session.get(), column_input(columns, 5, 1), expected) == MMOE_OK);
    return expected;
  }
};

mmoe_values values_of(int32_t type, const void* data, size_t size) {
  mmoe_values values = {};
  values.type = type;
  values.data = data;
  values.size = size;
  return values;
}

const float kHistory[3] = {0.5f, -1, 2};

TEST_CASE("C rows: values by name and by index are the ids and numbers that they stand for") {
  Fixture f;
  const std::vector<float> expected = f.expect(12.5f, 2, 99, 3, kHistory);
  const CRows rows = f.rows();
  const mmoe_values history = values_of(MMOE_FLOATS, kHistory, 3);
  CHECK(mmoe_rows_num_rows(rows.get()) == 1);
  CHECK(mmoe_rows_max_rows(rows.get()) == 1);
  CHECK(mmoe_rows_part(rows.get()) == MMOE_WHOLE);
  CHECK(mmoe_rows_set_number(rows.get(), 0, "price", 12.5) == MMOE_OK);
  CHECK(mmoe_rows_set_text(rows.get(), 0, "country", "AT") == MMOE_OK);
  CHECK(mmoe_rows_set_integer(rows.get(), 0, "shop", 7) == MMOE_OK);
  CHECK(mmoe_rows_set_integer(rows.get(), 0, "device", 3) == MMOE_OK);
  CHECK(mmoe_rows_set_list(rows.get(), 0, "history", &history) == MMOE_OK);
  CHECK(mmoe_rows_status(rows.get()) == MMOE_OK);
  REQUIRE(score(f.session.get(), rows_input(rows.get()), f.scores) == MMOE_OK);
  CHECK(f.scores == expected);

  REQUIRE(mmoe_rows_clear(rows.get(), 1) == MMOE_OK);
  CHECK(mmoe_rows_set_number_at(rows.get(), 0, 0, 12.5) == MMOE_OK);
  CHECK(mmoe_rows_set_text_n_at(rows.get(), 0, 1, "ATX", 2) == MMOE_OK);
  CHECK(mmoe_rows_set_integer_at(rows.get(), 0, 2, 7) == MMOE_OK);
  CHECK(mmoe_rows_set_integer_at(rows.get(), 0, 3, 3) == MMOE_OK);
  CHECK(mmoe_rows_set_list_at(rows.get(), 0, 4, &history) == MMOE_OK);
  REQUIRE(score(f.session.get(), rows_input(rows.get()), f.scores) == MMOE_OK);
  CHECK(f.scores == expected);

  // Unsigned integers, one by one and in a list.
  const uint64_t shop = 7;
  const mmoe_values shops = values_of(MMOE_UINT64S, &shop, 1);
  CHECK(mmoe_rows_set_unsigned(rows.get(), 0, "device", 3) == MMOE_OK);
  CHECK(mmoe_rows_set_unsigned_at(rows.get(), 0, 3, 3) == MMOE_OK);
  CHECK(mmoe_rows_set_list_at(rows.get(), 0, 2, &shops) == MMOE_OK);
  REQUIRE(score(f.session.get(), rows_input(rows.get()), f.scores) == MMOE_OK);
  CHECK(f.scores == expected);

  // Missing again, in three ways; the price's rule stands for NaN.
  const std::vector<float> missing = f.expect(NAN, MMOE_UNKNOWN_ID, MMOE_UNKNOWN_ID, 3, kHistory);
  CHECK(mmoe_rows_set_missing(rows.get(), 0, "price") == MMOE_OK);
  CHECK(mmoe_rows_set_text_at(rows.get(), 0, 1, nullptr) == MMOE_OK);
  CHECK(mmoe_rows_set_missing_at(rows.get(), 0, 2) == MMOE_OK);
  REQUIRE(score(f.session.get(), rows_input(rows.get()), f.scores) == MMOE_OK);
  CHECK(f.scores == missing);
}

TEST_CASE("C rows: a wrong name is an error that names it, stays, and is what scoring returns") {
  Fixture f;
  const CRows rows = f.rows();
  CHECK(mmoe_rows_set_number(rows.get(), 0, "prise", 12.5) == MMOE_INVALID_ARGUMENT);
  const std::string message = mmoe_last_message();
  CHECK(message.find("\"prise\"") != std::string::npos);
  CHECK(message.find("no feature of this name") != std::string::npos);
  CHECK(mmoe_rows_set_number(rows.get(), 0, "price", 12.5) == MMOE_INVALID_ARGUMENT);  // the first error stays
  CHECK(mmoe_last_message() == message);
  CHECK(mmoe_rows_status(rows.get()) == MMOE_INVALID_ARGUMENT);
  CHECK(score(f.session.get(), rows_input(rows.get()), f.scores) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_last_message() == message);
  REQUIRE(mmoe_rows_clear(rows.get(), 1) == MMOE_OK);
  CHECK(mmoe_rows_status(rows.get()) == MMOE_OK);

  // A refused category, a value of another type, a row that is not there, no name.
  const auto after_clear = [&](mmoe_status status) {
    std::string its_message = status == MMOE_OK ? "" : mmoe_last_message();
    REQUIRE(mmoe_rows_clear(rows.get(), 1) == MMOE_OK);
    return its_message;
  };
  CHECK(after_clear(mmoe_rows_set_integer(rows.get(), 0, "device", 9)).find("feature \"device\", row 0: ") == 0);
  CHECK(after_clear(mmoe_rows_set_integer(rows.get(), 0, "country", 9)).find("feature \"country\", row 0: ") == 0);
  CHECK(after_clear(mmoe_rows_set_text(rows.get(), 0, "price", "9")).find("feature \"price\", row 0: ") == 0);
  CHECK(after_clear(mmoe_rows_set_number(rows.get(), 1, "price", 9)).find("feature \"price\", row 1: ") == 0);
  CHECK(after_clear(mmoe_rows_set_number(rows.get(), 0, nullptr, 9)).find("feature \"\"") == 0);
  CHECK(after_clear(mmoe_rows_set_number_at(rows.get(), 0, 5, 9)).find("feature 5") == 0);
  CHECK(mmoe_rows_clear(rows.get(), 2) == MMOE_INVALID_ARGUMENT);
}

TEST_CASE("C rows: what is no list at all stays an error too") {
  Fixture f;
  const CRows rows = f.rows();
  const auto refused = [&](const mmoe_values* values) {
    CHECK(mmoe_rows_set_list(rows.get(), 0, "history", values) == MMOE_INVALID_ARGUMENT);
    const std::string message = mmoe_last_message();
    CHECK(mmoe_rows_status(rows.get()) == MMOE_INVALID_ARGUMENT);
    CHECK(score(f.session.get(), rows_input(rows.get()), f.scores) == MMOE_INVALID_ARGUMENT);
    CHECK(mmoe_last_message() == message);
    REQUIRE(mmoe_rows_clear(rows.get(), 1) == MMOE_OK);
    return message;
  };
  mmoe_values values = values_of(MMOE_FLOATS, nullptr, 3);
  CHECK(refused(nullptr) == "values: null");
  CHECK(refused(&values) == "values.data: null");
  values = values_of(0, kHistory, 3);
  CHECK(refused(&values).find("values.type: ") == 0);
  values = values_of(MMOE_FLOATS, kHistory, SIZE_MAX);
  CHECK(refused(&values) == "values.size: too large");
  values = values_of(MMOE_FLOATS, kHistory, 2);
  CHECK(refused(&values).find("feature \"history\", row 0: number of values: 2") == 0);
}

TEST_CASE("C rows: whole columns, of numbers, texts and packed texts; a user's and candidates' parts") {
  Fixture f;
  const CRows rows = f.rows(2);
  const double prices[] = {12.5, 3};
  const char* countries[] = {"AT", "BR"};
  const int32_t offsets[] = {0, 2, 4};
  const int32_t devices[] = {3, 1};
  const int64_t shops[] = {7, 42};
  const float histories[] = {0.5f, -1, 2, 1, 1, 1};
  mmoe_values packed = values_of(MMOE_PACKED_TEXTS, offsets, 2);
  packed.bytes = "ATBR";
  packed.num_bytes = 4;
  const mmoe_values price = values_of(MMOE_DOUBLES, prices, 2), country = values_of(MMOE_TEXTS, countries, 2);
  const mmoe_values device = values_of(MMOE_INT32S, devices, 2), shop = values_of(MMOE_INT64S, shops, 2);
  const mmoe_values history = values_of(MMOE_FLOATS, histories, 6);
  std::vector<float> expected = f.expect(12.5f, 2, 99, 3, histories);
  const std::vector<float> second = f.expect(3, 4, 0, 1, histories + 3);
  expected.insert(expected.end(), second.begin(), second.end());
  std::vector<float> scores(4);
  for (const mmoe_values* texts : {&country, const_cast<const mmoe_values*>(&packed)}) {
    CHECK(mmoe_rows_set_column(rows.get(), "price", &price, nullptr, 0) == MMOE_OK);
    CHECK(mmoe_rows_set_column(rows.get(), "country", texts, nullptr, 0) == MMOE_OK);
    CHECK(mmoe_rows_set_column(rows.get(), "shop", &shop, nullptr, 0) == MMOE_OK);
    CHECK(mmoe_rows_set_column_at(rows.get(), 3, &device, nullptr, 0) == MMOE_OK);
    CHECK(mmoe_rows_set_column(rows.get(), "history", &history, nullptr, 0) == MMOE_OK);
    REQUIRE(score(f.session.get(), rows_input(rows.get()), scores) == MMOE_OK);
    CHECK(scores == expected);
    REQUIRE(mmoe_rows_clear(rows.get(), 2) == MMOE_OK);
  }
  // Ids that were looked up: {2, 4} are those of "AT" and "BR".
  const int32_t ids[] = {2, 4};
  CHECK(mmoe_rows_set_column(rows.get(), "price", &price, nullptr, 0) == MMOE_OK);
  CHECK(mmoe_rows_set_ids(rows.get(), "country", ids, 2) == MMOE_OK);
  CHECK(mmoe_rows_set_column(rows.get(), "shop", &shop, nullptr, 0) == MMOE_OK);
  CHECK(mmoe_rows_set_ids_at(rows.get(), 3, devices, 2) == MMOE_OK);
  CHECK(mmoe_rows_set_column(rows.get(), "history", &history, nullptr, 0) == MMOE_OK);
  REQUIRE(score(f.session.get(), rows_input(rows.get()), scores) == MMOE_OK);
  CHECK(scores == expected);
  REQUIRE(mmoe_rows_clear(rows.get(), 2) == MMOE_OK);
  CHECK(mmoe_rows_set_ids(rows.get(), "country", nullptr, 2) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_rows_status(rows.get()) == MMOE_INVALID_ARGUMENT);
  // No rows, as Arrow may hand them out: without offsets.
  const mmoe_values nothing = values_of(MMOE_PACKED_TEXTS, nullptr, 0);
  REQUIRE(mmoe_rows_clear(rows.get(), 0) == MMOE_OK);
  CHECK(mmoe_rows_set_column(rows.get(), "country", &nothing, nullptr, 0) == MMOE_OK);
  CHECK(score(f.session.get(), rows_input(rows.get()), scores) == MMOE_OK);
  REQUIRE(mmoe_rows_clear(rows.get(), 2) == MMOE_OK);
  CHECK(mmoe_rows_set_column(rows.get(), "country", &nothing, nullptr, 0) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_rows_clear(rows.get(), 3) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_rows_status(rows.get()) == MMOE_INVALID_ARGUMENT);
  REQUIRE(mmoe_rows_clear(rows.get(), 2) == MMOE_OK);

  CHECK(mmoe_rows_set_column(rows.get(), "price", &price, nullptr, 3) == MMOE_INVALID_ARGUMENT);
  CHECK(std::string(mmoe_last_message()) == "row_offsets: null");

  const CRows user = f.rows(1, MMOE_USER_PART), items = f.rows(2, MMOE_CANDIDATE_PART);
  const mmoe_values one_history = values_of(MMOE_FLOATS, histories, 3);
  CHECK(mmoe_rows_part(items.get()) == MMOE_CANDIDATE_PART);
  CHECK(mmoe_rows_set_text(user.get(), 0, "country", "AT") == MMOE_OK);
  CHECK(mmoe_rows_set_integer(user.get(), 0, "device", 3) == MMOE_OK);
  CHECK(mmoe_rows_set_list(user.get(), 0, "history", &one_history) == MMOE_OK);
  CHECK(mmoe_rows_set_column(items.get(), "price", &price, nullptr, 0) == MMOE_OK);
  CHECK(mmoe_rows_set_column(items.get(), "shop", &shop, nullptr, 0) == MMOE_OK);
  const mmoe_input user_input = rows_input(user.get());
  REQUIRE(mmoe_session_set_user(f.session.get(), &user_input) == MMOE_OK);
  REQUIRE(score(f.session.get(), rows_input(items.get()), scores) == MMOE_OK);
  const std::vector<float> other = f.expect(3, 2, 0, 3, histories);
  CHECK(scores == std::vector<float>{expected[0], expected[1], other[0], other[1]});
  CHECK(mmoe_rows_set_number(user.get(), 0, "price", 1) == MMOE_INVALID_ARGUMENT);
}

TEST_CASE("C rows: in the caller's memory, at any address; options that make no sense") {
  Fixture f;
  mmoe_rows_options options = sized<mmoe_rows_options>();
  size_t bytes = 0;
  REQUIRE(mmoe_rows_bytes(f.model.get(), &options, &bytes) == MMOE_OK);
  for (size_t shift = 0; shift < 8; ++shift) {
    std::vector<std::uint8_t> memory(bytes + shift);
    mmoe_rows* rows = nullptr;
    CHECK(mmoe_rows_create_in(f.model.get(), &options, memory.data() + shift, bytes - 1, &rows) ==
          MMOE_ARENA_TOO_SMALL);
    REQUIRE(mmoe_rows_create_in(f.model.get(), &options, memory.data() + shift, bytes, &rows) == MMOE_OK);
    CHECK(mmoe_rows_set_integer(rows, 0, "device", 3) == MMOE_OK);
    CHECK(mmoe_rows_set_number(rows, 0, "price", 1) == MMOE_OK);
    mmoe_rows_free(rows);
  }
  mmoe_rows* rows = nullptr;
  options.part = 3;
  CHECK(mmoe_rows_create(f.model.get(), &options, &rows) == MMOE_INVALID_ARGUMENT);
  CHECK(std::string(mmoe_last_message()) == "options.part: 3, expected 0 to 2");
  options.part = MMOE_WHOLE;
  options.struct_size = 1;
  CHECK(mmoe_rows_create(f.model.get(), &options, &rows) == MMOE_INVALID_ARGUMENT);
  CHECK(rows == nullptr);
}

}  // namespace
}  // namespace mmoe::test
