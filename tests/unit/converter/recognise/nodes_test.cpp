// What is no layer and no mixture, as nodes. What is recognised is proved against the graph.
#include <algorithm>
#include <functional>

#include "converter/recognise/node_model.h"
#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

using B = GraphBuilder;
using Kinds = std::vector<NodeKind>;

const std::map<std::string, OnnxAttribute> kAxis1 = {{"axis", B::integer(1)}};

/// x [batch, 12]: four groups of three.
struct Graph {
  B build;
  std::string x = build.input("x", {0, 12});
  std::string groups = build.node("Reshape", {x, build.integers({0, 4, 3})});

  std::string layer(const std::string& from, uint64_t inputs, uint64_t outputs) {
    return build.node("Gemm", {from, build.weights({inputs, outputs}), build.weights({outputs})});
  }
  std::string sum(const std::string& of, int64_t axis, bool keep = false) {
    return build.node("ReduceSum", {of, build.integers({axis})}, {{"keepdims", B::integer(keep ? 1 : 0)}});
  }
  std::string square(const std::string& of) { return build.node("Pow", {of, build.scalar(2)}); }
  std::string add(const std::string& a, const std::string& b) { return build.node("Add", {a, b}); }
  std::string times(const std::string& a, const std::string& b) { return build.node("Mul", {a, b}); }
  /// The numbers of all groups with each other, [batch, 4, 4].
  std::string products(const std::string& of) {
    return build.node("MatMul", {of, build.node("Transpose", {of}, {{"perm", B::list({0, 2, 1})}})});
  }
  /// Elements of a [batch, 4, 4].
  std::string elements(const std::string& of, const std::vector<int64_t>& places) {
    const std::string flat = build.node("Reshape", {of, build.integers({0, 16})});
    return build.node("Gather", {flat, build.integers(places)}, kAxis1);
  }
  void score(const std::string& from, uint64_t width) {
    build.output(build.node("Sigmoid", {layer(build.node("Tanh", {layer(from, width, 3)}), 3, 1)}));
  }
};

/// What `stream`, of so many columns, becomes before a tower; it is proved.
std::vector<Node> nodes_of(uint64_t width, const std::function<std::string(Graph&)>& stream) {
  Graph graph;
  graph.score(stream(graph), width);
  std::vector<std::string> notes;
  TrainedModel model = recognise_nodes(graph.build.graph, notes);
  CHECK(proof_of(graph.build) == "");
  const ProofReport report = prove(graph.build.graph, model, convert(model, {}).file, 5);
  CHECK(report.num_rows > 30);
  return model.nodes;
}

Kinds kinds_of(const std::vector<Node>& nodes) {
  Kinds kinds;
  for (const Node& node : nodes) kinds.push_back(node.kind);
  return kinds;
}

std::string refusal(const std::function<std::string(Graph&)>& stream, uint64_t width = 12) {
  Graph graph;
  graph.score(stream(graph), width);
  return graph.build.error();
}

const std::vector<int64_t> kLower = {4, 8, 9, 12, 13, 14}, kUpper = {1, 2, 3, 6, 7, 11};

}  // namespace

TEST_CASE("nodes: a cross layer") {
  const std::vector<Node> nodes = nodes_of(12, [](Graph& g) { return g.add(g.times(g.x, g.layer(g.x, 12, 12)), g.x); });
  REQUIRE(kinds_of(nodes) == Kinds{NodeKind::kMlp, NodeKind::kProduct, NodeKind::kSum});
  CHECK(nodes[2].inputs.size() == 2);
}

TEST_CASE("nodes: factorisation machines") {
  const auto pairs = [](Graph& g) {
    const std::string whole = g.square(g.sum(g.groups, 1)), squares = g.sum(g.square(g.groups), 1);
    return g.build.node("Mul", {g.build.node("Sub", {whole, squares}), g.build.scalar(0.5f)});
  };
  const std::vector<Node> nodes = nodes_of(3, pairs);
  REQUIRE(kinds_of(nodes) == Kinds{NodeKind::kBiInteraction});
  CHECK(nodes[0].group == 3);
  CHECK(nodes[0].scale == 1);  // the layer that reads it is scaled
  CHECK(kinds_of(nodes_of(1, [&](Graph& g) { return g.sum(pairs(g), 1, true); })) ==
        Kinds{NodeKind::kBiInteraction, NodeKind::kSumWithinGroups});
  // Not of the same groups, and the other way round: what the graph computes all the same.
  const std::vector<Node> others = nodes_of(3, [](Graph& g) {
    const std::string other = g.build.node("Reshape", {g.layer(g.x, 12, 12), g.build.integers({0, 4, 3})});
    return g.build.node("Sub", {g.square(g.sum(g.groups, 1)), g.sum(g.square(other), 1)});
  });
  CHECK(std::none_of(others.begin(), others.end(),
                     [](const Node& node) { return node.kind == NodeKind::kBiInteraction; }));
  const std::vector<Node> negative = nodes_of(3, [](Graph& g) {
    return g.build.node("Sub", {g.sum(g.square(g.groups), 1), g.square(g.sum(g.groups, 1))});
  });
  REQUIRE(kinds_of(negative) == Kinds{NodeKind::kBiInteraction});
  CHECK(negative[0].scale == -1);
}

TEST_CASE("nodes: dot products of pairs in both orders, and in none") {
  const auto pairs = [](const std::vector<int64_t>& places) {
    return nodes_of(places.size(), [&](Graph& g) { return g.elements(g.products(g.groups), places); });
  };
  const std::vector<Node> lower = pairs(kLower);
  REQUIRE(kinds_of(lower) == Kinds{NodeKind::kLowerPairs});
  CHECK(lower[0].group == 3);
  CHECK(kinds_of(pairs(kUpper)) == Kinds{NodeKind::kUpperPairs});
  CHECK(kinds_of(pairs({8, 4, 9, 14, 12, 13})) == Kinds{NodeKind::kLowerPairs});  // a layer reads them in any order
  CHECK(kinds_of(pairs({0, 5, 10, 15})) == Kinds{NodeKind::kDot});                // the diagonal
  CHECK(kinds_of(pairs({4, 8, 9, 12, 13, 15})) == Kinds{NodeKind::kDot});         // one of it among them
}

TEST_CASE("nodes: sums over groups and within them") {
  CHECK(kinds_of(nodes_of(4, [](Graph& g) { return g.sum(g.build.node("Tanh", {g.groups}), 2); })) ==
        Kinds{NodeKind::kSum, NodeKind::kSumWithinGroups});
  const std::vector<Node> over = nodes_of(3, [](Graph& g) { return g.sum(g.build.node("Tanh", {g.groups}), 1); });
  REQUIRE(kinds_of(over) == Kinds{NodeKind::kSum, NodeKind::kSumOfGroups});
  CHECK(over[1].group == 3);
}

TEST_CASE("nodes: a sum of several, one of them negative") {
  const std::vector<Node> nodes = nodes_of(12, [](Graph& g) {
    const std::string a = g.build.node("Tanh", {g.layer(g.x, 12, 12)}), b = g.build.node("Neg", {g.layer(g.x, 12, 12)});
    return g.build.node("Relu", {g.build.node("Sum", {a, b, g.x})});
  });
  REQUIRE(kinds_of(nodes) == Kinds{NodeKind::kMlp, NodeKind::kMlp, NodeKind::kSum});
  CHECK(nodes[2].inputs.size() == 3);
  CHECK(nodes[2].activation.kind == ActivationKind::kRelu);
}

TEST_CASE("nodes: squeeze and excitation") {
  const std::vector<Node> nodes = nodes_of(12, [](Graph& g) {
    const std::string means =
        g.build.node("ReduceMean", {g.groups}, {{"axes", B::list({2})}, {"keepdims", B::integer(0)}});
    const std::string weights = g.build.node("Relu", {g.layer(means, 4, 4)});
    const std::string weighted = g.times(g.groups, g.build.node("Unsqueeze", {weights, g.build.integers({2})}));
    return g.build.node("Reshape", {weighted, g.build.integers({0, 12})});
  });
  REQUIRE(kinds_of(nodes) == Kinds{NodeKind::kSumWithinGroups, NodeKind::kMlp, NodeKind::kProduct});
  CHECK(nodes[2].inputs[1].parts.empty());  // the four weights, each for three columns
}

TEST_CASE("nodes: a softmax of dot products weighs groups") {
  const auto attention = [](int64_t axis) {
    return nodes_of(3, [axis](Graph& g) {
      const std::string other = g.build.node("Reshape", {g.layer(g.x, 12, 12), g.build.integers({0, 4, 3})});
      const std::string scores = g.sum(g.times(g.groups, other), 2, true);
      const std::string weights = g.build.node("Softmax", {scores}, {{"axis", B::integer(axis)}});
      return g.sum(g.times(weights, g.groups), 1);
    });
  };
  CHECK(kinds_of(attention(1)) ==
        Kinds{NodeKind::kMlp, NodeKind::kDot, NodeKind::kSoftmax, NodeKind::kProduct, NodeKind::kSumOfGroups});
  // Along the other axis a softmax is over one number each.
  const std::vector<Node> alone = attention(2);
  CHECK(std::count_if(alone.begin(), alone.end(), [](const Node& n) { return n.kind == NodeKind::kSoftmax; }) == 4);
}

TEST_CASE("nodes: gates of activations over experts stay gates") {
  Graph g;
  std::vector<std::string> experts;
  for (int i = 0; i < 3; ++i) {
    const std::string own = g.times(g.x, g.build.node("Sigmoid", {g.layer(g.x, 12, 12)}));
    experts.push_back(g.build.node("Relu", {g.layer(own, 12, 4)}));
  }
  g.score(g.build.mix(g.build.node("Sigmoid", {g.layer(g.x, 12, 3)}), g.build.stack(experts)), 4);
  const TrainedModel model = g.build.recognise();
  CHECK(kinds_of(model.nodes) == Kinds{NodeKind::kMlp, NodeKind::kProduct, NodeKind::kMlp, NodeKind::kProduct,
                                       NodeKind::kMlp, NodeKind::kProduct});
  CHECK(model.levels.at(0).gates.at(0).function == GateFunction::kActivation);
  CHECK(model.levels[0].experts.size() == 3);
  CHECK(proof_of(g.build) == "");
}

TEST_CASE("nodes: what several read is computed once") {
  Graph g;
  const std::string h = g.build.node("Relu", {g.layer(g.x, 12, 6)});
  const std::string block = g.build.node("Relu", {g.add(g.layer(g.build.node("Relu", {g.layer(h, 6, 5)}), 5, 6), h)});
  g.score(block, 6), g.score(block, 6);
  std::vector<std::string> notes;
  const TrainedModel model = recognise_nodes(g.build.graph, notes);
  REQUIRE(kinds_of(model.nodes) == Kinds{NodeKind::kMlp, NodeKind::kMlp, NodeKind::kSum});
  CHECK(model.nodes[1].layers.size() == 2);
  CHECK(model.nodes[2].activation.kind == ActivationKind::kRelu);
  CHECK(proof_of(g.build) == "");
}

TEST_CASE("nodes: in front of, behind and beside a mixture") {
  Graph g;
  const std::string crossed = g.add(g.times(g.x, g.layer(g.x, 12, 12)), g.x);
  std::vector<std::string> experts;
  for (int i = 0; i < 3; ++i) experts.push_back(g.build.node("Relu", {g.layer(crossed, 12, 4)}));
  const std::string stacked = g.build.stack(experts);
  for (int task = 0; task < 2; ++task) {
    const std::string mixed = g.build.mix(g.build.softmax(g.layer(crossed, 12, 3)), stacked);
    g.score(g.add(g.times(mixed, g.build.node("Sigmoid", {g.layer(g.x, 12, 4)})), mixed), 4);
  }
  std::vector<std::string> notes;
  const TrainedModel model = recognise_nodes(g.build.graph, notes);
  REQUIRE(model.levels.size() == 1);
  CHECK(model.levels[0].experts.size() == 3);
  CHECK(model.levels[0].gates.size() == 2);
  CHECK(std::is_sorted(model.nodes.begin(), model.nodes.end(),
                       [](const Node& a, const Node& b) { return a.level < b.level; }));
  CHECK(model.nodes.back().level == 1);
  CHECK(prove(g.build.graph, model, convert(model, {}).file, 5).num_rows > 30);
}

TEST_CASE("nodes: mixtures that need none stay levels") {
  Graph g;
  const std::string stacked = g.build.stack({g.build.node("Relu", {g.layer(g.x, 12, 4)}), g.layer(g.x, 12, 4)});
  for (int task = 0; task < 2; ++task) g.score(g.build.mix(g.build.softmax(g.layer(g.x, 12, 2)), stacked), 4);
  const TrainedModel model = g.build.recognise();
  CHECK(model.nodes.empty());
  CHECK(model.levels.at(0).gates.size() == 2);
}

TEST_CASE("nodes: what mixes rows of the batch is refused") {
  CHECK_CONTAINS(refusal([](Graph& g) {
                   return g.times(g.x, g.build.node("ReduceMean", {g.x}, {{"axes", B::list({0})}}));
                 }),
                 "reduces the batch");
  CHECK_CONTAINS(refusal([](Graph& g) {
                   return g.build.node("Softmax", {g.x}, {{"axis", B::integer(0)}});
                 }),
                 "is a softmax over the batch");
  CHECK_CONTAINS(refusal([](Graph& g) {
                   return g.build.node("MatMul", {g.x, g.build.node("Transpose", {g.x}, {{"perm", B::list({1, 0})}})});
                 }),
                 "has the batch on two axes");
}

TEST_CASE("nodes: what has no node is refused by name") {
  CHECK_CONTAINS(refusal([](Graph& g) {
                   return g.build.node("Div", {g.x, g.layer(g.x, 12, 12)});
                 }),
                 "is no part of an activation");
  CHECK_CONTAINS(refusal([](Graph& g) {
                   std::string h = g.x;
                   for (int i = 0; i < 300; ++i) h = g.times(g.build.node("Tanh", {h}), g.x);
                   return h;
                 }),
                 "256 nodes");
}

}  // namespace mmoe::converter::testing
