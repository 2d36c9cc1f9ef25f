#include "converter/proof/reference.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/recognise/graph_builder.h"

namespace mmoe::converter::testing {
namespace {

std::string from_base64(const std::string& text) {
  const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t value = letters.find(c);
    if (value == std::string::npos) break;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

RefTensor tensor_of(const nlohmann::json& text) {
  RefTensor tensor;
  tensor.shape = text["shape"].get<Shape>();
  tensor.whole = text["kind"] == "whole";
  if (tensor.whole) tensor.integers = text["values"].get<std::vector<int64_t>>();
  if (!tensor.whole) tensor.reals = text["values"].get<std::vector<double>>();
  return tensor;
}

/// onnxruntime calculates in float: at most 24 terms that are at most 9 each, or a function of a few units in the last
/// place.
double allowed(double value) { return 256 * 0x1p-24 * std::max(1.0, std::fabs(value)); }

void check_equal(const RefTensor& found, const RefTensor& wanted) {
  CHECK(found.shape == wanted.shape);
  CHECK(found.whole == wanted.whole);
  REQUIRE(found.size() == wanted.size());
  for (size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    if (wanted.whole) CHECK(found.integers[i] == wanted.integers[i]);
    if (!wanted.whole) CHECK(std::fabs(found.real(i) - wanted.real(i)) <= allowed(wanted.real(i)));
  }
}

}  // namespace

TEST_CASE("reference: every operator in every operator set, as onnxruntime calculates it") {
  const nlohmann::json entries = nlohmann::json::parse(fixture_bytes("../onnx/operators.json"));
  size_t compared = 0;
  for (const nlohmann::json& entry : entries) {
    const std::string name = entry["name"];
    CAPTURE(name);
    OnnxGraph graph = parse_onnx("operators.json", from_base64(entry["model"]));
    for (const int64_t opset : entry["opsets"]) {
      CAPTURE(opset);
      graph.opset = opset;
      std::map<std::string, RefTensor> inputs;
      for (const auto& [input, text] : entry["inputs"].items()) inputs[input] = tensor_of(text);
      const std::vector<RefTensor> outputs = Reference(graph).run(inputs);
      REQUIRE(outputs.size() == entry["outputs"].size());
      for (size_t i = 0; i < outputs.size(); ++i) check_equal(outputs[i], tensor_of(entry["outputs"][i]));
      ++compared;
    }
  }
  CHECK(compared > 900);
}

TEST_CASE("reference: inputs and attributes that do not fit are refused, or evaluated, and nothing else") {
  const nlohmann::json entries = nlohmann::json::parse(fixture_bytes("../onnx/operators.json"));
  uint64_t state = 1;
  const auto below = [&state](uint64_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % bound;
  };
  const std::vector<RefTensor> strange = [] {
    std::vector<RefTensor> tensors = {make_reals({}), make_reals({0}), make_integers({2, 0}), make_integers({3}),
                                      make_reals({1, 1, 2, 1, 3})};
    tensors.push_back(make_reals({2}));
    tensors.back().reals = {1e300, -std::numeric_limits<double>::infinity()};
    tensors.push_back(make_integers({2}));
    tensors.back().integers = {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
    return tensors;
  }();
  size_t refused = 0, evaluated = 0;
  for (const nlohmann::json& entry : entries) {
    for (int round = 0; round < 20; ++round) {
      OnnxGraph graph = parse_onnx("operators.json", from_base64(entry["model"]));
      OnnxNode& node = graph.nodes[0];
      std::map<std::string, RefTensor> inputs;
      for (const auto& [input, text] : entry["inputs"].items()) inputs[input] = tensor_of(text);
      for (const std::string& input : node.inputs) {
        if (below(2) == 0) inputs[input] = strange[below(strange.size())];
      }
      for (auto& attribute : node.attributes) {
        if (below(3) == 0) attribute.second.integer = static_cast<int64_t>(below(7)) - 3;
        if (below(6) == 0) attribute.second.integer = std::numeric_limits<int64_t>::min();
        for (int64_t& element : attribute.second.integers) {
          if (below(3) == 0) element = static_cast<int64_t>(below(9)) - 4;
        }
      }
      if (below(8) == 0 && !node.inputs.empty()) node.inputs.pop_back();
      if (below(8) == 0 && !node.inputs.empty()) node.inputs[0].clear();
      try {
        Reference(graph).run(inputs);
        ++evaluated;
      } catch (const NotEvaluated&) {
        ++refused;
      }
    }
  }
  CHECK(refused > 500);
  CHECK(evaluated > 500);
}

TEST_CASE("reference: what it does not know, and what grows, is named and not evaluated") {
  OnnxGraph graph;
  graph.opset = 17;
  graph.inputs.push_back({"x", false, {0, 4}});
  graph.outputs.push_back({"y", false, {}});
  graph.nodes.resize(1);
  graph.nodes[0].operation = "Sin";
  graph.nodes[0].inputs = {"x"};
  graph.nodes[0].outputs = {"y"};
  const auto reason = [&graph] {
    std::map<std::string, RefTensor> inputs;
    inputs["x"] = make_reals({2, 4});
    try {
      Reference(graph).run(inputs);
    } catch (const NotEvaluated& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK_CONTAINS(reason(), "node 0 (Sin): the reference evaluation does not know this operation");
  graph.nodes.clear();
  std::string last = "x";
  for (int i = 0; i < 40; ++i) {
    OnnxNode node;
    node.operation = "Concat";
    node.inputs = {last, last};
    node.attributes["axis"].integer = 1;
    last = i == 39 ? "y" : "v" + std::to_string(i);
    node.outputs = {last};
    graph.nodes.push_back(node);
  }
  CHECK_CONTAINS(reason(), "more than 2^25 elements");
}

// The examples of ONNX's specification.
TEST_CASE("reference: operators on codes, and the same without the rounding") {
  const auto run = [](GraphBuilder& build, std::vector<double> x, Shape shape, bool real_codes = false) {
    build.input("x", {0});
    RefTensor input;
    input.shape = std::move(shape);
    input.reals = std::move(x);
    return Reference(build.graph, real_codes).run({{"x", input}});
  };
  using Integers = std::vector<int64_t>;
  const std::vector<double> range = {0, 2, -3, -2.5, 1.34, 0.5};
  GraphBuilder dynamic;
  for (const std::string& name : dynamic.split_node("DynamicQuantizeLinear", {"x"}, 3)) dynamic.output(name);
  std::vector<RefTensor> found = run(dynamic, range, {6});
  CHECK(found[0].integers == Integers{153, 255, 0, 26, 221, 179});
  CHECK(std::fabs(found[1].reals[0] - 0.0196078438) < 1e-9);
  CHECK(found[2].integers == Integers{153});
  found = run(dynamic, range, {6}, true);
  CHECK(found[0].reals == range);
  CHECK(found[1].reals[0] == 1);
  CHECK(found[2].integers == Integers{0});

  const std::vector<double> values = {0, 2, 3, 1000, -254, -1000};
  GraphBuilder linear;
  linear.output(linear.node("QuantizeLinear", {"x", linear.scalar(2), linear.codes("u8", {}, {128})}));
  CHECK(run(linear, values, {6})[0].integers == Integers{128, 129, 130, 255, 1, 0});
  CHECK(run(linear, values, {6}, true)[0].reals == values);
  GraphBuilder cut;  // its codes begin at 0
  cut.output(cut.node("QuantizeLinear", {"x", cut.scalar(2), cut.codes("i8", {}, {-128})}));
  CHECK(run(cut, values, {6}, true)[0].reals == std::vector<double>{0, 2, 3, 1000, 0, 0});
  GraphBuilder back;
  back.output(back.node("DequantizeLinear",
                        {back.codes("u8", {4}, {0, 3, 128, 255}), back.scalar(2), back.codes("u8", {}, {128})}));
  CHECK(run(back, {}, {0})[0].reals == std::vector<double>{-256, -250, 0, 254});

  GraphBuilder product;
  const std::string a = product.codes("u8", {4, 3}, {11, 7, 3, 10, 6, 2, 9, 5, 1, 8, 4, 0});
  product.output(product.node("MatMulInteger", {a, product.codes("u8", {3, 2}, {1, 4, 2, 5, 3, 6}),
                                                product.codes("u8", {}, {12}), product.codes("u8", {}, {0})}));
  CHECK(run(product, {}, {0})[0].integers == Integers{-38, -83, -44, -98, -50, -113, -56, -128});
}

}  // namespace mmoe::converter::testing
