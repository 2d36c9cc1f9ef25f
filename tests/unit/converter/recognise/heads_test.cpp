// What is done to logits: links, and products with factors that are no outputs.
#include <algorithm>

#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

/// x [batch, 3], one expert, and a tower's `columns` logits.
struct Tower {
  GraphBuilder build;
  std::string x = build.input("x", {0, 3});
  std::string logits;

  explicit Tower(uint64_t columns = 1) : logits(add(columns)) {}
  std::string add(uint64_t columns) { return build.linear(build.expert(x, 3, 2), 2, columns); }
};

}  // namespace

TEST_CASE("recognise: outputs that share a tower") {
  Tower tower;
  const std::string p = tower.build.node("Sigmoid", {tower.logits});
  tower.build.output(p);
  tower.build.output(p);
  tower.build.output(tower.logits);
  const TrainedModel model = tower.build.recognise();
  CHECK(model.towers.size() == 1);
  REQUIRE(model.tasks.size() == 3);
  CHECK(model.tasks[1].link.activation.kind == ActivationKind::kSigmoid);
  CHECK(model.tasks[2].link.activation.kind == ActivationKind::kIdentity);
}

TEST_CASE("recognise: clamped scores") {
  Tower tower;
  GraphBuilder& build = tower.build;
  const std::string turned = build.node("Sub", {build.scalar(1), build.node("Sigmoid", {tower.logits})});
  build.output(build.node("Clip", {turned, build.scalar(0.25f), build.scalar(0.75f)}));
  // 4 clamp(p, 0.25, 0.75) + 1, again limited from below
  const std::string limited =
      build.node("Clip", {build.node("Sigmoid", {tower.logits}), build.scalar(0.25f), build.scalar(0.75f)});
  const std::string rating = build.node("Add", {build.node("Mul", {limited, build.scalar(-4)}), build.scalar(1)});
  build.output(build.node("Clip", {rating, build.scalar(-1.5f)}));
  const TrainedModel model = build.recognise();
  REQUIRE(model.tasks.size() == 2);
  const Link& first = model.tasks[0].link;
  CHECK(first.activation.kind == ActivationKind::kSigmoid);
  CHECK(first.scale == -1);
  CHECK(first.shift == 1);
  CHECK(first.lower == 0.25f);
  CHECK(first.upper == 0.75f);
  const Link& second = model.tasks[1].link;
  CHECK(second.scale == -4);
  CHECK(second.shift == 1);
  CHECK(second.lower == -1.5f);
  CHECK(second.upper == 0);
  CHECK(model.towers.size() == 1);
}

TEST_CASE("recognise: columns of a softmax, their logarithms and an expected value") {
  Tower tower(3);
  GraphBuilder& build = tower.build;
  const std::string p = build.softmax(tower.logits);
  build.output(build.node("Gather", {p, build.integers({1})}, {{"axis", GraphBuilder::integer(1)}}));
  build.output(build.node("LogSoftmax", {tower.logits}));
  build.output(build.node("Log", {p}));
  build.output(build.node("ReduceSum", {build.node("Mul", {p, build.values({1, 2, 5}, {3})}), build.integers({1})}));
  build.output(build.node("MatMul", {p, build.values({1, 2, 5}, {3, 1})}));
  const TrainedModel model = build.recognise();
  CHECK(model.towers.size() == 1);
  REQUIRE(model.tasks.size() == 9);
  CHECK(model.tasks[0].link.source == LinkSource::kSoftmaxColumn);
  CHECK(model.tasks[0].link.column == 1);
  for (const size_t task : {1, 2, 3, 4, 5, 6}) CHECK(model.tasks[task].link.source == LinkSource::kLogSoftmaxColumn);
  CHECK(model.tasks[6].link.column == 2);
  for (const size_t task : {7, 8}) {
    CHECK(model.tasks[task].link.source == LinkSource::kExpectedValue);
    CHECK(model.tasks[task].link.values == std::vector<float>{1, 2, 5});
  }
}

TEST_CASE("recognise: ESMM that returns click and click-and-conversion only") {
  Tower tower;
  GraphBuilder& build = tower.build;
  const std::string click = build.node("Sigmoid", {tower.logits});
  const std::string convert = build.node("Sigmoid", {tower.add(1)});
  build.output(click);
  build.output(build.node("Mul", {convert, click}));
  const TrainedModel model = build.recognise();
  REQUIRE(model.tasks.size() == 3);
  CHECK(model.tasks[0].output);
  CHECK_FALSE(model.tasks[1].output);
  CHECK(model.tasks[2].output);
  CHECK(model.tasks[2].link.source == LinkSource::kProduct);
  CHECK(model.tasks[2].link.factors == std::vector<size_t>{1, 0});
}

TEST_CASE("recognise: products before their factors, of products, and scaled") {
  Tower tower;
  GraphBuilder& build = tower.build;
  const std::string a = build.node("Sigmoid", {tower.logits}), b = build.node("Sigmoid", {tower.add(1)});
  const std::string c = build.node("Sub", {build.scalar(1), build.node("Sigmoid", {tower.add(1)})});
  const std::string ab = build.node("Mul", {a, b});
  build.output(build.node("Mul", {build.node("Mul", {ab, build.scalar(0.5f)}), c}));
  build.output(a);
  build.output(build.node("Mul", {a, a}));
  const TrainedModel model = build.recognise();
  REQUIRE(model.tasks.size() == 6);
  const Link& product = model.tasks[3].link;
  CHECK(product.factors == std::vector<size_t>{0, 1, 2});
  CHECK(product.scale == 0.5f);
  CHECK(model.tasks[4].output);
  CHECK(model.tasks[5].link.factors == std::vector<size_t>{0, 0});
  CHECK(std::count_if(model.tasks.begin(), model.tasks.end(), [](const Task& task) { return task.output; }) == 3);
}

TEST_CASE("recognise: the sum of a tower's logits is a layer") {
  Tower tower(3);
  tower.build.output(tower.build.node("ReduceSum", {tower.logits, tower.build.integers({1})}));
  const TrainedModel model = tower.build.recognise();
  CHECK(model.towers.at(0).layers.back().weight.data == std::vector<float>{1, 1, 1});
}

TEST_CASE("recognise: the sum of two towers is a mixture of constant weights") {
  Tower sum;
  sum.build.output(sum.build.node("Sub", {sum.logits, sum.build.node("Sigmoid", {sum.add(1)})}));
  const TrainedModel model = sum.build.recognise();
  CHECK(model.levels.at(0).gates.at(0).constant_weights == std::vector<float>{1, -1});
  CHECK(model.levels[0].experts.at(1).layers.back().activation.kind == ActivationKind::kSigmoid);
  CHECK(model.towers.at(0).layers.at(0).weight.data == std::vector<float>{1});
}

TEST_CASE("recognise: functions of a score that are no links") {
  Tower square;  // of a softmax's column: a product of one hidden task, which is right
  const std::string p = square.build.softmax(square.add(2));
  square.build.output(square.build.node("Mul", {p, p}));
  CHECK(square.build.recognise().tasks.back().link.source == LinkSource::kProduct);
  Tower mixed;  // columns of two softmaxes: gates over constants
  const std::string q = mixed.build.node("Add", {mixed.build.softmax(mixed.add(2)), mixed.build.softmax(mixed.add(2))});
  mixed.build.output(q);
  CHECK(proof_of(mixed.build) == "");
}

}  // namespace mmoe::converter::testing
