#include "converter/reading/pattern.h"

#include <doctest/doctest.h>

#include "converter/error.h"

namespace mmoe::converter {
namespace {

const std::vector<std::string> kTasks = {"click2", "click", "buy.now"};  // longest first, but for the last

TEST_CASE("a pattern gives the texts its placeholders stand for") {
  const auto values = Pattern("e.{expert}.mlp.{layer}.weight", "p").match("e.12.mlp.4.weight", {});
  REQUIRE(values);
  CHECK((*values)[Placeholder::kExpert] == "12");
  CHECK((*values)[Placeholder::kLayer] == "4");
  CHECK((*values)[Placeholder::kTask].empty());
}

TEST_CASE("a pattern matches the whole name only") {
  const Pattern pattern("e.{expert}.w", "p");
  CHECK_FALSE(pattern.match("e.1.weight", {}));
  CHECK_FALSE(pattern.match("module.e.1.w", {}));
  CHECK_FALSE(pattern.match("e..w", {}));
  CHECK_FALSE(pattern.match("e.x.w", {}));
  CHECK_FALSE(pattern.match("e.1", {}));
  CHECK_FALSE(pattern.match("", {}));
}

TEST_CASE("{task} stands for a number or a task's name, also of names that begin alike") {
  const Pattern pattern("t_{task}.{layer}", "p");
  CHECK((*pattern.match("t_3.0", kTasks))[Placeholder::kTask] == "3");
  CHECK((*pattern.match("t_click.0", kTasks))[Placeholder::kTask] == "click");
  CHECK((*pattern.match("t_click2.0", kTasks))[Placeholder::kTask] == "click2");
  CHECK((*pattern.match("t_buy.now.0", kTasks))[Placeholder::kTask] == "buy.now");
  CHECK_FALSE(pattern.match("t_other.0", kTasks));
  // "click2" is tried first and does not fit, "click" does.
  CHECK((*Pattern("{task}2.w", "p").match("click2.w", kTasks))[Placeholder::kTask] == "click");
}

TEST_CASE("a placeholder that occurs twice stands for the same text") {
  const Pattern pattern("lev_{level}.lev_{level}_exp_{task}_{expert}", "p");
  CHECK(pattern.match("lev_1.lev_1_exp_0_2", {}));
  CHECK_FALSE(pattern.match("lev_1.lev_0_exp_0_2", {}));
}

TEST_CASE("known values are put in") {
  PlaceholderValues values;
  values[Placeholder::kTask] = "click";
  const Pattern pattern = Pattern("t.{task}.{layer}", "p").with(values);
  CHECK(pattern.text() == "t.click.{layer}");
  CHECK(pattern.example() == "t.click.0");
  CHECK(pattern.leading_text() == "t.click.");
  CHECK_FALSE(pattern.has(Placeholder::kTask));
  CHECK(pattern.has(Placeholder::kLayer));
}

TEST_CASE("a wrong pattern names itself") {
  CHECK_THROWS_WITH_AS(Pattern("e.{experts}", "levels[0].experts.layers"),
                       "levels[0].experts.layers: \"e.{experts}\" has an unknown placeholder; known are {expert}, "
                       "{task}, {layer}, {level}, {previous_task}",
                       ConvertError);
  CHECK_THROWS_AS(Pattern("e.{expert}{layer}", "p"), ConvertError);
}

TEST_CASE("parse_number") {
  CHECK(parse_number("0") == 0u);
  CHECK(parse_number("012") == 12u);
  CHECK_FALSE(parse_number(""));
  CHECK_FALSE(parse_number("1a"));
  CHECK_FALSE(parse_number("1234567890"));
}

}  // namespace
}  // namespace mmoe::converter
