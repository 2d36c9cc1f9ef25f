// Layer norms as one node and written out, and what only looks like one.
#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

OnnxAttribute list(std::vector<int64_t> values) {
  OnnxAttribute attribute;
  attribute.integers = std::move(values);
  return attribute;
}

std::string mean(GraphBuilder& build, const std::string& of, int64_t axis = -1) {
  return build.node("ReduceMean", {of}, {{"axes", list({axis})}});
}

struct Variant {
  bool variance_of_others = false;  // of another vector
  bool mean_of_others = false;
  bool epsilon_outside = false;  // added to the deviation
  float share = 1;               // the mean square is multiplied by it
};

/// (x - mean) / sqrt(variance + 0.5), as torch's exporter writes it.
std::string written(GraphBuilder& build, const std::string& x, const std::string& other, const Variant& variant = {}) {
  const std::string centred = build.node("Sub", {x, mean(build, variant.mean_of_others ? other : x)});
  const std::string of = variant.variance_of_others ? build.node("Sub", {other, mean(build, other)}) : centred;
  std::string variance = mean(build, build.node("Pow", {of, build.scalar(2)}));
  if (variant.share != 1) variance = build.node("Mul", {variance, build.scalar(variant.share)});
  if (!variant.epsilon_outside) variance = build.node("Add", {variance, build.scalar(0.5f)});
  std::string deviation = build.node("Sqrt", {variance});
  if (variant.epsilon_outside) deviation = build.node("Add", {deviation, build.scalar(0.5f)});
  return build.node("Div", {centred, deviation});
}

struct Normalised {
  GraphBuilder build;
  std::string x = build.input("x", {0, 3});
  std::string layer = build.linear(x, 3, 3), other = build.linear(x, 3, 3, 2);

  DenseLayer finish(const std::string& result) {
    build.task(build.node("Relu", {result}), 3);
    return build.recognise().levels.at(0).experts.at(0).layers.at(0);
  }
  bool refuses(const std::string& result) {
    build.task(build.node("Relu", {result}), 3);
    return !build.error().empty();
  }
};

}  // namespace

TEST_CASE("recognise: layer norm as one node") {
  Normalised norm;
  const DenseLayer layer = norm.finish(norm.build.node(
      "LayerNormalization", {norm.layer, norm.build.values({1, 2, 3}, {3}), norm.build.values({4, 5, 6}, {3})},
      {{"axis", GraphBuilder::integer(-1)}, {"epsilon", GraphBuilder::real(0.25f)}}));
  REQUIRE(layer.layer_norm_before_activation);
  CHECK(layer.layer_norm_before_activation->gamma == std::vector<float>{1, 2, 3});
  CHECK(layer.layer_norm_before_activation->beta == std::vector<float>{4, 5, 6});
  CHECK(layer.layer_norm_before_activation->epsilon == 0.25);
  CHECK(layer.activation.kind == ActivationKind::kRelu);
}

TEST_CASE("recognise: layer norm written out, with scale and shift") {
  Normalised norm;
  const std::string scaled =
      norm.build.node("Mul", {written(norm.build, norm.layer, norm.other), norm.build.values({1, 2, 3}, {3})});
  const DenseLayer layer = norm.finish(norm.build.node("Add", {scaled, norm.build.values({4, 5, 6}, {3})}));
  REQUIRE(layer.layer_norm_before_activation);
  CHECK(layer.layer_norm_before_activation->gamma == std::vector<float>{1, 2, 3});
  CHECK(layer.layer_norm_before_activation->beta == std::vector<float>{4, 5, 6});
  CHECK(layer.layer_norm_before_activation->epsilon == 0.5);
}

TEST_CASE("recognise: layer norm behind the activation") {
  Normalised norm;
  const std::string relu = norm.build.node("Relu", {norm.layer});
  norm.build.task(written(norm.build, relu, norm.other), 3);
  const DenseLayer layer = norm.build.recognise().levels.at(0).experts.at(0).layers.at(0);
  CHECK(layer.layer_norm_after_activation);
  CHECK_FALSE(layer.layer_norm_before_activation);
}

TEST_CASE("recognise: layer norm of x has a layer of its own") {
  Normalised norm;
  const std::string x = written(norm.build, norm.x, norm.other);
  norm.build.task(norm.build.expert(x, 3, 2), 2);
  const Mlp layers = norm.build.recognise().levels.at(0).experts.at(0).layers;
  REQUIRE(layers.size() == 2);
  CHECK(layers[0].layer_norm_before_activation);
  CHECK(layers[0].weight.data == std::vector<float>{1, 0, 0, 0, 1, 0, 0, 0, 1});
}

TEST_CASE("recognise: what looks like a layer norm is what it computes, or refused") {
  for (const Variant& variant : {Variant{true, false, false, 1}, Variant{false, true, false, 1},
                                 Variant{false, false, true, 1}, Variant{false, false, false, 1.5f}}) {
    Normalised norm;
    if (!norm.refuses(written(norm.build, norm.layer, norm.other, variant))) CHECK(proof_of(norm.build) == "");
  }
  Normalised part;  // the next layer reads two of its three numbers
  const std::string whole = written(part.build, part.layer, part.other);
  const std::string two =
      part.build.node("Slice", {whole, part.build.integers({0}), part.build.integers({2}), part.build.integers({1})});
  part.build.task(part.build.node("Relu", {two}), 2);
  const Mlp layers = part.build.recognise().levels.at(0).experts.at(0).layers;
  REQUIRE(layers.size() == 2);  // the second takes two
  CHECK(layers[1].weight.data == std::vector<float>{1, 0, 0, 0, 1, 0});
  Normalised batch;
  CHECK_CONTAINS(([&] {
                   batch.build.task(batch.build.node("LayerNormalization", {batch.layer, batch.build.scalar(1)},
                                                     {{"axis", GraphBuilder::integer(0)}}),
                                    3);
                   return batch.build.error();
                 }()),
                 "normalises over the batch");
}

TEST_CASE("recognise: division by the root of the mean square") {
  for (const bool by_sum : {false, true}) {
    CAPTURE(by_sum);
    GraphBuilder build;
    const std::string x = build.input("x", {0, 4});
    const std::string squares = build.node("Mul", {x, x});
    std::string mean = by_sum ? build.node("ReduceSum", {squares, build.integers({1})})
                              : build.node("ReduceMean", {squares}, {{"axes", GraphBuilder::list({1})}});
    if (by_sum) mean = build.node("Div", {mean, build.scalar(4)});
    const std::string root = build.node("Sqrt", {build.node("Add", {mean, build.scalar(1e-2f)})});
    const std::string scale = build.node("Mul", {build.node("Reciprocal", {root}), build.weights({4})});
    build.model_of(build.node("Mul", {x, scale}), 4);
    CHECK(build.error() == "");
    CHECK(proof_of(build) == "");
  }
  GraphBuilder one(23);  // one node
  one.model_of(one.node("RMSNormalization", {one.input("x", {0, 4}), one.weights({4})}), 4);
  CHECK(proof_of(one) == "");
}

namespace {

// [x, cosine of its halves], whose product of lengths is kept above `least`.
GraphBuilder cosine_of_halves(float least) {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 8});
  const std::vector<std::string> halves =
      build.split_node("Split", {x, build.integers({4, 4})}, 2, {{"axis", GraphBuilder::integer(1)}});
  const auto dot = [&](const std::string& a, const std::string& b) {
    return build.node("ReduceSum", {build.node("Mul", {a, b}), build.integers({1})});
  };
  const std::string both = build.node("Mul", {dot(halves[0], halves[0]), dot(halves[1], halves[1])});
  const std::string length = build.node("Max", {build.node("Sqrt", {both}), build.scalar(least)});
  const std::string cosine = build.node("Div", {dot(halves[0], halves[1]), length});
  build.model_of(build.node("Concat", {x, cosine}, {{"axis", GraphBuilder::integer(1)}}), 9);
  return build;
}

}  // namespace

TEST_CASE("recognise: a cosine whose dot product is divided by both lengths") {
  CHECK(proof_of(cosine_of_halves(1e-8f)) == "");
  // Halves of the length 1e-4 would have another.
  CHECK(cosine_of_halves(1e-6f).error() != "");
}

TEST_CASE("recognise: a layer norm as x w + (b - mean w), with w scaled deviations") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 4});
  const std::map<std::string, OnnxAttribute> axis = {{"axes", GraphBuilder::list({1})}};
  const std::string mean = build.node("ReduceMean", {x}, axis);
  // The variance has a mean of its own, as a sum that is divided.
  const std::string other = build.node("Div", {build.node("ReduceSum", {x, build.integers({1})}), build.scalar(4)});
  const std::string squares = build.node("ReduceSumSquare", {build.node("Sub", {x, other})}, axis);
  const std::string variance = build.node("Div", {squares, build.scalar(4)});
  const std::string root = build.node("Sqrt", {build.node("Add", {variance, build.scalar(1e-3f)})});
  const std::string weight = build.node("Mul", {build.node("Div", {build.scalar(1), root}), build.weights({4})});
  const std::string shift =
      build.node("Add", {build.node("Mul", {build.node("Neg", {mean}), weight}), build.weights({4})});
  build.model_of(build.node("Add", {build.node("Mul", {x, weight}), shift}), 4);
  CHECK(build.error() == "");
  CHECK(proof_of(build) == "");
}

}  // namespace mmoe::converter::testing
