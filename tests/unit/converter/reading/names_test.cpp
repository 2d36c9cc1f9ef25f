// Names of tensors as frameworks and their wrappers write them, and tensors that a description does not account for.
#include "converter/reading/names.h"

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

TrainedModel bound(const std::string& text, const WeightSource& weights, BindReport* report = nullptr) {
  return bind_description_text(text, weights, "model", report);
}

std::vector<TensorInfo> infos(const std::vector<std::string>& names) {
  std::vector<TensorInfo> result;
  for (const std::string& name : names) result.push_back({name, {}, "f32"});
  return result;
}

TEST_CASE("prefixes that all names share end with a whole part of a name") {
  using Prefixes = std::vector<std::string>;
  CHECK(shared_prefixes({}) == Prefixes{""});
  CHECK(shared_prefixes(infos({"net.model.a.weight", "net.model.ab.weight"})) == Prefixes{"", "net.", "net.model."});
  CHECK(shared_prefixes(infos({"expert_0.weight", "expert_1.weight"})) == Prefixes{""});
  CHECK(shared_prefixes(infos({"module.a", "n_averaged", "module.b"})) == Prefixes{"", "module."});
  CHECK(shared_prefixes(infos({"module._orig_mod.a", "module._orig_mod.b"})) ==
        Prefixes{"", "module.", "module._orig_mod."});
}

TEST_CASE("a wrapper's prefix may be left out, whatever it is") {
  for (const char* prefix :
       {"module.", "_orig_mod.", "net.", "module._orig_mod.", "_orig_mod.module.", "model.net.mmoe."}) {
    CAPTURE(prefix);
    CHECK(bind_error(mmoe_description(), mmoe_weights().with_prefix(prefix)).empty());
    CHECK(bind_error(replaced(mmoe_description(), "experts.{", std::string(prefix) + "experts.{"),
                     mmoe_weights().with_prefix(prefix))
              .empty());
  }
}

TEST_CASE("parts that torch.compile wrapped are found by their own names") {
  MemoryWeights weights;
  for (const std::string n : {"0", "1"}) {
    weights.linear("net.experts." + n + "._orig_mod.0", 4, 6).linear("net.gates." + n, 2, 6);
    weights.linear("net.towers._orig_mod." + n + ".0", 1, 4);
  }
  CHECK(uncompiled_name("_orig_mod.a._orig_mod.b") == "a.b");
  CHECK(uncompiled_name("a_orig_mod.b") == "a_orig_mod.b");
  CHECK(bind_error(mmoe_description(), weights) == "");
}

TEST_CASE("derived tensors are found behind a prefix too") {
  for (const char* prefix : {"", "net.", "_orig_mod.", "module._orig_mod."}) {
    CAPTURE(prefix);
    MemoryWeights weights;
    weights.add("kernel", {2, 4, 6})
        .linear("gates.0", 2, 6)
        .linear("gates.1", 2, 6)
        .linear("towers.0.0", 1, 4)
        .linear("towers.1.0", 1, 4);
    CHECK(bind_error(replaced(mmoe_description(), "\"levels\"",
                              R"("derived": [{"name": "experts.{expert}.0.weight", "split": "kernel"}], "levels")"),
                     weights.with_prefix(prefix)) == "");
  }
}

TEST_CASE("a tensor that the description forgets is an error that says what to do") {
  MemoryWeights weights = mmoe_weights();
  weights.norm("norms.0", 4).add("scale", {2, 3});
  const std::string error = bind_error(mmoe_description(), weights);
  CHECK(contains(error,
                 "5 tensors of the file are not used: norms.0.weight [4], norms.0.bias [4], norms.0.running_mean [4]"));
  CHECK(contains(
      error, R"("ignore": ["norms.0.weight","norms.0.bias","norms.0.running_mean","norms.0.running_var","scale"])"));
  const std::string ignoring =
      replaced(mmoe_description(), "\"levels\"", R"("ignore": ["norms.*", "scale"], "levels")");
  CHECK(bind_error(ignoring, weights).empty());
  CHECK(contains(bind_error(replaced(ignoring, ", \"scale\"", ""), weights),
                 "1 tensor of the file is not used: scale [2, 3]"));
  BindReport report;
  bind_description_text(mmoe_description(), weights, "model", &report, UnusedTensors::kReport);
  CHECK(report.unused_tensors.size() == 5);
  MemoryWeights many = mmoe_weights();
  for (size_t i = 0; i < 1000; ++i) many.add("dead." + std::to_string(i), {1});
  CHECK(bind_error(mmoe_description(), many).size() < 2000);
  CHECK(contains(bind_error(mmoe_description(), many), "and 980 more"));
}

TEST_CASE("state of training needs no mention, and what only looks like it does") {
  MemoryWeights weights = mmoe_weights().with_prefix("module.");
  weights.add("n_averaged", {})
      .add("module.norm.num_batches_tracked", {})
      .add("module.dropout/seed_generator_state", {2});
  CHECK(bind_error(mmoe_description(), weights) == "");
  CHECK(bind_error(replaced(mmoe_description(), "\"levels\"", R"("ignore": ["dead.*"], "levels")"), weights) == "");
  for (const char* name : {"module.my_num_batches_tracked", "module.optimizer.weight", "module.metrics"}) {
    MemoryWeights other = mmoe_weights().with_prefix("module.");
    other.add(name, {});
    CHECK(contains(bind_error(mmoe_description(), other), "1 tensor of the file is not used"));
  }
}

TEST_CASE("a tensor itself as a layer's weight") {
  MemoryWeights weights = mmoe_weights();
  for (const std::string task : {"0", "1"}) {
    weights.remove("gates." + task + ".weight").remove("gates." + task + ".bias").add("w_gates." + task, {10, 3});
  }
  const std::string text =
      replaced(mmoe_description(), "\"gates.{task}\"", R"("w_gates.{task}", "weight": "", "orientation": "in_out")");
  const TrainedModel model = bound(text, weights);
  CHECK(model.levels[0].gates[1].logits->weight.at(2, 7) == weights.data("w_gates.1")[7 * 3 + 2]);
  CHECK(model.levels[0].gates[1].logits->bias.empty());
  const std::string without = replaced(mmoe_description(), "gates.{task}", "w_gates.{task}");
  CHECK(contains(bind_error(without, weights),
                 R"(there is w_gates.0 [10, 3]: where the tensor itself has the layer's name, say "weight": "")"));
  CHECK(contains(bind_error(replaced(text, "\"weight\": \"\"", R"("weight": "", "bias": "")"), weights),
                 "levels[0].gates.bias: is what `weight` is"));
  MemoryWeights layers;  // of towers, too
  layers.add("towers.0", {1, 8}).add("towers.1", {1, 8});
  CHECK(bind_error(R"({"mmoe_description": 1, "towers": {"layers": "towers.{task}", "weight": ""},
    "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]})",
                   layers) == "");
}

TEST_CASE("a gate that the tasks share may be numbered with the tasks' own") {
  MemoryWeights weights;
  for (const std::string level : {"0", "1"}) {
    const size_t inputs = level == "0" ? 6 : 4;
    weights.linear("levels." + level + ".shared.0", 4, inputs);
    for (const std::string n : {"0", "1", "2"}) {
      if (n != "2") weights.linear("levels." + level + ".own." + n + ".0", 4, inputs);
      if (n != "2" || level == "0") weights.linear("levels." + level + ".gates." + n, n == "2" ? 3 : 2, inputs);
    }
  }
  weights.linear("towers.0.0", 1, 4).linear("towers.1.0", 1, 4);
  const std::string text = R"({"mmoe_description": 1, "levels": [
    {"experts": [{"name": "own", "layers": "levels.{level}.own.{task}.{layer}", "activation": "relu"},
                 {"name": "shared", "layers": "levels.{level}.shared.{layer}", "activation": "relu"}],
     "gates": [{"name": "own", "logits": "levels.{level}.gates.{task}"}, {"name": "shared", "logits": "levels.0.gates.2"}]},
    {"experts": [{"name": "own", "layers": "levels.{level}.own.{task}.{layer}", "activation": "relu"},
                 {"name": "shared", "layers": "levels.{level}.shared.{layer}", "activation": "relu"}],
     "gates": {"name": "own", "logits": "levels.{level}.gates.{task}"}}],
    "towers": {"layers": "towers.{task}.{layer}"},
    "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]})";
  const TrainedModel model = bound(text, weights);
  REQUIRE(model.levels[0].gates.size() == 3);
  CHECK(model.levels[0].gates[2].experts.size() == 3);
  CHECK(model.levels[0].gates[1].logits->name == "levels.0.gates.1.weight");
}

TEST_CASE("`number` says which number is a task's") {
  MemoryWeights weights = mmoe_weights();
  weights.linear("gates.2", 3, 10);
  const auto numbered = [](const std::string& first, const std::string& second) {
    std::string text = replaced(mmoe_description(), R"("name": "click")", R"("name": "click", "number": )" + first);
    return replaced(text, R"("name": "like")", R"("name": "like", "number": )" + second);
  };
  CHECK(contains(bind_error(mmoe_description(), weights), "found 3 tasks (0, 1, 2), expected 2"));
  CHECK(contains(bind_error(mmoe_description(), weights), "`number` of a task says"));
  const std::string ignoring = replaced(numbered("2", "0"), "\"levels\"", R"("ignore": ["gates.1.*"], "levels")");
  const TrainedModel model = bound(ignoring, weights);
  CHECK(model.levels[0].gates[0].logits->name == "gates.2.weight");
  CHECK(model.levels[0].gates[1].logits->name == "gates.0.weight");
  CHECK(model.towers[0].layers[0].name == "towers.0.0.weight");  // there is no 2: counted as without
  CHECK(contains(bind_error(numbered("1", "1"), weights), "tasks[1].number: 1 is another task's number"));
  CHECK(contains(
      bind_error(replaced(mmoe_description(), R"("name": "click")", R"("name": "click", "number": 1)"), weights),
      "give it to all or to none"));
}

}  // namespace
}  // namespace mmoe::converter
