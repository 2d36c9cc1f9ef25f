#include <cmath>
#include <limits>

#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

std::vector<int64_t> some_codes(size_t count, int64_t lowest, int64_t highest) {
  std::vector<int64_t> codes;
  for (size_t i = 0; i < count; ++i) {
    codes.push_back(lowest + static_cast<int64_t>(i * 37 % static_cast<size_t>(highest - lowest + 1)));
  }
  return codes;
}

struct Quantiser8 {
  std::string scale, zero_point;
};

/// x rounded to codes and back.
std::string rounded(GraphBuilder& build, const std::string& x, const Quantiser8& quantiser) {
  const std::string codes = build.node("QuantizeLinear", {x, quantiser.scale, quantiser.zero_point});
  return build.node("DequantizeLinear", {codes, quantiser.scale, quantiser.zero_point});
}

/// A weight [inputs, outputs] of codes, with a scale per output.
std::string coded_weight(GraphBuilder& build, uint64_t inputs, uint64_t outputs, bool per_output = true) {
  std::vector<float> scales;
  for (uint64_t i = 0; i < outputs; ++i) scales.push_back(0.01f + 0.002f * static_cast<float>(i));
  const std::string codes = build.codes("i8", {inputs, outputs}, some_codes(inputs * outputs, -128, 127));
  const std::string zero = build.codes("i8", {outputs}, std::vector<int64_t>(outputs, 0));
  if (!per_output) return build.node("DequantizeLinear", {codes, build.scalar(0.01f), build.codes("i8", {}, {0})});
  return build.node("DequantizeLinear", {codes, build.values(scales, {outputs}), zero},
                    {{"axis", GraphBuilder::integer(1)}});
}

/// x -> [rounding] -> layer -> [rounding, which is all that is left of a Relu] -> layer -> Sigmoid
GraphBuilder qdq_model(Quantiser8 hidden_quantiser(GraphBuilder&)) {
  GraphBuilder build;
  const Quantiser8 in{build.scalar(0.02f), build.codes("u8", {}, {121})};
  const std::string x = rounded(build, build.input("x", {0, 4}), in);
  const std::string hidden = build.node("MatMul", {x, coded_weight(build, 4, 3)});
  const std::string relu = rounded(build, hidden, hidden_quantiser(build));
  build.output(build.node("Sigmoid", {build.node("MatMul", {relu, coded_weight(build, 3, 1, false)})}));
  return build;
}

Quantiser8 relu_quantiser(GraphBuilder& build) { return {build.scalar(0.05f), build.codes("u8", {}, {0})}; }

Quantiser8 signed_relu_quantiser(GraphBuilder& build) { return {build.scalar(0.05f), build.codes("i8", {}, {-128})}; }

Quantiser8 linear_quantiser(GraphBuilder& build) { return {build.scalar(0.05f), build.codes("i8", {}, {0})}; }

/// The same by DynamicQuantizeLinear, MatMulInteger, Cast and Mul.
std::string dynamic_layer(GraphBuilder& build, const std::string& x, uint64_t inputs, uint64_t outputs,
                          int64_t zero_point = 0) {
  const std::vector<std::string> made = build.split_node("DynamicQuantizeLinear", {x}, 3);
  const std::string weight = build.codes("i8", {inputs, outputs}, some_codes(inputs * outputs, -100, 100));
  const std::string product =
      build.node("MatMulInteger", {made[0], weight, made[2], build.codes("i8", {}, {zero_point})});
  const std::string scale = build.node("Mul", {made[1], build.scalar(0.015f)});
  return build.node("Mul", {build.node("Cast", {product}, {{"to", GraphBuilder::integer(1)}}), scale});
}

const DenseLayer& only_layer(const Mlp& layers) {
  REQUIRE(layers.size() == 1);
  return layers[0];
}

}  // namespace

TEST_CASE("QDQ: weights are codes times scales; what a zero point at the end of the range has left of a Relu is one") {
  for (const auto quantiser : {relu_quantiser, signed_relu_quantiser}) {
    const GraphBuilder build = qdq_model(quantiser);
    CHECK(proof_of(build) == "");
    const TrainedModel model = build.recognise();
    const DenseLayer& layer =
        model.levels.empty() ? model.towers.at(0).layers.at(0) : only_layer(model.levels[0].experts.at(0).layers);
    CHECK(layer.activation.kind == ActivationKind::kRelu);
    CHECK(layer.storage.coded);
    CHECK(layer.weight.at(1, 0) == static_cast<float>(-128 + 37) * (0.01f + 0.002f));
  }
}

TEST_CASE("QDQ: elsewhere the rounding leaves nothing, and two layers without an activation are one") {
  const GraphBuilder build = qdq_model(linear_quantiser);
  CHECK(proof_of(build) == "");
  const TrainedModel model = build.recognise();
  CHECK(model.towers.at(0).layers.at(0).activation.kind == ActivationKind::kIdentity);
}

TEST_CASE("the proof is of the graph without the rounding of results, and says what the rounding does") {
  const GraphBuilder build = qdq_model(relu_quantiser);
  TrainedModel model = build.recognise();
  const ProofReport report = prove(build.graph, model, convert(model, {}).f32_file, 5);
  CHECK(report.num_rows > 0);
  CHECK(report.largest_difference < 1e-6);
  REQUIRE(report.rounded_difference);
  CHECK(*report.rounded_difference > 1e-4);  // x has steps of 0.02
  CHECK(*report.rounded_difference <= 1);
  // A Relu that was taken for nothing is found.
  for (Tower& tower : model.towers) {
    for (DenseLayer& layer : tower.layers) layer.activation = {};
  }
  for (Level& level : model.levels) {
    for (Expert& expert : level.experts) expert.layers.at(0).activation = {};
  }
  CHECK_CONTAINS(error_of([&] { prove(build.graph, model, convert(model, {}).f32_file, 5); }),
                 "float rounding explains");
  GraphBuilder plain;
  plain.model_of(plain.input("x", {0, 4}), 4);
  model = plain.recognise();
  CHECK_FALSE(prove(plain.graph, model, convert(model, {}).file, 5).rounded_difference);
}

TEST_CASE("dynamic: DynamicQuantizeLinear, MatMulInteger, Cast and Mul are a layer of codes") {
  for (const int64_t zero_point : {int64_t{0}, int64_t{3}}) {
    GraphBuilder build;
    const std::string hidden = build.node("Relu", {dynamic_layer(build, build.input("x", {0, 4}), 4, 3, zero_point)});
    build.output(build.node("Sigmoid", {dynamic_layer(build, hidden, 3, 1)}));
    CHECK(proof_of(build) == "");
    const TrainedModel model = build.recognise();
    CHECK(model.towers.at(0).layers.back().storage.coded);
    const Converted converted = convert(model, {});
    CHECK_FALSE(converted.f32_file.empty());  // beside a file of codes
  }
}

TEST_CASE("fake quantisation of weights in the graph is calculated") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 4});
  const std::string weight = build.weights({4, 3}), zero = build.codes("i8", {3}, {0, 0, 0});
  const std::string scales = build.values({0.01f, 0.02f, 0.03f}, {3});
  const std::map<std::string, OnnxAttribute> axis = {{"axis", GraphBuilder::integer(1)}};
  const std::string codes = build.node("QuantizeLinear", {weight, scales, zero}, axis);
  const std::string hidden =
      build.node("Tanh", {build.node("MatMul", {x, build.node("DequantizeLinear", {codes, scales, zero}, axis)})});
  build.output(build.node("Sigmoid", {build.node("MatMul", {hidden, build.weights({3, 1})})}));
  CHECK(proof_of(build) == "");
  const TrainedModel model = build.recognise();
  const DenseLayer& layer =
      model.levels.empty() ? model.towers.at(0).layers.at(0) : only_layer(model.levels[0].experts.at(0).layers);
  CHECK(layer.storage.coded);
  for (size_t output = 0; output < 3; ++output) {
    const float scale = 0.01f * static_cast<float>(output + 1);
    for (size_t input = 0; input < 4; ++input) {
      const float code = layer.weight.at(output, input) / scale;
      CHECK(std::abs(code - std::nearbyint(code)) < 1e-4f);
    }
  }
}

TEST_CASE("QDQ: signs are found in graphs whose results are shared by all") {
  // Each column of each sum reads all columns of the one before: 200^4 ways lead from a column of the last to x.
  GraphBuilder build;
  constexpr uint64_t kWidth = 200;
  std::string sum = build.node("Relu", {build.input("x", {0, kWidth})});
  for (size_t i = 0; i < 4; ++i) {
    const std::string total =
        build.node("ReduceSum", {sum, build.integers({1})}, {{"keepdims", GraphBuilder::integer(1)}});
    sum = build.node("Add", {sum, total});
  }
  const Quantiser8 quantiser = relu_quantiser(build);
  build.output(build.node(
      "Sigmoid", {build.node("MatMul", {rounded(build, sum, quantiser), coded_weight(build, kWidth, 1, false)})}));
  CHECK(build.recognise().nodes.size() <= 9);
}

TEST_CASE("codes are used for nothing else") {
  const auto error_with = [](const auto& use) {
    GraphBuilder build;
    const std::string x = build.input("x", {0, 4});
    const std::vector<std::string> made = build.split_node("DynamicQuantizeLinear", {x}, 3);
    const std::vector<std::string> other = build.split_node("DynamicQuantizeLinear", {build.node("Relu", {x})}, 3);
    build.output(use(build, made, other));
    return build.error();
  };
  using Names = std::vector<std::string>;
  const auto weight = [](GraphBuilder& build) { return build.codes("i8", {4, 1}, {1, -2, 3, -4}); };
  CHECK_CONTAINS(
      error_with([](GraphBuilder& build, const Names& made, const Names&) { return build.node("Sigmoid", {made[0]}); }),
      "(Sigmoid): calculates with results that were rounded to codes");
  CHECK_CONTAINS(error_with([](GraphBuilder&, const Names& made, const Names&) { return made[0]; }),
                 "is rounded to codes, not to floats");
  CHECK_CONTAINS(error_with([&](GraphBuilder& build, const Names& made, const Names& other) {
                   return build.node("MatMulInteger", {made[0], weight(build), other[2]});
                 }),
                 "takes codes with another zero point");
  CHECK_CONTAINS(error_with([&](GraphBuilder& build, const Names& made, const Names&) {
                   return build.node("MatMulInteger", {made[0], weight(build)});
                 }),
                 "takes codes with another zero point");
  CHECK_CONTAINS(error_with([&](GraphBuilder& build, const Names& made, const Names& other) {
                   return build.node("Mul", {build.node("MatMulInteger", {made[0], weight(build), made[2]}), other[1]});
                 }),
                 "multiplies codes by another scale");
  CHECK_CONTAINS(error_with([&](GraphBuilder& build, const Names& made, const Names&) {
                   return build.node("MatMulInteger", {made[0], weight(build), made[2]});
                 }),
                 "is rounded to codes, not to floats");
  CHECK_CONTAINS(error_with([&](GraphBuilder& build, const Names& made, const Names& other) {
                   return build.node("Mul", {made[1], other[1]});
                 }),
                 "multiplies scales of two roundings");
}

TEST_CASE("QDQ: what does not fit is refused") {
  const auto error_with = [](const auto& change) {
    GraphBuilder build;
    const std::string x = build.input("x", {0, 4}), scale = build.scalar(0.02f), zero = build.codes("u8", {}, {7});
    build.output(change(build, build.node("QuantizeLinear", {x, scale, zero}), scale, zero));
    return build.error();
  };
  using Name = const std::string&;
  CHECK_CONTAINS(error_with([](GraphBuilder& build, Name codes, Name, Name zero) {
                   return build.node("DequantizeLinear", {codes, build.scalar(0.03f), zero});
                 }),
                 "takes codes with another scale or zero point");
  CHECK_CONTAINS(error_with([](GraphBuilder& build, Name codes, Name scale, Name) {
                   return build.node("DequantizeLinear", {codes, scale});
                 }),
                 "takes codes with another scale or zero point");
  CHECK_CONTAINS(error_with([](GraphBuilder& build, Name codes, Name scale, Name zero) {
                   return build.node("QLinearMatMul", {codes, scale, zero, codes, scale, zero, scale, zero});
                 }),
                 "quantise with QuantFormat.QDQ");
  GraphBuilder columns;
  const std::string x = columns.input("x", {0, 2});
  columns.output(columns.node("QuantizeLinear", {x, columns.values({1, 2}, {2}), columns.codes("u8", {2}, {0, 0})}));
  CHECK(columns.error() != "");
  GraphBuilder zero_scale;
  zero_scale.output(zero_scale.node("QuantizeLinear", {zero_scale.input("x", {0, 2}), zero_scale.scalar(0)}));
  CHECK_CONTAINS(zero_scale.error(), "has a scale that is not above 0");
  GraphBuilder blocks;
  const std::string codes = blocks.codes("i8", {4, 1}, {1, 2, 3, 4});
  blocks.output(blocks.node(
      "MatMul", {blocks.input("x", {0, 4}), blocks.node("DequantizeLinear", {codes, blocks.values({1, 2}, {2})},
                                                        {{"axis", GraphBuilder::integer(0)}})}));
  CHECK_CONTAINS(blocks.error(), "has scales that do not fit its axis");
  GraphBuilder wide;
  const std::string far = wide.codes("i64", {4, 1}, {1, 2, 3, std::numeric_limits<int64_t>::max()});
  wide.output(wide.node("MatMul", {wide.input("x", {0, 4}),
                                   wide.node("DequantizeLinear", {far, wide.scalar(1), wide.codes("i64", {}, {-1})})}));
  CHECK_CONTAINS(wide.error(), "has codes of more than 32 bits");
}

}  // namespace mmoe::converter::testing
