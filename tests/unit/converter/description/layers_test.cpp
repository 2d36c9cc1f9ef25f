// Layers objects: orientations, suffixes, activations, normalisation.
#include <doctest/doctest.h>

#include "converter/reading/activations.h"
#include "converter/reading/text.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::bind_error;
using test::contains;
using test::MemoryWeights;
using test::replaced;

// A single expert with these fields, read by one tower with the weights t.weight [1, width].
std::string description(const std::string& layers) {
  return R"({"mmoe_description": 1, "levels": [{"experts": {)" + layers + R"(}, "gates": {"constant": [1]}}],
    "towers": {"layers": "t"}, "tasks": [{"name": "x", "link": "identity"}]})";
}

Mlp bound(const std::string& layers, const WeightSource& weights) {
  return bind_description_text(description(layers), weights, "m", nullptr, UnusedTensors::kReport)
      .levels[0]
      .experts[0]
      .layers;
}

TEST_CASE("in_out weights are turned, also with Keras' names") {
  MemoryWeights weights;
  weights.add("e/kernel0:0", {3, 2}, {1, 2, 3, 4, 5, 6}).add("e/bias0:0", {2}).add("t.weight", {1, 2});
  const Mlp mlp = bound(R"("layers": "e", "weight": "/kernel{layer}:0", "bias": "/bias{layer}:0",
                           "orientation": "in_out", "activation": "linear")",
                        weights);
  CHECK(mlp[0].weight.rows == 2);
  CHECK(mlp[0].weight.data == std::vector<float>{1, 3, 5, 2, 4, 6});
  CHECK(mlp[0].bias == weights.data("e/bias0:0"));
}

TEST_CASE("a matrix the wrong way round is recognised") {
  MemoryWeights weights;
  weights.add("a.weight", {4, 6}).add("b.weight", {4, 5}).add("t.weight", {1, 5});
  CHECK(bind_error(description(R"("layers": ["a", "b"], "activation": "relu")"), weights) ==
        "b.weight: [4, 5], expected [4, 4] (4 outputs, 4 inputs); it would fit with \"orientation\": \"in_out\"");
}

TEST_CASE("activations: one, a list, the last") {
  MemoryWeights weights;
  weights.linear("e.0", 4, 3).linear("e.1", 4, 4).linear("e.2", 4, 4).linear("out", 2, 4).add("t.weight", {1, 2});
  const std::string layers = R"("layers": "e.{layer}", "output": "out")";
  const auto kinds = [&](const std::string& fields) {
    std::vector<ActivationKind> result;
    for (const DenseLayer& layer : bound(layers + fields, weights)) result.push_back(layer.activation.kind);
    return result;
  };
  using K = ActivationKind;
  CHECK(kinds(R"(, "activation": "relu")") == std::vector<K>{K::kRelu, K::kRelu, K::kRelu, K::kIdentity});
  CHECK(kinds(R"(, "activation": "relu", "last_activation": "tanh")") ==
        std::vector<K>{K::kRelu, K::kRelu, K::kRelu, K::kTanh});
  CHECK(kinds(R"(, "activation": ["relu", "selu", "linear"])") ==
        std::vector<K>{K::kRelu, K::kSelu, K::kIdentity, K::kIdentity});
  const Mlp leaky = bound(layers + R"(, "activation": {"kind": "leaky_relu", "alpha": 0.25})", weights);
  CHECK(leaky[0].activation.alpha == 0.25f);
  CHECK(bound(layers + R"(, "activation": "elu")", weights)[0].activation.alpha == 1);

  const auto error = [&](const std::string& fields) { return bind_error(description(layers + fields), weights); };
  CHECK(error("") == "levels[0].experts.activation: missing: say which activation follows each layer (" +
                         join(activation_names()) + "): it is not in the weights");
  CHECK(error(R"(, "activation": ["relu"])") ==
        "levels[0].experts.activation: found a list of 1, expected 3, one per layer of `layers`");
  CHECK(contains(error(R"(, "activation": "maxout")"),
                 "levels[0].experts.activation: found \"maxout\", expected one of"));
  CHECK(contains(error(R"(, "activation": "leaky_relu")"), "leaky_relu needs its slope"));
  CHECK(contains(error(R"(, "activation": {"kind": "relu", "alpha": 1})"),
                 "experts.activation.alpha: relu has no `alpha`"));
  CHECK(contains(error(R"(, "activation": "prelu")"), "levels[0].experts.slopes: missing"));
  CHECK(contains(error(R"(, "activation": "relu", "slopes": "out")"), "no meaning without the activation prelu"));
}

// Linear 0, norm 1, prelu 2, linear 4, prelu 5, linear 6, norm 7: norms belong to the first and the third layer.
MemoryWeights sequential() {
  MemoryWeights weights;
  weights.linear("m.0", 4, 3).norm("m.1", 4).add("m.2.weight", {1}, {0.25f});
  weights.linear("m.4", 5, 4).add("m.5.weight", {5}, {1, 2, 3, 4, 5}).linear("m.6", 6, 5).norm("m.7", 6);
  return weights.add("t.weight", {1, 6});
}
const char* const kSequential =
    R"("layers": "m.{layer}", "activation": ["prelu", "prelu", "relu"], "slopes": "m.{layer}", "batch_norm": "m.{layer}")";

TEST_CASE("nn.Sequential: a norm belongs to the layer it follows, slopes to the prelu layers in order") {
  MemoryWeights weights = sequential();
  const Mlp mlp = bound(kSequential, weights);
  REQUIRE(mlp.size() == 3);
  REQUIRE(mlp[0].norm_before_activation);
  CHECK_FALSE(mlp[1].norm_before_activation);
  REQUIRE(mlp[2].norm_before_activation);
  CHECK(mlp[2].norm_before_activation->mean == weights.data("m.7.running_mean"));
  CHECK(mlp[2].norm_before_activation->gamma == weights.data("m.7.weight"));
  CHECK(mlp[2].norm_before_activation->epsilon == 1e-5);
  CHECK(mlp[0].activation.slopes == std::vector<float>(4, 0.25f));
  CHECK(mlp[1].activation.slopes == std::vector<float>{1, 2, 3, 4, 5});
}

TEST_CASE("a norm that the description forgets is an error, not left out") {
  const std::string forgotten = replaced(kSequential, R"(, "batch_norm": "m.{layer}")", "");
  CHECK(bind_error(description(forgotten), sequential()) ==
        "m.1.weight: [4] lies among the layers of levels[0].experts.layers, but is neither a layer's weight (two "
        "dimensions) nor named by `input_batch_norm`, `batch_norm`, `layer_norm`, `slopes` or `dice`");
}

TEST_CASE("numbered apart, the k-th norm belongs to the k-th layer") {
  MemoryWeights weights;
  weights.linear("l.0", 4, 3).linear("l.1", 5, 4).norm("bn.0", 4).norm("bn.1", 5).add("t.weight", {1, 5});
  const std::string fields =
      R"("layers": "l.{layer}", "activation": "relu", "batch_norm": "bn.{layer}", "batch_norm_position": "after_activation")";
  const Mlp mlp = bound(fields, weights);
  CHECK_FALSE(mlp[1].norm_before_activation);
  REQUIRE(mlp[1].norm_after_activation);
  CHECK(mlp[1].norm_after_activation->beta == weights.data("bn.1.bias"));

  SUBCASE("one too many") {
    weights.norm("bn.2", 5);
    CHECK(bind_error(description(fields), weights) ==
          "levels[0].experts.batch_norm: bn.2 is the 3. normalisation, but there are only 2 layers");
  }
  SUBCASE("of another width") {
    weights.remove("bn.1.running_mean").add("bn.1.running_mean", {4});
    CHECK(contains(bind_error(description(fields), weights), "bn.1.running_mean: [4], expected [5]"));
  }
  SUBCASE("a part of it missing") {
    weights.remove("bn.1.running_var");
    CHECK(contains(bind_error(description(fields), weights), "no tensor is named bn.1.running_var; nearest: bn."));
  }
  SUBCASE("without gamma and beta") {
    weights.remove("bn.1.weight").remove("bn.1.bias");
    CHECK(bound(fields, weights)[1].norm_after_activation->gamma == std::vector<float>(5, 1.0f));
  }
  SUBCASE("a negative variance") {
    weights.data("bn.0.running_var")[2] = -1;
    CHECK(contains(bind_error(description(fields), weights), "bn.0.running_var: element [2] is -1"));
  }
}

TEST_CASE("prelu slopes: too few, shared by all layers, of a wrong width") {
  MemoryWeights weights;
  weights.linear("l.0", 4, 3)
      .linear("l.1", 4, 4)
      .add("p.0.weight", {1})
      .add("one.weight", {1})
      .add("bad.0.weight", {3});
  weights.add("bad.1.weight", {3}).add("t.weight", {1, 4});
  const std::string fields = R"("layers": "l.{layer}", "activation": "prelu", "slopes": )";
  CHECK(bind_error(description(fields + R"("p.{layer}")"), weights) ==
        "levels[0].experts.slopes: p.{layer}.weight: found slopes for 1 layer, expected 2, one per layer with that "
        "activation");
  CHECK(bound(fields + R"("one")", weights)[1].activation.slopes ==
        std::vector<float>(4, weights.data("one.weight")[0]));
  CHECK(bind_error(description(fields + R"("bad.{layer}")"), weights) ==
        "bad.0.weight: [3], expected [4] (one slope, or one per output)");
}

TEST_CASE("biases: none, separate, two, of a wrong size") {
  MemoryWeights weights;
  weights.add("e.0.weight", {2, 3}).add("out.bias", {2}).add("t.weight", {1, 2});
  const std::string fields = R"("layers": "e.{layer}", "activation": "relu")";
  CHECK(bound(fields, weights)[0].bias.empty());
  CHECK(bound(fields + R"(, "output_bias": "out.bias")", weights)[0].bias == weights.data("out.bias"));
  CHECK(contains(bind_error(description(fields + R"(, "output_bias": "nout.bias")"), weights),
                 "levels[0].experts.output_bias: no tensor is named nout.bias; nearest: out.bias"));
  weights.add("e.0.bias", {3});
  CHECK(bind_error(description(fields), weights) == "e.0.bias: [3], expected [2] (one per output of e.0.weight)");
  weights.remove("e.0.bias").add("e.0.bias", {2});
  CHECK(contains(bind_error(description(fields + R"(, "output_bias": "out.bias")"), weights), "a second bias"));
}

TEST_CASE("misplaced placeholders") {
  MemoryWeights weights;
  weights.linear("e.0", 2, 3).linear("out.0", 2, 2).add("t.weight", {1, 2});
  const auto error = [&](const std::string& fields) { return bind_error(description(fields), weights); };
  CHECK(contains(error(R"("layers": ["e.{layer}"], "activation": "relu")"), "without {layer}"));
  CHECK(contains(error(R"("layers": "e.0", "output": "out.{layer}", "activation": "relu")"),
                 "is one layer, without {layer}"));
  CHECK(contains(error(R"("layers": "e.0", "output": "out.{expert}", "activation": "relu")"),
                 "{expert} has no meaning outside a pool of several experts"));
  CHECK(contains(error(R"("layers": [], "activation": "relu")"), "levels[0].experts.layers: found a list of 0"));
}

TEST_CASE("limits of the format") {
  MemoryWeights weights;
  for (int i = 0; i < 33; ++i) weights.add("e." + std::to_string(i) + ".weight", {2, 2});
  weights.add("t.weight", {1, 2});
  CHECK(bind_error(description(R"("layers": "e.{layer}", "activation": "relu")"), weights) ==
        "levels[0].experts: 33 layers, expected at most 32");
  MemoryWeights wide;
  wide.add("e.0.weight", {1, (1 << 20) + 1}).add("t.weight", {1, 1});
  CHECK(contains(bind_error(description(R"("layers": "e.{layer}", "activation": "relu")"), wide),
                 "e.0.weight: [1, 1048577], expected dimensions of 1 to 1048576"));
  MemoryWeights many;
  for (int i = 0; i < 257; ++i) many.add("e." + std::to_string(i) + ".weight", {1, 1});
  many.add("t.weight", {1, 1});
  CHECK(bind_error(description(R"("layers": "e.{expert}", "activation": "relu")"), many) ==
        "levels[0].experts: more than 256 experts in one level");
  MemoryWeights none;
  none.add("e.0.weight", {0, 4}, {}).add("t.weight", {1, 1});
  CHECK(
      contains(bind_error(description(R"("layers": "e.{layer}", "activation": "relu")"), none), "e.0.weight: [0, 4]"));
}

TEST_CASE("layer norms: numbered with the layers, apart, without tensors") {
  MemoryWeights weights;
  weights.linear("m.0", 4, 3).add("m.1.weight", {4}).add("m.1.bias", {4}).linear("m.3", 5, 4).add("m.4.weight", {1});
  weights.add("n.0.g", {4}).add("n.1.g", {5}).add("n.0.b", {4}).add("n.1.b", {5}).add("t.weight", {1, 5});
  const std::string layers = R"("layers": "m.{layer}", "activation": ["relu", "prelu"], "slopes": "m.{layer}")";
  const Mlp together = bound(layers + R"(, "layer_norm": "m.{layer}", "layer_norm_epsilon": 0.01)", weights);
  REQUIRE(together[0].layer_norm_before_activation);
  CHECK(together[0].layer_norm_before_activation->gamma == weights.data("m.1.weight"));
  CHECK(together[0].layer_norm_before_activation->epsilon == 0.01);
  CHECK_FALSE(together[1].layer_norm_before_activation);
  CHECK(together[1].activation.slopes.front() == weights.data("m.4.weight")[0]);
  weights.remove("m.1.weight").remove("m.1.bias");
  const Mlp apart = bound(layers + R"(, "layer_norm": "n.{layer}", "layer_norm_position": "after_activation",
      "layer_norm_tensors": {"gamma": ".g", "beta": ".b"})",
                          weights);
  CHECK(apart[1].layer_norm_after_activation->beta == weights.data("n.1.b"));
  const Mlp plain = bound(layers + R"(, "layer_norm": true)", weights);
  CHECK(plain[1].layer_norm_before_activation->gamma == std::vector<float>(5, 1.0f));
  const auto error = [&](const std::string& more) { return bind_error(description(layers + more), weights); };
  CHECK(contains(error(R"(, "layer_norm_epsilon": 0.1)"), "has no meaning without `layer_norm`"));
  CHECK(contains(error(R"(, "layer_norm": "t")"), "t has no layer norms"));
}

TEST_CASE("dice: over the batch's statistics or the row's") {
  MemoryWeights weights;
  weights.linear("m.0", 4, 3).linear("m.1", 4, 4).add("a.0.alpha", {4}).add("a.1.alpha", {1}).norm("a.0.bn", 4);
  weights.add("t.weight", {1, 4});
  const std::string layers = R"("layers": "m.{layer}", "activation": "dice")";
  const Mlp row = bound(layers + R"(, "dice": {"alpha": "a.{layer}.alpha"})", weights);
  CHECK(row[1].activation.slopes == std::vector<float>(4, weights.data("a.1.alpha")[0]));
  CHECK_FALSE(row[0].activation.dice_norm);
  CHECK(row[0].activation.dice_epsilon == 1e-3);
  const auto error = [&](const std::string& more) { return bind_error(description(layers + more), weights); };
  CHECK(contains(error(R"(, "dice": {"alpha": "a.{layer}.alpha", "batch_norm": "a.{layer}.bn"})"),
                 "dice.batch_norm: found 1 normalisation, expected 2"));
  weights.norm("a.1.bn", 4);
  const Mlp batch = bound(layers + R"(, "dice": {"alpha": "a.{layer}.alpha", "batch_norm": "a.{layer}.bn"})", weights);
  CHECK(batch[1].activation.dice_norm->mean == weights.data("a.1.bn.running_mean"));
  CHECK(batch[1].activation.dice_norm->epsilon == 1e-8);
  CHECK(contains(error(""), "dice: missing: dice needs at least the pattern of its `alpha`"));
  CHECK(contains(
      bind_error(description(R"("layers": "m.{layer}", "activation": "relu", "dice": {"alpha": "a.{layer}.alpha"})"),
                 weights),
      "has no meaning without the activation dice"));
}

// A network that begins with a norm, the first module of an nn.Sequential.
MemoryWeights norm_first() {
  MemoryWeights weights;
  weights.norm("e.0", 3).linear("e.1", 4, 3).linear("e.3", 2, 4).norm("e.4", 2).norm("bn", 3).add("t.weight", {1, 2});
  return weights;
}

TEST_CASE("a norm of the inputs: by its name, or the first module of an nn.Sequential") {
  MemoryWeights weights = norm_first();
  const std::string layers = R"("layers": "e.{layer}", "activation": "relu", "batch_norm": "e.{layer}")";
  for (const char* named : {"", R"(, "input_batch_norm": "e.0", "input_batch_norm_epsilon": 0.5)"}) {
    const Mlp mlp = bound(layers + named, weights);
    REQUIRE(mlp[0].norm_of_inputs);
    CHECK(mlp[0].norm_of_inputs->epsilon == (*named == 0 ? 1e-5 : 0.5));
    CHECK(mlp[0].norm_of_inputs->gamma == weights.data("e.0.weight"));
    CHECK_FALSE(mlp[0].norm_before_activation);
    CHECK(mlp[1].norm_before_activation);
  }
}

TEST_CASE("a norm of the inputs that does not fit") {
  const MemoryWeights weights = norm_first();
  const auto error = [&](const std::string& fields) {
    return bind_error(description(R"("layers": ["e.1", "e.3"], "activation": "relu")" + fields), weights);
  };
  CHECK(error(R"(, "input_batch_norm": "e.4")") ==
        "e.4.running_mean: [2], expected [3] (one per number it normalises)");
  CHECK(contains(error(R"(, "input_batch_norm": "e.{layer}")"), "is one norm, without {layer}"));
  CHECK(contains(error(R"(, "input_batch_norm_epsilon": 1)"), "has no meaning without `input_batch_norm`"));
  CHECK(contains(bind_error(description(R"("layers": "e.{layer}", "activation": "relu", "batch_norm": "e.{layer}",
                                           "input_batch_norm": "bn")"),
                            weights),
                 "batch_norm: e.0 is the second before e.1.weight"));
}

}  // namespace
}  // namespace mmoe::converter
