// Attention of a query to the embeddings of a sequence, as DIN's is exported. What is recognised is proved against the
// graph.
#include <algorithm>
#include <functional>

#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

using B = GraphBuilder;
using Terms = std::vector<AttentionTerm>;

constexpr int64_t kLength = 5, kWidth = 3, kItems = 7;

/// An item, and the items that a user has seen, of which 0 is padding.
struct Graph {
  B build;
  std::string history = build.input("history", {0, kLength}, true), item = build.input("item", {0}, true);
  std::string table;
  std::string keys, query;  // [batch, length, width] both

  explicit Graph(bool zero_padding = true) {
    std::vector<float> rows;
    for (int64_t i = 0; i < kItems * kWidth; ++i)
      rows.push_back(i < kWidth && zero_padding ? 0.0f : 0.4f * static_cast<float>((i * 7) % 11 - 5) / 5);
    table = build.values(rows, {kItems, kWidth});
    keys = build.node("Gather", {table, history});
    const std::string one = build.node("Unsqueeze", {build.node("Gather", {table, item}), build.integers({1})});
    query = build.node("Expand", {one, build.integers({1, kLength, 1})});
  }

  std::string joined(const std::vector<std::string>& terms) {
    return build.node("Concat", terms, {{"axis", B::integer(2)}});
  }
  std::string difference() { return build.node("Sub", {query, keys}); }
  std::string product() { return build.node("Mul", {query, keys}); }
  std::string all_terms() { return joined({query, keys, difference(), product()}); }
  std::string layer(const std::string& from, uint64_t inputs, uint64_t outputs) {
    return build.node("Add",
                      {build.node("MatMul", {from, build.weights({inputs, outputs})}), build.weights({outputs})});
  }
  /// [batch, length]
  std::string scores(const std::string& terms, uint64_t inputs = 4 * kWidth) {
    const std::string hidden = build.node("Sigmoid", {layer(terms, inputs, 4)});
    return build.node("Squeeze", {layer(hidden, 4, 1), build.integers({2})});
  }
  std::string is_padding(int64_t number = 0) { return build.node("Equal", {history, build.integers({}, {number})}); }
  std::string mask() { return build.node("Cast", {build.node("Not", {is_padding()})}, {{"to", B::integer(1)}}); }
  std::string softmax(const std::string& of) { return build.node("Softmax", {of}, {{"axis", B::integer(1)}}); }
  std::string weighed(const std::string& weights) {
    const std::string row = build.node("Unsqueeze", {weights, build.integers({1})});
    return build.node("Squeeze", {build.node("MatMul", {row, keys}), build.integers({1})});
  }
  void score(const std::string& interest) {
    const std::string own = build.node("Gather", {table, item});
    build.model_of(build.node("Concat", {own, interest}, {{"axis", B::integer(1)}}), 2 * kWidth);
  }
};

/// The only node, an attention; it is proved.
Node attention_of(const std::function<std::string(Graph&)>& interest, bool zero_padding = true) {
  Graph graph(zero_padding);
  graph.score(interest(graph));
  const TrainedModel model = graph.build.recognise();
  REQUIRE(model.nodes.size() == 1);
  REQUIRE(model.nodes[0].kind == NodeKind::kAttention);
  CHECK(prove(graph.build.graph, model, convert(model, {}).file, 5).num_rows > 30);
  return model.nodes[0];
}

std::string refusal(const std::function<std::string(Graph&)>& interest, bool zero_padding = true) {
  Graph graph(zero_padding);
  graph.score(interest(graph));
  return graph.build.error();
}

}  // namespace

TEST_CASE("attention: a masked sequence") {
  const Node node = attention_of(
      [](Graph& g) {
        return g.weighed(g.build.node("Mul", {g.scores(g.all_terms()), g.mask()}));
      },
      false);
  CHECK(node.attention.terms ==
        Terms{AttentionTerm::kQuery, AttentionTerm::kElement, AttentionTerm::kDifference, AttentionTerm::kProduct});
  CHECK(node.attention.length == kLength);
  CHECK(node.attention.masked);
  CHECK_FALSE(node.attention.softmax);
  CHECK(node.layers.size() == 2);
  CHECK(node.layers[0].activation.kind == ActivationKind::kSigmoid);
}

TEST_CASE("attention: the features that it reads") {
  Graph graph;
  graph.score(graph.weighed(graph.build.node("Mul", {graph.scores(graph.all_terms()), graph.mask()})));
  const TrainedModel model = graph.build.recognise();
  REQUIRE(model.features.size() == 2);
  const auto& sequence = std::get<SequenceFeature>(model.features[0].kind);
  CHECK(sequence.pooling == Pooling::kKept);
  CHECK(sequence.length == kLength);
  CHECK(sequence.padding_id == 0);
  CHECK(model.features[0].width == kLength * (kWidth + 1));
  CHECK(model.embeddings.size() == 1);
}

TEST_CASE("attention: without a mask, and with its terms in other orders") {
  CHECK_FALSE(attention_of([](Graph& g) { return g.weighed(g.scores(g.all_terms())); }).attention.masked);
  const Node few = attention_of([](Graph& g) {
    return g.weighed(g.scores(g.joined({g.product(), g.keys}), 2 * kWidth));
  });
  CHECK(few.attention.terms == Terms{AttentionTerm::kProduct, AttentionTerm::kElement});
  const Node reversed = attention_of([](Graph& g) {
    const std::string turned = g.build.node("Sub", {g.keys, g.query});
    return g.weighed(g.scores(g.joined({g.keys, turned, g.query}), 3 * kWidth));
  });
  CHECK(reversed.attention.terms == Terms{AttentionTerm::kElement, AttentionTerm::kDifference, AttentionTerm::kQuery});
}

TEST_CASE("attention: softmax, with padding left out in each of the usual ways") {
  const auto by_where = [](float value) {
    return attention_of([value](Graph& g) {
      const std::string scores = g.scores(g.all_terms());
      return g.weighed(g.softmax(g.build.node("Where", {g.is_padding(), g.build.scalar(value), scores})));
    });
  };
  for (const float value : {-1e9f, -4294967295.0f, -std::numeric_limits<float>::infinity()}) {
    CAPTURE(value);
    const Node node = by_where(value);
    CHECK(node.attention.softmax);
    CHECK(node.attention.masked);
  }
  const Node added = attention_of([](Graph& g) {
    const std::string left_out = g.build.node("Sub", {g.build.scalar(1), g.mask()});
    const std::string large = g.build.node("Mul", {left_out, g.build.scalar(-1e9f)});
    return g.weighed(g.softmax(g.build.node("Add", {g.scores(g.all_terms()), large})));
  });
  CHECK(added.attention.softmax);
  CHECK(added.attention.masked);
  // Zeros in the place of weights, as without a softmax.
  const Node zeros = attention_of([](Graph& g) {
    const std::string scores = g.scores(g.all_terms());
    return g.weighed(g.build.node("Where", {g.build.node("Not", {g.is_padding()}), scores, g.build.scalar(0)}));
  });
  CHECK(zeros.attention.masked);
  CHECK_FALSE(attention_of([](Graph& g) { return g.weighed(g.softmax(g.scores(g.all_terms()))); }).attention.masked);
}

TEST_CASE("attention: layers over all elements of the batch, with a batch norm and Dice between them") {
  const auto flattened = [](Graph& g, const std::string& terms, int64_t rows) {
    B& b = g.build;
    const std::string flat = b.node("Reshape", {terms, b.integers({rows, 4 * kWidth})});
    const std::string x = b.node("Gemm", {flat, b.weights({4 * kWidth, 4}), b.weights({4})});
    const std::string ones = b.values({1, 2, 1.5f, 1}, {4});
    const std::string norm = b.node("BatchNormalization", {x, ones, b.weights({4}), b.weights({4}), ones});
    const std::string p =
        b.node("Sigmoid", {b.node("BatchNormalization", {norm, ones, b.weights({4}), b.weights({4}), ones})});
    const std::string rest = b.node("Mul", {b.weights({4}), b.node("Sub", {b.scalar(1), p})});
    const std::string dice = b.node("Add", {b.node("Mul", {rest, norm}), b.node("Mul", {p, norm})});
    const std::string weights = b.node("Gemm", {dice, b.weights({4, 1}), b.weights({1})});
    return b.node("Reshape", {weights, b.integers({-1, kLength})});
  };
  const Node node = attention_of([&](Graph& g) { return g.weighed(flattened(g, g.all_terms(), -1)); });
  CHECK(node.layers[0].activation.kind == ActivationKind::kDice);
  CHECK(node.layers[0].activation.dice_norm.has_value());
  CHECK(node.layers[0].norm_before_activation.has_value());
  // Rows that are joined from elements of different rows.
  CHECK_CONTAINS(
      refusal([&](Graph& g) {
        const std::string turned = g.build.node("Transpose", {g.all_terms()}, {{"perm", B::list({1, 0, 2})}});
        return g.weighed(flattened(g, turned, -1));
      }),
      "rows of the batch that lie within another axis");
}

TEST_CASE("attention: what is none") {
  // A mask of a number that no id is.
  CHECK_CONTAINS(refusal([](Graph& g) {
                   const std::string mask =
                       g.build.node("Cast", {g.build.node("Not", {g.is_padding(kItems)})}, {{"to", B::integer(1)}});
                   return g.weighed(g.build.node("Mul", {g.scores(g.all_terms()), mask}));
                 }),
                 "compares ids with one that is not in their table");
}

TEST_CASE("attention: look-alikes are what they compute") {
  const auto proved = [](const std::function<std::string(Graph&)>& interest, bool zero_padding = true) {
    Graph graph(zero_padding);
    graph.score(interest(graph));
    const TrainedModel model = graph.build.recognise();
    CHECK(proof_of(graph.build) == "");
    return std::any_of(model.nodes.begin(), model.nodes.end(),
                       [](const Node& node) { return node.kind == NodeKind::kAttention; });
  };
  // The weights of other elements.
  CHECK_FALSE(proved([](Graph& g) {
    return g.weighed(g.build.node("Gather", {g.scores(g.all_terms()), g.build.integers({4, 3, 2, 1, 0})},
                                  {{"axis", B::integer(1)}}));
  }));
  // A mask that is another element's.
  CHECK_FALSE(proved([](Graph& g) {
    const std::string turned =
        g.build.node("Gather", {g.mask(), g.build.integers({4, 3, 2, 1, 0})}, {{"axis", B::integer(1)}});
    return g.weighed(g.build.node("Mul", {g.scores(g.all_terms()), turned}));
  }));
  // A mask behind a softmax that leaves nothing out.
  CHECK_FALSE(proved([](Graph& g) {
    return g.weighed(g.build.node("Mul", {g.softmax(g.scores(g.all_terms())), g.mask()}));
  }));
  // A small number does not leave out.
  CHECK_FALSE(proved([](Graph& g) {
    const std::string scores = g.scores(g.all_terms());
    return g.weighed(g.softmax(g.build.node("Where", {g.is_padding(), g.build.scalar(-10), scores})));
  }));
  // Without elements a softmax spreads its weight over the padding, whose embedding is not 0.
  CHECK_FALSE(proved(
      [](Graph& g) {
        const std::string scores = g.scores(g.all_terms());
        return g.weighed(g.softmax(g.build.node("Where", {g.is_padding(), g.build.scalar(-1e9f), scores})));
      },
      false));
  // Layers that are other ones for each element.
  CHECK_FALSE(proved([](Graph& g) {
    const std::string shifts = g.build.weights({kLength});
    return g.weighed(g.build.node("Mul", {g.scores(g.all_terms()), shifts}));
  }));
  // Another query for each element.
  CHECK_FALSE(proved([](Graph& g) {
    const std::string turned =
        g.build.node("Gather", {g.keys, g.build.integers({4, 3, 2, 1, 0})}, {{"axis", B::integer(1)}});
    return g.weighed(g.scores(g.joined({turned, g.keys}), 2 * kWidth));
  }));
}

}  // namespace mmoe::converter::testing
