// Attention between elements: fields (AutoInt), items of a sequence (SASRec, BST), in the ways in which it is exported.
// What is recognised is proved against the graph.
#include <algorithm>
#include <functional>
#include <limits>

#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

using B = GraphBuilder;
using Attributes = std::map<std::string, OnnxAttribute>;

constexpr int64_t kLength = 4, kWidth = 6, kItems = 9;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

const Attributes kLast = {{"axis", B::integer(-1)}};

/// The items that a user has seen, of which 0 is padding, and an item.
struct Graph {
  B build;
  std::string history = build.input("history", {0, kLength}, true), item = build.input("item", {0}, true);
  std::string table, keys;  // [batch, length, width]

  explicit Graph(bool zero_padding = true) {
    std::vector<float> rows;
    for (int64_t i = 0; i < kItems * kWidth; ++i)
      rows.push_back(i < kWidth && zero_padding ? 0.0f : 0.3f * static_cast<float>((i * 7) % 11 - 5) / 5);
    table = build.values(rows, {kItems, kWidth});
    keys = build.node("Gather", {table, history});
  }

  std::string linear(const std::string& x, uint64_t outputs = kWidth) {
    return build.node("Add", {build.node("MatMul", {x, build.weights({kWidth, outputs})}), build.weights({outputs})});
  }
  std::string transposed(const std::string& x, const std::vector<int64_t>& order) {
    return build.node("Transpose", {x}, {{"perm", B::list(order)}});
  }
  std::string reshaped(const std::string& x, const std::vector<int64_t>& shape) {
    return build.node("Reshape", {x, build.integers(shape)});
  }
  /// [batch, heads, length, width / heads]
  std::string in_heads(const std::string& x, int64_t heads) {
    return transposed(reshaped(x, {0, -1, heads, kWidth / heads}), {0, 2, 1, 3});
  }
  std::string scores(const std::string& query, const std::string& key, float scale = 0.5f) {
    return build.node("Mul", {build.node("MatMul", {query, transposed(key, {0, 1, 3, 2})}), build.scalar(scale)});
  }
  std::string mixed(const std::string& weights, const std::string& value) {
    return reshaped(transposed(build.node("MatMul", {weights, value}), {0, 2, 1, 3}), {0, -1, kWidth});
  }
  /// Of x to itself; `mask` changes the scores [batch, heads, length, length], `behind` their softmax.
  std::string attended(const std::string& x, int64_t heads, const std::function<std::string(std::string)>& mask,
                       const std::function<std::string(std::string)>& behind) {
    const std::string query = in_heads(linear(x), heads), key = in_heads(linear(x), heads);
    const std::string weights = build.node("Softmax", {mask(scores(query, key))}, kLast);
    return mixed(behind(weights), in_heads(linear(x), heads));
  }
  std::string attended(const std::string& x, int64_t heads = 2) {
    const auto same = [](std::string of) { return of; };
    return attended(x, heads, same, same);
  }
  std::string masked(const std::function<std::string(std::string)>& mask) {
    return attended(keys, 2, mask, [](std::string of) { return of; });
  }
  /// [batch, 1, 1, length]
  std::string is_padding(int64_t number = 0) {
    const std::string equal = build.node("Equal", {history, build.integers({}, {number})});
    return build.node("Unsqueeze", {equal, build.integers({1, 2})});
  }
  std::string filled(const std::string& where, const std::string& scores, float value) {
    return build.node("Where", {where, build.scalar(value), scores});
  }
  /// [length, length], 1 above the diagonal.
  std::string later() {
    std::vector<int64_t> above;
    for (int64_t i = 0; i < kLength * kLength; ++i) above.push_back(i % kLength > i / kLength ? 1 : 0);
    return build.integers({kLength, kLength}, above);
  }
  std::string without_nan(const std::string& of) {
    return build.node("Where", {build.node("IsNaN", {of}), build.scalar(0), of});
  }
  std::string norm(const std::string& x) {
    return build.node("LayerNormalization", {x, build.weights({kWidth}), build.weights({kWidth})}, kLast);
  }
  void score(const std::string& all) {
    const std::string own = build.node("Gather", {table, item});
    const std::string mean = build.node("ReduceMean", {all}, {{"axes", B::list({1})}, {"keepdims", B::integer(0)}});
    build.model_of(build.node("Concat", {own, mean}, {{"axis", B::integer(1)}}), 2 * kWidth);
  }
};

using Interest = std::function<std::string(Graph&)>;

size_t count(const TrainedModel& model, NodeKind kind) {
  return static_cast<size_t>(
      std::count_if(model.nodes.begin(), model.nodes.end(), [kind](const Node& node) { return node.kind == kind; }));
}

/// The only attention of the graph, which is proved.
Node attention_of(const Interest& interest, size_t num_nodes, bool zero_padding = true) {
  Graph graph(zero_padding);
  graph.score(interest(graph));
  const TrainedModel model = graph.build.recognise();
  CHECK(prove(graph.build.graph, model, convert(model, {}).file, 5).num_rows > 30);
  CHECK(model.nodes.size() == num_nodes);
  REQUIRE(count(model, NodeKind::kScaledDot) == 1);
  return *std::find_if(model.nodes.begin(), model.nodes.end(),
                       [](const Node& node) { return node.kind == NodeKind::kScaledDot; });
}

std::string refusal(const Interest& interest, bool zero_padding = true) {
  Graph graph(zero_padding);
  graph.score(interest(graph));
  return graph.build.error();
}

}  // namespace

TEST_CASE("scaled dot: heads between the elements of a sequence, one node for each map and one for all heads") {
  for (const int64_t heads : {1, 2, 3}) {
    CAPTURE(heads);
    // query, key, value, attention, and the mean of its results
    const Node node = attention_of([&](Graph& g) { return g.attended(g.keys, heads); }, 5);
    CHECK(node.heads == static_cast<size_t>(heads));
    CHECK(node.group == kWidth);
    CHECK(node.value_width == kWidth);
    CHECK(node.scale == 0.5f);
    CHECK_FALSE(node.causal);
    CHECK(node.inputs.size() == 3);
  }
}

TEST_CASE("scaled dot: position embeddings, residuals, norms and layers of each element, as in an encoder") {
  Graph g;
  const std::string x = g.build.node("Add", {g.build.node("Mul", {g.keys, g.build.scalar(2)}),
                                             g.build.weights({static_cast<uint64_t>(kLength), kWidth})});
  const std::string h = g.norm(g.build.node("Add", {x, g.linear(g.attended(x))}));
  const std::string fed = g.linear(g.build.node("Relu", {g.linear(h)}));
  g.score(g.norm(g.build.node("Add", {h, fed})));
  const TrainedModel model = g.build.recognise();
  CHECK(proof_of(g.build) == "");
  CHECK(count(model, NodeKind::kScaledDot) == 1);
  CHECK(count(model, NodeKind::kEach) == 7);  // query, key, value, what is behind them, two norms, the layers between
  CHECK(model.nodes.size() < 16);
}

TEST_CASE(
    "scaled dot: layers of an encoder on each other, which rounding may change by much, are proved by being equal") {
  Graph g;
  std::string x = g.keys;
  for (int layer = 0; layer < 3; ++layer) {
    const std::string h = g.norm(g.build.node("Add", {x, g.linear(g.attended(x))}));
    x = g.norm(g.build.node("Add", {h, g.linear(g.build.node("Relu", {g.linear(h)}))}));
  }
  g.score(x);
  const TrainedModel model = g.build.recognise();
  CHECK(prove(g.build.graph, model, convert(model, {}).file, 5).num_rows > 30);
}

TEST_CASE("scaled dot: fields of numbers, with slices in the place of heads") {
  B b;
  const std::string x = b.input("x", {0, 4 * kWidth});
  const std::string fields = b.node("Reshape", {x, b.integers({-1, 4, kWidth})});
  std::vector<std::string> heads;
  for (int i = 0; i < 2; ++i) {
    std::vector<std::string> parts;
    for (int k = 0; k < 3; ++k) parts.push_back(b.node("MatMul", {fields, b.weights({kWidth, 3})}));
    const std::string key = b.node("Transpose", {parts[1]}, {{"perm", B::list({0, 2, 1})}});
    heads.push_back(b.node("MatMul", {b.node("Softmax", {b.node("MatMul", {parts[0], key})}, kLast), parts[2]}));
  }
  const std::string own = b.node("MatMul", {fields, b.weights({kWidth, kWidth})});
  const std::string sum = b.node("Relu", {b.node("Add", {b.node("Concat", heads, kLast), own})});
  b.model_of(b.node("Flatten", {sum}), 4 * kWidth);
  CHECK(proof_of(b) == "");
  const TrainedModel model = b.recognise();
  CHECK(count(model, NodeKind::kScaledDot) == 2);
  CHECK(model.nodes.size() <= 10);
}

TEST_CASE("scaled dot: later elements are left out") {
  const auto by = [](const std::function<std::string(Graph&, const std::string&)>& mask) {
    return attention_of([&](Graph& g) { return g.masked([&](const std::string& s) { return mask(g, s); }); }, 5);
  };
  CHECK(by([](Graph& g, const std::string& s) { return g.filled(g.later(), s, -1e9f); }).causal);
  CHECK(by([](Graph& g, const std::string& s) { return g.filled(g.later(), s, -kInfinity); }).causal);
  CHECK(by([](Graph& g, const std::string& s) {
          const std::string ones = g.build.integers({kLength, kLength}, std::vector<int64_t>(kLength * kLength, 1));
          return g.filled(g.build.node("Trilu", {ones, g.build.integers({}, {1})}), s, -1e9f);
        }).causal);
  const auto added = [&](float value) {
    return by([&](Graph& g, const std::string& s) {
      std::vector<float> above;
      for (int64_t i = 0; i < kLength * kLength; ++i) above.push_back(i % kLength > i / kLength ? value : 0.0f);
      return g.build.node("Add", {s, g.build.values(above, {kLength, kLength})});
    });
  };
  CHECK(added(-1e9f).causal);
  CHECK(added(-kInfinity).causal);
  // The last element's query alone attends to all.
  const auto last = [](Graph& g) {
    const std::string all = g.masked([&](const std::string& s) { return g.filled(g.later(), s, -1e9f); });
    return g.build.node("Slice", {all, g.build.integers({-1}), g.build.integers({kLength}), g.build.integers({1})});
  };
  CHECK_FALSE(attention_of(last, 5).causal);
  // A large number that leaves nothing out.
  CHECK(proof_of([] {
          Graph g;
          g.score(g.masked([&](const std::string& s) { return g.filled(g.later(), s, -3); }));
          return g.build;
        }()) == "");
}

TEST_CASE("scaled dot: padding is left out, alone and beside later elements") {
  for (const bool zero_padding : {true, false}) {
    CAPTURE(zero_padding);
    const Node node = attention_of(
        [](Graph& g) {
          return g.masked([&](const std::string& s) { return g.filled(g.is_padding(), s, -kInfinity); });
        },
        5, zero_padding);
    CHECK(node.inputs.size() == 4);
    CHECK_FALSE(node.causal);
  }
  const Node both = attention_of(
      [](Graph& g) {
        return g.masked([&](const std::string& s) {
          return g.filled(g.build.node("Or", {g.is_padding(), g.later()}), s, -kInfinity);
        });
      },
      5);
  CHECK(both.inputs.size() == 4);
  CHECK(both.causal);
  // What is added to a score, as torch's own attention has it; and zeros in the place of no numbers.
  const auto added = [](Graph& g, bool guarded) {
    const auto mask = [&](const std::string& s) {
      const std::string zeros = g.build.scalar(0), left_out = g.build.scalar(-kInfinity);
      return g.build.node("Add", {g.build.node("Where", {g.is_padding(), left_out, zeros}), s});
    };
    return g.attended(g.keys, 2, mask, [&](const std::string& of) { return guarded ? g.without_nan(of) : of; });
  };
  for (const bool guarded : {false, true})
    CHECK(attention_of([&](Graph& g) { return added(g, guarded); }, 5).inputs.size() == 4);
}

TEST_CASE("scaled dot: the last of two layers reads one query, and padding is multiplied by 0") {
  const auto two = [](Graph& g, bool zeros) {
    const auto mask = [&](const std::string& s) { return g.filled(g.later(), s, -1e9f); };
    const auto same = [](const std::string& of) { return of; };
    std::string x = g.attended(g.keys, 2, mask, same);
    if (zeros) {
      const std::string there = g.build.node("Not", {g.build.node("Equal", {g.history, g.build.integers({}, {0})})});
      const std::string number = g.build.node("Cast", {there}, {{"to", B::integer(1)}});
      x = g.build.node("Mul", {x, g.build.node("Unsqueeze", {number, g.build.integers({2})})});
    }
    x = g.build.node("Add", {x, g.attended(x, 2, mask, same)});
    return g.build.node("Slice", {x, g.build.integers({-1}), g.build.integers({kLength}), g.build.integers({1})});
  };
  for (const bool zeros : {false, true}) {
    CAPTURE(zeros);
    Graph g;
    g.score(two(g, zeros));
    CHECK(proof_of(g.build) == "");
    CHECK(g.build.recognise().nodes.size() < 16);
  }
}

TEST_CASE("scaled dot: masks that a model file cannot have") {
  const auto with = [](const std::function<std::string(Graph&, const std::string&)>& mask) {
    return refusal([&](Graph& g) { return g.masked([&](const std::string& s) { return mask(g, s); }); });
  };
  CHECK_CONTAINS(with([](Graph& g, const std::string& s) { return g.filled(g.is_padding(kItems), s, -kInfinity); }),
                 "compares ids with one that is not in their table");
  CHECK_CONTAINS(with([](Graph& g, const std::string& s) {
                   const std::string weights = g.build.node("Softmax", {s}, kLast);
                   return g.build.node("Where", {g.build.node("IsNaN", {weights}), g.build.scalar(1), weights});
                 }),
                 "replaces what is no number by something else than 0");
  CHECK_CONTAINS(with([](Graph& g, const std::string& s) {
                   return g.build.node("Where", {g.build.node("IsNaN", {s}), g.build.scalar(0), s});
                 }),
                 "something else than a softmax");
}

TEST_CASE("scaled dot: a number that leaves out less than minus infinity does is proved by other nodes") {
  // Of padding alone, the mean of all elements; -10 leaves nothing out.
  for (const float number : {-1e9f, -10.0f}) {
    CAPTURE(number);
    Graph g;
    g.score(g.masked([&](const std::string& s) { return g.filled(g.is_padding(), s, number); }));
    const TrainedModel model = g.build.recognise();
    CHECK(std::none_of(model.nodes.begin(), model.nodes.end(),
                       [](const Node& node) { return node.kind == NodeKind::kScaledDot; }));
    CHECK(proof_of(g.build) == "");
  }
}

TEST_CASE("scaled dot: an item attends to a sequence, which is proved where it is not one either") {
  const auto attends = [](Graph& g, bool other_scales) {
    const std::string one =
        g.build.node("Unsqueeze", {g.build.node("Gather", {g.table, g.item}), g.build.integers({1})});
    std::string s = g.build.node("MatMul", {g.linear(one), g.transposed(g.linear(g.keys), {0, 2, 1})});
    if (other_scales) s = g.build.node("Mul", {s, g.build.weights({kLength})});
    return g.build.node("MatMul", {g.build.node("Softmax", {s}, kLast), g.keys});
  };
  for (const bool other_scales : {false, true}) {
    Graph g;
    g.score(attends(g, other_scales));
    CHECK(proof_of(g.build) == "");
    CHECK(count(g.build.recognise(), NodeKind::kScaledDot) == (other_scales ? 0 : 1));
  }
}

TEST_CASE("scaled dot: heads within the batch, and the batch within the elements, as torch's own attention has them") {
  const auto mixed = [](bool wrong) {
    Graph g;
    B& b = g.build;
    const std::string first = g.transposed(g.keys, {1, 0, 2});  // [length, batch, width]
    const std::string batch = b.node("Gather", {b.node("Shape", {g.history}), b.integers({0})});
    const auto joined = [&](const std::vector<std::string>& sizes) {
      return b.node("Concat", sizes, {{"axis", B::integer(0)}});
    };
    const auto heads = [&](const std::string& x) {  // [batch * 2, length, width / 2]
      const std::string twice = b.node("Mul", {batch, b.integers({2})});
      const std::string parts =
          b.node("Reshape", {g.linear(x), joined({b.integers({kLength}), twice, b.integers({kWidth / 2})})});
      return g.transposed(parts, {1, 0, 2});
    };
    const std::string s = b.node("MatMul", {heads(first), g.transposed(heads(first), {0, 2, 1})});
    const std::string out = g.transposed(b.node("MatMul", {b.node("Softmax", {s}, kLast), heads(first)}), {1, 0, 2});
    const std::string rows = b.node("Mul", {batch, b.integers({kLength})});
    const std::string behind = g.linear(b.node("Reshape", {out, joined({rows, b.integers({kWidth})})}));
    const std::string back =
        wrong ? b.node("Reshape", {behind, joined({batch, b.integers({kLength, kWidth})})})
              : g.transposed(b.node("Reshape", {behind, joined({b.integers({kLength}), batch, b.integers({kWidth})})}),
                             {1, 0, 2});
    g.score(back);
    return g.build;
  };
  CHECK(proof_of(mixed(false)) == "");
  CHECK(count(mixed(false).recognise(), NodeKind::kScaledDot) == 1);
  CHECK_CONTAINS(mixed(true).error(), "across the batch");
}

}  // namespace mmoe::converter::testing
