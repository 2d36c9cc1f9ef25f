// Links, activations with numbers of their own, and constant weights of gates, as the description says them. Errors
// beside each.
#include <limits>

#include <doctest/doctest.h>

#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::bind_error;
using test::contains;
using test::MemoryWeights;
using test::mmoe_description;
using test::mmoe_weights;
using test::replaced;

// Towers of 1, 3 and 1 logits, whose tasks are given.
std::string linked(const std::string& tasks) {
  return R"({"mmoe_description": 1, "towers": {"layers": "towers.{task}"}, "tasks": [)" + tasks + "]}";
}

MemoryWeights linked_weights() {
  return MemoryWeights().linear("towers.0", 1, 4).linear("towers.1", 3, 4).linear("towers.2", 1, 4);
}

TrainedModel bound(const std::string& text, const WeightSource& weights) {
  return bind_description_text(text, weights, "model", nullptr, UnusedTensors::kReport);
}

TEST_CASE("links: several of one tower, with activations, scales and bounds") {
  const TrainedModel model = bound(linked(R"(
      {"name": "logit", "link": "identity"},
      {"name": "p", "link": {"tower": "logit", "activation": "sigmoid"}},
      {"name": "rating", "link": {"tower": "p", "activation": "sigmoid", "scale": 4, "shift": 1, "clamp": [null, 4.5]}},
      {"name": "low", "link": {"softmax_column": 0}},
      {"name": "log high", "link": {"log_softmax_column": 2, "tower": "low"}},
      {"name": "stars", "link": {"expected_value": [1, 2, 3], "tower": "log high"}},
      {"name": "second", "link": {"column": 1, "tower": "low", "activation": {"kind": "clamp", "min": 0}}},
      {"name": "amount", "link": "softplus", "output": false},
      {"name": "spent", "link": {"product": ["p", "amount"], "scale": 0.01}})"),
                                   linked_weights());
  REQUIRE(model.towers.size() == 3);
  const auto link = [&](size_t task) -> const Link& { return model.tasks[task].link; };
  CHECK(link(1).tower == 0);
  CHECK(link(1).activation.kind == ActivationKind::kSigmoid);
  CHECK(link(2).scale == 4.0f);
  CHECK(link(2).shift == 1.0f);
  CHECK(link(2).lower == -std::numeric_limits<float>::infinity());
  CHECK(link(2).upper == 4.5f);
  CHECK(link(4).source == LinkSource::kLogSoftmaxColumn);
  CHECK(link(4).tower == 1);
  CHECK(link(5).values == std::vector<float>{1, 2, 3});
  CHECK(link(5).tower == 1);
  CHECK(link(6).column == 1);
  CHECK(link(6).activation.kind == ActivationKind::kClamp);
  CHECK(link(7).tower == 2);
  CHECK_FALSE(model.tasks[7].output);
  CHECK(link(8).factors == std::vector<size_t>{1, 7});
  CHECK(model.output_names().size() == 8);
}

TEST_CASE("links: what is refused") {
  const auto error = [](const std::string& link) {
    return bind_error(linked(R"({"name": "a", "link": "sigmoid"}, {"name": "b", "link": )" + link +
                             R"(}, {"name": "c", "link": "sigmoid"})"),
                      linked_weights());
  };
  CHECK(contains(error(R"("sigmoid")"), R"(and one of several outputs {"column": n})"));
  CHECK(contains(error(R"({"column": 3})"), "column is 3, counted from 0"));
  CHECK(contains(error(R"({"log_softmax_column": 3})"), "log_softmax_column is 3, counted from 0"));
  const std::string one =
      R"({"name": "a", "link": "sigmoid"}, {"name": "b", "link": {"log_softmax_column": 0, "tower": "a"}})";
  CHECK(contains(bind_error(linked(one), MemoryWeights().linear("towers.0", 1, 4)),
                 "expected at least 2 for log_softmax_column"));
  CHECK(contains(error(R"({"expected_value": [1, 2]})"), "expected_value has 2 values"));
  CHECK(contains(error(R"({"expected_value": [1]})"), "expected the value of each class"));
  CHECK(contains(error(R"({"softmax_column": 1, "column": 1})"), "more than one of"));
  CHECK(contains(error(R"({"column": 1, "activation": "prelu"})"), "expected an activation without slopes"));
  CHECK(contains(error(R"({"column": 1, "clamp": [2, 1]})"), "lower of at most upper"));
  CHECK(contains(error(R"({"column": 1, "clamp": [2]})"), "expected [lower, upper], null for none"));
  CHECK(contains(error(R"({"product": ["a"], "tower": "a"})"), "a product has no tower"));
  CHECK(contains(error(R"({"column": 1, "scales": 2})"), "unknown key"));
  const std::string unread = R"({"name": "a", "link": "sigmoid", "output": false}, {"name": "b", "link": {"column": 0}},
                                {"name": "c", "link": "sigmoid"})";
  CHECK(contains(bind_error(linked(unread), linked_weights()),
                 "tasks[0]: has \"output\": false, but no product uses it"));
  const std::string none = R"({"name": "a", "link": "sigmoid", "output": false})";
  CHECK(contains(bind_error(linked(none), linked_weights()), "expected at least one task without"));
  const std::string number = R"({"name": "a", "link": "sigmoid", "output": 0})";
  CHECK(contains(bind_error(linked(number), linked_weights()), "expected true or false"));
}

Activation activation(const std::string& text) {
  const std::string description =
      replaced(mmoe_description(), R"("activation": "relu"})", R"("activation": )" + text + "}");
  return bound(description, mmoe_weights()).levels[0].experts[0].layers[0].activation;
}

std::string activation_error(const std::string& text) {
  return bind_error(replaced(mmoe_description(), R"("activation": "relu"})", R"("activation": )" + text + "}"),
                    mmoe_weights());
}

TEST_CASE("activations: names, their numbers and what stands for them") {
  using K = ActivationKind;
  const auto is = [](const std::string& text, ActivationKind kind, float alpha, float beta) {
    const Activation found = activation(text);
    CAPTURE(text);
    CHECK(found.kind == kind);
    CHECK(found.alpha == alpha);
    CHECK(found.beta == beta);
  };
  is(R"("celu")", K::kCelu, 1, 0);
  is(R"({"kind": "celu", "alpha": 0.5})", K::kCelu, 0.5f, 0);
  is(R"("mish")", K::kMish, 0, 0);
  is(R"("hard_swish")", K::kHardSwish, 0, 0);
  is(R"({"kind": "hard_sigmoid", "alpha": 0.2})", K::kHardSigmoid, 0.2f, 0.5f);
  is(R"("relu6")", K::kClamp, 0, 6);
  is(R"("hardtanh")", K::kClamp, -1, 1);
  is(R"({"kind": "hardtanh", "max": 2})", K::kClamp, -1, 2);
  is(R"({"kind": "clamp", "min": 0.5})", K::kClamp, 0.5f, std::numeric_limits<float>::infinity());
  is(R"("quick_gelu")", K::kSwish, 1.702f, 0);
  is(R"("swish")", K::kSwish, 1, 0);
  is(R"({"kind": "swish", "alpha": 1.5})", K::kSwish, 1.5f, 0);
  is(R"("softsign")", K::kSoftsign, 0, 0);
  is(R"("log_sigmoid")", K::kLogSigmoid, 0, 0);
  is(R"({"kind": "threshold", "threshold": 0.1, "value": 20})", K::kThreshold, 0.1f, 20);
  is(R"("squared_relu")", K::kSquaredRelu, 0, 0);
  is(R"("exp")", K::kExp, 0, 0);
  is(R"("softplus")", K::kSoftplus, 1, 0);
  is(R"({"kind": "softplus", "beta": 2.5})", K::kSoftplus, 2.5f, 0);
}

TEST_CASE("activations: what is refused") {
  CHECK(contains(activation_error(R"("hard_sigmoid")"), "frameworks differ"));
  CHECK(contains(activation_error(R"("clamp")"), "clamp needs `min`, `max` or both"));
  CHECK(contains(activation_error(R"({"kind": "clamp", "min": 1, "max": 0})"), "`min` of at most `max`"));
  CHECK(contains(activation_error(R"("threshold")"), "threshold needs its `threshold`"));
  CHECK(contains(activation_error(R"({"kind": "mish", "alpha": 1})"), "mish has no `alpha`"));
  CHECK(contains(activation_error(R"({"kind": "softplus", "beta": 0})"), "expected more than 0"));
  CHECK(contains(activation_error(R"({"kind": "celu", "alpha": -1})"), "expected more than 0"));
}

std::string gated(const std::string& fields) {
  return replaced(mmoe_description(), R"("logits": "gates.{task}")", fields);
}

TEST_CASE("gates: constants behind a softmax, and uniform ones") {
  MemoryWeights weights = mmoe_weights();
  weights.add("scales.0", {3}).add("scales.1", {3});
  const std::string logits = R"("logits": "gates.{task}", "top_k": 2, "weight_scales": )";
  const auto gates = [&](const std::string& fields) { return bound(gated(fields), weights).levels[0].gates; };
  CHECK(gates(logits + "[2, 0, -1]")[1].weight_scales == std::vector<float>{2, 0, -1});
  CHECK(gates(logits + R"("scales.{task}")")[1].weight_scales == weights.data("scales.1"));
  const std::vector<Gate> uniform = gates(R"("constant": "uniform", "per": "task")");
  CHECK(uniform.size() == 2);
  CHECK(uniform[0].constant_weights == std::vector<float>(3, 1.0f / 3));
  CHECK(contains(bind_error(gated(logits + "[2, 0]"), weights), "expected 3, one weight per expert"));
  CHECK(contains(bind_error(gated(logits + "[]"), weights), "expected one number per expert"));
  CHECK(contains(bind_error(gated(logits + R"("towers.0.0.bias")"), weights), "towers.0.0.bias"));
  CHECK(contains(bind_error(gated(R"("constant": "uniform", "weight_scales": [1, 1, 1])"), weights), "unknown key"));
}

TEST_CASE("gates: activations in the place of the softmax") {
  const MemoryWeights weights = mmoe_weights();
  const std::string logits = R"("logits": "gates.{task}", "activation": )";
  const auto gate = [&](const std::string& fields) { return bound(gated(fields), weights).levels[0].gates[1]; };
  const Gate sigmoid = gate(logits + R"("sigmoid", "top_k": 2, "temperature": 2, "weight_scales": [1, 2, 3])");
  CHECK(sigmoid.function == GateFunction::kActivation);
  CHECK(sigmoid.logits->activation.kind == ActivationKind::kSigmoid);
  CHECK(sigmoid.top_k == 2);
  CHECK(gate(logits + R"("linear")").logits->activation.kind == ActivationKind::kIdentity);
  CHECK(gate(logits + R"({"kind": "leaky_relu", "alpha": 0.5})").logits->activation.alpha == 0.5f);
  CHECK(gate(logits + R"("softmax")").function == GateFunction::kSoftmax);
  const auto error = [&](const std::string& fields) { return bind_error(gated(logits + fields), weights); };
  CHECK(contains(error(R"("prelu")"), "has slopes"));
  CHECK(contains(error(R"("hard")"), "activation"));
  CHECK(contains(error(R"("sigmoid", "top_k": 2, "top_k_mode": "top_k_of_softmax")"), "only with the activation"));
  CHECK(contains(error(R"("sigmoid", "gamma": 2)"), "only with the activation \"smooth_step\""));
  CHECK(contains(error(R"("softmax", "selector_weights": "w")"), "only with the activation \"smooth_step\""));
  CHECK(contains(bind_error(gated(R"("constant": "uniform", "activation": "sigmoid")"), weights), "unknown key"));
}

TEST_CASE("gates: smooth steps of two layers, and of tensors that no row changes") {
  MemoryWeights weights = mmoe_weights();  // three experts: two bits
  const size_t inputs = bound(mmoe_description(), weights).input_dim;
  for (const char* task : {"0", "1"}) {
    weights.add(std::string("z.") + task + ".weight", {4, inputs}).add(std::string("z.") + task + ".bias", {4});
    weights.add(std::string("w.") + task + ".weight", {2, inputs});
    weights.add(std::string("fixed.") + task, {2, 1, 2}).add(std::string("shares.") + task, {2, 1});
    weights.add(std::string("odd.") + task + ".weight", {3, inputs});
  }
  const std::string rest = R"("mmoe_description")";
  const auto described = [&](const std::string& fields) {
    return replaced(gated(fields), rest,
                    R"("ignore": ["gates.*", "z.*", "w.*", "fixed.*", "shares.*", "odd.*"], )" + rest);
  };
  const std::string steps = R"("activation": "smooth_step", "selector_weights": "w.{task}", "logits": "z.{task}")";
  const Gate gate = bound(described(steps + R"(, "gamma": 0.5)"), weights).levels[0].gates[1];
  CHECK(gate.function == GateFunction::kSmoothStep);
  CHECK(gate.num_selectors == 2);
  CHECK(gate.gamma == 0.5);
  CHECK(gate.logits->outputs() == 6);
  CHECK(gate.logits->weight.at(4, 1) == weights.data("w.1.weight")[1]);
  CHECK(gate.logits->bias[3] == weights.data("z.1.bias")[3]);
  CHECK(gate.logits->bias[4] == 0);
  const std::string fixed =
      R"("activation": "smooth_step", "logits": "fixed.{task}", "selector_weights": "shares.{task}",
    "static": true)";
  const Gate constants = bound(described(fixed), weights).levels[0].gates[0];
  CHECK_FALSE(constants.logits);
  std::vector<double> numbers;
  for (const char* name : {"fixed.0", "shares.0"}) {
    const std::vector<float> part = weights.data(name);
    numbers.insert(numbers.end(), part.begin(), part.end());
  }
  const std::vector<double> expected = smooth_step_weights(numbers, 2, 1, 3);
  REQUIRE(constants.constant_weights.size() == 3);
  for (size_t e = 0; e < 3; ++e) CHECK(constants.constant_weights[e] == static_cast<float>(expected[e]));
  const auto error = [&](const std::string& fields) { return bind_error(described(fields), weights); };
  CHECK(contains(error(replaced(steps, "z.{task}", "odd.{task}")), "expected 4: 2 each choose one of 3 experts"));
  CHECK(contains(error(R"("activation": "smooth_step", "logits": "z.{task}")"), "selector_weights"));
  CHECK(contains(error(steps + R"(, "gamma": 0)"), "more than 0"));
  CHECK(contains(error(steps + R"(, "temperature": 2)"), "whose width is `gamma`"));
  CHECK(contains(error(fixed + R"(, "top_k": 1)"), "not allowed with `static`"));
}

}  // namespace
}  // namespace mmoe::converter
