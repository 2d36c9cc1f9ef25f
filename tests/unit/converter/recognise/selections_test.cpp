// Top-k gates, in the ways in which they are written.
#include <functional>
#include <limits>

#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// x [batch, 3], three experts of width 2, and a gate's logits.
struct Sparse {
  GraphBuilder build;
  std::string x = build.input("x", {0, 3});
  std::string logits = build.linear(x, 3, 3, 1);
  std::string values, indices;

  void select(const std::string& of, int64_t k = 2) {
    values = build.node("TopK", {of, build.integers({k})});
    indices = values + ".indices";
    build.graph.nodes.back().outputs.push_back(indices);
  }
  std::string scatter(float fill, const std::string& updates) {
    return build.node("ScatterElements", {build.values({fill, fill, fill}, {1, 3}), indices, updates},
                      {{"axis", GraphBuilder::integer(1)}});
  }
  void finish(const std::string& weights) {
    const std::string stacked =
        build.stack({build.expert(x, 3, 2), build.expert(x, 3, 2, 3), build.expert(x, 3, 2, 5)});
    build.task(build.mix(weights, stacked), 2);
  }
  Gate gate(const std::string& weights) {
    finish(weights);
    return build.recognise().levels.at(0).gates.at(0);
  }
  std::string error(const std::string& weights) {
    finish(weights);
    return build.error();
  }
};

void check(const Gate& gate, TopKMode mode) {
  CHECK(gate.top_k == 2);
  CHECK(gate.top_k_mode == mode);
  CHECK(gate.experts.size() == 3);
  CHECK(gate.logits->weight.at(0, 0) == 1);
}

}  // namespace

TEST_CASE("recognise: the softmax of the k largest logits") {
  Sparse scattered;
  scattered.select(scattered.logits);
  check(scattered.gate(scattered.scatter(0, scattered.build.softmax(scattered.values))), TopKMode::kSoftmaxOfTopK);
  Sparse masked;
  masked.select(masked.logits);
  check(masked.gate(masked.build.softmax(masked.scatter(-kInfinity, masked.values))), TopKMode::kSoftmaxOfTopK);
  Sparse threshold;
  threshold.select(threshold.logits);
  const std::string last = threshold.build.node(
      "Slice",
      {threshold.values, threshold.build.integers({1}), threshold.build.integers({2}), threshold.build.integers({1})});
  const std::string below = threshold.build.node("Less", {threshold.logits, last});
  check(threshold.gate(threshold.build.softmax(
            threshold.build.node("Where", {below, threshold.build.scalar(-1e9f), threshold.logits}))),
        TopKMode::kSoftmaxOfTopK);
  Sparse divided;  // the largest of the softmax, divided by their sum
  divided.select(divided.build.softmax(divided.logits));
  const std::string sum = divided.build.node("ReduceSum", {divided.values, divided.build.integers({1})});
  check(divided.gate(divided.scatter(0, divided.build.node("Div", {divided.values, sum}))), TopKMode::kSoftmaxOfTopK);
}

TEST_CASE("recognise: the k largest of the softmax") {
  Sparse scattered;
  scattered.select(scattered.build.softmax(scattered.logits));
  check(scattered.gate(scattered.scatter(0, scattered.values)), TopKMode::kTopKOfSoftmax);
  Sparse masked;
  const std::string weights = masked.build.softmax(masked.logits);
  masked.select(weights);
  const std::string mask = masked.scatter(0, masked.build.values({1, 1}, {1, 2}));
  check(masked.gate(masked.build.node("Mul", {weights, mask})), TopKMode::kTopKOfSoftmax);
}

namespace {

/// The experts at the places of the largest, weighed and added.
std::string mix_taken(Sparse& sparse, const std::string& weights) {
  GraphBuilder& build = sparse.build;
  const std::string stacked =
      build.stack({build.expert(sparse.x, 3, 2), build.expert(sparse.x, 3, 2, 3), build.expert(sparse.x, 3, 2, 5)});
  const std::string places = build.node("Unsqueeze", {sparse.indices, build.integers({2})});
  const std::string taken =
      build.node("GatherElements", {stacked, build.node("Expand", {places, build.integers({1, 2, 2})})},
                 {{"axis", GraphBuilder::integer(1)}});
  const std::string weighed = build.node("Mul", {taken, build.node("Unsqueeze", {weights, build.integers({2})})});
  return build.node("ReduceSum", {weighed, build.integers({1})}, {{"keepdims", GraphBuilder::integer(0)}});
}

}  // namespace

TEST_CASE("recognise: experts that are taken by the places of the k largest") {
  const auto gate = [](bool of_softmax) {
    Sparse sparse;
    sparse.select(of_softmax ? sparse.build.softmax(sparse.logits) : sparse.logits);
    const std::string weights = of_softmax ? sparse.values : sparse.build.softmax(sparse.values);
    sparse.build.task(mix_taken(sparse, weights), 2);
    CHECK(proof_of(sparse.build) == "");
    return sparse.build.recognise().levels.at(0).gates.at(0);
  };
  check(gate(false), TopKMode::kSoftmaxOfTopK);
  check(gate(true), TopKMode::kTopKOfSoftmax);
  // Weights in another order, of other logits, and none.
  const auto error = [](const std::function<std::string(Sparse&)>& weights) {
    Sparse sparse;
    sparse.select(sparse.logits);
    sparse.build.task(mix_taken(sparse, weights(sparse)), 2);
    return sparse.build.error();
  };
  const std::string expected = "takes the largest of some numbers for something else than a gate";
  CHECK_CONTAINS(error([](Sparse& s) {
                   return s.build.node("Gather", {s.build.softmax(s.values), s.build.integers({1, 0})},
                                       {{"axis", GraphBuilder::integer(1)}});
                 }),
                 expected);
  CHECK_CONTAINS(error([](Sparse& s) { return s.build.softmax(s.build.linear(s.x, 3, 2)); }), expected);
  CHECK_CONTAINS(error([](Sparse& s) { return s.values; }), expected);
}

TEST_CASE("recognise: selections that are no gate's are refused") {
  Sparse smallest;
  smallest.values = smallest.build.node("TopK", {smallest.logits, smallest.build.integers({2})},
                                        {{"largest", GraphBuilder::integer(0)}});
  CHECK_CONTAINS(smallest.error(smallest.values), "selects the smallest");
  Sparse batch;
  CHECK_CONTAINS(batch.error(batch.build.node("TopK", {batch.logits, batch.build.integers({1})},
                                              {{"axis", GraphBuilder::integer(0)}})),
                 "selects rows of the batch");
  Sparse many;
  CHECK_CONTAINS(many.error(many.build.node("TopK", {many.logits, many.build.integers({4})})), "from 1 to 3");
  Sparse fill;  // the others are not left out, but get a logit of -1
  fill.select(fill.logits);
  CHECK_CONTAINS(fill.error(fill.build.softmax(fill.scatter(-1, fill.values))), "scatters something else");
  Sparse other;  // to the places of another gate's
  other.select(other.logits);
  const std::string updates = other.build.softmax(other.values);
  other.select(other.build.linear(other.x, 3, 3, 2));
  CHECK_CONTAINS(other.error(other.scatter(0, updates)), "scatters something else");
  Sparse first;  // below the largest instead of the k-th
  first.select(first.logits);
  const std::string largest = first.build.node(
      "Slice", {first.values, first.build.integers({0}), first.build.integers({1}), first.build.integers({1})});
  const std::string below = first.build.node("Less", {first.logits, largest});
  CHECK_FALSE(
      first.error(first.build.softmax(first.build.node("Where", {below, first.build.scalar(-1e9f), first.logits})))
          .empty());
}

TEST_CASE("recognise: a selecting gate's weights as scores are a gate over constants") {
  Sparse sparse;
  sparse.select(sparse.logits);
  sparse.build.output(sparse.scatter(0, sparse.build.softmax(sparse.values)));
  CHECK(sparse.build.recognise().levels.at(0).gates.at(0).top_k != 0);
}

TEST_CASE("recognise: a gate whose k largest places are one-hot vectors") {
  Sparse sparse;
  sparse.select(sparse.logits);
  const std::string places =
      sparse.build.node("OneHot", {sparse.indices, sparse.build.integers({}, {3}), sparse.build.values({0, 1}, {2})});
  const std::string weights =
      sparse.build.node("Unsqueeze", {sparse.build.softmax(sparse.values), sparse.build.integers({2})});
  check(sparse.gate(sparse.build.node("ReduceSum",
                                      {sparse.build.node("Mul", {places, weights}), sparse.build.integers({1})},
                                      {{"keepdims", GraphBuilder::integer(0)}})),
        TopKMode::kSoftmaxOfTopK);
  CHECK(proof_of(sparse.build) == "");
  Sparse compared;  // by Equal, and the largest of the softmax
  compared.select(compared.build.softmax(compared.logits));
  const std::string equal =
      compared.build.node("Equal", {compared.build.node("Unsqueeze", {compared.indices, compared.build.integers({2})}),
                                    compared.build.integers({0, 1, 2})});
  const std::string ones =
      compared.build.node("Cast", {compared.build.node("Cast", {equal}, {{"to", GraphBuilder::integer(7)}})},
                          {{"to", GraphBuilder::integer(1)}});
  const std::string row = compared.build.node("Unsqueeze", {compared.values, compared.build.integers({1})});
  check(compared.gate(
            compared.build.node("Squeeze", {compared.build.node("MatMul", {row, ones}), compared.build.integers({1})})),
        TopKMode::kTopKOfSoftmax);
  CHECK(proof_of(compared.build) == "");
}

TEST_CASE("recognise: the largest weight alone") {
  Sparse sparse;
  const std::string weights = sparse.build.softmax(sparse.logits);
  const std::string best = sparse.build.node(
      "ArgMax", {weights}, {{"axis", GraphBuilder::integer(-1)}, {"keepdims", GraphBuilder::integer(0)}});
  const std::string mask =
      sparse.build.node("OneHot", {best, sparse.build.integers({}, {3}), sparse.build.values({0, 1}, {2})});
  const Gate gate = sparse.gate(sparse.build.node("Mul", {weights, mask}));
  CHECK(gate.top_k == 1);
  CHECK(gate.top_k_mode == TopKMode::kTopKOfSoftmax);
  CHECK(proof_of(sparse.build) == "");
  Sparse last;
  const std::string other = last.build.node(
      "ArgMax", {last.logits}, {{"axis", GraphBuilder::integer(-1)}, {"select_last_index", GraphBuilder::integer(1)}});
  CHECK(last.error(last.build.node("Cast", {other}, {{"to", GraphBuilder::integer(1)}})).find("takes the last") !=
        std::string::npos);
}

TEST_CASE("recognise: the first of a gate's largest are the largest of fewer") {
  Sparse sparse;
  sparse.select(sparse.logits, 3);
  const auto first = [&](const std::string& of) {
    return sparse.build.node("Slice",
                             {of, sparse.build.integers({0}), sparse.build.integers({2}), sparse.build.integers({1})});
  };
  const std::string values = first(sparse.values);
  sparse.indices = first(sparse.indices);
  // A whole 0, cast to the logits' type, as torch's newer exporter leaves it without its optimiser.
  const std::string zero = sparse.build.node("CastLike", {sparse.build.integers({}, {0}), sparse.logits});
  const std::string zeros = sparse.build.node("Expand", {zero, sparse.build.node("Shape", {sparse.logits})});
  const std::string weights =
      sparse.build.node("ScatterElements", {zeros, sparse.indices, sparse.build.softmax(values)},
                        {{"axis", GraphBuilder::integer(1)}, {"reduction", GraphBuilder::text("none")}});
  sparse.build.graph.opset = 18;
  check(sparse.gate(weights), TopKMode::kSoftmaxOfTopK);
  CHECK(proof_of(sparse.build) == "");
}

TEST_CASE("recognise: weights that are at least the k-th largest") {
  Sparse sparse;
  const std::string weights = sparse.build.softmax(sparse.logits);
  sparse.select(weights);
  const std::string last = sparse.build.node(
      "Slice", {sparse.values, sparse.build.integers({1}), sparse.build.integers({2}), sparse.build.integers({1})});
  const std::string kept = sparse.build.node("GreaterOrEqual", {weights, last});
  check(sparse.gate(sparse.build.node("Where", {kept, weights, sparse.build.values({0, 0, 0}, {1, 3})})),
        TopKMode::kTopKOfSoftmax);
  CHECK(proof_of(sparse.build) == "");
}

}  // namespace mmoe::converter::testing
