// Tensors made out of others, element by element.
#include "converter/description/derived.h"

#include <doctest/doctest.h>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::contains;
using test::MemoryWeights;

struct Made {
  nlohmann::json description;
  DerivedWeights weights;

  Made(const std::string& derived, const WeightSource& source)
      : description(nlohmann::json::parse("{\"derived\": " + derived + "}")), weights(description, source) {}

  size_t index(const std::string& name) const {
    for (size_t i = 0; i < weights.tensors().size(); ++i) {
      if (weights.tensors()[i].name == name) return i;
    }
    FAIL("no tensor ", name);
    return 0;
  }
  std::vector<float> data(const std::string& name) const { return weights.read(index(name)); }
  std::vector<uint64_t> shape(const std::string& name) const { return weights.tensors()[index(name)].shape; }
};

std::string error_of(const std::string& derived, const WeightSource& source) {
  try {
    Made made(derived, source);
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

MemoryWeights cube() {
  MemoryWeights weights;
  std::vector<float> data(24);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(i);
  weights.add("kernel", {2, 3, 4}, data).add("other", {1});
  return weights;
}

TEST_CASE("split: a tensor per index of an axis") {
  const MemoryWeights weights = cube();
  const Made last(R"([{"name": "e.{expert}", "split": "kernel", "axis": 2}])", weights);
  CHECK(last.weights.tensors().size() == 5);  // four parts and `other`; the kernel is gone
  CHECK(last.shape("e.3") == std::vector<uint64_t>{2, 3});
  CHECK(last.data("e.3") == std::vector<float>{3, 7, 11, 15, 19, 23});
  const Made first(R"([{"name": "e.{expert}", "split": "kernel"}])", weights);
  CHECK(first.data("e.1") == std::vector<float>{12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23});
}

TEST_CASE("parts of derived tensors are those of the whole") {
  MemoryWeights weights;
  weights.add("kernel", {30, 40, 6}).add("table", {300, 8}).add("c", {2, 2, 2}).add("u", {3, 2}).add("v", {4, 2});
  weights.add("t", {2, 2});
  const Made made(R"([{"name": "e.{expert}", "split": "kernel", "axis": 2},
                      {"name": "rows", "slice": "table", "first": 7, "count": 200},
                      {"name": "w.{task}", "tucker": {"core": "c", "factors": ["u", "v", "t"]}}])",
                  weights);
  for (const char* name : {"e.0", "e.5", "rows", "w.1"}) {
    CAPTURE(name);
    const std::vector<float> whole = made.data(name);
    for (const size_t step : {1u, 5u, 64u, 1000u}) {
      for (size_t first = 0; first < whole.size(); first += step) {
        std::vector<float> part(std::min(step, whole.size() - first));
        made.weights.read(made.index(name), first, part.size(), part.data());
        REQUIRE(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(first)));
      }
    }
  }
  CHECK(made.data("e.5")[40 + 3] == weights.data("kernel")[(40 + 3) * 6 + 5]);
  CHECK(made.data("rows")[8] == weights.data("table")[8 * 8]);
}

TEST_CASE("chunks and slices keep the axis") {
  const MemoryWeights weights = cube();
  const Made made(R"([{"name": "e.{expert}", "chunks": "kernel", "axis": 2, "count": 2},
                      {"name": "part", "slice": "kernel", "axis": 1, "first": 1, "count": 1}])",
                  weights);
  CHECK(made.shape("e.1") == std::vector<uint64_t>{2, 3, 2});
  CHECK(made.data("e.1") == std::vector<float>{2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23});
  CHECK(made.data("part") == std::vector<float>{4, 5, 6, 7, 16, 17, 18, 19});
}

TEST_CASE("tucker: the factors multiplied out") {
  MemoryWeights weights;
  weights.add("core", {1, 2, 2}, {1, 2, 3, 4}).add("u", {2, 1}, {1, 10});
  weights.add("v", {1, 2}, {1, 100}).add("w", {2, 2}, {1, 0, 0, 1});
  const Made made(R"([{"name": "t.{task}", "tucker": {"core": "core", "factors": ["u", "v", "w"]}}])", weights);
  CHECK(made.weights.has_factors());
  CHECK(made.shape("t.0") == std::vector<uint64_t>{2, 1});
  CHECK(made.data("t.0") == std::vector<float>{301, 3010});  // core[0, :, 0] = 1, 3
  CHECK(made.data("t.1") == std::vector<float>{402, 4020});  // core[0, :, 1] = 2, 4
}

TEST_CASE("a wrapper's prefix and placeholders of the source") {
  MemoryWeights weights;
  weights.add("module.level.0.k", {2, 1}, {1, 2}).add("module.level.1.k", {1, 1}, {3});
  const Made made(R"([{"name": "level.{level}.e.{expert}", "split": "level.{level}.k"}])", weights);
  CHECK(made.data("module.level.0.e.1") == std::vector<float>{2});
  CHECK(made.data("module.level.1.e.0") == std::vector<float>{3});
}

TEST_CASE("products and sums: element by element, also of what an entry before has made") {
  MemoryWeights weights;
  weights.add("shared.0.weight", {1, 2}, {2, 3}).add("specific", {2, 1, 2}, {1, 2, 10, 20});
  weights.add("shared.0.bias", {1}, {0.5f}).add("own.0.0.bias", {1}, {1}).add("own.1.0.bias", {1}, {2});
  const Made made(R"([{"name": "own.{expert}.0.weight", "split": "specific"},
                      {"name": "path.{expert}.{layer}.weight",
                       "product": ["shared.{layer}.weight", "own.{expert}.{layer}.weight"]},
                      {"name": "path.{expert}.{layer}.bias",
                       "sum": ["own.{expert}.{layer}.bias", "shared.{layer}.bias", "shared.{layer}.bias"]}])",
                  weights);
  CHECK(made.weights.tensors().size() == 4);  // what they are made of is gone
  CHECK(made.data("path.1.0.weight") == std::vector<float>{20, 60});
  CHECK(made.data("path.0.0.bias") == std::vector<float>{2});
  std::vector<float> part(1);
  made.weights.read(made.index("path.1.0.weight"), 1, 1, part.data());
  CHECK(part[0] == 60);
}

TEST_CASE("what is made under the name of what it is made of stands for it from then on") {
  MemoryWeights weights;
  weights.add("w", {2}, {1, 2}).add("mask", {2}, {1, 0}).add("b", {2}, {5, 5});
  const Made made(R"([{"name": "w", "product": ["w", "mask"]}, {"name": "t", "sum": ["w", "b"]}])", weights);
  CHECK(made.data("t") == std::vector<float>{6, 5});
}

TEST_CASE("few entries that would read a tensor very often are refused") {
  MemoryWeights weights;
  weights.add("a", {1}, {1});
  std::string entries = R"({"name": "d0", "sum": ["a", "a"]})";
  for (int i = 1; i < 40; ++i) {
    const std::string last = "\"d" + std::to_string(i - 1) + "\"";
    entries += R"(, {"name": "d)" + std::to_string(i) + R"(", "sum": [)" + last + ", " + last + "]}";
  }
  CHECK(contains(error_of("[" + entries + "]", weights), "is made of more than 1024 tensors"));
}

TEST_CASE("products and sums that do not fit") {
  MemoryWeights weights;
  weights.add("a.0", {2, 2}).add("a.1", {2, 2}).add("b", {4}).add("c.0", {2, 2});
  CHECK(error_of(R"([{"name": "p.{layer}", "product": ["a.{layer}", "b"]}])", weights) ==
        "derived[0].product[1]: b is [4], expected [2, 2] like a.0");
  CHECK(contains(error_of(R"([{"name": "p.{layer}", "product": ["a.{layer}"]}])", weights), "two tensors or more"));
  CHECK(error_of(R"([{"name": "p.{layer}", "sum": ["a.{layer}", "c.{layer}"]}])", weights) ==
        "derived[0].sum[1]: no tensor is named c.1");
  CHECK(contains(error_of(R"([{"name": "p", "sum": ["a.0", "a.1"], "axis": 0}])", weights), "axis"));
  CHECK(contains(error_of(R"([{"name": "p", "sum": ["a.0", "a.1"], "product": ["a.0", "a.1"]}])", weights),
                 "expected one of"));
}

TEST_CASE("a tensor that was made is taken apart again, and is then no tensor of its own") {
  MemoryWeights weights;
  weights.add("module.u", {2, 2, 1, 2}, {1, 2, 3, 4, 5, 6, 7, 8}).add("module.bias", {2, 3, 1}, {1, 2, 3, 4, 5, 6});
  const Made made(R"([{"name": "u.{layer}", "split": "u"},
                      {"name": "u.{layer}.{expert}", "split": "u.{layer}"},
                      {"name": "b.{layer}", "split": "bias"},
                      {"name": "b.{layer}.{expert}", "split": "b.{layer}", "axis": 1}])",
                  weights);
  CHECK(made.weights.tensors().size() == 6);
  CHECK(made.shape("module.u.1.0") == std::vector<uint64_t>{1, 2});
  CHECK(made.data("module.u.1.0") == std::vector<float>{5, 6});
  CHECK(made.shape("module.b.1.0") == std::vector<uint64_t>{3});
  CHECK(made.data("module.b.1.0") == std::vector<float>{4, 5, 6});
}

TEST_CASE("stack: one tensor of several, by their numbers") {
  MemoryWeights weights;
  weights.add("w.10", {1, 2}, {21, 22}).add("other", {1});
  for (int i = 0; i < 10; ++i) {
    const auto value = static_cast<float>(2 * i + 1);
    weights.add("w." + std::to_string(i), {1, 2}, {value, value + 1});
  }
  const Made made(
      R"([{"name": "rows.{layer}.{expert}", "split": "w.{layer}"}, {"name": "t", "stack": "rows.{layer}.0"}])",
      weights);
  CHECK(made.weights.tensors().size() == 2);
  CHECK(made.shape("t") == std::vector<uint64_t>{11, 2});
  std::vector<float> part(5);
  made.weights.read(made.index("t"), 17, 5, part.data());  // across three of them
  CHECK(part == std::vector<float>{18, 19, 20, 21, 22});
  const Made whole(R"([{"name": "t", "stack": "w.{expert}"}])", weights);
  CHECK(whole.shape("t") == std::vector<uint64_t>{11, 1, 2});
  CHECK(contains(error_of(R"([{"name": "t", "stack": "other"}])", weights),
                 "derived[0].stack: found \"other\", expected one placeholder"));
  CHECK(contains(error_of(R"([{"name": "t", "stack": "x.{expert}"}])", weights), "no tensor is named x.{expert}"));
  CHECK(contains(error_of(R"([{"name": "t", "stack": "w.{expert}", "axis": 0}])", weights), "axis"));
  MemoryWeights gap = weights;
  CHECK(contains(error_of(R"([{"name": "t", "stack": "w.{expert}"}])", gap.remove("w.4")), "without gaps"));
  weights.remove("w.3").add("w.3", {2});
  CHECK(
      contains(error_of(R"([{"name": "t", "stack": "w.{expert}"}])", weights), "w.3 is [2], expected [1, 2] like w.0"));
}

TEST_CASE("what does not fit") {
  const MemoryWeights weights = cube();
  CHECK(error_of(R"([{"name": "a.{expert}", "split": "kernels"}])", weights) ==
        "derived[0].split: no tensor is named kernels");
  CHECK(
      contains(error_of(R"([{"name": "a.{expert}", "split": "kernel", "axis": 3}])", weights), "expected less than 3"));
  CHECK(contains(error_of(R"([{"name": "a", "split": "kernel"}])", weights), "expected one placeholder"));
  CHECK(contains(error_of(R"([{"name": "a.{expert}", "chunks": "kernel", "axis": 1, "count": 2}])", weights),
                 "a divisor of 3"));
  CHECK(contains(error_of(R"([{"name": "a", "slice": "kernel", "axis": 1, "first": 2, "count": 2}])", weights),
                 "2 from 2 on"));
  CHECK(contains(error_of(R"([{"name": "a"}])", weights), "expected one of"));
  CHECK(contains(
      error_of(R"([{"name": "t.{task}", "tucker": {"core": "kernel", "factors": ["other", "other", "other"]}}])",
               weights),
      "other is [1], expected [n, 2]"));
}

}  // namespace
}  // namespace mmoe::converter
