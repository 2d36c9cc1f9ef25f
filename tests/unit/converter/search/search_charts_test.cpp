#include "converter/search/search_charts.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace mmoe::converter {
namespace {

using Kind = ChoicePoint::Kind;

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_CASE("choice chart: what is finite is drawn, with 0 below the powers of ten") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<ChoicePoint> points = {{Kind::kF32, "f32", "a & b", 100, 0, true},
                                           {Kind::kUniform, "i8", "", 30, 0.02, false},
                                           {Kind::kChosen, "chosen", "", 40, 0.0005, true},
                                           {Kind::kOnePart, "", "", 90, kInfinity, false},
                                           {Kind::kCombination, "", "", std::nan(""), 0.01, true}};
  const std::string chart = choice_chart(points, {"kB", "change", true, 0.001});
  CHECK(count(chart, "<circle") == 4);  // three points, and the ring of the chosen one
  CHECK(count(chart, "t4 hollow") == 1);
  CHECK(count(chart, "class=\"limit\"") == 1);
  CHECK(count(chart, "a &amp; b") == 1);
  for (const char* label : {">f32<", ">i8<", ">chosen<", ">0<", ">0.01<", ">0.0001<"}) CHECK(count(chart, label) >= 1);
  for (const char* wrong : {"inf", "nan\"", "NaN"}) CHECK(count(chart, wrong) == 0);
}

TEST_CASE("choice chart: each power of ten is named") {
  for (const int least : {-7, -5, -4, -3, -2, -1, 0, 1}) {
    const double low = 2 * std::pow(10, least), high = 20 * std::pow(10, least);
    const std::string chart = choice_chart({{Kind::kF32, "", "", 1, low, true}, {Kind::kF32, "", "", 1, high, true}},
                                           {"kB", "change", true, -1});
    const char* const names[] = {"1e-7", "1e-6", "1e-5", "0.0001", "0.001", "0.01", "0.1", "1", "10", "100", "1000"};
    INFO(least);
    for (const int power : {least, least + 1, least + 2}) {
      CHECK(count(chart, std::string(">") + names[power + 7] + "<") == 1);
    }
  }
}

TEST_CASE("choice chart: nothing that differs, nothing at all, and losses that are gains") {
  const ChoicePoint same{Kind::kF32, "f32", "", 100, 0, true};
  for (const bool log : {true, false}) {
    for (const std::vector<ChoicePoint>& points :
         {std::vector<ChoicePoint>{}, {same}, {same, {Kind::kChosen, "", "", 50, -0.01, true}}}) {
      const std::string chart = choice_chart(points, {"kB", "lost", log, -1});
      CHECK(count(chart, "</svg>") == 1);
      CHECK(count(chart, "class=\"limit\"") == 0);
      for (const char* wrong : {"inf", "nan\"", "NaN"}) CHECK(count(chart, wrong) == 0);
    }
  }
}

TEST_CASE("choice chart: texts do not cover each other") {
  std::vector<ChoicePoint> points;
  for (size_t i = 0; i < 40; ++i) points.push_back({Kind::kUniform, "w8a8 + u8", "", 50, 0.01, true});
  const std::string chart = choice_chart(points, {"kB", "change", true, -1});
  CHECK(count(chart, ">w8a8 + u8<") <= 6);
  CHECK(count(chart, ">w8a8 + u8<") >= 1);
}

}  // namespace
}  // namespace mmoe::converter
