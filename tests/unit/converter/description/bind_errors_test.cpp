// Weights and descriptions that do not fit each other: the message names what, found and expected.
#include <doctest/doctest.h>

#include <limits>

#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::bind_error;
using test::contains;
using test::MemoryWeights;
using test::mmoe_description;
using test::mmoe_weights;
using test::replaced;

std::string error_of(const WeightSource& weights) { return bind_error(mmoe_description(), weights); }

std::string error_with(const std::string& from, const std::string& to) {
  return bind_error(replaced(mmoe_description(), from, to), mmoe_weights());
}

TEST_CASE("a weight of another shape") {
  MemoryWeights gate = mmoe_weights();
  gate.remove("gates.0.weight").add("gates.0.weight", {3, 9});
  CHECK(error_of(gate) == "gates.0.weight: [3, 9], expected [3, 10] (3 experts, 10 inputs)");
  MemoryWeights turned = mmoe_weights();
  turned.remove("gates.0.weight").add("gates.0.weight", {10, 3});
  CHECK(error_of(turned) ==
        "gates.0.weight: [10, 3], expected [3, 10] (3 experts, 10 inputs); it would fit with \"orientation\": "
        "\"in_out\"");
  MemoryWeights expert = mmoe_weights();
  expert.remove("experts.1.2.weight").add("experts.1.2.weight", {6, 7});
  CHECK(error_of(expert) == "experts.1.2.weight: [6, 7], expected [6, 8] (6 outputs, 8 inputs)");
  MemoryWeights tower = mmoe_weights();
  tower.remove("towers.1.0.weight").add("towers.1.0.weight", {4, 5});
  CHECK(error_of(tower) == "towers.1.0.weight: [4, 5], expected [4, 6] (4 outputs, 6 inputs)");
  MemoryWeights first = mmoe_weights();
  first.remove("experts.2.0.weight").add("experts.2.0.weight", {8, 11});
  CHECK(error_of(first) == "experts.2.0.weight: [8, 11], expected [8, 10] (8 outputs, 10 inputs)");
  MemoryWeights flat = mmoe_weights();
  flat.remove("gates.0.weight").add("gates.0.weight", {30});
  CHECK(error_of(flat) == "gates.0.weight: [30], expected a layer's weight, of two dimensions");
}

TEST_CASE("experts of one gate of different widths") {
  MemoryWeights weights = mmoe_weights();
  weights.remove("experts.1.2.weight").remove("experts.1.2.bias").linear("experts.1.2", 7, 8);
  CHECK(error_of(weights) ==
        "experts.1.2.weight: 7 outputs, expected 6 like experts.0.2.weight: levels[0].gates mixes both");
}

TEST_CASE("input_dim is checked") {
  CHECK(error_with("\"levels\"", "\"input_dim\": 12, \"levels\"") ==
        "experts.0.0.weight: [8, 10], expected [8, 12] (8 outputs, 12 inputs)");
  CHECK(error_with("\"levels\"", "\"input_dim\": 0, \"levels\"") == "input_dim: found 0, expected 1 or more");
}

TEST_CASE("a missing tensor: the pattern and the nearest names") {
  CHECK(error_with("gates.{task}", "gate.{task}") ==
        "levels[0].gates.logits: no tensor is named gate.{task}.weight; nearest: gates.0.weight, gates.1.weight, "
        "gates.0.bias");
  CHECK(contains(bind_error(mmoe_description(), MemoryWeights()), "the weights file has no tensors"));
}

TEST_CASE("holes and doubles in numbering") {
  MemoryWeights hole = mmoe_weights();
  hole.remove("experts.1.0.weight").remove("experts.1.2.weight");
  CHECK(error_of(hole) ==
        "levels[0].experts.layers: experts.{expert}.{layer}.weight: experts are counted from 0 or 1 without gaps, but "
        "there is expert 2 and no expert 1");
  MemoryWeights doubled = mmoe_weights();
  doubled.linear("experts.01.0", 8, 10);
  CHECK(contains(error_of(doubled), "\"01\" and \"1\" are the same number"));
  MemoryWeights same = mmoe_weights();
  same.add("gates.0.weight", {3, 10});
  CHECK(error_of(same) == "gates.0.weight: the weights file has two tensors of this name");
  MemoryWeights layers = mmoe_weights();
  layers.remove("experts.1.2.weight").remove("experts.1.2.bias");
  CHECK(contains(error_of(layers), "experts.1.0.weight: 8 outputs, expected 6 like experts.0.2.weight"));
}

TEST_CASE("another number of tasks than the description has") {
  MemoryWeights weights = mmoe_weights();
  weights.linear("gates.2", 3, 10);
  CHECK(error_of(weights) ==
        "levels[0].gates.logits: gates.{task}.weight: found 3 tasks (0, 1, 2), expected 2, as many as the description "
        "has "
        "tasks with a tower (click, like); `number` of a task says which number is its own");
}

TEST_CASE("a task's tensors missing by name") {
  MemoryWeights weights = mmoe_weights();
  for (const char* t : {"0", "1"}) {
    for (const char* l : {".0", ".2"}) {
      weights.remove(std::string("towers.") + t + l + ".weight").remove(std::string("towers.") + t + l + ".bias");
    }
  }
  weights.linear("towers.click.0", 1, 6).linear("towers.likes.0", 1, 6);
  CHECK(contains(error_of(weights),
                 "towers.layers: no tensor is named towers.like.{layer}.weight; nearest: towers.like"));
}

TEST_CASE("weights that are no numbers") {
  MemoryWeights nan = mmoe_weights();
  nan.data("experts.1.2.weight")[8 * 3 + 7] = std::numeric_limits<float>::quiet_NaN();
  CHECK(error_of(nan) == "experts.1.2.weight: element [3, 7] is nan, expected a finite number");
  MemoryWeights infinite = mmoe_weights();
  infinite.data("gates.1.bias")[2] = -std::numeric_limits<float>::infinity();
  CHECK(error_of(infinite) == "gates.1.bias: element [2] is infinite, expected a finite number");
}

TEST_CASE("unknown and missing keys") {
  CHECK(error_with("\"towers\"", "\"tower\"") == "tower: unknown key; did you mean \"towers\"?");
  CHECK(error_with("\"logits\"", "\"logit\"") == "levels[0].gates.logit: unknown key; did you mean \"logits\"?");
  CHECK(error_with("\"mmoe_description\": 1", "\"mmoe_description\": 2") ==
        "mmoe_description: found 2, expected 1, the version that this converter reads");
  CHECK(error_with("\"logits\": \"gates.{task}\"", "\"top_k\": 1") ==
        "levels[0].gates.logits: missing: the pattern of the layer that gives one logit per expert (or `constant`, or "
        "`route`)");
  CHECK(contains(error_with("\"logits\": \"gates.{task}\"", "\"constant\": [1, 1, 1], \"top_k\": 2"),
                 "levels[0].gates.top_k: unknown key"));
  CHECK(contains(error_with(", \"activation\": \"relu\"},", "},"), "levels[0].experts.activation: missing"));
  CHECK(contains(error_with("{\"name\": \"like\", \"link\": \"sigmoid\"}", "{\"name\": \"like\"}"),
                 "tasks[1].link: missing"));
  CHECK(contains(bind_error("[]", mmoe_weights()), "description: found a list of 0, expected an object"));
  CHECK(contains(bind_error("{}", mmoe_weights()), "mmoe_description: missing"));
}

TEST_CASE("tasks: duplicates, links, limits") {
  CHECK(error_with("\"like\"", "\"click\"") == "tasks[1]: two tasks are named \"click\"");
  CHECK(contains(error_with("\"link\": \"sigmoid\"", "\"link\": \"softmax\""), "tasks[0].link: found \"softmax\""));
  CHECK(contains(error_with("\"link\": \"sigmoid\"", "\"link\": {}"), "tasks[0].link: expected one of"));
  std::string many;
  for (int i = 0; i < 65; ++i) many += R"({"name": "t)" + std::to_string(i) + R"(", "link": "sigmoid"}, )";
  CHECK(error_with("[{\"name\": \"click\"", "[" + many + "{\"name\": \"click\"") ==
        "tasks: found a list of 67, expected at most 64");
}

TEST_CASE("pools and gates: names") {
  const std::string pool = R"({"layers": "experts.{expert}.{layer}", "activation": "relu"})";
  CHECK(contains(error_with(pool, "[" + pool + ", " + pool + "]"),
                 "levels[0].experts[1]: two pools are named \"experts\""));
  const std::string gate = R"({"logits": "gates.{task}"})";
  CHECK(contains(error_with(gate, "[" + gate + ", " + gate + "]"),
                 "levels[0].gates[1]: two gates groups are named \"gates\""));
  CHECK(contains(error_with(gate, R"({"logits": "gates.{task}", "mixes": ["expert"]})"),
                 "levels[0].gates.mixes[0]: found \"expert\", expected one of experts"));
  CHECK(contains(error_with(gate, R"({"logits": "gates.{task}", "name": "input"})"), "cannot be named \"input\""));
  CHECK(contains(
      error_with(gate, R"({"logits": "gates.{task}", "reads": "gates"})"),
      "levels[0].gates.reads: found \"gates\", expected \"input\", a node, or a list of parts: no level comes before"));
  CHECK(contains(error_with(gate, R"({"logits": "gates.{task}", "per": "task"})"),
                 "levels[0].gates.per: `logits` has {task}: there is a gate per task already"));
}

TEST_CASE("several gates groups that a tower could read") {
  MemoryWeights weights = mmoe_weights();
  weights.linear("other.0", 3, 10).linear("other.1", 3, 10);
  const std::string text = replaced(mmoe_description(), R"({"logits": "gates.{task}"})",
                                    R"([{"logits": "gates.{task}"}, {"name": "other", "logits": "other.{task}"}])");
  CHECK(bind_error(text, weights) ==
        "towers: say with `reads` which of the level before it reads: \"gates\", \"other\"");
  BindReport report;
  const std::string said = replaced(text, R"("towers": {)", R"("towers": {"reads": "other", )");
  CHECK(bind_description_text(said, weights, "m", &report).towers[1].input == 3);
  CHECK(report.notes == std::vector<std::string>{"no tower reads \"gates\" of the last level"});
}

TEST_CASE("placeholders that have no value where they stand") {
  CHECK(contains(error_with("towers.{task}.{layer}", "towers.{level}.{layer}"),
                 "no {task} in it, but there are 2 tasks"));
  CHECK(contains(error_with("towers.{task}.{layer}", "towers.{task}.{level}"),
                 "{level} has no meaning outside `levels`"));
  CHECK(contains(error_with("gates.{task}", "gates.{expert}"), "{expert} has no meaning outside a pool"));
  CHECK(contains(error_with("gates.{task}", "gates.{layer}"), "is one layer, without {layer}"));
  CHECK(contains(error_with("{\"logits\": \"gates.{task}\"}",
                            R"({"hidden": {"layers": "gates.{task}", "activation": "relu"}, "logits": "gates.0"})"),
                 "has {task}, but what it belongs to is shared by the tasks"));
}

TEST_CASE("levels: how many") {
  CHECK(contains(bind_error(R"({"mmoe_description": 1, "levels": [], "towers": {"layers": "t.{task}"},
                               "tasks": [{"name": "a", "link": "sigmoid"}]})",
                            mmoe_weights()),
                 "levels: found a list of 0, expected at least one level"));
  std::string levels;
  for (int i = 0; i < 17; ++i) levels += i == 0 ? "{}" : ", {}";
  CHECK(contains(bind_error(R"({"mmoe_description": 1, "levels": [)" + levels + R"(], "towers": {"layers": "t.{task}"},
                               "tasks": [{"name": "a", "link": "sigmoid"}]})",
                            mmoe_weights()),
                 "levels: found a list of 17, expected at most 16"));
}

}  // namespace
}  // namespace mmoe::converter
