// Nodes of recipes: what of them the file has, what is read where it has them not, and what is refused.
#include "converter/recipes/nodes.h"

#include <doctest/doctest.h>

#include "converter/recipes/recipe.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using nlohmann::json;
using test::contains;
using test::MemoryWeights;
using test::replaced;

json description_of(const WeightSource& weights, const std::string& settings) {
  return json::parse(describe_by_recipe(weights, "", settings, "").description);
}

std::string error_of(const WeightSource& weights, const std::string& settings) {
  try {
    const RecipeResult result = describe_by_recipe(weights, "", settings, "");
    bind_description_text(result.description, weights, "m", nullptr, UnusedTensors::kRefuse);
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

TrainedModel model_of(const WeightSource& weights, const std::string& settings) {
  const RecipeResult result = describe_by_recipe(weights, "", settings, "");
  return bind_description_text(result.description, weights, "m", nullptr, UnusedTensors::kRefuse);
}

/// TorchEasyRec's DBMTL of two tasks: x of 6 columns, streams of 5, layers of the tasks in `own`, relations of "cvr".
MemoryWeights dbmtl(bool bottom, bool experts, const std::vector<std::string>& own) {
  MemoryWeights weights;
  const auto layer = [&](const std::string& module, uint64_t outputs, uint64_t inputs) {
    weights.linear(module + ".mlp.0.perceptron.0", outputs, inputs);
  };
  if (bottom) layer("bottom_mlp", 6, 6);
  for (const std::string n : {"0", "1"}) {
    if (experts) layer("mmoe.expert_mlps." + n, 6, 6);
    if (experts) weights.linear("mmoe.gate_finals." + n, 2, 6);
  }
  const auto width = [&](const std::string& task) -> uint64_t {
    return std::count(own.begin(), own.end(), task) == 0 ? 6 : 5;
  };
  for (const std::string& task : own) layer("task_mlps." + task, 5, 6);
  layer("relation_mlps.cvr", 4, width("ctr") + width("cvr"));
  return weights.linear("task_outputs.0", 1, width("ctr")).linear("task_outputs.1", 1, 4);
}

const char* const kDbmtl =
    R"({"activation": "relu", "tasks": ["ctr", "cvr"], "relation_tower_names": {"cvr": ["ctr"]}})";

TEST_CASE("recipe nodes: what the file does not have is left out, and its readers read what stands in its place") {
  const json all = description_of(dbmtl(true, true, {"ctr", "cvr"}), kDbmtl);
  CHECK(all["nodes"].size() == 1);
  CHECK(all["levels"][0]["experts"]["reads"] == "bottom");
  CHECK(all["levels"][0]["nodes"][0]["reads"] == "mmoe");
  CHECK_FALSE(all["levels"][0]["nodes"][0].contains("tasks"));
  const json& related = all["levels"][0]["nodes"][1]["task_by_task"];
  CHECK(related[0]["tasks"] == json::array({"cvr"}));
  CHECK(related[0]["reads"] == json::array({"{task}.own", "ctr.related"}));
  CHECK(related[1] == json::parse(R"({"name": "{task}.related", "tasks": ["ctr"], "sum": ["{task}.own"]})"));

  const json none = description_of(dbmtl(false, false, {}), kDbmtl);
  CHECK_FALSE(none.contains("levels"));
  CHECK(none["nodes"][0]["task_by_task"][0]["reads"] == json::array({"input", "ctr.related"}));
  CHECK(none["nodes"][0]["task_by_task"][1]["sum"] == json::array({"input"}));
}

TEST_CASE("recipe nodes: each form that the library has binds, and uses every tensor") {
  for (const bool bottom : {false, true}) {
    for (const bool experts : {false, true}) {
      for (const std::vector<std::string>& own :
           std::vector<std::vector<std::string>>{{}, {"ctr"}, {"cvr"}, {"ctr", "cvr"}}) {
        if (!bottom && !experts && own.empty()) continue;  // x has no width then
        CAPTURE(bottom);
        CAPTURE(experts);
        CAPTURE(own.size());
        const TrainedModel model = model_of(dbmtl(bottom, experts, own), kDbmtl);
        CHECK(model.architecture == "DBMTL");
        CHECK(model.input_dim == 6);
      }
    }
  }
}

TEST_CASE("recipe nodes: relations are asked for, and are those of tasks that there are") {
  const MemoryWeights weights = dbmtl(true, true, {"ctr", "cvr"});
  CHECK(contains(error_of(weights, R"({"activation": "relu", "tasks": ["ctr", "cvr"]})"),
                 "relation_tower_names: missing: which tasks' streams the layers relation_mlps.{task}"));
  CHECK(contains(error_of(weights, R"({"activation": "relu", "tasks": ["ctr", "cvr"], "relation_tower_names": {}})"),
                 "relation_tower_names.cvr: missing"));
  CHECK(contains(error_of(weights, R"({"activation": "relu", "tasks": ["ctr", "cvr"],
                                       "relation_tower_names": {"cvr": ["ctn"]}})"),
                 "relation_tower_names.cvr[0]: found \"ctn\""));
  CHECK(contains(error_of(weights, R"({"activation": "relu", "tasks": ["ctr", "cvr"],
                                       "relation_tower_names": {"buy": ["ctr"]}})"),
                 "relation_tower_names.buy: unknown key"));
  CHECK(contains(error_of(weights, R"({"activation": "relu", "tasks": ["ctr", "cvr"],
                                       "relation_tower_names": {"cvr": []}})"),
                 "relation_mlps.cvr.mlp.0.perceptron.0.weight: [4, 10], expected"));
  CHECK(contains(
      error_of(weights, R"({"activation": "relu"})"),
      "tasks: the layers task_mlps.ctr.mlp.* are there for \"ctr\", which is no task: give the names of the file "
      "in `tasks`, in the library's order, such as {\"tasks\": [\"ctr\",\"cvr\"]}"));
  CHECK_FALSE(contains(error_of(dbmtl(true, true, {"cvr"}), R"({"activation": "relu"})"), "such as"));
  // A task reads those before it, each once.
  for (const char* other : {"cvr", "buy"}) {
    CHECK(contains(error_of(weights, replaced(R"({"activation": "relu", "tasks": ["ctr", "cvr"],
                                                  "relation_tower_names": {"cvr": ["ctr", "OTHER"]}})",
                                              "OTHER", other)),
                   std::string("relation_tower_names.cvr[1]: found \"") + other + "\", expected "));
  }
  CHECK(contains(error_of(weights, R"({"activation": "relu", "tasks": ["cvr", "ctr"],
                                       "relation_tower_names": {"cvr": ["ctr"]}})"),
                 "relation_tower_names.cvr[0]: found \"ctr\", expected a task that stands before \"cvr\" in `tasks`"));
  CHECK(contains(error_of(weights, R"({"activation": "relu", "tasks": ["ctr", "cvr"],
                                       "relation_tower_names": {"cvr": ["ctr", "ctr"]}})"),
                 "relation_tower_names.cvr[1]: is there twice"));
}

TEST_CASE("recipe nodes: a part of the library's model that has no place is refused by name, with what is missing") {
  MemoryWeights weights = dbmtl(true, true, {"ctr", "cvr"});
  weights.add("mask_net.ln_emb.weight", {6}).add("mask_net.ln_emb.bias", {6});
  CHECK(contains(error_of(weights, kDbmtl), "mask_net.ln_emb.weight: a layer norm"));
}

/// MTReclib's AITM, x itself of 6 columns.
MemoryWeights aitm(size_t num_tasks) {
  MemoryWeights weights;
  for (size_t i = 0; i < num_tasks; ++i) {
    const std::string n = std::to_string(i);
    weights.linear("bottom." + n + ".mlp.0", 4, 6).norm("bottom." + n + ".mlp.1", 4);
    weights.linear("tower." + n + ".mlp.0", 3, 4)
        .norm("tower." + n + ".mlp.1", 3)
        .linear("tower." + n + ".mlp.4", 1, 3);
    if (i > 0) weights.linear("g." + std::to_string(i - 1), 4, 4);
  }
  return weights.linear("h1", 4, 4).linear("h2", 4, 4).linear("h3", 4, 4);
}

TEST_CASE("recipe nodes: AITM of any number of tasks, scaled by the width of its keys") {
  for (const size_t num_tasks : {2, 3, 5}) {
    const TrainedModel model = model_of(aitm(num_tasks), R"({"features": []})");
    CHECK(model.architecture == "AITM");
    CHECK(model.nodes.size() == num_tasks + 1 + 11 * (num_tasks - 1));
    const Node& scores = model.nodes[num_tasks + 1 + 7];
    CHECK(scores.name == "task_1.scores");
    CHECK(scores.scale == 0.5f);
    CHECK(scores.group == 4);
    CHECK(scores.width() == 2);
  }
  CHECK(contains(error_of(aitm(3).remove("g.1.weight").remove("g.1.bias"), R"({"features": []})"),
                 "found 1 task (0), expected 2 or 3"));
  CHECK(contains(error_of(aitm(2).linear("g.1", 4, 4), R"({"features": []})"), "2 tensors of the file are not used"));
}

/// FuxiCTR's PLE of two levels: gates 0 and 1 of the tasks, gate 2 of the shared experts.
MemoryWeights fuxictr_ple() {
  MemoryWeights weights;
  for (const std::string level : {"0", "1"}) {
    const std::string module = "cgc_layers." + level + ".";
    for (const std::string n : {"0", "1"}) {
      weights.linear(module + "specific_experts." + n + ".0.mlp.0", 6, 6).linear(module + "gate." + n + ".mlp.0", 2, 6);
    }
    weights.linear(module + "shared_experts.0.mlp.0", 6, 6).linear(module + "gate.2.mlp.0", 2, 6);
  }
  return weights.linear("tower.0.mlp.0", 1, 6).linear("tower.1.mlp.0", 1, 6);
}

TEST_CASE("recipes: what is numbered behind the tasks is none") {
  MemoryWeights weights = fuxictr_ple();
  weights.remove("cgc_layers.0.gate.2.mlp.0.weight").remove("cgc_layers.0.gate.2.mlp.0.bias");
  weights.linear("cgc_layers.0.gate.2.mlp.0", 1, 6);
  const TrainedModel model = model_of(weights, R"({"activation": "relu", "features": []})");
  CHECK(model.levels[0].gates.size() == 3);
  CHECK(model.levels[0].gates[2].experts == std::vector<size_t>{2});
  CHECK(model.levels[1].gates.size() == 2);
}

/// TorchEasyRec's PEPNet of two tasks with two layers each: 4 columns of all features, 2 of the domain's, 3 of uia.
MemoryWeights pepnet(bool epnet, size_t num_linears = 4) {
  MemoryWeights weights;
  if (epnet) weights.linear("epnet.gate_nu.dense_layers.0", 5, 6).linear("epnet.gate_nu.dense_layers.2", 4, 5);
  for (size_t i = 0; i < num_linears; ++i) {
    const std::string n = std::to_string(i), gate = "ppnet.gate_nus." + n + ".dense_layers.";
    const size_t width = i % 2 == 0 ? 5 : 3;
    weights.linear("ppnet.linears." + n, width, i % 2 == 0 ? 4 : 5);
    weights.linear(gate + "0", width, 7).linear(gate + "2", width, width);
  }
  for (const std::string task : {"0", "1"}) weights.linear("_task_tower." + task + ".linear", 1, 3);
  return weights.add("user.weight", {6, 2}).add("item.weight", {5, 2}).add("domain.weight", {3, 2});
}

// Settings with these features.
std::string with_features(const std::string& features) {
  return R"({"activation": "relu", "features": [)" + features + "]}";
}

const char* const kNoFeatures =
    R"({"activation": "relu", "features": [], "ignore": ["*user.*", "*item.*", "domain.*"]})";

std::string table(const std::string& name, const std::string& tensor) {
  return R"({"name": ")" + name + R"(", "kind": "categorical", "vocabulary": {"identity": 2}, "embedding": ")" +
         tensor + R"(.weight"})";
}

TEST_CASE("recipe columns: counted, where the caller passes x; a part that is not there has none") {
  const TrainedModel model = model_of(pepnet(true), kNoFeatures);
  CHECK(model.architecture == "PEPNet");
  CHECK(model.input_dim == 9);
  CHECK(model.nodes.size() == 2 + 2 * 2 * 3);
  const json described = description_of(pepnet(true), kNoFeatures);
  CHECK(described["nodes"][0]["reads"] == json::parse(R"([{"first": 4, "count": 2}, {"first": 0, "count": 4}])"));
  CHECK(described["nodes"][8]["tasks"] == json::array({"task_0"}));
  CHECK(described["nodes"][8]["layers"] == json::array({"ppnet.linears.1"}));
  CHECK(described["nodes"][8]["reads"] == json::array({"{task}.personal.0"}));
  CHECK(described["nodes"][11]["layers"] == json::array({"ppnet.linears.3"}));

  const TrainedModel without = model_of(pepnet(false), kNoFeatures);
  CHECK(without.input_dim == 7);
  CHECK(without.nodes.size() == 2 * 2 * 3);
  CHECK(contains(error_of(pepnet(false, 3), kNoFeatures), "3 of them are not shared out evenly among 2 tasks"));
}

TEST_CASE("recipe columns: the features that they are, which must add up") {
  const std::string all = table("user", "user") + ", " + table("item", "item");
  const std::string domain = table("domain", "domain"), uia = R"({"name": "numbers", "kind": "dense", "width": 3})";
  const json described = description_of(pepnet(true), with_features(all + "," + domain + "," + uia));
  CHECK_FALSE(described.contains("input_dim"));
  CHECK(described["nodes"][0]["reads"] == json::array({"domain", "user", "item"}));
  CHECK(described["nodes"][1]["product"] == json::parse(R"(["epnet.gate", ["user", "item"]])"));
  CHECK(described["nodes"][3]["reads"] == json::array({"numbers", "personal"}));
  CHECK(model_of(pepnet(true), with_features(all + "," + domain + "," + uia)).input_dim == 9);
  CHECK(contains(error_of(pepnet(true), with_features(uia + "," + domain + "," + all)),
                 "features: those of all are 5 wide together; the model reads, in this order, columns 4 of all"));
  CHECK(contains(error_of(pepnet(true), with_features(all + "," + domain + "," + uia + R"(, {"name": "more",
                   "kind": "dense"})")),
                 "features: \"more\" stands behind all that is read"));
  CHECK(contains(error_of(pepnet(true), with_features(all)), "those of domain are 0 wide together"));
}

TEST_CASE("recipe features: a second table is a second feature of the column, behind all others") {
  MemoryWeights weights;
  const std::string own = "embedding_layer.embedding_layer.embedding_layers.";
  weights.add(own + "user.weight", {6, 2}).add(own + "item.weight", {5, 2}).add(own + "price.weight", {2, 1});
  for (const char* name : {"user", "price"}) {
    weights.add("gate_embed_layer.embedding_layer.embedding_layers." + std::string(name) + ".weight",
                name == std::string("user") ? std::vector<uint64_t>{6, 3} : std::vector<uint64_t>{3, 1});
  }
  weights.linear("ppn.mlp_layers.0.0", 4, 6).linear("ppn.mlp_layers.1", 1, 4);
  weights.linear("ppn.gate_layers.0.gate.0", 5, 12).linear("ppn.gate_layers.0.gate.2", 4, 5);
  const std::string settings = R"({"activation": "relu", "features": [{"name": "user", "column": "uid"},
                                   {"name": "item"}, {"name": "price"}]})";
  const json described = description_of(weights, settings);
  REQUIRE(described["features"].size() == 5);
  CHECK(described["features"][3]["name"] == "user.gate");
  CHECK(described["features"][3]["column"] == "uid");
  CHECK(described["features"][4]["column"] == "price");
  CHECK(described["nodes"][1]["reads"] == json::array({"user", "item", "price", "user.gate", "price.gate"}));
  const TrainedModel model = model_of(weights, settings);
  CHECK(model.architecture == "PPNet");
  CHECK(model.input_dim == 12);
  CHECK(contains(error_of(weights, R"({"features": []})"), "activation: missing"));
}

/// DeepFM of torch-rechub: three fields of 2 columns and a number; WideDeep has the same names.
MemoryWeights rechub_deep_fm(size_t of_fm) {
  MemoryWeights weights;
  for (const char* name : {"a", "b", "c"}) weights.add("embedding.embed_dict." + std::string(name) + ".weight", {4, 2});
  return weights.linear("linear.fc", 1, of_fm).linear("mlp.mlp.0", 5, 7).norm("mlp.mlp.1", 5).linear("mlp.mlp.4", 1, 5);
}

TEST_CASE("recipes: a model whose names another model has too is taken for it only when it is named") {
  const std::string features = R"("features": [{"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "price"}])";
  const std::string settings = R"({"activation": "relu", )" + features;
  CHECK(contains(error_of(rechub_deep_fm(6), settings + "}"),
                 "say which it is: WideDeep (torch-rechub), DeepFM (torch-rechub)"));
  const TrainedModel model = model_of(rechub_deep_fm(6), settings + R"(, "model": "DeepFM"})");
  CHECK(model.architecture == "DeepFM");
  CHECK(model.nodes[1].group == 2);
  CHECK(model.nodes[1].input_width == 6);
  CHECK(contains(error_of(rechub_deep_fm(5), settings + R"(, "model": "DeepFM"})"),
                 "features: those of fm.fields are 6 wide together"));
  CHECK(contains(error_of(rechub_deep_fm(8), settings + R"(, "model": "DeepFM"})"), "columns: 7 hold no \"others\""));
}

TEST_CASE("recipes: cross layers, one node after the other") {
  MemoryWeights weights;
  for (const std::string n : {"0", "1", "2"})
    weights.add("crossnet.w." + n + ".weight", {4, 4}).add("crossnet.b." + n, {4});
  weights.linear("stacked_dnn.mlp.0", 3, 4).norm("stacked_dnn.mlp.1", 3).linear("linear.fc", 1, 3);
  const TrainedModel model = model_of(weights, R"({"activation": "relu", "features": []})");
  CHECK(model.architecture == "DCN v2");
  CHECK(model.input_dim == 4);
  REQUIRE(model.nodes.size() == 10);
  CHECK(model.nodes[8].name == "cross.2");
  CHECK(model.nodes[8].constant == weights.data("crossnet.b.2"));
  CHECK(model.nodes[9].input == StreamRef(StreamSource::kNode, 8));
}

TEST_CASE("recipes: cross layers that mix experts of a low rank, with what of the deep parts there is") {
  MemoryWeights weights;
  for (const std::string n : {"0", "1"}) {
    for (const char* list : {"u", "v"}) weights.add(std::string("crossnet.") + list + "_list." + n, {3, 4, 2});
    weights.add("crossnet.c_list." + n, {3, 2, 2}).add("crossnet.bias." + n, {4, 1});
  }
  for (const std::string n : {"0", "1", "2"}) weights.add("crossnet.gating." + n + ".weight", {1, 4});
  const std::string settings = R"({"activation": "relu", "features": []})";
  MemoryWeights parallel = weights, stacked = weights;
  parallel.linear("parallel_dnn.mlp.0", 3, 4).norm("parallel_dnn.mlp.1", 3).linear("linear.fc", 1, 7);
  stacked.linear("stacked_dnn.mlp.0", 3, 4).norm("stacked_dnn.mlp.1", 3).linear("linear.fc", 1, 3);
  weights.linear("linear.fc", 1, 4);
  CHECK(model_of(weights, settings).nodes.size() == 2 * (3 * 3 + 5));
  CHECK(model_of(parallel, settings).nodes.size() == 2 * (3 * 3 + 5) + 1);
  const TrainedModel model = model_of(stacked, settings);
  CHECK(model.nodes.size() == 2 * (3 * 3 + 5) + 1);
  CHECK(model.nodes.back().input == StreamRef(StreamSource::kNode, 2 * (3 * 3 + 5) - 1));
}

/// DeepCTR-Torch's DeepFM, WDL or NFM: two tables of 3 columns, and `dense` columns.
MemoryWeights ranker(uint64_t dense) {
  MemoryWeights weights;
  for (const std::string name : {"user", "item"}) {
    weights.add("embedding_dict." + name + ".weight", {7, 3});
    weights.add("linear_model.embedding_dict." + name + ".weight", {7, 1});
  }
  if (dense > 0) weights.add("linear_model.weight", {dense, 1});
  weights.linear("dnn.linears.0", 4, 6 + dense).add("dnn_linear.weight", {1, 4});
  return weights.add("out.bias", {1});
}

json names_of(const json& list) {
  json names = json::array();
  for (const json& item : list) names.push_back(item["name"]);
  return names;
}

TEST_CASE("recipe columns: features by their kinds, and what reads none of them is left out") {
  const std::string settings = R"({"model": "DeepFM", "activation": "relu",
                                   "features": [{"name": "price"}, {"name": "item"}, {"name": "user"}]})";
  const json with = description_of(ranker(1), settings);
  CHECK(names_of(with["features"]) == json::array({"item", "user", "price", "item.linear", "user.linear"}));
  CHECK(names_of(with["nodes"]) ==
        json::array({"linear", "linear.numbers", "pairs", "fm", "deep", "deep.logit", "logit"}));
  CHECK(with["nodes"][0]["sum_within_groups"] == json::array({"item.linear", "user.linear"}));
  CHECK(with["nodes"][1]["reads"] == json::array({"price"}));
  CHECK(with["nodes"][4]["reads"] == json::array({"item", "user", "price"}));
  const json without = description_of(ranker(0), R"({"model": "DeepFM", "activation": "relu"})");
  CHECK(names_of(without["nodes"]) == json::array({"linear", "pairs", "fm", "deep", "deep.logit", "logit"}));
  CHECK(without["nodes"].back()["sum"] == json::array({"linear", "fm", "deep.logit"}));
  CHECK(model_of(ranker(1), settings).architecture == "DeepFM");
  CHECK(model_of(ranker(0), R"({"model": "WDL", "activation": "relu"})").architecture == "Wide & Deep");
  CHECK(contains(error_of(ranker(1), R"({"model": "DeepFM", "activation": "relu", "features": []})"),
                 "features: the model treats them by their kinds"));
}

TEST_CASE("recipes: models that have no place in a description are refused by name, with what is missing") {
  MemoryWeights batch;
  batch.add("dn_share_gamma", {4}).add("share_parm_w.0", {4, 3});
  CHECK(contains(error_of(batch, "{}"),
                 "dn_share_gamma: its domain norm takes mean and variance of the rows of a batch"));
  CHECK(contains(error_of(batch, "{}"), "in the Star of Scenario-Wise-Rec"));
  MemoryWeights rows;
  rows.add("transformer.encoder.layers.0.self_attn.in_proj_weight", {12, 4}).linear("experts.0.mlp.0", 3, 4);
  CHECK(contains(error_of(rows.linear("meta_tower_w_mlp.mlp.0", 9, 3), "{}"),
                 "its transformer takes the rows of a batch for the elements of a sequence"));
  CHECK(contains(error_of(rows, "{}"), "in the M2M of Scenario-Wise-Rec"));
  MemoryWeights clusters;
  clusters.add("domain_w.0.0", {4, 3}).add("domain_b.0.0", {3});
  CHECK(contains(error_of(clusters, "{}"), "domain_w.0.0: the centers of its clusters"));
  MemoryWeights images;
  images.add("encoder.cross_unit", {4, 2}).add("decoders.click.0.weight", {1, 4});
  CHECK(contains(error_of(images, R"({"activation": "relu"})"),
                 "encoder.cross_unit: the library builds it of the stages"));
  MemoryWeights levels;
  levels.add("lev_0.lev_0_exp_0_0.weight", {4, 3}).add("tower_out_0.weight", {3, 2});
  CHECK(contains(error_of(levels, "{}"), "its forward() takes expert i * task_num + j for expert j of task i"));
}

TEST_CASE("recipes: models of the same names are told apart by the settings, and one task may be a regression") {
  CHECK(contains(
      error_of(ranker(1), R"({"activation": "relu"})"),
      "model: missing: the tensors' names are those of several models; say which it is: DeepFM (DeepCTR-Torch), "
      "WDL (DeepCTR-Torch), NFM (DeepCTR-Torch). For example {\"model\": \"DeepFM\"}"));
  const json tasks = description_of(ranker(0), R"({"model": "WDL", "activation": "relu",
                                                   "tasks": [{"name": "dwell", "link": "identity"}]})")["tasks"];
  CHECK(tasks == json::parse(R"([{"name": "dwell", "link": "identity"}])"));
  CHECK(contains(error_of(ranker(0), R"({"model": "WDL", "activation": "relu", "tasks": ["a", "b"]})"),
                 "tasks: found a list of 2, expected 1"));
}

/// DeepCTR-Torch's DIN: items of 3 columns.
MemoryWeights din() {
  MemoryWeights weights;
  weights.add("embedding_dict.item.weight", {9, 3}).linear("dnn.linears.0", 4, 6).add("dnn_linear.weight", {1, 4});
  weights.linear("attention.local_att.dnn.linears.0", 5, 12).linear("attention.local_att.dense", 1, 5);
  return weights.add("out.bias", {1});
}

TEST_CASE("recipe columns: a history is attended to by the feature whose name it has") {
  const std::string settings = R"({"activation": {"experts": "relu", "gates": "sigmoid"}, "features": [{"name": "item"},
    {"name": "hist_item", "embedding_name": "item", "kind": "sequence", "length": 4, "pooling": "none"}]})";
  const json node = description_of(din(), settings)["nodes"][0];
  CHECK(node["attention"] == json::parse(R"({"query": ["item"], "sequences": ["hist_item"]})"));
  CHECK(model_of(din(), settings).nodes.size() == 4);
  CHECK(contains(error_of(din(), replaced(settings, R"("hist_item")", R"("seen")")),
                 "features: \"seen\" keeps its elements, but its name is not \"hist_\" and the name of a feature"));
  CHECK(contains(error_of(din(), replaced(settings, R"("none")", R"("sum")")), "features: none is a history"));
}

/// DeepCTR-Torch's DCN, with vectors or matrices for `layers` layers; or DCNMix with two experts of rank 2.
MemoryWeights cross(const std::string& kind, uint64_t layers) {
  MemoryWeights weights;
  weights.add("embedding_dict.user.weight", {7, 3}).linear("dnn.linears.0", 4, 3).add("dnn_linear.weight", {1, 7});
  weights.add("linear_model.embedding_dict.user.weight", {7, 1}).add("crossnet.bias", {layers, 3, 1});
  if (kind != "mixture")
    return weights.add("crossnet.kernels", {layers, 3, kind == "vector" ? 1u : 3u}).add("out.bias", {1});
  for (const std::string list : {"U", "V"}) weights.add("crossnet." + list + "_list", {layers, 2, 3, 2});
  weights.add("crossnet.C_list", {layers, 2, 2, 2});
  for (const std::string n : {"0", "1"}) weights.add("crossnet.gating." + n + ".weight", {1, 3});
  return weights.add("out.bias", {1});
}

TEST_CASE("recipe nodes: repetitions count what the description makes, and stand within each other") {
  const std::string settings = R"({"activation": "relu"})";
  for (const uint64_t layers : {1, 3}) {
    CHECK(model_of(cross("vector", layers), settings).nodes.size() == 5 + 3 * layers);
    CHECK(model_of(cross("matrix", layers), settings).nodes.size() == 5 + 3 * layers);
    const TrainedModel mixture = model_of(cross("mixture", layers), settings);
    CHECK(mixture.nodes.size() == 5 + (3 * 2 + 5) * layers);
    CHECK(mixture.architecture == "DCN v2");
  }
  CHECK(model_of(cross("vector", 2), settings).architecture == "DCN");
  const json nodes = description_of(cross("mixture", 2), settings)["nodes"];
  const auto of_name = [&](const std::string& name) {
    for (const json& node : nodes) {
      if (node["name"] == name) return node;
    }
    return json();
  };
  CHECK(of_name("v.1.0")["reads"] == "cross.0");
  CHECK(of_name("weights.1")["softmax"] == json::array({"gate.1.0", "gate.1.1"}));
  CHECK(of_name("weighted.1")["product"] == json::parse(R"(["weights.1", ["uv.1.0", "uv.1.1"]])"));
}

/// DeepCTR-Torch's AutoInt: one layer of 4 columns, with or without a residual.
MemoryWeights auto_int(bool residual) {
  MemoryWeights weights;
  for (const std::string name : {"user", "item"}) {
    weights.add("embedding_dict." + name + ".weight", {7, 4});
    weights.add("linear_model.embedding_dict." + name + ".weight", {7, 1});
  }
  for (const char* part : {"Query", "key", "Value"}) weights.add(std::string("int_layers.0.W_") + part, {4, 4});
  if (residual) weights.add("int_layers.0.W_Res", {4, 4});
  return weights.linear("dnn.linears.0", 5, 8).add("dnn_linear.weight", {1, 13}).add("out.bias", {1});
}

TEST_CASE("recipe nodes: attention between elements, whose heads the settings say") {
  for (const bool residual : {false, true}) {
    const TrainedModel model = model_of(auto_int(residual), R"({"activation": "relu", "num_heads": 2})");
    const size_t attention = residual ? 5 : 4;
    REQUIRE(model.nodes.size() == attention + 5);
    CHECK(model.nodes[1].group == 4);
    CHECK(model.nodes[attention].heads == 2);
    CHECK(model.nodes[attention].scale == 1);
    CHECK(model.nodes[attention + 1].inputs.size() == (residual ? 2 : 1));
  }
  CHECK(contains(error_of(auto_int(true), R"({"activation": "relu"})"),
                 "num_heads: missing: how many heads the attention has, which is not in the weights"));
  CHECK(contains(error_of(auto_int(true), R"({"activation": "relu", "num_heads": 3})"), "heads"));
}

/// torch-rechub's DIN: items of 3 columns.
MemoryWeights rechub_din() {
  MemoryWeights weights;
  weights.add("embedding.embed_dict.item.weight", {9, 3}).add("embedding.embed_dict.user.weight", {4, 3});
  const auto dice = [&](const std::string& module, uint64_t outputs, uint64_t inputs) {
    weights.linear(module + ".0", outputs, inputs).norm(module + ".1", outputs).add(module + ".2.alpha", {1});
    weights.linear(module + ".4", 1, outputs);
  };
  dice("attention_layers.0.attention.mlp", 5, 12);
  dice("mlp.mlp", 4, 9);
  return weights;
}

TEST_CASE("recipe columns: where a library has no name for histories, the feature of the same table attends") {
  const std::string settings = R"({"activation": "dice", "features": [{"name": "user"}, {"name": "item"},
    {"name": "seen", "shared_with": "item", "kind": "sequence", "length": 4, "pooling": "none"}]})";
  const json description = description_of(rechub_din(), settings);
  CHECK(description["nodes"][0]["attention"] ==
        json::parse(R"({"query": ["item"], "sequences": ["seen"], "mask": false})"));
  CHECK(description["towers"]["reads"] == json::array({"interest.0", "item", "user"}));
  CHECK(model_of(rechub_din(), settings).architecture == "DIN");
  CHECK(contains(error_of(rechub_din(), replaced(settings, R"({"name": "item"},)", "")),
                 "features: \"seen\" keeps its elements, but no category that attends to them shares its table"));
  CHECK(contains(error_of(rechub_din(), replaced(settings, R"("none")", R"("sum")")), "features: none is a history"));
  const std::string two =
      replaced(settings, R"({"name": "item"},)",
               R"({"name": "item"}, {"name": "liked", "shared_with": "item", "kind": "categorical"},)");
  CHECK(contains(error_of(rechub_din(), two),
                 "\"item\" and \"liked\" share the table of \"seen\", and nothing says which of them attends to it"));
}

/// PaddleRec's DCN: two fields of one table of 3 columns and two numbers.
MemoryWeights paddle_dcn() {
  MemoryWeights weights;
  weights.add("embedding.weight", {9, 3}).add("layer_w", {8}).add("layer_b", {8});
  weights.add("linear_0.weight", {8, 4}).add("linear_0.bias", {4});
  return weights.add("fc.weight", {12, 1}).add("fc.bias", {1});
}

TEST_CASE("recipe columns: fields of one table, and cross layers whose number the settings say") {
  const std::string settings = R"({"cross_num": 2, "features": [
    {"name": "a", "kind": "categorical"}, {"name": "p", "kind": "dense"}, {"name": "b", "kind": "categorical"},
    {"name": "q", "kind": "dense"}]})";
  const TrainedModel model = model_of(paddle_dcn(), settings);
  CHECK(model.architecture == "DCN");
  CHECK(model.nodes.size() == 1 + 3 * 2 + 1);
  const json description = description_of(paddle_dcn(), settings);
  CHECK(description["nodes"][0]["sum"] == json::parse(R"([["a", "b", "p", "q"]])"));
  CHECK(description["features"][0]["embedding"] == "embedding.weight");
  CHECK_FALSE(description["features"][1].contains("embedding"));
  CHECK(contains(error_of(paddle_dcn(), replaced(settings, R"("cross_num": 2, )", "")),
                 "cross_num: missing: how many cross layers there are, which is not in the weights"));
  CHECK(contains(error_of(paddle_dcn(), replaced(settings, R"("cross_num": 2)", R"("cross_num": 0)")), "at least one"));
  CHECK(contains(error_of(paddle_dcn(), R"({"cross_num": 2})"),
                 "features: missing: all fields share embedding.weight, and how many there are is not in the weights"));
  CHECK(contains(error_of(paddle_dcn(), replaced(settings, R"("a", "kind": "categorical")", R"("a")")),
                 "features: \"a\": kind: missing: all fields share embedding.weight"));
  CHECK_FALSE(error_of(paddle_dcn(), replaced(settings, R"(, {"name": "b", "kind": "categorical"})", "")).empty());
}

/// TorchEasyRec's MultiTower: groups of 3 and 2 columns.
MemoryWeights multi_tower() {
  MemoryWeights weights;
  weights.linear("towers.user.mlp.0.perceptron.0", 4, 3).linear("towers.item.mlp.0.perceptron.0", 4, 2);
  return weights.linear("output_mlp", 1, 8);
}

TEST_CASE("recipe columns: a block for each module that has a name") {
  const std::string settings = R"({"activation": "nn.ReLU", "features": []})";
  const json description = description_of(multi_tower(), settings);
  CHECK(description["input_dim"] == 5);
  CHECK(names_of(description["nodes"]) == json::array({"tower.user", "tower.item"}));
  CHECK(description["nodes"][1]["reads"] == json::parse(R"([{"first": 3, "count": 2}])"));
  CHECK(description["towers"]["reads"] == json::array({"tower.user", "tower.item"}));
  MemoryWeights attends = multi_tower();
  attends.linear("din_towers.0.mlp.mlp.0.perceptron.0", 4, 12).linear("din_towers.0.linear", 1, 4);
  CHECK(contains(error_of(attends, settings), "which features are the query and the sequences of its attention"));
}

/// TorchEasyRec's DLRM: two numbers, and fields of 3 columns.
TEST_CASE("recipe columns: the rest of the features is a block") {
  MemoryWeights weights;
  weights.linear("dense_mlp.mlp.0.perceptron.0", 3, 2).linear("final_mlp.mlp.0.perceptron.0", 4, 3 + 3 + 6);
  weights.linear("output_mlp", 1, 4);
  const std::string settings = R"({"activation": "nn.ReLU", "features": [{"name": "price", "kind": "dense", "width": 2},
    {"name": "a", "kind": "dense", "width": 3}, {"name": "b", "kind": "dense", "width": 3}]})";
  const json description = description_of(weights, settings);
  CHECK(description["nodes"][1]["upper_pairs"] == json::array({"bottom", "a", "b"}));
  CHECK(model_of(weights, settings).architecture == "DLRM");
  CHECK(contains(error_of(weights, R"({"activation": "nn.ReLU", "features": []})"),
                 "features: missing: how many columns \"sparse\" has is not in the weights"));
  CHECK_FALSE(error_of(weights, replaced(settings, R"({"name": "b", "kind": "dense", "width": 3})",
                                         R"({"name": "b", "kind": "dense", "width": 6})"))
                  .empty());
}

}  // namespace
}  // namespace mmoe::converter
