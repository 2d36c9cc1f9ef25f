// What a recipe may say: each fault is refused with the line and the path, the recipes that are compiled in have none.
#include "converter/recipes/rules.h"

#include <doctest/doctest.h>

#include "converter/error.h"
#include "converter/recipes/library.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::contains;

// A recipe with everything in it. "$" is on line 5 only.
const char* const kRecipe = R"({
  "library": "Lib", "activation": "its argument",
  "activations": {"swish": "silu"},
  "features": {"table": "table.{feature}.weight", "order": ["categorical sequence", "dense"]},
  "mlp": {"layers": "$.{layer}", "dice": [{"alpha": "$.{layer}.alpha"}]},
  "sequence": ["layer", "dropout?"],
  "left_over": [{"tensors": "loss.*", "why": "the trainer's"}],
  "models": [
    {
      "model": "MMoE",
      "names": {"body": "*/experts"},
      "tasks": "tower.{task}.weight",
      "levels": "level.{level}.weight",
      "input": "expert.{expert}.weight",
      "description": {
        "levels": [{"experts": [{"mlp": "$body.{expert}"}],
                    "gates": [{"name": "shared", "not_in_last_level": true, "logits": "gate.{task}"}]}],
        "towers": {"mlp": "tower.{task}", "output_any": ["out.{task}", "out#{task}"]}
      }
    },
    {
      "model": "ESMM",
      "fixed_tasks": [{"name": "ctr", "link": "sigmoid"}, {"name": "both", "link": {"product": ["ctr"]}}],
      "input": "a",
      "description": {"towers": {"layers": ["a"], "activation": "relu"}}
    },
    {
      "model": "Nodes",
      "tasks": "own.{task}.0.weight", "numbered_tasks": true,
      "input": ["a", "b.{num_tasks}"],
      "columns": [{"name": "own.x", "count": [{"outputs_of": "a"}]}, {"name": "all.x", "count": {"inputs_of": "b"}, "less": "own.x"}],
      "description": {
        "architecture": "Own",
        "nodes": [
          {"name": "own", "mlp": "own", "reads": "input", "part": "gates", "else": "input"},
          {"each": "cross.{layer}.weight", "from": "own", "name": "crossed", "nodes": [
            {"name": "w{n}", "layers": "cross.{n}", "reads": "{before}", "activation": "linear"},
            {"name": "o{n}", "softmax": "own", "needs": "a.{n}", "else": "own"},
            {"name": "c{n}", "product": ["own", "w{n}"], "scale": {"one_over_root_of_outputs_of": "cross.{n}.weight"}}]},
          {"each": "t.{layer}.weight", "per_task": true, "from": "own.x", "name": "{task}.t", "nodes": [
            {"name": "{task}.t.{step}", "layers": ["t.{n}"], "reads": ["{before}"], "activation": "relu"}]},
          {"task_by_task": [
            {"name": "{task}", "tasks": "first", "sum": ["crossed"], "constant": "shift.{task}"},
            {"name": "{task}", "tasks": "later", "layers": "last.{previous_task}", "reads": ["crossed", "{previous_task}"],
             "activation": "relu", "with_output": true}]}],
        "levels": [{"experts": {"layers": "e.{expert}", "activation": "relu"}, "gates": {"logits": "g.{task}"}, "else": "crossed",
                    "nodes": [{"name": "{task}.logit", "layers": "rel.{task}", "activation": "relu",
                               "reads": ["{relations}"], "relations": "relation_tower_names"}]}],
        "towers": {"reads": "{task}.logit"}
      },
      "refused": [{"tensors": "mask.*", "why": "no mask"}]
    }
  ]
})";

std::string error_of(const std::string& text) {
  try {
    check_recipe_text(text, "lib.json");
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

// The recipe's error when the first `from` in it is replaced.
std::string error_with(const std::string& from, const std::string& to) {
  std::string text = kRecipe;
  REQUIRE(text.find(from) != text.npos);
  return error_of(text.replace(text.find(from), from.size(), to));
}

TEST_CASE("a recipe is good, and so are those that are compiled in") {
  CHECK(error_of(kRecipe).empty());
  CHECK(check_recipe_text(kRecipe, "lib.json") == "Lib");
  CHECK(!library_texts().empty());
  for (const LibraryText& text : library_texts()) CHECK(error_of(std::string(text.text)).empty());
}

TEST_CASE("gates may be a route, and nodes stand for each element or attend to each other") {
  CHECK(error_with(R"({"logits": "g.{task}"})", R"({"route": ["own"], "per": "task"})").empty());
  CHECK(error_with(R"("reads": "input", "part")", R"("reads": "input", "each": {"inputs_of": "a"}, "part")").empty());
  CHECK(error_with(R"("softmax": "own")", R"("scaled_dot": ["own", "own", ["own"]], "heads": 2, "causal": true,
                                             "group": {"inputs_of": "a"})")
            .empty());
}

TEST_CASE("what is no JSON is refused with the line") {
  CHECK(contains(error_with("\"activations\": {", "\"activations\": "),
                 "lib.json:3: error: not valid JSON: parse error at line 3"));
  CHECK(contains(error_with("\"mlp\": {", "\"library\": \"Lib\", \"mlp\": {"),
                 "lib.json:5: error: line 5: key \"library\" twice"));
  CHECK(contains(error_of("[]"), "lib.json:1: error: "));
}

TEST_CASE("each fault of a recipe is refused with the line and the path") {
  struct Fault {
    const char* from;
    const char* to;
    const char* message;
  };
  const Fault faults[] = {
      {R"("library")", R"("libary")", R"(lib.json:2: error: libary: unknown key; did you mean "library"?)"},
      {R"("library": "Lib", )", "", "lib.json:1: error: library: missing: the library's name"},
      {R"("Lib")", "7", "lib.json:2: error: library: found 7, expected a string"},
      {R"("activation": "its argument")", R"("link": "sigmoid")",
       "lib.json:15: error: models[0].description: names no activation, and the library's `activation` does not say"},
      {R"("silu")", R"("sillu")",
       "lib.json:3: error: activations.swish: found \"sillu\", expected one of linear, relu"},
      {R"("swish")", R"("nn.Swish")", "lib.json:3: error: activations.nn.Swish: names are compared in lower case"},
      {R"({"table": "table.{feature}.weight", "order": ["categorical sequence", "dense"]})", "{}",
       "lib.json:4: error: features.table: missing: the name of a feature's embedding table"},
      {"table.{feature}.weight", "table.weight", "lib.json:4: error: features.table: found"},
      {R"("order": [)", R"("second_table": {"table": "t.{feature}"}, "order": [)",
       "features.second_table.suffix: missing"},
      {R"("order": [)", R"("second_table": {"table": "t", "suffix": "s"}, "order": [)",
       "features.second_table.table: found"},
      {"categorical sequence", "categoric", "lib.json:4: error: features.order[0]: found"},
      {R"("layers": "$.{layer}")", R"("layers": "a.{layer}")", "lib.json:5: error: mlp.layers: found"},
      {R"("mlp": {"layers": "$.{layer}", "dice": [{"alpha": "$.{layer}.alpha"}]},)", "",
       "lib.json:16: error: models[0].description.levels[0].experts[0].mlp: the library does not say what its `mlp` "
       "is"},
      {R"("alpha")", R"("alfa")", "lib.json:5: error: mlp.dice[0].alfa: unknown key"},
      {R"("dropout?")", R"("dropped")", "lib.json:6: error: sequence[1]: found"},
      {R"(, "why": "the trainer's")", "", "lib.json:7: error: left_over[0].why: missing"},
      {R"("tensors": "loss.*")", R"("tensors": "loss.*", "copy_of": "los")",
       "lib.json:7: error: left_over[0].copy_of: found \"los\", expected a text with one *, at its end"},
      {R"("count": {"inputs_of": "b"}, "less": "own.x")", R"("rest": false)", "columns[1].rest: found"},
      {R"("count": [{"outputs_of": "a"}])", R"("rest": true)", "columns[0].rest: is for the last block"},
      {R"("all.x", "count")", R"("all.{task}", "count")", "columns[1].less: unknown key"},
      {R"("each": "cross.{layer}.weight")", R"("each": {"setting": "layers"})", "each.setting: found \"layers\""},
      {R"("ESMM")", R"("MMoE")", "lib.json:22: error: models[1].model: two models are named \"MMoE\""},
      {R"("*/experts")", R"("experts")", "lib.json:11: error: models[0].names.body: found"},
      {"$body", "$bode", "experts[0].mlp: \"$bode.{expert}\" has a $ that `names` does not declare"},
      {R"("tower.{task}.weight")", R"("tower.weight")", "lib.json:12: error: models[0].tasks: found"},
      {R"("tasks": "tower.{task}.weight",)", "",
       "lib.json:9: error: models[0]: expected either `tasks` or `fixed_tasks`"},
      {"level.{level}.weight", "level.0.weight", "lib.json:13: error: models[0].levels: found"},
      {R"("input": "expert.{expert}.weight",)", "", "lib.json:9: error: models[0].input: missing"},
      {"expert.{expert}.weight", "expert.{experts}.weight",
       "lib.json:14: error: models[0].input: \"expert.{experts}.weight\" has"},
      {R"("logits")", R"("logit")", "lib.json:17: error: models[0].description.levels[0].gates[0].logit: unknown key"},
      {R"("not_in_last_level": true)", R"("not_in_last_level": 1)",
       "gates[0].not_in_last_level: found 1, expected true"},
      {R"(, "logits": "gate.{task}")", "", "gates[0].logits: missing"},
      {R"({"mlp": "$body.{expert}"})", R"({"name": "a"})", "experts[0]: expected `mlp`, `layers` or `layers_any`"},
      {R"("output_any": ["out.{task}", "out#{task}"])", R"("output_any": [])",
       "lib.json:18: error: models[0].description.towers.output_any"},
      {R"("mlp": "tower.{task}")", R"("mlp": "tower.{task}{layer}")",
       "towers.mlp: \"tower.{task}{layer}\" has two placeholders"},
      {R"({"name": "both",)", R"({"name": "ctr",)",
       "lib.json:23: error: models[1].fixed_tasks[1].name: two tasks have this name"},
      {R"({"product")", R"({"produkt")", "lib.json:23: error: models[1].fixed_tasks[1].link.produkt: unknown key"},
      {R"("activation": "relu")", R"("activation": "rellu")",
       "lib.json:25: error: models[1].description.towers.activation: found"},
      {R"({"towers": {"layers": ["a"], "activation": "relu"}})", "{}",
       "lib.json:25: error: models[1].description.towers: missing"},
      {R"("numbered_tasks": true)", R"("only_by_name": 1)", "models[2].only_by_name: found 1, expected true"},
      {R"("numbered_tasks": true)", R"("numbered_tasks": 2)", "models[2].numbered_tasks: found 2, expected true"},
      {R"("b.{num_tasks}")", R"("b.{num_task}")", "models[2].input[1]: \"b.{num_task}\" has an unknown placeholder"},
      {R"(["a", "b.{num_tasks}"])", "[]", "models[2].input"},
      {R"("architecture": "Own")", R"("architecture": 1)", "models[2].description.architecture: found 1"},
      {R"("part": "gates")", R"("part": "gate")", "lib.json:35: error: models[2].description.nodes[0].part: found"},
      {R"({"name": "own", )", "{", "lib.json:35: error: models[2].description.nodes[0].name: missing"},
      {R"("mlp": "own", )", "", "nodes[0].part: unknown key"},
      {R"("cross.{layer}.weight")", R"("cross.{n}.weight")", "nodes[1].each: found"},
      {R"("from": "own", )", "", "nodes[1].from: missing"},
      {R"("name": "crossed", )", R"("name": "own", )", "nodes[1].name: two nodes are named \"own\""},
      {R"({"name": "o{n}")", R"({"name": "w{n}")", "nodes[1].nodes[1].name: two nodes are named \"w{n}\""},
      {R"("name": "{task}", "tasks": "later")", R"("name": "{task}", "tasks": "first")",
       "nodes[3].task_by_task[1].name: two nodes are named"},
      {R"("name": "{task}", "tasks": "later")", R"("name": "{task}")",
       "nodes[3].task_by_task[1].name: two nodes are named"},
      {R"("name": "{task}.logit")", R"("name": "own")", "levels[0].nodes[0].name: two nodes are named"},
      {R"({"logits": "g.{task}"})", R"({"route": "own", "logits": "g.{task}"})", "gates.logits: unknown key"},
      {R"({"logits": "g.{task}"})", R"({"route": 3})", "gates.route: found 3"},
      {R"("softmax": "own")", R"("scaled_dot": ["own", "own", "own"], "activation": "relu")",
       "nodes[1].nodes[1].activation: unknown key"},
      {R"("softmax": "own")", R"("scaled_dot": ["own", "own", "own"], "heads": {"heads_of": "a"})",
       "nodes[1].nodes[1].heads.heads_of: unknown key"},
      {R"("mlp": "own", "reads": "input")", R"("mlp": "own", "reads": "input", "each": {"each_of": "a"})",
       "nodes[0].each.each_of: unknown key"},
      {R"("tasks": "own.{task}.0.weight", )", R"("requires": [{"inputs_of": "a"}], "tasks": "own.{task}.0.weight", )",
       "models[2].requires[0].is: missing"},
      {R"("tasks": "own.{task}.0.weight", )", R"("requires": [{"is": 1}], "tasks": "own.{task}.0.weight", )",
       "models[2].requires[0]: expected either `outputs_of` or `inputs_of`"},
      {R"("less": "own.x"})", R"("less": "own.x"}, {"name": "d", "of": "dense"})",
       "models[2].columns[2]: expected `of` in each block, or in none"},
      {R"([{"name": "own.x", "count": [{"outputs_of": "a"}]}, )", R"([{"name": "own.x", "of": "densest"}, )",
       "models[2].columns[0].of: found"},
      {R"("name": "crossed", )", "", "nodes[1].name: missing"},
      {R"({"name": "w{n}")", R"({"name": "w")", "nodes[1].nodes[0].name: found \"w\", expected a text with {n} in it"},
      {R"("product": ["own", "w{n}"])", R"("produkt": ["own"])", "nodes[1].nodes[2].produkt: unknown key"},
      {R"("product": ["own", "w{n}"])", R"("product": ["own"], "sum": ["own"])", "nodes[1].nodes[2]: expected `mlp`"},
      {R"("one_over_root_of_outputs_of": "cross.{n}.weight")", "", "nodes[1].nodes[2].scale: found"},
      {R"("one_over_root_of_outputs_of")", R"("one_over_outputs_of")", "scale.one_over_outputs_of: unknown key"},
      {R"({"name": "{task}", "tasks": "first")", R"({"name": "t", "tasks": "first")",
       "nodes[3].task_by_task[0].name: found"},
      {R"("tasks": "first")", R"("tasks": ["a"])", "nodes[3].task_by_task[0].tasks: found"},
      {R"("constant": "shift.{task}")", R"("constant": "shift.{tusk}")", "nodes[3].task_by_task[0].constant"},
      {R"("with_output": true)", R"("with_output": false)", "nodes[3].task_by_task[1].with_output: found false"},
      {R"(, "else": "crossed")", R"(, "else": 3)", "levels[0].else: found 3"},
      {R"(["{relations}"])", R"(["crossed"])", "levels[0].nodes[0].reads: found"},
      {R"("relation_tower_names")", R"("relations")", "levels[0].nodes[0].relations: found"},
      {R"("towers": {"reads": "{task}.logit"})", R"("towers": {"bias": "b"})", "towers.bias: unknown key"},
      {R"("towers": {"reads": "{task}.logit"})", R"("towers": {})", "towers.reads: missing"},
      {R"("count": [{"outputs_of": "a"}])", R"("count": [])", "models[2].columns[0].count: found"},
      {R"({"outputs_of": "a"})", R"({"output_of": "a"})", "models[2].columns[0].count[0].output_of: unknown key"},
      {R"("less": "own.x")", R"("less": "all.x")", "models[2].columns[1].less: found"},
      {R"("needs": "a.{n}", )", "", "nodes[1].nodes[1]: has `else`, but nothing says when"},
      {R"("needs": "a.{n}")", R"("needs": "a.{m}")", "nodes[1].nodes[1].needs: \"a.{m}\" has an unknown placeholder"},
      {R"("per_task": true)", R"("per_task": 1)", "nodes[2].per_task: found 1, expected true"},
      {R"("name": "{task}.t.{step}")", R"("name": "{task}.t")", "nodes[2].nodes[0].name: found"},
      {R"("name": "{task}.t.{step}")", R"("name": "t.{step}")", "nodes[2].nodes[0].name: found"},
      {R"(, "why": "no mask")", "", "models[2].refused[0].why: missing"},
  };
  for (const Fault& fault : faults) {
    CAPTURE(fault.from);
    const std::string error = error_with(fault.from, fault.to);
    CAPTURE(error);
    CHECK(contains(error, fault.message));
  }
}

}  // namespace
}  // namespace mmoe::converter
