// Gates: how their weights are made and changed, what they weigh, and what only looks like one.
#include <functional>

#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/recognise/graph_builder.h"

namespace mmoe::converter::testing {
namespace {

/// x [batch, 3]; two experts of width 2 and a gate over them, one task.
struct Gated {
  GraphBuilder build;
  std::string x = build.input("x", {0, 3});
  std::string stacked = build.stack({build.expert(x, 3, 2), build.expert(x, 3, 2, 3)});
  std::string logits = build.linear(x, 3, 2);

  TrainedModel by(const std::string& weights) {
    build.task(build.mix(weights, stacked), 2);
    return build.recognise();
  }
  std::string error_by(const std::string& weights) {
    build.task(build.mix(weights, stacked), 2);
    return build.error();
  }
  std::string weights() { return build.softmax(logits); }
};

}  // namespace

TEST_CASE("recognise: constants that a gate's weights are multiplied by") {
  Gated gated;
  const TrainedModel scaled = gated.by(gated.build.node("Mul", {gated.weights(), gated.build.values({2, 3}, {2})}));
  CHECK(scaled.levels.at(0).gates.at(0).weight_scales == std::vector<float>{2, 3});
  Gated mean;
  const std::string weighed =
      mean.build.node("Mul", {mean.stacked, mean.build.node("Unsqueeze", {mean.weights(), mean.build.integers({2})})});
  mean.build.task(mean.build.node("ReduceMean", {weighed},
                                  {{"axes",
                                    [] {
                                      OnnxAttribute a;
                                      a.integers = {1};
                                      return a;
                                    }()},
                                   {"keepdims", GraphBuilder::integer(0)}}),
                  2);
  CHECK(mean.build.recognise().levels.at(0).gates.at(0).weight_scales == std::vector<float>{0.5f, 0.5f});
  Gated plain;
  CHECK(plain.by(plain.weights()).levels.at(0).gates.at(0).weight_scales.empty());
}

TEST_CASE("recognise: a gate whose weights are divided by their sum") {
  Gated gated;
  const std::string weights = gated.weights();
  const std::string sum = gated.build.node("ReduceSum", {weights, gated.build.integers({1})});
  CHECK(gated.by(gated.build.node("Div", {weights, sum})).levels.at(0).gates.at(0).weight_scales.empty());
  Gated partial;  // by one of them
  const std::string others = partial.weights();
  const std::string first = partial.build.node(
      "Slice", {others, partial.build.integers({0}), partial.build.integers({1}), partial.build.integers({1})});
  CHECK_FALSE(partial.error_by(partial.build.node("Div", {others, first})).empty());
}

TEST_CASE("recognise: a constant added to a gate's weights is a second mixture") {
  Gated gated;
  const TrainedModel model = gated.by(gated.build.node("Add", {gated.weights(), gated.build.scalar(0.25f)}));
  REQUIRE(model.levels.size() == 2);
  REQUIRE(model.levels[0].gates.size() == 2);
  CHECK(model.levels[0].experts.size() == 2);
  const bool first_constant = !model.levels[0].gates[0].logits;
  CHECK(model.levels[0].gates[first_constant ? 0 : 1].constant_weights == std::vector<float>{0.25f, 0.25f});
  CHECK(model.levels[1].gates.at(0).constant_weights == std::vector<float>{1, 1});
  CHECK(model.levels[1].experts.at(0).layers.at(0).weight.data == std::vector<float>{1, 0, 0, 1});
}

TEST_CASE("recognise: a gate over activated logits has a hidden layer") {
  Gated gated;
  const TrainedModel model = gated.by(gated.build.softmax(gated.build.node("Tanh", {gated.logits})));
  const Gate& gate = model.levels.at(0).gates.at(0);
  REQUIRE(gate.hidden.size() == 1);
  CHECK(gate.hidden[0].activation.kind == ActivationKind::kTanh);
  CHECK(gate.logits->weight.data == std::vector<float>{1, 0, 0, 1});
}

TEST_CASE("recognise: what looks like a gate is refused") {
  Gated root;
  CHECK_CONTAINS(root.error_by(root.build.node("Sqrt", {root.weights()})), "is no part of an activation");
  Gated batch;
  CHECK_CONTAINS(batch.error_by(batch.build.node("Softmax", {batch.logits}, {{"axis", GraphBuilder::integer(0)}})),
                 "a softmax over the batch");
}

TEST_CASE("recognise: affine maps, activations and norms of a mixture belong to its reader") {
  Gated affine;
  const std::string mixed = affine.build.mix(affine.weights(), affine.stacked);
  const std::string moved = affine.build.node(
      "Add", {affine.build.node("Mul", {mixed, affine.build.values({2, 3}, {2})}), affine.build.values({1, -1}, {2})});
  affine.build.output(
      affine.build.node("Sigmoid", {affine.build.node("MatMul", {moved, affine.build.values({0.5f, 4}, {2, 1})})}));
  const DenseLayer layer = affine.build.recognise().towers.at(0).layers.at(0);
  CHECK(layer.weight.data == std::vector<float>{1, 12});
  CHECK(layer.bias == std::vector<float>{-3.5f});
  Gated activated;
  const std::string sum = activated.build.mix(activated.weights(), activated.stacked);
  activated.build.task(activated.build.node("Relu", {sum}), 2);
  const Mlp tower = activated.build.recognise().towers.at(0).layers;
  REQUIRE(tower.size() == 2);
  CHECK(tower[0].weight.data == std::vector<float>{1, 0, 0, 1});
  CHECK(tower[0].activation.kind == ActivationKind::kRelu);
}

TEST_CASE("recognise: a tower may read a level below the last, or the input") {
  Gated gated;
  GraphBuilder& build = gated.build;
  const std::string first = build.mix(gated.weights(), gated.stacked);
  const std::string above = build.stack({build.expert(first, 2, 2), build.expert(first, 2, 2, 3)});
  build.task(build.mix(build.softmax(build.linear(first, 2, 2)), above), 2);
  build.task(first, 2);
  build.task(build.expert(gated.x, 3, 4), 4);
  const TrainedModel model = build.recognise();
  REQUIRE(model.levels.size() == 2);
  REQUIRE(model.levels[1].gates.size() == 3);
  CHECK(model.levels[1].gates[1].constant_weights == std::vector<float>{1});
  CHECK(model.levels[1].gates[2].constant_weights == std::vector<float>{1});
  CHECK(model.levels[1].experts.back().input.is_input());
  CHECK(model.towers.at(2).layers.size() == 1);
}

}  // namespace mmoe::converter::testing
