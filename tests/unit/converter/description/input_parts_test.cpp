// `reads` that means parts of x.
#include "converter/description/bind.h"

#include <doctest/doctest.h>

#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::bind_error;
using test::contains;
using test::MemoryWeights;
using test::replaced;

// Two tasks, x of ten columns: experts of a task read four of them, the shared expert five, the gates two parts.
constexpr const char* kColumns = R"({"mmoe_description": 1, "input_dim": 10,
  "levels": [{
    "experts": [
      {"name": "own", "layers": "own.{task}.{layer}", "activation": "relu",
       "reads": {"first": 1, "count": 4, "per": "task"}},
      {"name": "shared", "layers": "shared.{layer}", "activation": "relu", "reads": [{"first": 5, "count": 5}]}],
    "gates": {"logits": "gates.{task}", "reads": [{"first": 8, "count": 2}, {"first": 0, "count": 1}]}}],
  "towers": {"layers": "towers.{task}"},
  "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]})";

MemoryWeights column_weights() {
  MemoryWeights weights;
  weights.linear("own.0.0", 6, 4).linear("own.1.0", 6, 4).linear("shared.0", 6, 5);
  weights.linear("gates.0", 2, 3).linear("gates.1", 2, 3).linear("towers.0", 1, 6).linear("towers.1", 1, 6);
  return weights;
}

TrainedModel bound(const std::string& text, const WeightSource& weights) {
  return bind_description_text(text, weights, "ranker", nullptr, UnusedTensors::kRefuse);
}

TEST_CASE("parts of x: columns, those of each task behind one another") {
  const TrainedModel model = bound(kColumns, column_weights());
  CHECK(model.input_dim == 10);
  const Level& level = model.levels[0];
  REQUIRE(level.experts.size() == 3);
  CHECK(level.experts[0].input == input_stream({{1, 4}}));
  CHECK(level.experts[1].input == input_stream({{5, 4}}));
  CHECK(level.experts[2].input == input_stream({{5, 5}}));
  CHECK(level.gates[0].input == input_stream({{8, 2}, {0, 1}}));
  CHECK(level.gates[1].input == level.gates[0].input);
  CHECK(model.towers[1].input == 1);
}

TEST_CASE("parts of x: a tower reads them, or x, beside levels and without any") {
  MemoryWeights weights = column_weights();
  weights.remove("towers.0.weight")
      .remove("towers.1.weight")
      .add("towers.0.weight", {1, 3})
      .add("towers.1.weight", {1, 3});
  const std::string towers = R"("towers": {"layers": "towers.{task}")";
  const std::string text = replaced(kColumns, towers, towers + R"(, "reads": {"first": 7, "count": 3})");
  CHECK(bound(text, weights).towers[1].input == input_stream({{7, 3}}));
  MemoryWeights alone;
  alone.linear("wide.0.0", 3, 4).linear("wide.1.0", 3, 4).linear("wide.0.1", 1, 3).linear("wide.1.1", 1, 3);
  const TrainedModel model = bound(R"({"mmoe_description": 1, "input_dim": 8,
    "towers": {"layers": "wide.{task}.{layer}", "activation": "relu", "reads": {"first": 0, "count": 4, "per": "task"}},
    "tasks": [{"name": "a", "link": "sigmoid"}, {"name": "b", "link": "sigmoid"}]})",
                                   alone);
  REQUIRE(model.levels.size() == 1);
  CHECK(model.levels[0].experts[1].input == input_stream({{4, 4}}));
  CHECK(model.towers[1].input == 1);
  const TrainedModel whole = bound(R"({"mmoe_description": 1,
    "towers": {"layers": "wide.{task}.{layer}", "activation": "relu", "reads": "input"},
    "tasks": [{"name": "a", "link": "sigmoid"}, {"name": "b", "link": "sigmoid"}]})",
                                   alone);
  CHECK(whole.input_dim == 4);
}

TEST_CASE("parts of x: columns that there are not, or that are read twice, are refused") {
  const MemoryWeights weights = column_weights();
  const auto error_with = [&](const std::string& from, const std::string& to) {
    return bind_error(replaced(kColumns, from, to), weights);
  };
  const std::string shared = R"([{"first": 5, "count": 5}])";
  const std::string path = "levels[0].experts[1].reads";
  CHECK(error_with(shared, R"([{"first": 6, "count": 5}])") == path + "[0]: 5 columns from 6 on, but x has 10");
  CHECK(error_with(shared, R"([{"first": 11, "count": 1}])") == path + "[0]: 1 column from 11 on, but x has 10");
  CHECK(error_with(shared, R"([{"first": 5, "count": 0}])") == path + "[0].count: found 0, expected 1 or more");
  CHECK(error_with(shared, R"([{"first": 5, "count": 3}, {"first": 7, "count": 2}])") ==
        path + "[1]: column 7 of x is read twice");
  CHECK(contains(error_with(shared, R"([{"first": 5}])"), path + "[0].count: missing"));
  CHECK(contains(error_with(shared, R"([{"first": 5, "count": 5, "step": 2}])"), path + "[0]"));
  CHECK(contains(error_with(shared, R"([])"), path + ": found a list of 0, expected at least one part"));
  CHECK(error_with(shared, R"([{"first": 5, "count": 5, "per": "task"}])") ==
        path + "[0].per: what reads it is not per task");
  CHECK(contains(error_with(shared, R"(["age"])"),
                 path + "[0]: found \"age\", expected a feature, a node or a gates group"));
  CHECK(error_with(R"("input_dim": 10,)", "") ==
        "levels[0].experts[0].reads: columns of x need `input_dim`, its width");
  CHECK(error_with(R"({"first": 5, "count": 5})", R"({"first": 5, "count": 4})") ==
        "shared.0.weight: [6, 5], expected [6, 4] (6 outputs, 4 inputs)");
}

// x: age 0, emb.click 1-3, emb.like 4-6, price 7, 8
constexpr const char* kFeatures = R"({"mmoe_description": 1,
  "features": [
    {"name": "age", "kind": "dense", "side": "user"},
    {"name": "emb.click", "kind": "categorical", "vocabulary": {"identity": 4}, "embedding": "tables.0", "side": "item"},
    {"name": "emb.like", "kind": "categorical", "vocabulary": {"identity": 4}, "embedding": "tables.1", "side": "item"},
    {"name": "price", "kind": "dense", "width": 2, "side": "item"}],
  "levels": [{
    "experts": {"layers": "own.{task}", "activation": "relu", "reads": ["emb.{task}", "age"]},
    "gates": {"constant": [1], "per": "task"}}],
  "towers": {"layers": "towers.{task}"},
  "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]})";

MemoryWeights feature_weights() {
  MemoryWeights weights;
  weights.add("tables.0", {4, 3}).add("tables.1", {4, 3}).linear("own.click", 6, 4).linear("own.like", 6, 4);
  return weights.linear("towers.click", 1, 6).linear("towers.like", 1, 6);
}

TEST_CASE("parts of x: features by their names, with the task's name or number in them") {
  const MemoryWeights weights = feature_weights();
  const TrainedModel model = bound(kFeatures, weights);
  CHECK(model.levels[0].experts[0].input == input_stream({{1, 3}, {0, 1}}));
  CHECK(model.levels[0].experts[1].input == input_stream({{4, 3}, {0, 1}}));
  for (const char* first : {"0", "1"}) {
    const std::string second = std::to_string(std::stoi(first) + 1);
    const std::string numbered =
        replaced(replaced(kFeatures, "emb.click", std::string("emb.") + first), "emb.like", "emb." + second);
    CHECK(bound(numbered, weights).levels[0].experts[1].input == input_stream({{4, 3}, {0, 1}}));
  }
}

TEST_CASE("parts of x: features that there are not are refused with the nearest names") {
  const MemoryWeights weights = feature_weights();
  const auto error_with = [&](const std::string& reads) {
    return bind_error(replaced(kFeatures, R"(["emb.{task}", "age"])", reads), weights);
  };
  const std::string path = "levels[0].experts.reads";
  CHECK(contains(
      error_with(R"(["emb.{task}", "prize"])"),
      path + "[1]: found \"prize\", expected a feature, a node or a gates group of the level before, such as price"));
  CHECK(contains(error_with(R"(["embed.{task}"])"), path + "[0]: found \"embed.{task}\", expected a feature"));
  CHECK(contains(error_with(R"(["age", "age"])"), path + "[1]: column 0 of x is read twice"));
  const std::string named_input = replaced(replaced(kFeatures, R"(["emb.{task}", "age"])", R"(["input"])"),
                                           R"("name": "age")", R"("name": "input")");
  CHECK(contains(bind_error(named_input, weights), path + "[0]: is all of the input"));
  CHECK(contains(error_with(R"([{"first": 0, "count": 4}])"), path + "[0]: "));
  CHECK(contains(error_with(R"("ages")"),
                 path + ": found \"ages\", expected \"input\", a node, or a list of parts: no level comes before"));
  const std::string shared = replaced(kFeatures, R"("layers": "own.{task}")", R"("layers": "own.click")");
  CHECK(contains(bind_error(shared, weights), path + "[0]: has {task}, but what reads it is not per task"));
}

// Level 0 gives a stream per task of 6 columns, and a shared one of 5.
constexpr const char* kLevels = R"({"mmoe_description": 1, "input_dim": 10,
  "levels": [
    {"experts": [{"name": "own", "layers": "own.{task}", "activation": "relu"},
                 {"name": "common", "layers": "common", "activation": "relu"}],
     "gates": [{"name": "features", "constant": [1], "per": "task", "mixes": ["own"]},
               {"name": "bottom", "constant": [1], "mixes": ["common"]}]},
    {"experts": [{"name": "relation", "layers": "relation", "activation": "relu",
                  "reads": [{"gates": "features", "task": "like"}, "bottom", {"first": 2, "count": 3}]},
                 {"name": "next", "layers": "next.{task}", "activation": "relu", "reads": ["input", "features"]}],
     "gates": {"logits": "gates.{task}", "reads": [{"gates": "features", "tasks": "all"}]}}],
  "towers": {"layers": "towers.{task}", "reads": [{"first": 9, "count": 1}, "gates"]},
  "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]})";

MemoryWeights level_weights() {
  MemoryWeights weights;
  weights.linear("own.0", 6, 10).linear("own.1", 6, 10).linear("common", 5, 10).linear("relation", 4, 14);
  weights.linear("next.0", 4, 16).linear("next.1", 4, 16).linear("gates.0", 2, 12).linear("gates.1", 2, 12);
  return weights.linear("towers.0", 1, 5).linear("towers.1", 1, 5);
}

TEST_CASE("parts: outputs of the level before beside each other and beside x") {
  const TrainedModel model = bound(kLevels, level_weights());
  const Level& level = model.levels[1];
  StreamRef relation, next, gate, tower;
  relation.parts = {{StreamSource::kPrevious, 1, {0, 6}},
                    {StreamSource::kPrevious, 2, {0, 5}},
                    {StreamSource::kModelInput, 0, {2, 3}}};
  next.parts = {{StreamSource::kModelInput, 0, {0, 10}}, {StreamSource::kPrevious, 1, {0, 6}}};
  gate.parts = {{StreamSource::kPrevious, 0, {0, 6}}, {StreamSource::kPrevious, 1, {0, 6}}};
  tower.parts = {{StreamSource::kModelInput, 0, {9, 1}}, {StreamSource::kPrevious, 1, {0, 4}}};
  CHECK(level.experts[0].input == relation);
  CHECK(level.experts[2].input == next);
  CHECK(level.gates[0].input == gate);
  CHECK(level.gates[1].input == gate);
  CHECK(model.towers[1].input == tower);
  const TrainedModel single =
      bound(replaced(replaced(kLevels, R"("reads": [{"gates": "features", "tasks": "all"}])", R"("reads": ["bottom"])"),
                     R"([{"first": 9, "count": 1}, "gates"])", R"(["gates"])"),
            level_weights()
                .remove("gates.0.weight")
                .remove("gates.1.weight")
                .remove("towers.0.weight")
                .remove("towers.1.weight")
                .add("gates.0.weight", {2, 5})
                .add("gates.1.weight", {2, 5})
                .add("towers.0.weight", {1, 4})
                .add("towers.1.weight", {1, 4}));
  CHECK(single.levels[1].gates[1].input == 2);  // a list of one stream is that stream
  CHECK(single.towers[1].input == 1);
}

TEST_CASE("parts: streams that there are not, or that are one for all tasks, are refused") {
  const MemoryWeights weights = level_weights();
  const auto error_with = [&](const std::string& from, const std::string& to) {
    return bind_error(replaced(kLevels, from, to), weights);
  };
  const std::string path = "levels[1].experts[0].reads";
  CHECK(error_with(R"({"gates": "features", "task": "like"})", R"("features")") ==
        path + "[0]: is not per task, but \"features\" of the level before gives one stream per task");
  CHECK(contains(
      error_with(R"("bottom", {)", R"("botom", {)"),
      path + "[1]: found \"botom\", expected a feature, a node or a gates group of the level before, such as bottom"));
  CHECK(contains(error_with(R"("task": "like")", R"("task": "share")"), path + "[0].task: found \"share\""));
  CHECK(contains(error_with(R"(, "task": "like")", ""), path + "[0].task: missing"));
  CHECK(contains(error_with(R"("task": "like")", R"("task": "like", "tasks": "all")"),
                 path + "[0]: has `tasks` and `task`"));
  CHECK(contains(error_with(R"({"gates": "features", "task": "like"})", R"({"gates": "bottom", "tasks": "all"})"),
                 path + "[0]: \"bottom\" has one stream for all tasks"));
  CHECK(contains(error_with(R"({"gates": "features", "task": "like"})", R"({"gates": "feature", "task": "like"})"),
                 path + "[0].gates: found \"feature\""));
  CHECK(contains(error_with(R"(["input", "features"])", R"(["input", {"first": 3, "count": 1}])"),
                 "levels[1].experts[1].reads[1]: column 3 of x is read twice"));
  CHECK(contains(error_with(R"("reads": ["input", "features"])", R"("reads": 7)"),
                 "levels[1].experts[1].reads: found 7"));
}

TEST_CASE("reads: the name of a feature alone is what a list of it is") {
  MemoryWeights weights;
  weights.linear("experts.0", 4, 2).linear("experts.1", 4, 2).linear("gate", 2, 2).linear("tower", 1, 4);
  const std::string list = R"({"mmoe_description": 1, "features": [{"name": "a", "kind": "dense", "width": 3},
    {"name": "b", "kind": "dense", "width": 2}],
    "levels": [{"experts": {"layers": "experts.{expert}", "activation": "relu", "reads": ["b"]},
                "gates": {"logits": "gate", "reads": ["b"]}}],
    "towers": {"layers": "tower"}, "tasks": [{"name": "click", "link": "sigmoid"}]})";
  const std::string alone = replaced(replaced(list, R"(["b"])", R"("b")"), R"(["b"])", R"("b")");
  const TrainedModel one = bound(alone, weights), other = bound(list, weights);
  CHECK(one.levels[0].experts[0].input == other.levels[0].experts[0].input);
  CHECK(one.levels[0].experts[0].input == input_stream({{3, 2}}));
  CHECK(one.levels[0].gates[0].input == input_stream({{3, 2}}));
  CHECK(contains(bind_error(replaced(alone, R"("reads": "b")", R"("reads": "c")"), weights), "found \"c\""));
}

}  // namespace
}  // namespace mmoe::converter
