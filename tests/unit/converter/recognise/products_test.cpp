// Products and joined vectors in the place of layers and gates of the usual kind. What is recognised is proved against
// the graph.
#include <functional>

#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

using B = GraphBuilder;

const std::map<std::string, OnnxAttribute> kAxis1 = {{"axis", B::integer(1)}};

/// x [batch, 4]; three experts of width 3 and logits of a gate over them.
struct Parts {
  B build;
  std::string x = build.input("x", {0, 4});
  std::string stacked = build.stack({expert(), expert(), expert()});
  std::string logits = layer(x, 4, 3);

  std::string layer(const std::string& from, uint64_t inputs, uint64_t outputs) {
    return build.node("Gemm", {from, build.weights({inputs, outputs}), build.weights({outputs})});
  }
  std::string expert() { return build.node("Relu", {layer(x, 4, 3)}); }
  std::string tower(const std::string& from, uint64_t width) {
    return build.node("Sigmoid", {layer(build.node("Tanh", {layer(from, width, 3)}), 3, 1)});
  }
  /// Two tasks, whose towers read what `mixed` makes of the experts.
  std::string proof(const std::function<std::string(Parts&)>& mixed, uint64_t width = 3) {
    for (int task = 0; task < 2; ++task) build.output(tower(mixed(*this), width));
    return proof_of(build);
  }
  std::string softmax() { return build.softmax(logits); }
  std::string column(const std::string& of, int64_t first) {
    return build.node("Slice", {of, build.integers({first}), build.integers({first + 1}), build.integers({1})});
  }
};

Level first_level(const std::function<std::string(Parts&)>& mixed) {
  Parts parts;
  parts.build.output(parts.tower(mixed(parts), 3));
  return parts.build.recognise().levels.at(0);
}

}  // namespace

TEST_CASE("products: gates of an activation in the place of the softmax") {
  const auto by = [](const char* operation) {
    return [operation](Parts& p) { return p.build.mix(p.build.node(operation, {p.logits}), p.stacked); };
  };
  const Level sigmoid = first_level(by("Sigmoid"));
  REQUIRE(sigmoid.gates.size() == 1);
  CHECK(sigmoid.gates[0].function == GateFunction::kActivation);
  CHECK(sigmoid.gates[0].logits->activation.kind == ActivationKind::kSigmoid);
  CHECK(sigmoid.experts.size() == 3);
  for (const char* operation : {"Sigmoid", "Relu", "Tanh", "Softplus", "Identity"}) {
    CAPTURE(operation);
    CHECK(Parts().proof(by(operation)) == "");
  }
  const auto scaled = [](Parts& p) {  // 2 (1 - sigmoid) + 0.5 of each
    const std::string weights = p.build.node("Sub", {p.build.scalar(2.5f), p.build.node("Sigmoid", {p.logits})});
    return p.build.mix(weights, p.stacked);
  };
  CHECK(Parts().proof(scaled) == "");
}

TEST_CASE("products: powers and products of gates, and a gate over a gate's weights") {
  CHECK(Parts().proof([](Parts& p) {
    const std::string weights = p.softmax();
    return p.build.mix(p.build.node("Mul", {weights, weights}), p.stacked);
  }) == "");
  CHECK(Parts().proof([](Parts& p) {
    const std::string other = p.build.node("Sigmoid", {p.layer(p.x, 4, 3)});
    return p.build.mix(p.build.node("Mul", {p.softmax(), other}), p.stacked);
  }) == "");
  CHECK(Parts().proof([](Parts& p) { return p.build.mix(p.build.softmax(p.softmax()), p.stacked); }) == "");
  const Level twice = first_level([](Parts& p) { return p.build.mix(p.build.softmax(p.softmax()), p.stacked); });
  REQUIRE(twice.gates.size() == 1);  // the inner softmax is a node
  CHECK(twice.gates[0].function == GateFunction::kSoftmax);
  CHECK(twice.experts.size() == 3);
}

TEST_CASE("products: a softmax as a layer's activation") {
  CHECK(Parts().proof([](Parts& p) { return p.build.softmax(p.layer(p.build.mix(p.softmax(), p.stacked), 3, 3)); }) ==
        "");
  CHECK(Parts().proof([](Parts& p) {
    const std::string experts =
        p.build.stack({p.build.softmax(p.layer(p.x, 4, 3)), p.build.softmax(p.layer(p.x, 4, 3))});
    return p.build.mix(p.build.softmax(p.layer(p.x, 4, 2)), experts);
  }) == "");
}

TEST_CASE("products: a gate along the numbers of an expert") {
  for (const char* equation : {"bd,bed->bd", "be,bed->be", "bd,bed->be"}) {
    CAPTURE(equation);
    CHECK(Parts().proof([&](Parts& p) {
      return p.build.node("Einsum", {p.softmax(), p.stacked}, {{"equation", B::text(equation)}});
    }) == "");
  }
}

TEST_CASE("products: gated linear units") {
  const auto gated = [](const std::function<std::string(Parts&, const std::string&)>& gate) {
    return Parts().proof([&](Parts& p) {
      const std::string y = p.layer(p.build.mix(p.softmax(), p.stacked), 3, 3);
      return p.build.node("Mul", {y, gate(p, y)});
    });
  };
  CHECK(gated([](Parts& p, const std::string& y) { return p.build.node("Sigmoid", {p.layer(y, 3, 3)}); }) == "");
  CHECK(gated([](Parts& p, const std::string& y) { return p.build.node("Sigmoid", {p.column(y, 0)}); }) == "");
  CHECK(gated([](Parts& p, const std::string& y) {
          return p.build.node("Sigmoid", {p.build.node("Add", {y, p.build.scalar(0.5f)})});
        }) == "");
  CHECK(gated([](Parts& p, const std::string&) { return p.layer(p.x, 4, 3); }) == "");  // bilinear
}

TEST_CASE("products: of columns of the input, beside it") {
  CHECK(Parts().proof([](Parts& p) {
    const std::string cross = p.build.node("Mul", {p.column(p.x, 0), p.column(p.x, 2)});
    const std::string both = p.build.node("Concat", {p.x, cross}, kAxis1);
    return p.build.mix(p.build.softmax(p.layer(both, 5, 3)), p.stacked);
  }) == "");
}

TEST_CASE("products: vectors joined from a mixture, another one and the input") {
  CHECK(Parts().proof(
            [](Parts& p) {
              return p.build.node("Concat", {p.build.mix(p.softmax(), p.stacked), p.x}, kAxis1);
            },
            7) == "");
  CHECK(Parts().proof(
            [](Parts& p) {
              const std::string other = p.build.mix(p.build.softmax(p.layer(p.x, 4, 3)), p.stacked);
              return p.build.node("Concat", {other, p.build.mix(p.softmax(), p.stacked), p.expert()}, kAxis1);
            },
            9) == "");
}

TEST_CASE("products: the largest of weighed experts") {
  CHECK(Parts().proof([](Parts& p) {
    const std::string weighed =
        p.build.node("Mul", {p.stacked, p.build.node("Unsqueeze", {p.softmax(), p.build.integers({2})})});
    return p.build.node("ReduceMax", {weighed}, {{"axes", B::list({1})}, {"keepdims", B::integer(0)}});
  }) == "");
}

TEST_CASE("products: L2 normalisation is a layer norm of a vector and its negative") {
  const auto unit = [](Parts& p, const std::string& y, const std::string& root) {
    const std::string length = p.build.node("ReduceL2", {root}, {{"axes", B::list({1})}, {"keepdims", B::integer(1)}});
    return p.build.node("Div", {y, p.build.node("Clip", {length, p.build.scalar(1e-12f)})});
  };
  CHECK(Parts().proof([&](Parts& p) {
    const std::string y = p.layer(p.build.mix(p.softmax(), p.stacked), 3, 3);
    return unit(p, y, y);
  }) == "");
  const auto refused = [&](float least, bool of_another) {
    Parts p;
    const std::string y = p.layer(p.build.mix(p.softmax(), p.stacked), 3, 3), z = p.layer(p.x, 4, 3);
    const std::string length = p.build.node("ReduceL2", {of_another ? z : y}, {{"axes", B::list({1})}});
    p.build.output(p.tower(p.build.node("Div", {y, p.build.node("Clip", {length, p.build.scalar(least)})}), 3));
    return p.build.error();
  };
  CHECK(refused(1e-12f, false) == "");
  CHECK_FALSE(refused(1e-2f, false).empty());  // lengths that rows have
  CHECK_FALSE(refused(1e-12f, true).empty());
}

TEST_CASE("products: what is no sum of products is refused") {
  const auto refused = [](const std::function<std::string(Parts&)>& mixed) {
    Parts p;
    p.build.output(p.tower(mixed(p), 3));
    return p.build.error();
  };
  CHECK_CONTAINS(refused([](Parts& p) {
                   return p.build.node("Div", {p.build.mix(p.softmax(), p.stacked), p.expert()});
                 }),
                 "is no part of an activation");
  CHECK_CONTAINS(refused([](Parts& p) {
                   const std::string root = p.build.node("Sqrt", {p.build.node("Relu", {p.logits})});
                   return p.build.mix(root, p.stacked);
                 }),
                 "is no part of an activation");
  CHECK(Parts().proof([](Parts& p) {
    std::string power = p.expert();
    for (int i = 0; i < 9; ++i) power = p.build.node("Mul", {power, p.expert()});
    return power;
  }) == "");
}

}  // namespace mmoe::converter::testing
