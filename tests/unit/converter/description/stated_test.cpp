// What a Keras file says of its own layers: the default for a description, which must not contradict it.
#include "converter/description/stated.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using nlohmann::json;
using test::contains;
using test::MemoryWeights;
using test::replaced;

class KerasWeights : public MemoryWeights {
 public:
  KerasWeights(MemoryWeights weights, const json& config)
      : MemoryWeights(std::move(weights)), layers_(read_keras_config(config.dump())) {}
  const std::vector<KerasLayer>& keras_layers() const override { return layers_; }

 private:
  std::vector<KerasLayer> layers_;
};

/// A layer of a functional model, as Keras 2 (`keras` 2) or 3 writes it, that reads another one.
json layer(int keras, const std::string& class_name, const std::string& name, const std::string& reads,
           json config = json::object()) {
  config["name"] = name;
  json nodes = json::array();
  if (!reads.empty() && keras == 2) nodes = {json::array({json::array({reads, 0, 0, json::object()})})};
  if (!reads.empty() && keras == 3) {
    const json tensor = {{"class_name", "__keras_tensor__"}, {"config", {{"keras_history", {reads, 0, 0}}}}};
    nodes = {{{"args", {tensor}}, {"kwargs", json::object()}}};
  }
  return {{"class_name", class_name},
          {"config", config},
          {"name", name},
          {"inbound_nodes", nodes},
          {"registered_name", nullptr}};
}

/// One task: x -> a (4) -> norm -> activation -> click (1). `first`: a's config; `norm`, `after`: those of what
/// follows.
json config(int keras, const json& first, const json& norm, const json& after, bool activation_first = false) {
  json layers = json::array({layer(keras, "InputLayer", "x", "")});
  layers.push_back(layer(keras, "Dense", "a", "x", first));
  std::string last = "a";
  const auto add_norm = [&] {
    if (norm.is_null()) return;
    layers.push_back(layer(keras, "BatchNormalization", "a_norm", last, norm));
    last = "a_norm";
  };
  if (!activation_first) add_norm();
  if (!after.is_null()) {
    layers.push_back(layer(keras, after["class"].get<std::string>(), "a_act", last, after["config"]));
    last = "a_act";
  }
  if (activation_first) add_norm();
  layers.push_back(layer(keras, "Dropout", "drop", last, {{"rate", 0.5}}));
  layers.push_back(
      layer(keras, "Dense", "click", "drop", {{"units", 1}, {"activation", "sigmoid"}, {"use_bias", true}}));
  return {{"class_name", "Functional"}, {"config", {{"layers", layers}}}};
}

MemoryWeights weights_of(bool with_norm) {
  MemoryWeights weights;
  weights.add("a/kernel", {5, 4}).add("a/bias", {4}).add("click/kernel", {4, 1}).add("click/bias", {1});
  if (!with_norm) return weights;
  weights.add("a_norm/gamma", {4}).add("a_norm/beta", {4}).add("a_norm/moving_mean", {4});
  return weights.add("a_norm/moving_variance", {4}, std::vector<float>(4, 0.5f));
}

/// Towers of `a` and `click`; `more`: further keys.
std::string description(const std::string& more) {
  return R"({"mmoe_description": 1, "towers": {"layers": ["a", "click"], "weight": "/kernel", "bias": "/bias",
    "orientation": "in_out")" +
         more + R"(}, "tasks": [{"name": "click", "link": "sigmoid"}]})";
}

const char* const kNorm = R"(, "batch_norm": "a_norm", "batch_norm_tensors": {"gamma": "/gamma", "beta": "/beta",
  "mean": "/moving_mean", "variance": "/moving_variance"})";

struct Outcome {
  std::string error;
  DenseLayer layer;
};

Outcome convert(const json& config, const std::string& more, bool with_norm) {
  const KerasWeights weights(weights_of(with_norm), config);
  Outcome outcome;
  try {
    const TrainedModel model = bind_description_text(description(more), weights, "m");
    outcome.layer = model.levels.at(0).experts.at(0).layers.at(0);
  } catch (const ConvertError& error) {
    outcome.error = error.what();
  }
  return outcome;
}

const json kNone;

TEST_CASE("a norm's epsilon is the file's, and the description must not say another") {
  for (const int keras : {2, 3}) {
    const json file =
        config(keras, {{"activation", "relu"}}, {{"epsilon", 0.001}, {"axis", keras == 2 ? json{1} : json(-1)}}, kNone);
    const Outcome outcome = convert(file, kNorm, true);
    REQUIRE(outcome.error == "");
    REQUIRE(outcome.layer.norm_after_activation);
    CHECK(outcome.layer.norm_after_activation->epsilon == 0.001);
    CHECK(outcome.layer.activation.kind == ActivationKind::kRelu);
    CHECK(convert(file, std::string(kNorm) + R"(, "batch_norm_epsilon": 0.001)", true).error == "");
    const std::string error = convert(file, std::string(kNorm) + R"(, "batch_norm_epsilon": 1e-5)", true).error;
    CHECK(contains(error, "towers.batch_norm_epsilon: found 1e-05"));
    CHECK(contains(error, "\"epsilon\": 0.001 of \"a_norm\""));
  }
  const json other_axis = config(3, {{"activation", "relu"}}, {{"epsilon", 0.001}, {"axis", 0}}, kNone);
  CHECK(contains(convert(other_axis, kNorm, true).error, "normalises axis 0"));
}

TEST_CASE("where a norm stands is the file's, and the description must not say otherwise") {
  const json before =
      config(3, {{"activation", "linear"}}, {{"epsilon", 0.001}}, {{"class", "ReLU"}, {"config", json::object()}});
  const json after = config(3, {{"activation", "linear"}}, {{"epsilon", 0.001}},
                            {{"class", "ReLU"}, {"config", json::object()}}, true);
  CHECK(convert(before, kNorm, true).layer.norm_before_activation);
  CHECK(convert(after, kNorm, true).layer.norm_after_activation);
  const std::string said = std::string(kNorm) + R"(, "batch_norm_position": "before_activation")";
  CHECK(convert(before, said, true).error == "");
  CHECK(contains(convert(after, said, true).error, "behind this layer, the file's own configuration has"));
}

TEST_CASE("a norm that the file has and the description not, and the reverse") {
  const json file = config(3, {{"activation", "relu"}}, {{"epsilon", 0.001}}, kNone);
  const std::string ignoring = replaced(description(""), "\"towers\"", R"("ignore": ["a_norm/*"], "towers")");
  const KerasWeights weights(weights_of(true), file);
  CHECK(contains(test::bind_error(ignoring, weights), "batch norm \"a_norm\"; the description (towers) has relu"));
  const json without = config(3, {{"activation", "relu"}}, kNone, kNone);
  CHECK(contains(convert(without, kNorm, true).error, "the description (towers) has batch norm"));
}

struct ActivationCase {
  json own;     // `activation` of the layer
  json behind;  // a layer behind it; null: none
  ActivationKind kind;
  float alpha;
  const char* contradiction;
};

std::vector<ActivationCase> activation_cases() {
  const auto object = [](const char* class_name, json config) {
    return json{{"class", class_name}, {"config", std::move(config)}};
  };
  const json function = {
      {"module", "builtins"}, {"class_name", "function"}, {"config", "elu"}, {"registered_name", "elu"}};
  const json as_layer = {
      {"module", "keras.layers"}, {"class_name", "LeakyReLU"}, {"config", {{"negative_slope", 0.25}}}};
  return {{"relu", kNone, ActivationKind::kRelu, 0, R"("tanh")"},
          {"swish", kNone, ActivationKind::kSilu, 0, R"("relu")"},
          {nullptr, kNone, ActivationKind::kIdentity, 0, R"("relu")"},
          {function, kNone, ActivationKind::kElu, 1, R"({"kind": "elu", "alpha": 0.5})"},
          {as_layer, kNone, ActivationKind::kLeakyRelu, 0.25f, R"({"kind": "leaky_relu", "alpha": 0.01})"},
          {"leaky_relu", kNone, ActivationKind::kLeakyRelu, 0.2f, R"({"kind": "leaky_relu", "alpha": 0.3})"},
          {"linear", object("Activation", {{"activation", "selu"}}), ActivationKind::kSelu, 0, R"("elu")"},
          {"linear", object("ReLU", {{"max_value", nullptr}, {"negative_slope", 0.0}, {"threshold", 0.0}}),
           ActivationKind::kRelu, 0, R"("linear")"},
          {"linear", object("ReLU", {{"negative_slope", 0.125}}), ActivationKind::kLeakyRelu, 0.125f, R"("relu")"},
          {"linear", object("LeakyReLU", {{"alpha", 0.30000001192092896}}), ActivationKind::kLeakyRelu, 0.3f,
           R"({"kind": "leaky_relu", "alpha": 0.2})"},
          {"linear", object("LeakyReLU", json::object()), ActivationKind::kLeakyRelu, 0.3f, R"("relu")"},
          {"linear", object("ELU", {{"alpha", 0.5}}), ActivationKind::kElu, 0.5f, R"("elu")"},
          {"linear", object("Silu", json::object()), ActivationKind::kSilu, 0, R"("gelu")"},
          {"linear", object("TFOpLambda", {{"function", "math.tanh"}}), ActivationKind::kTanh, 0, R"("relu")"}};
}

TEST_CASE("activations are the file's, by name or as a layer, and the description must not say others") {
  for (const int keras : {2, 3}) {
    for (const ActivationCase& item : activation_cases()) {
      CAPTURE(keras);
      CAPTURE(item.own.dump());
      CAPTURE(item.behind.dump());
      const json file = config(keras, {{"activation", item.own}}, kNone, item.behind);
      const Outcome outcome = convert(file, "", false);
      CHECK(outcome.error == "");
      CHECK(outcome.layer.activation.kind == item.kind);
      CHECK(outcome.layer.activation.alpha == doctest::Approx(item.alpha));
      const std::string error =
          convert(file, std::string(", \"activation\": [") + item.contradiction + ", \"linear\"]", false).error;
      CHECK(contains(error, "a/kernel: behind this layer, the file's own configuration has"));
    }
  }
}

TEST_CASE("activations that nobody here knows are the description's to name") {
  const json mine = {{"class_name", "function"}, {"config", "relu"}, {"registered_name", "mine>relu"}};
  CHECK(convert(config(3, {{"activation", mine}}, kNone, kNone), R"(, "activation": "tanh")", false).error == "");
  CHECK(contains(convert(config(3, {{"activation", mine}}, kNone, kNone), "", false).error,
                 "towers.activation: missing"));
  // A layer of the user's own may be an activation.
  const json custom = {{"class", "MyActivation"}, {"config", json::object()}};
  CHECK(convert(config(3, {{"activation", "linear"}}, kNone, custom), R"(, "activation": "tanh")", false).error == "");
  CHECK(
      contains(convert(config(3, {{"activation", "linear"}}, kNone, custom), "", false).error, "activation: missing"));
}

TEST_CASE("units and biases") {
  CHECK(convert(config(3, {{"units", 4}, {"use_bias", true}, {"activation", "relu"}}, kNone, kNone), "", false).error ==
        "");
  CHECK(contains(convert(config(3, {{"units", 5}, {"activation", "relu"}}, kNone, kNone), "", false).error,
                 "\"units\": 5"));
  const json file = config(3, {{"use_bias", true}, {"activation", "relu"}}, kNone, kNone);
  const std::string wrong = replaced(description(""), "\"bias\": \"/bias\"", "\"bias\": \"/b\"");
  CHECK(contains(test::bind_error(wrong, KerasWeights(weights_of(false), file)), "\"use_bias\": true of \"a\""));
}

TEST_CASE("a tower's end may be the link, and no other activation") {
  const json file = config(3, {{"activation", "relu"}}, kNone, kNone);
  CHECK(convert(file, "", false).error == "");
  CHECK(contains(convert(file, R"(, "last_activation": "tanh")", false).error, "click/kernel: behind this layer"));
}

TEST_CASE("embeddings: sizes, and the mask of pooled sequences") {
  MemoryWeights weights;
  weights.add("table/embeddings", {6, 3}).add("click/kernel", {3, 1});
  const auto keras = [&](const json& embedding) {
    const json layers = json::array({layer(3, "Embedding", "table", "", embedding)});  // braces alone copy with clang
    return KerasWeights(weights, {{"class_name", "Functional"}, {"config", {{"layers", layers}}}});
  };
  const auto text = [](const std::string& padding) {
    return R"({"mmoe_description": 1, "features": [{"name": "tags", "kind": "sequence", "length": 4, "pooling": "mean",
      "vocabulary": {"identity": 6}, "embedding": "table/embeddings")" +
           padding + R"(}],
      "towers": {"layers": ["{task}"], "weight": "/kernel", "orientation": "in_out"}, "tasks": [{"name": "click", "link": "sigmoid"}]})";
  };
  const auto padding_of = [&](const json& embedding, const std::string& padding) {
    const TrainedModel model = bind_description_text(text(padding), keras(embedding), "m");
    return std::get<SequenceFeature>(model.features.at(0).kind).padding_id;
  };
  const json masked = {{"input_dim", 6}, {"output_dim", 3}, {"mask_zero", true}};
  CHECK(padding_of(masked, "") == 0u);
  CHECK(padding_of(masked, R"(, "padding_id": 0)") == 0u);
  CHECK(padding_of(masked, R"(, "padding_id": null)") == std::nullopt);
  CHECK(padding_of({{"mask_zero", false}}, "") == std::nullopt);
  CHECK(contains(test::bind_error(text(R"(, "padding_id": 2)"), keras(masked)), "\"mask_zero\": true"));
  CHECK(contains(test::bind_error(text(""), keras({{"input_dim", 7}, {"output_dim", 3}})), "\"input_dim\": 7"));
}

TEST_CASE("types that layers compute in") {
  const auto typed = [](const json& dtype) {
    return stated_types(read_keras_config(config(3, {{"activation", "relu"}, {"dtype", dtype}}, kNone, kNone).dump()));
  };
  const json policy = {{"module", "keras"}, {"class_name", "DTypePolicy"}, {"config", {{"name", "mixed_float16"}}}};
  CHECK(typed("float32").empty());
  REQUIRE(typed(policy).size() == 1);
  CHECK(contains(typed(policy)[0], "\"mixed_float16\" of \"a\""));
  CHECK_THROWS_AS(typed("int8_from_float32"), ConvertError);
}

TEST_CASE("layers of a model inside the model") {
  const json inner = {{"class_name", "Sequential"},
                      {"name", "tower"},
                      {"config",
                       {{"name", "tower"},
                        {"layers",
                         {layer(3, "Dense", "a", "", {{"activation", "tanh"}}),
                          layer(3, "Dense", "click", "", {{"activation", "sigmoid"}})}}}}};
  const json file = {{"class_name", "Functional"}, {"config", {{"layers", {layer(3, "InputLayer", "x", ""), inner}}}}};
  MemoryWeights weights;
  weights.add("tower/a/kernel", {5, 4}).add("tower/click/kernel", {4, 1});
  const std::string text = replaced(replaced(description(""), "\"a\"", "\"tower/a\""), "[\"tower/a\", \"click\"]",
                                    "[\"tower/a\", \"tower/click\"]");
  const TrainedModel model = bind_description_text(text, KerasWeights(weights, file), "m");
  CHECK(model.levels.at(0).experts.at(0).layers.at(0).activation.kind == ActivationKind::kTanh);
}

}  // namespace
}  // namespace mmoe::converter
