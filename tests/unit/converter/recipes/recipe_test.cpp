// Recipes: what they recognise, infer and refuse. Whether the arithmetic is the libraries' is parity/recipes' to tell.
#include "converter/recipes/recipe.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "converter/reading/text.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using nlohmann::json;
using test::contains;
using test::MemoryWeights;

RecipeResult describe(const WeightSource& weights, const std::string& settings = R"({"activation": "relu"})",
                      const std::string& recipe = "") {
  return describe_by_recipe(weights, recipe, settings, "");
}

std::string error_of(const WeightSource& weights, const std::string& settings, const std::string& recipe = "") {
  try {
    describe(weights, settings, recipe);
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

bool has_note(const RecipeResult& result, const std::string& part) {
  for (const std::string& note : result.notes) {
    if (contains(note, part)) return true;
  }
  return false;
}

/// DeepCTR-Torch MMOE: a table of 5 x 3, a shared one of 7 x 3, 2 dense columns; 2 experts, 2 tasks.
MemoryWeights deepctr_torch(size_t inputs = 8) {
  MemoryWeights weights;
  weights.add("embedding_dict.user.weight", {5, 3}).add("embedding_dict.item.weight", {7, 3});
  for (const char* expert : {"0", "1"}) weights.linear(std::string("expert_dnn.") + expert + ".linears.0", 4, inputs);
  for (const char* task : {"0", "1"}) {
    const std::string number = task;
    weights.linear("gate_dnn." + number + ".linears.0", 3, inputs)
        .add("gate_dnn_final_layer." + number + ".weight", {2, 3});
    weights.linear("tower_dnn." + number + ".linears.0", 3, 4)
        .add("tower_dnn_final_layer." + number + ".weight", {1, 3});
    weights.add("out." + number + ".bias", {1});
  }
  return weights;
}

/// DeepCTR-Torch PLE of 2 levels; it makes as many shared experts as specific ones, 2, and reads 1.
MemoryWeights deepctr_torch_ple() {
  MemoryWeights weights;
  for (const std::string level : {"0", "1"}) {
    const size_t inputs = level == "0" ? 6 : 4;
    for (const std::string expert : {"0", "1"}) {
      for (const std::string task : {"0", "1"}) {
        weights.linear("specific_experts." + level + "." + task + "." + expert + ".linears.0", 4, inputs);
      }
      weights.linear("shared_experts." + level + ".0." + expert + ".linears.0", 4, inputs);
    }
    for (const std::string task : {"0", "1"}) {
      weights.add("specific_gate_dnn_final_layer." + level + "." + task + ".weight", {3, inputs});
    }
    weights.add("shared_gate_dnn_final_layer." + level + ".weight", {5, inputs});
  }
  for (const std::string task : {"0", "1"}) {
    weights.add("tower_dnn_final_layer." + task + ".weight", {1, 4}).add("out." + task + ".bias", {1});
  }
  return weights;
}

TEST_CASE("a recipe is recognised, leaves out what is not there, and binds") {
  const MemoryWeights weights = deepctr_torch();
  const RecipeResult result = describe(weights);
  CHECK(result.library == "DeepCTR-Torch");
  CHECK(result.model == "MMOE");
  const json description = json::parse(result.description);
  CHECK_FALSE(description["levels"][0]["experts"].contains("batch_norm"));
  CHECK_FALSE(description["levels"][0]["experts"].contains("slopes"));
  CHECK(description["levels"][0]["gates"]["hidden"]["layers"] == "gate_dnn.{task}.linears.{layer}");
  CHECK(description["towers"]["output_bias"] == "out.{task}.bias");
  BindReport report;
  const TrainedModel model = bind_description_text(result.description, weights, "m", &report);
  CHECK(model.input_dim == 8);
  CHECK(report.unused_tensors.empty());
}

TEST_CASE("a tower of the final layer alone, and gates without hidden layers") {
  MemoryWeights weights;
  for (const std::string n : {"0", "1"}) {
    weights.linear("expert_dnn." + n + ".linears.0", 4, 6).add("gate_dnn_final_layer." + n + ".weight", {2, 6});
    weights.add("tower_dnn_final_layer." + n + ".weight", {1, 4}).add("out." + n + ".bias", {1});
  }
  const RecipeResult result = describe(weights);
  const json description = json::parse(result.description);
  CHECK(description["towers"]["layers"] == json::array({"tower_dnn_final_layer.{task}"}));
  CHECK_FALSE(description["levels"][0]["gates"].contains("hidden"));
  const TrainedModel model = bind_description_text(result.description, weights, "m");
  CHECK(model.towers[0].layers.size() == 1);
  CHECK(model.towers[0].layers[0].bias.size() == 1);
}

TEST_CASE("prefixes of wrappers do not hide a library") {
  for (const char* prefix : {"module.", "model.", "module.model."}) {
    const MemoryWeights weights = deepctr_torch().with_prefix(prefix);
    const RecipeResult result = describe(weights);
    CHECK(result.model == "MMOE");
    CHECK(bind_description_text(result.description, weights, "m").features.size() == 3);
  }
}

TEST_CASE("PLE: dead weights are ignored with the reason, and nothing else is") {
  for (const char* prefix : {"", "module."}) {
    const MemoryWeights weights = deepctr_torch_ple().with_prefix(prefix);
    const RecipeResult result = describe(weights, R"({"activation": "relu", "features": []})");
    CHECK(result.model == "PLE");
    const json description = json::parse(result.description);
    CHECK(description["levels"].size() == 2);
    CHECK(description["levels"][0]["gates"].size() == 2);
    CHECK(description["levels"][1]["gates"].size() == 1);
    CHECK(description["levels"][0]["experts"][1]["num_experts"] == 1);
    CHECK(has_note(result, "nothing reads the last level's shared gate"));
    BindReport report;
    const TrainedModel model = bind_description_text(result.description, weights, "m", &report);
    CHECK(report.unused_tensors.empty());
    CHECK(model.levels[0].gates[0].experts.size() == 3);
    CHECK(model.levels[0].gates.back().experts.size() == 5);
  }
}

TEST_CASE("features: inferred from the tables, completed from the settings, put in the library's order") {
  const MemoryWeights weights = deepctr_torch();
  json features = json::parse(describe(weights).description)["features"];
  REQUIRE(features.size() == 3);
  CHECK(features[0] == json::parse(R"({"name": "user", "kind": "categorical", "vocabulary": {"identity": 5},
                                       "embedding": "embedding_dict.user.weight"})"));
  CHECK(features[2] == json::parse(R"({"name": "dense", "kind": "dense", "width": 2})"));

  const RecipeResult result = describe(deepctr_torch(11), R"({"activation": "relu", "features": [
    {"name": "price", "width": 2, "side": "item"}, {"name": "user", "vocabulary": ["a", "b"], "first_id": 1},
    {"name": "item"}, {"name": "last", "embedding_name": "item"}]})");
  CHECK(has_note(result, "reordered the features"));
  features = json::parse(result.description)["features"];
  REQUIRE(features.size() == 4);
  CHECK(features[0]["vocabulary"] == json::array({"a", "b"}));
  CHECK(features[2]["embedding"] == "embedding_dict.item.weight");
  CHECK(features[2]["vocabulary"] == json::parse(R"({"identity": 7})"));
  CHECK_FALSE(features[2].contains("embedding_name"));
  CHECK(features[3]["kind"] == "dense");
  CHECK(features[3]["side"] == "item");
  CHECK(bind_description_text(result.description, deepctr_torch(11), "m").input_dim == 11);
}

TEST_CASE("features: the caller passes x where the list is empty; a table that is missing is named") {
  const json description =
      json::parse(describe(deepctr_torch(), R"({"activation": "relu", "features": []})").description);
  CHECK_FALSE(description.contains("features"));
  CHECK(contains(error_of(deepctr_torch(), R"({"features": [{"name": "shop", "kind": "categorical"}]})"),
                 "there is no embedding_dict.shop.weight"));
  CHECK(
      contains(error_of(deepctr_torch(5), R"({"activation": "relu"})"), "the tables are 6 wide together, but x is 5"));
}

TEST_CASE("tasks: named and linked by default with a note, by name, and counted") {
  const RecipeResult result = describe(deepctr_torch());
  CHECK(has_note(result, "took the tasks to be task_0, task_1"));
  const json tasks = json::parse(describe(deepctr_torch(), R"({"activation": "relu",
    "tasks": ["click", {"name": "dwell", "link": "identity"}]})")
                                     .description)["tasks"];
  CHECK(tasks == json::parse(R"([{"name": "click", "link": "sigmoid"}, {"name": "dwell", "link": "identity"}])"));
  CHECK(contains(error_of(deepctr_torch(), R"({"tasks": ["a"]})"), "tasks: found a list of 1, expected 2"));
}

TEST_CASE("activations: by any of a library's names, per part, and never guessed") {
  CHECK(contains(error_of(deepctr_torch(), "{}"), "activation: missing"));
  CHECK(contains(error_of(deepctr_torch(), "{}"), "dnn_activation"));
  CHECK(contains(error_of(deepctr_torch(), R"({"activation": {"experts": "relu"}})"), "the gates were trained with"));
  CHECK(contains(error_of(deepctr_torch(), R"({"activation": {"expert": "relu"}})"), "activation.expert: unknown key"));
  const json description = json::parse(describe(deepctr_torch(), R"({"activation":
    {"experts": "nn.ReLU", "gates": {"kind": "elu", "alpha": 0.5}, "towers": ["Tanh"]}})")
                                           .description);
  CHECK(description["levels"][0]["experts"]["activation"] == "relu");
  CHECK(description["levels"][0]["gates"]["hidden"]["activation"] == json::parse(R"({"kind": "elu", "alpha": 0.5})"));
  CHECK(description["towers"]["activation"] == json::array({"tanh"}));
}

TEST_CASE("what no recipe knows is refused by name") {
  MemoryWeights weights;
  weights.linear("body.0", 2, 3);
  CHECK(contains(error_of(weights, "{}"),
                 "not those of a model that a recipe is for (the file's first is body.0.weight)"));
  CHECK(contains(error_of(deepctr_torch(), "{}", "mtreclib"), "not those of MTReclib MMoE"));
  CHECK(contains(error_of(deepctr_torch(), "{}", "nolib"), "no recipe \"nolib\"; there are " + join(recipe_names())));
  const std::string no_model = error_of(deepctr_torch(), R"({"model": "Other"})");
  CHECK(contains(no_model, "model: found \"Other\", expected one of "));
  CHECK(contains(no_model, "DeepCTR-Torch MMOE, DeepCTR-Torch PLE"));
  CHECK(contains(error_of(deepctr_torch(), R"({"model": "PLE"})"), "the tensors' names are not those of"));
  CHECK(contains(error_of(deepctr_torch(), R"({"activations": "relu"})"), "activations: unknown key"));
  CHECK(contains(error_of(deepctr_torch(), "[1]"), "found"));
  CHECK(contains(error_of(MemoryWeights(), "{}"), "write a description"));
}

TEST_CASE("settings of the wrong type are errors") {
  for (const char* settings :
       {R"({"activation": "relu", "experts": {"layers": 3}})",
        R"({"activation": "relu", "features": [{"name": "user", "kind": 3}]})", R"({"model": 3})", R"({"recipe": []})",
        R"({"tasks": {}})", R"({"activation": "relu", "features": [{"name": "last", "embedding_name": 3}]})"}) {
    CAPTURE(settings);
    const std::string error = error_of(deepctr_torch(), settings);
    const bool bound = error.empty();  // what the recipe passes on, binding refuses
    if (bound) CHECK_FALSE(test::bind_error(describe(deepctr_torch(), settings).description, deepctr_torch()).empty());
  }
}

TEST_CASE("MTReclib: fields of one packed table have to be counted out") {
  MemoryWeights weights;
  weights.add("embedding.embedding.weight", {9, 2}).linear("numerical_layer", 2, 3);
  weights.linear("bottom.mlp.0", 4, 6).norm("bottom.mlp.1", 4);
  for (const std::string task : {"0", "1"}) {
    const std::string tower = "tower." + task + ".mlp.";
    weights.linear(tower + "0", 3, 4).norm(tower + "1", 3).linear(tower + "4", 1, 3);
  }
  CHECK(contains(error_of(weights, "{}"), "field_dims: missing: the sizes of the 2 categorical fields"));
  CHECK(contains(error_of(weights, R"({"field_dims": [4, 4]})"), "9 together"));
  CHECK(contains(error_of(weights, R"({"field_dims": [4, 4, 1]})"), "the sizes of the 2 categorical fields"));
  const RecipeResult result = describe(weights, R"({"field_dims": [4, 5]})");
  CHECK(result.model == "SharedBottom");
  const json features = json::parse(result.description)["features"];
  CHECK(features[1]["first_row"] == 4);
  CHECK(features[1]["vocabulary"]["identity"] == 5);
  CHECK(bind_description_text(result.description, weights, "m").input_dim == 6);
}

TEST_CASE("settings and descriptions are told apart") {
  CHECK(is_recipe_settings(R"({"activation": "relu"})"));
  CHECK(is_recipe_settings("{}"));
  CHECK_FALSE(is_recipe_settings(R"({"mmoe_description": 1})"));
  // Descriptions whose version was forgotten.
  for (const char* key : {"levels", "trunk", "nodes", "derived", "numbers", "input_dim", "architecture"}) {
    CHECK_FALSE(is_recipe_settings(std::string("{\"") + key + "\": []}"));
  }
}

}  // namespace
}  // namespace mmoe::converter
