// Functions of the graph's inputs that features compute: logarithms, roots, signs, what stands for no number.
#include <cmath>

#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

using B = GraphBuilder;

struct Numbers {
  B build;
  std::string x = build.input("x", {0, 3});

  std::string log1p(const std::string& of) { return build.node("Log", {build.node("Add", {build.scalar(1), of})}); }
  std::string kept(const std::string& of, float lower, float upper) {
    return build.node("Clip", {of, build.scalar(lower), build.scalar(upper)});
  }
  Scaling scaling(const std::string& vector) {
    build.model_of(vector, 3);
    CHECK(build.error() == "");
    CHECK(proof_of(build) == "");
    const TrainedModel model = build.recognise();
    REQUIRE(model.features.size() == 3);
    CHECK(model.features[1].name == "x.1");
    return std::get<DenseFeature>(model.features[1].kind).scaling;
  }
  std::string error(const std::string& vector) {
    build.model_of(vector, 3);
    return build.error();
  }
};

}  // namespace

TEST_CASE("input numbers: logarithms and roots become a feature's") {
  Numbers plain;
  CHECK(plain.scaling(plain.log1p(plain.x)).function == NumberFunction::kLog1p);
  Numbers log;
  CHECK(log.scaling(log.build.node("Log", {log.x})).function == NumberFunction::kLog);
  Numbers root;
  CHECK(root.scaling(root.build.node("Sqrt", {root.build.node("Relu", {root.x})})).lower == 0);
  Numbers clipped;
  const Scaling scaling = clipped.scaling(clipped.log1p(clipped.kept(clipped.x, 0, 40)));
  CHECK(scaling.function == NumberFunction::kLog1p);
  CHECK(scaling.lower == 0);
  CHECK(scaling.upper == 40);
  Numbers decimal;  // log10, behind a scale
  const std::string logarithm =
      decimal.build.node("Div", {decimal.build.node("Log", {decimal.x}), decimal.build.scalar(std::log(10.0f))});
  CHECK(decimal.scaling(logarithm).function == NumberFunction::kLog);
}

TEST_CASE("input numbers: signs") {
  Numbers both;  // sign(x) log(1 + |x|)
  const std::string logarithm = both.log1p(both.build.node("Abs", {both.x}));
  CHECK(both.scaling(both.build.node("Mul", {both.build.node("Sign", {both.x}), logarithm})).function ==
        NumberFunction::kSignedLog1p);
  Numbers alone;
  CHECK(alone.scaling(alone.build.node("Sign", {alone.x})).function == NumberFunction::kPoints);
}

TEST_CASE("input numbers: some columns, beside the same columns as they are") {
  B build;
  const std::string x = build.input("x", {0, 3});
  const std::string first = build.node("Slice", {x, build.integers({0}), build.integers({2}), build.integers({1})});
  const std::string logarithm = build.node("Log", {build.node("Add", {build.node("Relu", {first}), build.scalar(1)})});
  build.model_of(build.node("Concat", {logarithm, x}, {{"axis", B::integer(1)}}), 5);
  CHECK(proof_of(build) == "");
  const TrainedModel model = build.recognise();
  REQUIRE(model.features.size() == 5);
  CHECK(model.features[0].name == "x.0");
  CHECK(model.features[1].name == "x.0@2");
  CHECK(model.features[1].source == "x.0");
  CHECK(model.features[4].name == "x.2");
}

TEST_CASE("input numbers: what stands for no number") {
  Numbers zero;
  const std::string filled =
      zero.build.node("Where", {zero.build.node("IsNaN", {zero.x}), zero.build.scalar(0.5f), zero.x});
  CHECK(zero.scaling(filled).missing == 0.5f);
  Numbers means;  // another one for each column, and no infinity
  B& build = means.build;
  const std::string known =
      build.node("Where", {build.node("IsNaN", {means.x}), build.values({1, 2, 3}, {3}), means.x});
  const std::string endless = build.node("IsInf", {known});
  const std::string above = build.node("And", {endless, build.node("Greater", {known, build.scalar(0)})});
  const std::string finite = build.node("Where", {above, build.scalar(10), known});
  CHECK(means.scaling(finite).missing == 2);
}

TEST_CASE("input numbers: what no feature computes is refused") {
  Numbers shifted;
  CHECK_CONTAINS(
      shifted.error(shifted.build.node("Log", {shifted.build.node("Add", {shifted.x, shifted.build.scalar(0.5f)})})),
      "is no part of an activation");
  Numbers scaled;  // log(1 + 2 x)
  CHECK_CONTAINS(scaled.error(scaled.log1p(scaled.build.node("Mul", {scaled.x, scaled.build.scalar(2)}))),
                 "is no part of an activation");
  Numbers computed;
  const std::string layer = computed.build.node("MatMul", {computed.x, computed.build.weights({3, 3})});
  CHECK_CONTAINS(computed.error(computed.build.node("Log", {layer})), "is no part of an activation");
  Numbers sign;  // sign(x) log(2 + |x|)
  const std::string other =
      sign.build.node("Log", {sign.build.node("Add", {sign.build.node("Abs", {sign.x}), sign.build.scalar(2)})});
  CHECK_CONTAINS(sign.error(sign.build.node("Mul", {sign.build.node("Sign", {sign.x}), other})), "not recognised");
  // Infinity would be the bound in the file, and 0 in the graph.
  Numbers endless;
  const std::string replaced =
      endless.build.node("Where", {endless.build.node("IsInf", {endless.x}), endless.build.scalar(0), endless.x});
  CHECK_CONTAINS(endless.error(endless.log1p(endless.kept(replaced, 0, 10))), "is no part of an activation");
  Numbers layers;
  const std::string result = layers.build.node("MatMul", {layers.x, layers.build.weights({3, 3})});
  CHECK_CONTAINS(
      layers.error(layers.build.node("Where", {layers.build.node("IsNaN", {result}), layers.build.scalar(0), result})),
      "behind something else than a softmax or an input");
}

TEST_CASE("input numbers: a polynomial of a number that is kept within bounds, as DSelect-k's smooth step") {
  const auto smooth = [](B& build, const std::string& t, float behind) {
    const std::string cube = build.node("Mul", {build.node("Pow", {t, build.scalar(3)}), build.scalar(-2)});
    const std::string between =
        build.node("Add", {build.node("Add", {cube, build.node("Mul", {t, build.scalar(1.5f)})}), build.scalar(0.5f)});
    const std::string upper =
        build.node("Where", {build.node("GreaterOrEqual", {t, build.scalar(0.5f)}), build.scalar(behind), between});
    return build.node("Where", {build.node("LessOrEqual", {t, build.scalar(-0.5f)}), build.scalar(0), upper});
  };
  Numbers step;
  step.build.model_of(smooth(step.build, step.build.node("MatMul", {step.x, step.build.weights({3, 3})}), 1), 3);
  CHECK(step.build.error() == "");
  CHECK(proof_of(step.build) == "");
  Numbers jump;  // to 0.9 at the end
  CHECK_CONTAINS(jump.error(smooth(jump.build, jump.build.node("MatMul", {jump.x, jump.build.weights({3, 3})}), 0.9f)),
                 "is no part of an activation");
}

}  // namespace mmoe::converter::testing
