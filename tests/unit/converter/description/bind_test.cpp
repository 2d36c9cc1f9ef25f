// Architectures as the public libraries save them.
#include "converter/description/bind.h"

#include <doctest/doctest.h>

#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::contains;
using test::MemoryWeights;
using test::mmoe_description;
using test::mmoe_weights;
using test::replaced;
using Indices = std::vector<size_t>;

TrainedModel bound(const std::string& text, const WeightSource& weights, BindReport* report = nullptr) {
  return bind_description_text(text, weights, "ranker", report, UnusedTensors::kReport);
}

TEST_CASE("MMoE") {
  MemoryWeights weights = mmoe_weights();
  BindReport report;
  const TrainedModel model = bound(mmoe_description(), weights, &report);
  CHECK(model.name == "ranker");
  CHECK(model.input_dim == 10);
  REQUIRE(model.levels.size() == 1);
  const Level& level = model.levels[0];
  REQUIRE(level.experts.size() == 3);
  CHECK(level.experts[2].name == "experts.2");
  REQUIRE(level.experts[2].layers.size() == 2);
  const DenseLayer& layer = level.experts[2].layers[1];
  CHECK(layer.name == "experts.2.2.weight");
  CHECK(layer.inputs() == 8);
  CHECK(layer.outputs() == 6);
  CHECK(layer.weight.data == weights.data("experts.2.2.weight"));
  CHECK(layer.bias == weights.data("experts.2.2.bias"));
  CHECK(layer.activation.kind == ActivationKind::kRelu);
  REQUIRE(level.gates.size() == 2);
  CHECK(level.gates[1].name == "gates.like");
  CHECK(level.gates[1].experts == Indices{0, 1, 2});
  CHECK(level.gates[1].logits->weight.data == weights.data("gates.1.weight"));
  CHECK_FALSE(level.gates[1].input.is_input());
  REQUIRE(model.towers.size() == 2);
  CHECK(model.towers[1].input == 1);
  CHECK(model.towers[1].layers[0].activation.kind == ActivationKind::kRelu);
  CHECK(model.towers[1].layers[1].activation.kind == ActivationKind::kIdentity);
  CHECK(model.tasks[1].link.tower == 1);
  CHECK(report.notes.empty());
  CHECK(report.unused_tensors.empty());
}

TEST_CASE("a prefix that all tensors share may be left out") {
  BindReport report;
  const MemoryWeights weights = mmoe_weights().with_prefix("module.model.");
  CHECK(bound(mmoe_description(), weights, &report).levels[0].experts.size() == 3);
  REQUIRE(report.notes.size() == 1);
  CHECK(contains(report.notes[0], "\"module.model.\""));
  MemoryWeights mixed = mmoe_weights().with_prefix("module.");
  mixed.add("other", {1});
  CHECK(contains(test::bind_error(mmoe_description(), mixed), "no tensor is named experts.{expert}.{layer}.weight"));
}

TEST_CASE("experts and tasks may count from 1, tasks may go by name, layers may have gaps") {
  MemoryWeights weights;
  weights.linear("e1_0", 4, 5).linear("e1_7", 4, 4).linear("e2_0", 4, 5).linear("e2_7", 4, 4);
  weights.linear("gate_1", 2, 5).linear("gate_2", 2, 5);
  weights.linear("tower_like", 1, 4).linear("tower_click", 1, 4);
  const TrainedModel model = bound(R"({"mmoe_description": 1, "name": "m", "input_dim": 5,
    "levels": [{"experts": {"layers": "e{expert}_{layer}", "activation": "tanh"}, "gates": {"logits": "gate_{task}"}}],
    "towers": {"layers": "tower_{task}"},
    "tasks": [{"name": "click", "link": "identity"}, {"name": "like", "link": "identity"}]})",
                                   weights);
  CHECK(model.name == "m");
  CHECK(model.levels[0].experts.size() == 2);
  CHECK(model.levels[0].experts[0].layers.size() == 2);
  CHECK(model.levels[0].gates[0].logits->name == "gate_1.weight");
  CHECK(model.towers[0].layers[0].name == "tower_click.weight");
}

TEST_CASE("OMoE: one gate, read by every tower") {
  MemoryWeights weights = mmoe_weights();
  weights.remove("gates.1.weight").remove("gates.1.bias");
  const std::string text = replaced(mmoe_description(), "gates.{task}", "gates.0");
  const TrainedModel model = bound(text, weights);
  REQUIRE(model.levels[0].gates.size() == 1);
  CHECK(model.towers[0].input == 0);
  CHECK(model.towers[1].input == 0);
}

TEST_CASE("Shared-Bottom: one expert and a constant gate") {
  MemoryWeights weights;
  weights.linear("bottom.0", 4, 7).linear("tower.0", 1, 4).linear("tower.1", 1, 4);
  const std::string text = R"({"mmoe_description": 1,
    "levels": [{"experts": {"layers": "bottom.{layer}", "activation": "relu"}, "gates": {"constant": [1]}}],
    "towers": {"layers": "tower.{task}"},
    "tasks": [{"name": "a", "link": "sigmoid"}, {"name": "b", "link": "sigmoid"}]})";
  const TrainedModel model = bound(text, weights);
  REQUIRE(model.levels[0].experts.size() == 1);
  CHECK(model.levels[0].experts[0].name == "experts");
  REQUIRE(model.levels[0].gates.size() == 1);
  CHECK_FALSE(model.levels[0].gates[0].logits);
  CHECK(model.levels[0].gates[0].constant_weights == std::vector<float>{1});
  CHECK(contains(test::bind_error(replaced(text, "[1]", "[1, 2]"), weights),
                 "levels[0].gates.constant: found a list of 2, expected 1, one weight per expert (experts)"));
  const TrainedModel per_task = bound(replaced(text, "[1]", R"([1], "per": "task")"), weights);
  CHECK(per_task.levels[0].gates.size() == 2);
  CHECK(per_task.towers[1].input == 1);
}

MemoryWeights cgc_weights() {
  MemoryWeights weights;
  for (const char* t : {"0", "1"}) {
    for (const char* e : {"0", "1"}) weights.linear(std::string("specific.") + t + "." + e, 4, 5);
    weights.linear(std::string("gate.") + t, 3, 5).linear(std::string("tower.") + t, 1, 4);
  }
  return weights.linear("shared.0", 4, 5);
}

const char* const kCgc = R"({"mmoe_description": 1,
  "levels": [{
    "experts": [{"name": "shared", "layers": "shared.{expert}", "activation": "relu"},
                {"name": "specific", "layers": "specific.{task}.{expert}", "activation": "relu"}],
    "gates": {"logits": "gate.{task}", "mixes": ["specific", "shared"]}}],
  "towers": {"layers": "tower.{task}"},
  "tasks": [{"name": "a", "link": "sigmoid"}, {"name": "b", "link": "sigmoid"}]})";

TEST_CASE("CGC: a gate mixes its own task's experts and the shared ones, in the order of `mixes`") {
  const Level level = bound(kCgc, cgc_weights()).levels[0];
  REQUIRE(level.experts.size() == 5);  // shared, a.0, a.1, b.0, b.1
  CHECK(level.experts[3].name == "specific.b.0");
  CHECK(level.gates[0].experts == Indices{1, 2, 0});
  CHECK(level.gates[1].experts == Indices{3, 4, 0});
  const std::string by_order = replaced(kCgc, R"(, "mixes": ["specific", "shared"])", "");
  CHECK(bound(by_order, cgc_weights()).levels[0].gates[1].experts == Indices{0, 3, 4});
}

TEST_CASE("an expert that no gate mixes is noted") {
  MemoryWeights weights = cgc_weights();
  for (const char* t : {"0", "1"}) {
    weights.remove(std::string("gate.") + t + ".weight").remove(std::string("gate.") + t + ".bias");
    weights.linear(std::string("gate.") + t, 2, 5);
  }
  BindReport report;
  bound(replaced(kCgc, R"(["specific", "shared"])", R"(["specific"])"), weights, &report);
  CHECK(report.notes == std::vector<std::string>{"levels[0]: no gate mixes shared.0"});
}

TEST_CASE("PLE: two levels, the first with a shared gate that the second's shared experts read") {
  MemoryWeights weights;
  for (const char* l : {"0", "1"}) {
    const std::string level = std::string("cgc.") + l;
    const uint64_t width = *l == '0' ? 5 : 4;
    for (const char* t : {"0", "1"}) {
      weights.linear(level + ".specific." + t + ".0", 4, width).linear(level + ".gate." + t, 2, width);
    }
    weights.linear(level + ".shared.0", 4, width);
  }
  weights.linear("cgc.0.gate_shared", 3, 5).linear("tower.0", 1, 4).linear("tower.1", 1, 4);
  const std::string experts = R"("experts": [
    {"name": "specific", "layers": "cgc.{level}.specific.{task}.{expert}", "activation": "relu"},
    {"name": "shared", "layers": "cgc.{level}.shared.{expert}", "activation": "relu"}])";
  const std::string task_gates = R"({"logits": "cgc.{level}.gate.{task}"})";
  const std::string text = R"({"mmoe_description": 1, "levels": [
      {)" + experts + R"(, "gates": [)" +
                           task_gates + R"(, {"name": "shared", "logits": "cgc.{level}.gate_shared"}]},
      {)" + experts + R"(, "gates": )" +
                           task_gates + R"(}],
    "towers": {"layers": "tower.{task}"},
    "tasks": [{"name": "a", "link": "sigmoid"}, {"name": "b", "link": "sigmoid"}]})";
  BindReport report;
  const TrainedModel model = bound(text, weights, &report);
  CHECK(report.notes.empty());
  CHECK(report.unused_tensors.empty());
  CHECK(model.levels[0].gates[2].experts == Indices{0, 1, 2});  // everything: a.0, b.0, shared.0
  const Level& second = model.levels[1];
  CHECK(second.experts[0].input.index == 0);
  CHECK(second.experts[1].input.index == 1);
  CHECK(second.experts[2].input.index == 2);
  CHECK(second.gates[1].input.index == 1);
  CHECK(second.gates[1].experts == Indices{1, 2});
  CHECK(second.experts[0].layers[0].name == "cgc.1.specific.0.0.weight");
  CHECK(model.towers[1].input == 1);

  SUBCASE("a gate may read x (Merlin's PLE)") {
    MemoryWeights other = weights;
    for (const char* t : {"0", "1"}) {
      other.remove(std::string("cgc.1.gate.") + t + ".weight").remove(std::string("cgc.1.gate.") + t + ".bias");
      other.linear(std::string("cgc.1.gate.") + t, 2, 5);
    }
    const size_t last = text.rfind(task_gates);
    const std::string reads = text.substr(0, last) + R"({"logits": "cgc.{level}.gate.{task}", "reads": "input"})" +
                              text.substr(last + task_gates.size());
    CHECK(bound(reads, other).levels[1].gates[0].input.is_input());
    CHECK(
        contains(test::bind_error(text, other), "cgc.1.gate.0.weight: [2, 5], expected [2, 4] (2 experts, 4 inputs)"));
  }
  SUBCASE("the last level's dead shared gate is noted") {
    weights.linear("cgc.1.gate_shared", 3, 4);
    const size_t last = text.rfind(task_gates);
    const std::string dead = text.substr(0, last) + "[" + task_gates +
                             R"(, {"name": "shared", "logits": "cgc.{level}.gate_shared"}])" +
                             text.substr(last + task_gates.size());
    bound(dead, weights, &report);
    CHECK(report.notes == std::vector<std::string>{"no tower reads \"shared\" of the last level"});
  }
  SUBCASE("without a shared gate the shared experts have nothing to read") {
    const std::string no_shared = replaced(text, R"(, {"name": "shared", "logits": "cgc.{level}.gate_shared"})", "");
    CHECK(test::bind_error(no_shared, weights) ==
          "levels[1].experts[1]: is not per task, but \"gates\" of the level before gives one stream per task");
  }
}

TEST_CASE("trunk and stacked levels") {
  MemoryWeights weights;
  weights.linear("trunk.0", 6, 9).linear("a.0", 5, 6).linear("a.1", 5, 6).linear("ga", 2, 6);
  weights.linear("b.0", 4, 5).linear("b.1", 4, 5).linear("gb.0", 2, 9).linear("gb.1", 2, 9);
  weights.linear("t.0", 1, 4).linear("t.1", 1, 4);
  const std::string text = R"({"mmoe_description": 1,
    "trunk": {"layers": "trunk.{layer}", "activation": "silu"},
    "levels": [
      {"experts": {"layers": "a.{expert}", "activation": "relu"}, "gates": {"logits": "ga", "name": "first"}},
      {"experts": {"layers": "b.{expert}", "activation": "relu", "reads": "first"},
       "gates": {"logits": "gb.{task}", "reads": "input"}}],
    "towers": {"layers": "t.{task}", "reads": "gates"},
    "tasks": [{"name": "x", "link": "identity"}, {"name": "y", "link": "identity"}]})";
  const TrainedModel model = bound(text, weights);
  CHECK(model.input_dim == 9);
  CHECK(model.trunk[0].activation.kind == ActivationKind::kSilu);
  CHECK(model.levels[1].gates[0].input.is_input());
  CHECK(model.towers[1].input == 1);
  CHECK(
      test::bind_error(replaced(text, R"("reads": "first")", R"("reads": "frist")"), weights) ==
      "levels[1].experts.reads: found \"frist\", expected \"input\", a node, a list of parts, or a gates group of the "
      "level "
      "before: \"first\"");
}

TEST_CASE("ESMM: a product task has no tower, and the towers are numbered without it") {
  MemoryWeights weights;
  weights.linear("ctr_dnn.0", 4, 5).linear("cvr_dnn.0", 4, 5).add("ctr_final.weight", {1, 4});
  weights.add("cvr_final.weight", {1, 4}).add("out.bias", {1});
  const std::string text = R"({"mmoe_description": 1,
    "levels": [{"experts": {"layers": "{task}_dnn.{layer}", "activation": "relu"},
                "gates": {"constant": [1], "per": "task"}}],
    "towers": {"layers": "{task}_final", "output_bias": "out.bias"},
    "tasks": [{"name": "ctr", "link": "sigmoid"}, {"name": "cvr", "link": "sigmoid"},
              {"name": "ctcvr", "link": {"product": ["ctr", "cvr"]}}]})";
  const TrainedModel model = bound(text, weights);
  CHECK(model.towers.size() == 2);
  CHECK(model.tasks[2].link.factors == Indices{0, 1});
  CHECK(model.towers[1].layers[0].bias == weights.data("out.bias"));
  CHECK(model.levels[0].experts[1].layers[0].name == "cvr_dnn.0.weight");
  CHECK(test::bind_error(replaced(text, R"(["ctr", "cvr"])", R"(["ctr", "ctcvr"])"), weights) ==
        "tasks[2].link.product[1]: \"ctcvr\" is not a task that comes before this one");

  const std::string first =
      replaced(replaced(text, R"({"name": "ctr", "link": "sigmoid"}, )", ""), R"(["ctr", "cvr"])", R"(["cvr"])");
  CHECK(bound(first, weights).towers.size() == 1);
}

TEST_CASE("softmax_column reads a tower of several logits") {
  MemoryWeights weights = mmoe_weights();
  weights.remove("towers.1.2.weight").remove("towers.1.2.bias").linear("towers.1.2", 2, 4);
  const std::string sigmoid = R"("like", "link": "sigmoid")";
  const auto with = [&](const std::string& link) {
    return replaced(mmoe_description(), sigmoid, R"("like", "link": )" + link);
  };
  const TrainedModel model = bound(with(R"({"softmax_column": 1})"), weights);
  CHECK(model.tasks[1].link.tower == 1);
  CHECK(model.tasks[1].link.column == 1);
  CHECK(
      contains(test::bind_error(with(R"({"softmax_column": 2})"), weights), "but softmax_column is 2, counted from 0"));
  CHECK(test::bind_error(mmoe_description(), weights) ==
        "task \"like\": its tower gives 2 logits (towers.1.2.weight), expected 1 for its link; the probability of one "
        "class of several is {\"softmax_column\": n}, and one of several outputs {\"column\": n}");
}

TEST_CASE("sparse gates, temperature, hidden layers and batch norm of the logits") {
  MemoryWeights weights;
  weights.linear("e.0", 4, 5).linear("e.1", 4, 5).linear("e.2", 4, 5).linear("t.0", 1, 4);
  weights.linear("g.0.mlp.0", 6, 5).linear("g.0.mlp.4", 3, 6).norm("g.0.mlp.5", 3);
  const std::string text = R"({"mmoe_description": 1,
    "levels": [{"experts": {"layers": "e.{expert}", "activation": "relu"},
                "gates": {"hidden": {"layers": "g.{task}.mlp.0", "activation": "relu"}, "logits": "g.{task}.mlp.4",
                          "batch_norm": "g.{task}.mlp.5", "batch_norm_epsilon": 0.001,
                          "top_k": 2, "top_k_mode": "top_k_of_softmax", "temperature": 0.5}}],
    "towers": {"layers": "t.{task}"}, "tasks": [{"name": "x", "link": "identity"}]})";
  BindReport report;
  const Gate gate = bound(text, weights, &report).levels[0].gates[0];
  CHECK(report.unused_tensors.empty());
  CHECK(gate.hidden.size() == 1);
  REQUIRE(gate.logits->norm_before_activation);
  CHECK(gate.logits->norm_before_activation->epsilon == 0.001);
  CHECK(gate.top_k == 2);
  CHECK(gate.top_k_mode == TopKMode::kTopKOfSoftmax);
  CHECK(gate.temperature == 0.5);
  CHECK(test::bind_error(replaced(text, R"("top_k": 2)", R"("top_k": 4)"), weights) ==
        "levels[0].gates.top_k: found 4, expected at most 3, the experts that gates.x mixes");
  CHECK(contains(test::bind_error(replaced(text, R"("temperature": 0.5)", R"("temperature": 0)"), weights),
                 "levels[0].gates.temperature: found 0, expected more than 0"));
}

}  // namespace
}  // namespace mmoe::converter
