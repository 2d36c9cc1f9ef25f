#include "converter/reading/vocabulary_keys.h"

#include <doctest/doctest.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "converter/error.h"
#include "converter/reading/key_lines.h"
#include "converter/reading/key_order.h"
#include "runtime/tools/support/utf8.h"
#include "schema/format.h"

namespace mmoe::converter {
namespace {

struct ReadKeys {
  Vocabulary vocabulary;
  std::vector<std::string> notes;
};

// The files are "keys.txt", of that text.
ReadKeys read(const std::string& json, const std::string& file = "") {
  const nlohmann::json document = parse_json(json);
  KeySources sources;
  sources.open = [&file](const std::string& location) {
    if (location != "keys.txt") throw ConvertError(location + " is not there");
    const auto text = std::make_shared<const std::string>(file);
    return SharedBytes{text, *text};
  };
  ReadKeys result;
  read_keys(JsonReader(document), sources, result.vocabulary);
  result.notes = sources.notes;
  return result;
}

const char* const kStrings = R"({"file": "keys.txt"})";
const char* const kIntegers = R"({"file": "keys.txt", "type": "integers"})";

std::vector<std::string> strings(const std::string& file) {
  const Vocabulary vocabulary = read(kStrings, file).vocabulary;
  const StringList& keys = std::get<StringList>(vocabulary.keys);
  std::vector<std::string> result;
  for (size_t i = 0; i < keys.size(); ++i) result.emplace_back(keys[i]);
  CHECK(vocabulary.size == result.size());
  return result;
}

std::string error_of(const std::string& json, const std::string& file = "") {
  try {
    read(json, file);
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

std::vector<int64_t> integers(const Vocabulary& vocabulary) { return std::get<std::vector<int64_t>>(vocabulary.keys); }

using Strings = std::vector<std::string>;
using Integers = std::vector<int64_t>;

TEST_CASE("keys in a file: a line each") {
  CHECK(strings("AT\nBR\nUS\n") == Strings{"AT", "BR", "US"});
  CHECK(strings("AT\nBR") == Strings{"AT", "BR"});
  CHECK(strings("AT") == Strings{"AT"});
  CHECK(strings("\n") == Strings{""});
  CHECK(strings("AT\n\nBR\n") == Strings{"AT", "", "BR"});
  CHECK(strings("AT\r\nBR\r\n") == Strings{"AT", "BR"});
  CHECK(strings("AT\r\nBR") == Strings{"AT", "BR"});
  CHECK(strings("\r\nBR\r\n") == Strings{"", "BR"});
  CHECK(strings("\xef\xbb\xbf"
                "AT\nBR\n") == Strings{"AT", "BR"});
}

TEST_CASE("keys in a file: what is refused names the line") {
  CHECK(error_of(kStrings, "a\nb\na\nb\n") == "description: \"a\" twice, in lines 1 and 3");
  CHECK(error_of(kIntegers, "5\n7\n 7\n") == "description: 7 twice, in lines 2 and 3");
  CHECK(error_of(kStrings, "a\r\nb\n") == "file: line 2 ends in LF, the first line in CRLF");
  CHECK(error_of(kStrings,
                 "\xff\xfe"
                 "a") == "file: the file is UTF-16, expected UTF-8");
  CHECK(error_of(kStrings, "\xef\xbb\xbf") == "description: expected 1 to 2^32 - 2 keys");
  CHECK(error_of(kIntegers, "5\n\n7\n").find("file: line 2: expected a whole number of 64 bits") == 0);
  for (const char* text : {"5.0", "+5", "0x10", "5 6", "18446744073709551616", "-9223372036854775809"}) {
    CHECK(error_of(kIntegers, std::string("1\n") + text).find("file: line 2: expected a whole number") == 0);
  }
  CHECK(error_of(R"({"file": "other.txt"})") == "file: other.txt is not there");
  CHECK(error_of(R"({"file": "keys.txt", "typ": "integers"})").find("typ: unknown key") == 0);
  CHECK(error_of(R"({"file": "keys.txt", "type": "floats"})", "1").find("type: found \"floats\"") == 0);
}

TEST_CASE("keys: notes about what seldom is meant") {
  CHECK(read(kStrings, "AT\nBR\n").notes.empty());
  CHECK(read(R"(["AT", "Österreich", ""])").notes.empty());
  CHECK(read(kStrings, "AT\nBR \nUS\t\n\x20\n").notes ==
        Strings{"file: blanks at an end; they belong to the key: 3 keys, the first is line 2"});
  CHECK(read(kStrings, "AT\nBR\r\n").notes == Strings{"file: blanks at an end; they belong to the key: 1 key, line 2"});
  CHECK(read(kStrings, "AT\n\xd6sterreich\n").notes ==
        Strings{"file: not UTF-8; rows must have the same bytes: 1 key, line 2"});
  CHECK(read(kStrings,
             "\xef\xbb\xbf"
             "AT\n")
            .notes == Strings{"file: the file begins with a byte order mark, which is left out"});
  CHECK(read(R"(["\ufeffAT", " BR"])").notes ==
        Strings{": blanks at an end; they belong to the key: 1 key, entry 1",
                ": a byte order mark at the beginning; it belongs to the key: 1 key, entry 0"});
}

TEST_CASE("keys: integers of 64 bits, signed or unsigned") {
  const Vocabulary plain = read(kIntegers, "5\n-9223372036854775808\n 9223372036854775807\t\r\n").vocabulary;
  CHECK(integers(plain) == Integers{5, INT64_MIN, INT64_MAX});
  CHECK_FALSE(plain.unsigned_keys);
  const Vocabulary large = read(kIntegers, "5\n9223372036854775808\n18446744073709551615").vocabulary;
  CHECK(integers(large) == Integers{5, INT64_MIN, -1});
  CHECK(large.unsigned_keys);
  const Vocabulary list = read("[18446744073709551615, 0]").vocabulary;
  CHECK(integers(list) == Integers{-1, 0});
  CHECK(list.unsigned_keys);
  CHECK(error_of("[1, -2, 18446744073709551615]") ==
        "description: entry 1 is negative and entry 2 is 2^63 or more: no integers of 64 bits have both");
  CHECK(error_of(kIntegers, "9223372036854775808\n-1\n") ==
        "file: line 2 is negative and line 1 is 2^63 or more: no integers of 64 bits have both");
  CHECK(error_of("[9223372036854775808, 9223372036854775808]") ==
        "description: 9223372036854775808 twice, as entries 0 and 1");
  CHECK(error_of("[18446744073709551616]").find("[0]: found") == 0);
}

TEST_CASE("keys: a description that is not in a file has no others beside it") {
  KeySources sources;
  Vocabulary vocabulary;
  const nlohmann::json document = parse_json(kStrings);
  CHECK_THROWS_AS(read_keys(JsonReader(document), sources, vocabulary), ConvertError);
}

TEST_CASE("keys: UTF-8 is told from other bytes") {
  for (const char* text : {"", "a", "\u00e9", "\u20ac", "\U0001f600", "\ud7ff\ue000", "\U0010ffff"}) {
    CHECK(tools::is_utf8(text));
  }
  for (const char* text : {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xe2\x28\xa1", "a\xff"}) {
    CHECK_FALSE(tools::is_utf8(text));
  }
}

TEST_CASE("keys: by bucket, in their order, each once") {
  for (const size_t count : {1u, 2u, 1000u, 100000u}) {
    Vocabulary vocabulary;
    Integers keys;
    for (size_t i = 0; i < count; ++i) keys.push_back(static_cast<int64_t>(i * i));
    vocabulary.keys = keys;
    const KeyOrder order = order_keys(vocabulary);
    REQUIRE(order.positions.size() == count);
    REQUIRE(order.starts.size() == count + 1);
    CHECK(order.starts.front() == 0);
    CHECK(order.starts.back() == count);
    std::vector<bool> seen(count);
    for (size_t bucket = 0; bucket < count; ++bucket) {
      REQUIRE(order.starts[bucket] <= order.starts[bucket + 1]);
      for (size_t i = order.starts[bucket]; i < order.starts[bucket + 1]; ++i) {
        REQUIRE_FALSE(seen[order.positions[i]]);
        seen[order.positions[i]] = true;
        if (i > order.starts[bucket]) REQUIRE(order.positions[i - 1] < order.positions[i]);
      }
    }
    CHECK_FALSE(find_duplicate(vocabulary, order).has_value());
    CHECK_NOTHROW(check_buckets(order));
    if (count < 4) continue;
    keys[count - 1] = keys[2];
    keys[count - 2] = keys[1];
    vocabulary.keys = keys;
    CHECK(find_duplicate(vocabulary, order_keys(vocabulary)) == std::pair<size_t, size_t>{count - 2, 1});
  }
}

TEST_CASE("keys: a bucket of more keys than a reader looks at is refused") {
  KeyOrder order;
  order.positions.resize(schema::kMaxBucketKeys);
  order.starts = {0, static_cast<uint32_t>(schema::kMaxBucketKeys), static_cast<uint32_t>(schema::kMaxBucketKeys)};
  CHECK_NOTHROW(check_buckets(order));
  order.starts[1] = order.starts[2] = static_cast<uint32_t>(schema::kMaxBucketKeys) + 1;
  CHECK_THROWS_AS(check_buckets(order), ConvertError);
}

}  // namespace
}  // namespace mmoe::converter
