#include "runtime/tools/support/text.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace mmoe::tools {
namespace {

float parsed(const std::string& text) {
  float value = -1;
  INFO(text);
  CHECK(parse_float(text, value) == NumberStatus::kOk);
  return value;
}

NumberStatus status_of(const std::string& text) {
  float value = 0;
  return parse_float(text, value);
}

TEST_CASE("parse_float takes the whole text") {
  CHECK(parsed("1.5") == 1.5f);
  CHECK(parsed("+1.5") == 1.5f);
  CHECK(parsed("-1e-3") == -1e-3f);
  CHECK(parsed(".5") == 0.5f);
  CHECK(parsed("5.") == 5.0f);
  CHECK(std::signbit(parsed("-0")));
  for (const char* text :
       {"", " 1", "1 ", "1,5", "1.5x", "++1", "+-1", "-+1", "0x10", "1e", "e5", "abc", "NA", "1_000"}) {
    INFO(text);
    CHECK(status_of(text) == NumberStatus::kNotANumber);
  }
}

TEST_CASE("parse_float takes nan and inf where they are written") {
  CHECK(std::isnan(parsed("nan")));
  CHECK(std::isnan(parsed("NaN")));
  CHECK(parsed("inf") == std::numeric_limits<float>::infinity());
  CHECK(parsed("-Infinity") == -std::numeric_limits<float>::infinity());
  CHECK(parsed("+inf") == std::numeric_limits<float>::infinity());
}

TEST_CASE("parse_float tells too large from too small") {
  CHECK(status_of("1e39") == NumberStatus::kOutOfRange);
  CHECK(status_of("-1e39") == NumberStatus::kOutOfRange);
  CHECK(status_of("1e999999") == NumberStatus::kOutOfRange);
  CHECK(parsed("1e-60") == 0.0f);
  CHECK(std::signbit(parsed("-1e-60")));
  CHECK(parsed("1e-40") == 1e-40f);
  CHECK(parsed("3.4028235e38") == std::numeric_limits<float>::max());
}

TEST_CASE("parse_float rounds once") {
  // Halfway between two floats and a little more: by way of double it would come out one bit lower.
  CHECK(parsed("1.00000005960464477540") == std::nextafter(1.0f, 2.0f));
}

TEST_CASE("parse_integer") {
  std::int64_t value = 0;
  CHECK(parse_integer("-42", value) == NumberStatus::kOk);
  CHECK(value == -42);
  CHECK(parse_integer("+7", value) == NumberStatus::kOk);
  CHECK(value == 7);
  CHECK(parse_integer("9223372036854775807", value) == NumberStatus::kOk);
  CHECK(parse_integer("9223372036854775808", value) == NumberStatus::kOutOfRange);
  CHECK(parse_integer("", value) == NumberStatus::kNotANumber);
}

TEST_CASE("parse_integer takes whole numbers that a table's writer made floats of") {
  const auto whole = [](const std::string& text) {
    std::int64_t value = 0;
    REQUIRE(parse_integer(text, value) == NumberStatus::kOk);
    return value;
  };
  CHECK(whole("5.0") == 5);
  CHECK(whole("-5.00") == -5);
  CHECK(whole("+5.") == 5);
  CHECK(whole(".0") == 0);
  CHECK(whole("-0.0") == 0);
  CHECK(whole("8.000000000000000000e+00") == 8);  // numpy.savetxt
  CHECK(whole("1.25e2") == 125);
  CHECK(whole("1e+16") == 10000000000000000);
  CHECK(whole("1200e-2") == 12);
  CHECK(whole("0e999999999999") == 0);
  CHECK(whole("9007199254740993.0") == 9007199254740993);  // no double has it
  CHECK(whole("-9223372036854775808.0") == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("parse_integer refuses what has a fraction, or does not fit") {
  std::int64_t value = 0;
  for (const char* text : {"5.5", "1e-1", "125e-2", "0.1", ".", "e3", "1e", "1e+-2", "1.2.3", "5.0x", "0x10", "1e2.0",
                           "--5", "+-5", "1 000", "5,0", "nan", "inf", "1e-999999999999999999999"}) {
    CHECK_MESSAGE(parse_integer(text, value) == NumberStatus::kNotANumber, text);
  }
  for (const char* text : {"1e19", "9223372036854775808.0", "-1e20", "1e999999999"}) {
    CHECK_MESSAGE(parse_integer(text, value) == NumberStatus::kOutOfRange, text);
  }
}

TEST_CASE("trimmed takes blanks off the ends") {
  CHECK(trimmed(" \ta b\t ") == "a b");
  CHECK(trimmed("  ").empty());
  CHECK(trimmed("").empty());
  CHECK(trimmed("\xc2\xa0x") == "\xc2\xa0x");
}

TEST_CASE("append_float writes text that gives the same bits") {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    const std::uint32_t bits = static_cast<std::uint32_t>(random());
    float value;
    std::memcpy(&value, &bits, sizeof value);
    std::string text;
    append_float(text, value);
    const float again = parsed(text);
    if (std::isnan(value)) {
      CHECK(text == "nan");
    } else {
      CHECK(std::memcmp(&again, &value, sizeof value) == 0);
    }
  }
}

TEST_CASE("append_csv_field quotes what needs it") {
  const auto field = [](const char* text) {
    std::string out;
    append_csv_field(out, text);
    return out;
  };
  CHECK(field("plain text") == "plain text");
  CHECK(field("") == "");
  CHECK(field("a,b") == "\"a,b\"");
  CHECK(field("say \"hi\"") == "\"say \"\"hi\"\"\"");
  CHECK(field("two\nlines") == "\"two\nlines\"");
  CHECK(field(" padded") == "\" padded\"");
}

TEST_CASE("quoted shows what a terminal can bear") {
  CHECK(quoted("abc") == "'abc'");
  CHECK(quoted("a\tb\x1b[2J") == "'a\\x09b\\x1b[2J'");
  CHECK(quoted(std::string(100, 'x')) == "'" + std::string(40, 'x') + "…'");
  CHECK(quoted(std::string(39, 'x') + "éé") == "'" + std::string(39, 'x') + "…'");
}

TEST_CASE("counts, sizes and lists for people") {
  CHECK(counted(1, "row") == "1 row");
  CHECK(counted(1234567, "row") == "1,234,567 rows");
  CHECK(human_bytes(999) == "999 bytes");
  CHECK(human_bytes(1000) == "1.0 kB");
  CHECK(human_bytes(145480) == "145 kB");
  CHECK(human_bytes(999999) == "1.0 MB");
  CHECK(join({"a", "b"}) == "a, b");
  CHECK(join({"a", "b", "c"}, 2) == "a, b and 1 more");
}

}  // namespace
}  // namespace mmoe::tools
