#include "converter/reading/json_reader.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "converter/error.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::contains;

template <class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("errors name the field, what was found and what was expected") {
  const nlohmann::json json = parse_json(R"({"levels": [{"gates": {"top_k": "two", "x": -1, "y": 1.5, "z": []}}]})");
  const JsonReader gates = JsonReader(json).get("levels", "").items().at(0).get("gates", "");
  CHECK(message_of([&] { gates.get("top_k", "").count(); }) ==
        "levels[0].gates.top_k: found \"two\", expected a whole number, 0 or more");
  CHECK(message_of([&] { gates.get("x", "").count(); }) ==
        "levels[0].gates.x: found -1, expected a whole number, 0 or more");
  CHECK(message_of([&] { gates.get("y", "").integer(); }) ==
        "levels[0].gates.y: found 1.5, expected a whole number of 64 bits");
  CHECK(message_of([&] { gates.get("z", "").string(); }) == "levels[0].gates.z: found a list of 0, expected a string");
  CHECK(message_of([&] { gates.get("w", "the width"); }) == "levels[0].gates.w: missing: the width");
  CHECK(message_of([&] { gates.items(); }) == "levels[0].gates: found an object, expected a list");
  CHECK(message_of([&] { JsonReader(json).string(); }) == "description: found an object, expected a string");
}

TEST_CASE("an unknown key is named, with the nearest or all known ones") {
  const nlohmann::json json = parse_json(R"({"topk": 1})");
  CHECK(message_of([&] {
          JsonReader(json).allow_keys({"name", "top_k"});
        }) == "topk: unknown key; did you mean \"top_k\"?");
  CHECK(message_of([&] {
          JsonReader(json).allow_keys({"name", "experts"});
        }) == "topk: unknown key; known keys: name, experts");
}

TEST_CASE("numbers beyond their type are refused") {
  const nlohmann::json json = parse_json("[18446744073709551615, 1e39, 9223372036854775807]");
  const auto items = JsonReader(json).items();
  CHECK_THROWS_AS(items[0].integer(), ConvertError);
  CHECK_THROWS_AS(items[1].real(), ConvertError);
  CHECK(items[2].integer() == 9223372036854775807);
  const nlohmann::json built = 2;  // signed, unlike a parsed 2
  CHECK(JsonReader(built).count() == 2);
}

TEST_CASE("text that is not JSON is refused with its place") {
  CHECK(contains(message_of([] { parse_json("{\n\"a\": }"); }), "not valid JSON: parse error at line 2"));
  CHECK(contains(message_of([] { parse_json(""); }), "not valid JSON"));
  CHECK(contains(message_of([] { parse_json("1e999"); }), "not valid JSON"));
  CHECK(contains(message_of([] { parse_json("\"\xff\""); }), "not valid JSON"));
  CHECK(message_of([] { parse_json(R"({"a": {"b": 1, "c": 2, "b": 3}})"); }) ==
        "line 1: key \"b\" twice in one object");
  CHECK(message_of([] { parse_json("{\"a\": 1,\n\n\"a\": 2}"); }) == "line 3: key \"a\" twice in one object");
  CHECK(message_of([] { parse_json(R"([{"a": 1}, {"a": 2}])"); }).empty());
  const std::string deep(100000, '[');
  CHECK(contains(message_of([&] { parse_json(deep); }), "not valid JSON"));
}

TEST_CASE("the parser says in which line each value begins") {
  JsonLines lines;
  (void)parse_json("{\"a\": [1,\n {\"b\": [],\n\n\"c\": 3}\n],\n\"d\": {}}", &lines);
  const JsonLines expected = {{"a", 1}, {"a[0]", 1}, {"a[1]", 2}, {"a[1].b", 2}, {"a[1].c", 4}, {"d", 6}};
  CHECK(lines == expected);
}

}  // namespace
}  // namespace mmoe::converter
