// What is done to the input before the first layer.
#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

/// A first layer of weights 2 and 4 behind what is made of x [batch, 2].
DenseLayer first_layer(GraphBuilder& build, const std::string& read) {
  const std::string layer = build.node("Gemm", {read, build.values({2, 4}, {2, 1}), build.values({1}, {1})});
  build.task(build.node("Relu", {layer}), 1);
  return build.recognise().levels.at(0).experts.at(0).layers.at(0);
}

}  // namespace

TEST_CASE("recognise: scaling, shifting and batch norm of x are part of the first layer") {
  GraphBuilder scaled;
  const std::string x = scaled.input("x", {0, 2});
  const std::string standard =
      scaled.node("Div", {scaled.node("Sub", {x, scaled.values({1, 2}, {2})}), scaled.values({2, 0.5f}, {2})});
  const DenseLayer layer = first_layer(scaled, standard);
  CHECK(layer.weight.data == std::vector<float>{1, 8});
  CHECK(layer.bias == std::vector<float>{1 - 1 - 16});
  GraphBuilder normalised;
  const std::string norm =
      normalised.node("BatchNormalization",
                      {normalised.input("x", {0, 2}), normalised.values({2, 1}, {2}), normalised.values({0, 1}, {2}),
                       normalised.values({1, 0}, {2}), normalised.values({4, 1}, {2})},
                      {{"epsilon", GraphBuilder::real(0)}});
  const DenseLayer folded = first_layer(normalised, norm);
  CHECK(folded.weight.data == std::vector<float>{2, 4});
  CHECK(folded.bias == std::vector<float>{1 - 2 + 4});
}

TEST_CASE("recognise: a layer over the dense columns before they are joined with an embedding") {
  GraphBuilder build;
  const std::string dense = build.input("dense", {0, 2});
  const std::string id = build.input("id", {0, 1}, true);
  const std::string projected =
      build.node("Gemm", {dense, build.values({1, 2, 3, 4}, {2, 2}), build.values({1, 1}, {2})});
  const std::string embedded = build.node("Flatten", {build.node("Gather", {build.floats({5, 1}), id})});
  const std::string joined = build.node("Concat", {projected, embedded}, {{"axis", GraphBuilder::integer(1)}});
  build.task(build.node("Relu", {build.node("MatMul", {joined, build.values({1, 10, 100}, {3, 1})})}), 1);
  const TrainedModel model = build.recognise();
  REQUIRE(model.features.size() == 2);
  CHECK(model.features[0].width == 2);
  const DenseLayer& layer = model.levels.at(0).experts.at(0).layers.at(0);
  // dense[0] goes into both outputs of the projection, by 1 and 2; dense[1] by 3 and 4.
  CHECK(layer.weight.data == std::vector<float>{21, 43, 100});
  CHECK(layer.bias == std::vector<float>{11});
}

TEST_CASE("recognise: sums of columns, and columns read twice") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 2});
  const std::string sum = build.node("ReduceSum", {x, build.integers({1})});
  const std::string first = build.node("Gather", {x, build.integers({0})}, {{"axis", GraphBuilder::integer(1)}});
  const DenseLayer layer = first_layer(build, build.node("Concat", {sum, first}, {{"axis", GraphBuilder::integer(1)}}));
  CHECK(layer.weight.data == std::vector<float>{6, 2});
}

TEST_CASE("recognise: an activation of x is a layer that all share") {
  GraphBuilder build;
  const std::string x = build.node("Tanh", {build.input("x", {0, 2})});
  const std::string stacked = build.stack({build.expert(x, 2, 2), build.expert(x, 2, 2, 3)});
  build.task(build.mix(build.softmax(build.linear(x, 2, 2)), stacked), 2);
  const TrainedModel model = build.recognise();
  REQUIRE(model.trunk.size() == 1);
  CHECK(model.trunk[0].activation.kind == ActivationKind::kTanh);
  CHECK(model.trunk[0].weight.data == std::vector<float>{1, 0, 0, 1});
  CHECK(model.levels.at(0).gates.at(0).hidden.empty());
}

TEST_CASE("recognise: products of columns, and wide inputs without a layer, are nodes") {
  GraphBuilder cross;
  const std::string x = cross.input("x", {0, 2});
  cross.task(cross.expert(cross.node("Mul", {x, cross.node("Tanh", {x})}), 2, 2), 2);
  const TrainedModel crossed = cross.recognise();
  REQUIRE(crossed.nodes.size() == 2);
  CHECK(crossed.nodes[1].kind == NodeKind::kProduct);
  CHECK(proof_of(cross) == "");
  GraphBuilder wide;
  wide.task(wide.expert(wide.node("Tanh", {wide.input("x", {0, 1025})}), 1025, 2), 2);
  const TrainedModel activated = wide.recognise();
  REQUIRE(activated.nodes.size() == 1);
  CHECK(activated.nodes[0].kind == NodeKind::kSum);
  CHECK(activated.nodes[0].activation.kind == ActivationKind::kTanh);
}

TEST_CASE("recognise: a scaler, and labels beside the scores, as skl2onnx writes them") {
  GraphBuilder build;
  OnnxAttribute offset, scale;
  offset.reals = {1, -2, 0.5f};
  scale.reals = {0.5f, 2, -1};
  const std::string scaled =
      build.node("ai.onnx.ml.Scaler", {build.input("X", {0, 3})}, {{"offset", offset}, {"scale", scale}});
  const std::string hidden = build.node("Relu", {build.node("MatMul", {scaled, build.weights({3, 4})})});
  const std::string scores = build.softmax(build.node("MatMul", {hidden, build.weights({4, 2})}));
  const std::string best = build.node("ArgMax", {scores}, {{"axis", GraphBuilder::integer(1)}});
  build.graph.outputs.push_back(
      {build.node("ai.onnx.ml.ArrayFeatureExtractor", {build.integers({3, 7}), best}), true, {}});
  build.output(scores);
  std::vector<std::string> notes;
  const TrainedModel model = converter::recognise(build.graph, "test", notes);
  CHECK(model.tasks.size() == 2);
  REQUIRE(notes.size() == 1);
  CHECK_CONTAINS(notes[0], "is of whole numbers, no score, and left out");
  CHECK(proof_of(build) == "");
  scale.reals = {1, 2};
  build.graph.nodes[0].attributes["scale"] = scale;
  CHECK_CONTAINS(build.error(), "has numbers that do not fit");
}

TEST_CASE("recognise: nodes that no output comes from are not read") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 3});
  build.node("NoSuchOperator", {x});
  build.model_of(x, 3);
  CHECK(build.error() == "");
  CHECK(proof_of(build) == "");
}

TEST_CASE("recognise: that a graph of ids calculates in half precision is said") {
  GraphBuilder build;
  const std::string embedded = build.node("Gather", {build.weights({5, 3}), build.input("id", {0}, true)});
  build.model_of(embedded, 3);
  std::vector<std::string> notes;
  converter::recognise(build.graph, "test", notes);
  CHECK(notes.empty());
  build.graph.outputs[0].dtype = "f16";
  converter::recognise(build.graph, "test", notes);
  REQUIRE(notes.size() == 1);
  CHECK_CONTAINS(notes[0], "the graph rounds its results to that");
}

}  // namespace mmoe::converter::testing
